//! Statements of one reconcile: lock and read what is, read what should be, write what differs.
//!
//! The locking reads come first; whatever a plan is made from is read by later statements of
//! the same READ COMMITTED transaction. A plan made from rows read before the lock could be
//! older than what the lock's former holder wrote.

mod desired;
mod failures;
mod history;
mod memberships;
mod pending;
mod people;
mod teams;

pub use desired::{DesiredGroup, DesiredPerson, desired_groups, desired_people, desired_references};
pub use failures::{Failure, clear_failures, record_failures};
pub use history::{Book, Cause, HistoryRow, RejectionRow, insert_history, open_rejections, write_rejections};
pub use memberships::{Membership, delete_memberships, insert_memberships, memberships};
pub use pending::{
    Finished, Settled, finish_pending, highest_pending, receipts, traceparents, workable_keys,
};
pub use people::{PersonRow, insert_people, lock_people, read_people, update_people};
pub use teams::{
    AttributeTeam, TeamRow, accepted_teams, create_attribute_teams, create_group_teams, empty_teams,
    find_attribute_teams, lock_teams, read_teams, update_teams,
};

use crate::directory::Key;
use uuid::Uuid;

/// Keys as the arrays the statements take.
struct KeyColumns {
    kind: Vec<i16>,
    id: Vec<Uuid>,
    member: Vec<String>,
}

impl KeyColumns {
    fn of<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> KeyColumns {
        KeyColumns {
            kind: keys.clone().map(Key::kind).collect(),
            id: keys.clone().map(Key::id).collect(),
            member: keys.map(|key| key.member().to_owned()).collect(),
        }
    }
}
