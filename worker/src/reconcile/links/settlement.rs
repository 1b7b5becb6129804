use rollcall_shared::directory::{Key, Target, TenantId};
use rollcall_shared::store::links::{self, Line, Part, Slot, Waiter, WaiterPlace};
use rollcall_shared::store::reconcile::{Membership, delete_memberships, insert_memberships};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// What settling changed.
#[derive(Debug, Default)]
pub(crate) struct Settlement {
    /// Who and what was linked just now: they may be on their way out.
    pub(crate) linked: BTreeSet<Target>,
    /// What was parked just now: what it waits for may have come in the meantime.
    pub(crate) newly_parked: Vec<Waiter>,
    /// Links that found their target, by slot.
    pub(crate) resolved: HashMap<Slot, u64>,
    /// Seconds that links waited which are resolved now.
    pub(crate) waited: Vec<(Slot, f64)>,
    /// Links that began to wait, by slot.
    pub(crate) parked: HashMap<Slot, u64>,
    /// Every link that is not as it was.
    pub(crate) changes: Vec<LinkChange>,
    /// What of it the directory shows, as its history tells it.
    pub(crate) turns: Vec<Turn>,
}

/// A link that began, ended, or leads to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkChange {
    pub(crate) slot: Slot,
    /// The person, or the team of a member link.
    pub(crate) subject: Uuid,
    /// Ordinal of a manager, folded value of a member, rule and folded name of an attribute team.
    pub(crate) place: String,
    pub(crate) before: Option<Target>,
    pub(crate) after: Option<Target>,
    /// What it waited for before this.
    pub(crate) waited_for: Option<String>,
    /// What it waits for from now on.
    pub(crate) waits_for: Option<String>,
}

impl LinkChange {
    pub(crate) fn key(&self) -> Key {
        match self.slot {
            Slot::Member => Key::Member(self.subject, self.place.clone()),
            Slot::Manager | Slot::AdditionalManager | Slot::Team => Key::Person(self.subject),
        }
    }

    /// A link that waits as before, for something else or in other words.
    pub(crate) fn only_waits(&self) -> bool {
        self.before.is_none() && self.after.is_none()
    }

    /// It waited, and now it is there.
    pub(crate) fn resolved(&self) -> bool {
        self.waited_for.is_some() && self.after.is_some()
    }
}

/// Whom a person reports to, or who or what is a member by one key, now other than before.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) key: Key,
    /// Who joined or left, of a member key that names a person.
    pub(crate) person: Option<Uuid>,
    pub(crate) field: Cow<'static, str>,
    pub(crate) old: Value,
    pub(crate) new: Value,
    /// The change that asserted the link; `None` when nobody did.
    pub(crate) asserted_seq: Option<i64>,
    /// The change last applied to whom the link leads to, or led to.
    pub(crate) target_seq: Option<i64>,
}

/// What becomes of links: what is to be written, and what follows from that.
#[derive(Debug, Default)]
pub(crate) struct LinkPlan {
    pub(super) ended_lines: Vec<(Uuid, i16, i16)>,
    pub(super) lines: Vec<Line>,
    pub(super) ended_members: Vec<Membership>,
    pub(crate) begun_members: Vec<Membership>,
    pub(super) ended_parts: Vec<Part>,
    pub(super) begun_parts: Vec<Part>,
    ended_waiters: Vec<WaiterPlace>,
    waiters: Vec<Waiter>,
    /// Those of the ended waiters whose very assertion found its target.
    found: HashMap<WaiterPlace, Slot>,
    /// Links that wait, as before or from now on.
    pub(crate) waiting: usize,
    pub(crate) settlement: Settlement,
}

impl LinkPlan {
    pub(crate) async fn write(
        mut self,
        conn: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<Settlement, StoreError> {
        links::delete_lines(conn, tenant, &self.ended_lines).await?;
        let lines: Vec<&Line> = self.lines.iter().collect();
        links::upsert_lines(conn, tenant, &lines).await?;
        delete_memberships(conn, tenant, &self.ended_members).await?;
        insert_memberships(conn, tenant, &self.begun_members).await?;
        links::delete_parts(conn, tenant, &self.ended_parts).await?;
        links::insert_parts(conn, tenant, &self.begun_parts).await?;
        for (place, seconds) in links::delete_waiters(conn, tenant, &self.ended_waiters).await? {
            if let Some(slot) = self.found.get(&place) {
                self.settlement.waited.push((*slot, seconds));
            }
        }
        let waiters: Vec<&Waiter> = self.waiters.iter().collect();
        links::upsert_waiters(conn, tenant, &waiters).await?;
        Ok(self.settlement)
    }
}
pub(super) fn by_place(waiters: Vec<Waiter>) -> HashMap<WaiterPlace, Waiter> {
    waiters
        .into_iter()
        .map(|waiter| (place_of(&waiter), waiter))
        .collect()
}

fn place_of(waiter: &Waiter) -> WaiterPlace {
    WaiterPlace {
        subject_id: waiter.subject_id,
        slot: waiter.slot,
        place: waiter.place.clone(),
    }
}

impl LinkPlan {
    /// These links are there, asserted by these changes: what waited for the same assertion has
    /// found its target.
    pub(crate) fn note_found(
        &mut self,
        waiters: &HashMap<WaiterPlace, Waiter>,
        linked: impl IntoIterator<Item = (WaiterPlace, i64)>,
    ) {
        for (place, asserted_seq) in linked {
            let waiter = waiters
                .get(&place)
                .filter(|waiter| waiter.asserted_seq == asserted_seq);
            if let Some(slot) = waiter.and_then(|waiter| Slot::from_column(waiter.slot)) {
                self.found.insert(place, slot);
            }
        }
    }

    pub(super) fn plan_waiters(&mut self, mut actual: HashMap<WaiterPlace, Waiter>, wanted: Vec<Waiter>) {
        let settlement = &mut self.settlement;
        self.waiting = wanted.len();
        for waiter in wanted {
            let before = actual.remove(&place_of(&waiter));
            if before.as_ref() == Some(&waiter) {
                continue;
            }
            let waits_already = before.as_ref().is_some_and(|before| {
                before.wait_key == waiter.wait_key && before.asserted_seq == waiter.asserted_seq
            });
            if !waits_already {
                settlement.newly_parked.push(waiter.clone());
            }
            let slot = Slot::from_column(waiter.slot);
            if let (None, Some(slot)) = (&before, slot) {
                *settlement.parked.entry(slot).or_default() += 1;
            }
            settlement.note_waiting(
                &waiter,
                before.map(|before| before.wait_key),
                Some(waiter.wait_key.clone()),
            );
            self.waiters.push(waiter);
        }
        for waiter in actual.values() {
            settlement.note_waiting(waiter, Some(waiter.wait_key.clone()), None);
        }
        self.ended_waiters = actual.into_keys().collect();
    }
}

impl Settlement {
    /// A link waits differently: part of what becomes of the link, or all of it.
    fn note_waiting(&mut self, waiter: &Waiter, waited_for: Option<String>, waits_for: Option<String>) {
        let known = self.changes.iter_mut().find(|change| {
            change.subject == waiter.subject_id
                && change.slot as i16 == waiter.slot
                && change.place == waiter.place
        });
        match (known, Slot::from_column(waiter.slot)) {
            (Some(change), _) => change.waits_for = waits_for,
            (None, Some(slot)) => self.changes.push(LinkChange {
                slot,
                subject: waiter.subject_id,
                place: waiter.place.clone(),
                before: None,
                after: None,
                waited_for,
                waits_for,
            }),
            (None, None) => {}
        }
    }
}
