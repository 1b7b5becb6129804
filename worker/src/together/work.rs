//! What there is to do for a tenant, and what of it comes next.

use crate::error::ReconcileError;
use crate::reconcile::TOGETHER;
use rollcall_shared::directory::{Key, Lane};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A part that has waited so long goes before whatever comes after it, in either lane.
const PATIENCE: Duration = Duration::from_secs(1);
/// Keys of a job that are worth more than one transaction.
const WORTH_SHARING: usize = 50;
/// Transactions about groups that need not wait for each other.
const SHARES_OF_GROUPS: u128 = 3;
/// What became of a job's keys, which is what became of all that were applied with them.
pub(super) type Applied = Result<(), Arc<ReconcileError>>;

/// What there is to do for a tenant.
#[derive(Default)]
pub(super) struct Work {
    pub(super) live: Waiting,
    pub(super) bulk: Waiting,
    /// People and teams that transactions are at.
    pub(super) busy: HashSet<Uuid>,
    pub(super) transactions: usize,
}

#[derive(Default)]
pub(super) struct Waiting {
    pub(super) parts: Vec<Part>,
    /// Somebody is waiting for a slot to begin with them.
    pub(super) beginning: bool,
}

/// The keys of one job, or those of them that belong to one share.
pub(super) struct Part {
    share: u128,
    pub(super) keys: Vec<Key>,
    /// The people and teams whose rows are locked for it.
    subjects: HashSet<Uuid>,
    since: Instant,
    pub(super) done: oneshot::Sender<Applied>,
}

impl Part {
    pub(super) fn new(share: u128, keys: Vec<Key>, since: Instant) -> (Part, oneshot::Receiver<Applied>) {
        let (done, applied) = oneshot::channel();
        let part = Part {
            share,
            subjects: keys.iter().map(Key::id).collect(),
            keys,
            since,
            done,
        };
        (part, applied)
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.subjects.iter().copied()
    }
}

impl Work {
    pub(super) fn waiting(&mut self, lane: Lane) -> &mut Waiting {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Bulk => &mut self.bulk,
        }
    }

    /// Which parts of a lane are begun with: of those that nobody is in the way of, in their order, the ones that
    /// `take` takes. In the way are transactions, parts before it that are not taken, and older ones of the other lane
    /// that have waited long enough; nothing is in the way of the oldest for ever.
    pub(super) fn taken(
        &self,
        lane: Lane,
        mut take: impl FnMut(&Part) -> bool,
    ) -> impl Iterator<Item = bool> {
        let (own, others) = match lane {
            Lane::Live => (&self.live, &self.bulk),
            Lane::Bulk => (&self.bulk, &self.live),
        };
        let mut reserved = self.busy.clone();
        let patient = others.parts.iter().filter(|part| part.since.elapsed() > PATIENCE);
        let mut patient = patient.peekable();
        own.parts.iter().map(move |part| {
            while let Some(older) = patient.next_if(|other| other.since < part.since) {
                reserved.extend(older.subjects());
            }
            let free = part.subjects().all(|subject| !reserved.contains(&subject));
            let taken = free && take(part);
            if !taken {
                reserved.extend(part.subjects());
            }
            taken
        })
    }

    /// Take out what comes next: whole parts of one share, of few keys taken together.
    pub(super) fn next(&mut self, lane: Lane) -> Vec<Part> {
        // A job that was given up on comes again by its keys.
        self.waiting(lane).parts.retain(|part| !part.done.is_closed());
        let mut keys = 0;
        let mut share = None;
        let taken = self.taken(lane, |part| {
            let alike = *share.get_or_insert(part.share) == part.share;
            let fits = alike && (keys == 0 || keys + part.keys.len() <= TOGETHER);
            keys += if fits { part.keys.len() } else { 0 };
            fits
        });
        let taken: Vec<bool> = taken.collect();
        let waiting = self.waiting(lane);
        let parts = std::mem::take(&mut waiting.parts).into_iter().zip(taken);
        let (next, left): (Vec<_>, Vec<_>) = parts.partition(|(_, taken)| *taken);
        waiting.parts = left.into_iter().map(|(part, _)| part).collect();
        next.into_iter().map(|(part, _)| part).collect()
    }

    /// Whether [`Work::next`] would find something, and nobody is about to look.
    pub(super) fn is_ready(&mut self, lane: Lane) -> bool {
        !self.waiting(lane).beginning && self.taken(lane, |_| true).any(|taken| taken)
    }

    pub(super) fn is_over(&self) -> bool {
        self.transactions == 0
            && [&self.live, &self.bulk]
                .iter()
                .all(|waiting| waiting.parts.is_empty() && !waiting.beginning)
    }
}

