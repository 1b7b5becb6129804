//! What travels. Jobs carry keys, never bodies; a job of a version this process does not know
//! is acknowledged and left to the feeder.

use crate::directory::{Key, TenantId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// Most keys one job may hold.
pub const MAX_KEYS: usize = 500;

/// "Look at these keys": lanes `live` and `bulk`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconcileJob {
    /// Version of this layout, now 1.
    pub v: u8,
    pub tenant: TenantId,
    /// At most [`MAX_KEYS`].
    pub keys: Vec<Key>,
}

/// "Look at these waiting links": queue `links`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinksJob {
    /// Version of this layout, now 1.
    pub v: u8,
    pub tenant: TenantId,
    pub work: LinksWork,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinksWork {
    /// A batch of arrivals whose worker died before it woke those who wait for them.
    Wake(i64),
    /// Due waiters: people (their manager links) and single members of groups.
    Retry {
        people: Vec<Uuid>,
        members: Vec<(Uuid, String)>,
    },
}

impl LinksJob {
    /// Jobs of at most [`MAX_KEYS`] that try these waiting links again: people's manager links and
    /// single members of groups.
    pub fn retries(tenant: TenantId, people: &[Uuid], members: &[(Uuid, String)]) -> Vec<LinksJob> {
        let of_people = people.chunks(MAX_KEYS).map(|people| (people.to_vec(), vec![]));
        let of_members = members.chunks(MAX_KEYS).map(|members| (vec![], members.to_vec()));
        of_people
            .chain(of_members)
            .map(|(people, members)| LinksJob {
                v: 1,
                tenant,
                work: LinksWork::Retry { people, members },
            })
            .collect()
    }
}

/// "Take a run a step further": queue `runs`. Where the run is stands in Postgres.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunJob {
    /// Version of this layout, now 1.
    pub v: u8,
    pub tenant: TenantId,
    pub run: Uuid,
    /// The part to be done; without one: whatever the run's phase needs.
    pub chunk: Option<i32>,
}

/// What a queue needs to know about its jobs.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + Unpin + 'static {
    /// The layout this process writes and understands.
    const VERSION: u8;

    /// The layout this job is written in.
    fn version(&self) -> u8;

    /// Whose cap the job counts against.
    fn tenant(&self) -> TenantId;
}

impl Job for ReconcileJob {
    const VERSION: u8 = 1;

    fn version(&self) -> u8 {
        self.v
    }

    fn tenant(&self) -> TenantId {
        self.tenant
    }
}

impl Job for LinksJob {
    const VERSION: u8 = 1;

    fn version(&self) -> u8 {
        self.v
    }

    fn tenant(&self) -> TenantId {
        self.tenant
    }
}

impl Job for RunJob {
    const VERSION: u8 = 1;

    fn version(&self) -> u8 {
        self.v
    }

    fn tenant(&self) -> TenantId {
        self.tenant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_of_many_links_are_jobs_of_at_most_five_hundred_each_link_once() {
        let people: Vec<Uuid> = (0..1_201).map(Uuid::from_u128).collect();
        let members: Vec<(Uuid, String)> = (0..501).map(|n| (Uuid::nil(), n.to_string())).collect();
        let jobs = LinksJob::retries(TenantId(1), &people, &members);
        let (mut of_people, mut of_members) = (vec![], vec![]);
        for job in &jobs {
            let LinksWork::Retry { people, members } = &job.work else {
                panic!("{job:?} is no retry")
            };
            assert!(people.len() + members.len() <= MAX_KEYS);
            of_people.extend(people.clone());
            of_members.extend(members.clone());
        }
        assert_eq!((of_people, of_members, jobs.len()), (people, members, 5));
    }
}
