//! The figures of a run.

use super::model::Outcome;
use super::write::{GroupWrite, UserWrite, Write};
use std::ops::AddAssign;

/// What became of the writes.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    /// Of these, by what was done.
    pub(super) posts: u64,
    pub(super) puts: u64,
    pub(super) patches: u64,
    pub(super) deletes: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
    pub(super) bulk_requests: u64,
    pub(super) bulk_operations: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.acknowledged += other.acknowledged;
        self.posts += other.posts;
        self.puts += other.puts;
        self.patches += other.patches;
        self.deletes += other.deletes;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.bulk_requests += other.bulk_requests;
        self.bulk_operations += other.bulk_operations;
    }
}

impl Tally {
    pub(super) fn count(&mut self, write: &Write, outcome: Outcome) {
        match outcome {
            Outcome::Acknowledged => self.acknowledge(write),
            Outcome::Unknown => self.unknown += 1,
            Outcome::Refused | Outcome::RefusedElsewhere => self.refused += 1,
        }
    }

    fn acknowledge(&mut self, write: &Write) {
        self.acknowledged += 1;
        match write {
            Write::User(_, UserWrite::Create(_)) | Write::Group(_, GroupWrite::Create(_)) => self.posts += 1,
            Write::User(_, UserWrite::Replace(_)) | Write::Group(_, GroupWrite::Replace { .. }) => {
                self.puts += 1;
            }
            Write::User(_, UserWrite::Patch { .. }) | Write::Group(_, GroupWrite::Patch(_)) => {
                self.patches += 1;
            }
            Write::User(_, UserWrite::Delete) | Write::Group(_, GroupWrite::Delete) => self.deletes += 1,
        }
    }
}