/// What belongs to the same share is applied together. People are one, in whose way nobody is as a rule; groups
/// are some more, so that transactions about many groups are not in each other's way.
fn share(key: &Key) -> u128 {
    match key {
        Key::Person(_) => 0,
        Key::Team(id) | Key::Member(id, _) => 1 + id.as_u128() % SHARES_OF_GROUPS,
    }
}

/// A job's keys by share, unless there are too few for several transactions.
pub(super) fn apart(keys: Vec<Key>) -> BTreeMap<u128, Vec<Key>> {
    let mut shares: BTreeMap<u128, Vec<Key>> = BTreeMap::new();
    let few = keys.len() < WORTH_SHARING;
    let all = keys.first().map(share).unwrap_or_default();
    for key in keys {
        let share = if few { all } else { share(&key) };
        shares.entry(share).or_default().push(key);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(subjects: &[u128], seconds: u64) -> (Part, oneshot::Receiver<Applied>) {
        let keys = subjects.iter().map(|id| Key::Person(Uuid::from_u128(*id)));
        Part::new(0, keys.collect(), Instant::now() - Duration::from_secs(seconds))
    }

    #[test]
    fn parts_of_both_lanes_that_have_waited_for_the_same_person_go_by_age() {
        for (live, bulk) in [(20, 10), (10, 20)] {
            let mut work = Work::default();
            let (of_live, _live) = part(&[1], live);
            let (of_bulk, _bulk) = part(&[1], bulk);
            work.live.parts.push(of_live);
            work.bulk.parts.push(of_bulk);
            let ready = Lane::ALL.map(|lane| (lane, work.is_ready(lane)));
            for (lane, ready) in ready {
                assert_eq!(ready, (lane == Lane::Live) == (live > bulk), "{lane:?}");
            }
        }
    }

    #[test]
    fn part_that_a_part_before_it_waits_for_is_not_begun_with_and_one_given_up_on_is_forgotten() {
        let mut work = Work::default();
        work.busy.insert(Uuid::from_u128(1));
        let (first, _first) = part(&[1, 2], 0);
        let (second, _second) = part(&[2], 0);
        let (third, _third) = part(&[3], 0);
        let (forgotten, applied) = part(&[4], 0);
        drop(applied);
        work.live.parts.extend([first, second, third, forgotten]);
        let next: Vec<Uuid> = work.next(Lane::Live).iter().flat_map(Part::subjects).collect();
        assert_eq!(next, [Uuid::from_u128(3)]);
        assert_eq!(work.live.parts.len(), 2);
        assert!(!work.is_ready(Lane::Live));
        work.busy.clear();
        assert_eq!(work.next(Lane::Live).len(), 2);
    }

    #[test]
    fn job_of_many_keys_is_applied_by_shares_and_one_of_few_at_once() {
        let team = Uuid::from_u128(7);
        let members = (0..60).map(|n| Key::Member(team, n.to_string()));
        let keys: Vec<Key> = members.chain([Key::Person(Uuid::from_u128(1))]).collect();
        assert_eq!(apart(keys[40..].to_vec()).len(), 1);
        let shares = apart(keys);
        let sizes: Vec<usize> = shares.values().map(Vec::len).collect();
        assert_eq!(sizes, [1, 60], "people, and the group's share");
    }

    #[test]
    fn parts_of_another_share_are_left_for_another_transaction() {
        let mut work = Work::default();
        for (share, subject) in [(0, 1), (2, 2), (0, 3)] {
            let keys = vec![Key::Team(Uuid::from_u128(subject))];
            let (part, applied) = Part::new(share, keys, Instant::now());
            std::mem::forget(applied);
            work.bulk.parts.push(part);
        }
        let mut next = || {
            work.next(Lane::Bulk)
                .iter()
                .map(|part| part.share)
                .collect::<Vec<_>>()
        };
        assert_eq!((next(), next()), (vec![0, 0], vec![2]));
    }
}
