//! Whom to wake, and whose links to settle then.

use super::TOGETHER;
use rollcall_shared::directory::{Target, TenantId};
use rollcall_shared::store::links::{self, MemberOf, Slot, Waiter, Wakes};
use rollcall_shared::store::{PgConnection, StoreError};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Most people one transaction locks, and most keys one statement asks for.
pub(super) const CHUNK: usize = 1_000;

/// What a transaction gives reason to look at once it is committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wake {
    /// Its rows in `wakes`, from which it is done again should this process die.
    pub(crate) ids: Vec<i64>,
    /// The run whose writing is the cause.
    pub(super) run: Option<Uuid>,
    /// Values that began or ceased to be held, and people and groups that came or went: all who
    /// wait for them look again.
    pub(super) arrived: BTreeSet<String>,
    /// Who and what was linked just now: whoever finds them gone parks the link again.
    pub(super) linked: BTreeSet<Target>,
    /// Links parked just now: they, and nobody else who waits for the same, look again.
    pub(super) parked: Vec<Waiter>,
}

impl Wake {
    /// Nobody yet, for the sake of a run.
    pub(super) fn of(run: Option<Uuid>) -> Wake {
        Wake {
            run,
            ..Wake::default()
        }
    }

    /// Write it down in the transaction it belongs to; `None` when there is nothing to look at.
    pub(super) async fn record(
        mut self,
        conn: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<Option<Wake>, StoreError> {
        let mut keys = self.arrived.clone();
        keys.extend(self.linked.iter().copied().map(Target::wait_key));
        keys.extend(self.parked.iter().map(|waiter| waiter.wait_key.clone()));
        let keys: Vec<String> = keys.into_iter().collect();
        Ok(links::insert_wakes(conn, tenant, &keys, self.run)
            .await?
            .map(|id| {
                self.ids.push(id);
                self
            }))
    }

    /// A row somebody else left: nothing is known of what its keys were about.
    pub(super) fn left(row: Wakes) -> Wake {
        Wake {
            ids: vec![row.id],
            run: row.run_id,
            arrived: row.keys.into_iter().collect(),
            ..Wake::default()
        }
    }

    /// Both in one.
    pub(super) fn and(mut self, other: Wake) -> Wake {
        self.ids.extend(other.ids);
        self.arrived.extend(other.arrived);
        self.linked.extend(other.linked);
        self.parked.extend(other.parked);
        self
    }

    /// People and teams that may be gone although somebody is linked to them.
    pub(super) fn targets(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let arrived = self.arrived.iter().filter_map(|key| Target::of_wait_key(key));
        let (mut people, mut teams) = (vec![], vec![]);
        for target in arrived.chain(self.linked.iter().copied()) {
            match target {
                Target::Person(id) => people.push(id),
                Target::Team(id) => teams.push(id),
            }
        }
        (people, teams)
    }
}

/// Whose links to settle.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    pub(super) people: BTreeSet<Uuid>,
    pub(super) members: BTreeSet<MemberOf>,
}

impl Subjects {
    pub(super) fn add(&mut self, waiter: Waiter) {
        if waiter.slot == Slot::Member as i16 {
            self.members.insert((waiter.subject_id, waiter.place));
        } else {
            self.people.insert(waiter.subject_id);
        }
    }

    /// Some of them, taken out; `None` when none are left. People and members of groups never together: whoever
    /// waits for a team is not to hold people meanwhile.
    pub(super) fn chunk(&mut self) -> Option<(Vec<Uuid>, Vec<MemberOf>)> {
        let people = take_first(&mut self.people, CHUNK);
        let members = match people.is_empty() {
            true => take_first(&mut self.members, TOGETHER),
            false => vec![],
        };
        (!people.is_empty() || !members.is_empty()).then_some((people, members))
    }
}

fn take_first<T: Ord>(set: &mut BTreeSet<T>, most: usize) -> Vec<T> {
    std::iter::from_fn(|| set.pop_first()).take(most).collect()
}
