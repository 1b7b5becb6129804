use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A customer: the first column of every tenant table's primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub i64);

impl std::fmt::Display for TenantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a job asks a worker to look at. Jobs carry keys, never bodies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// A person of the directory and everything that hangs on their own document.
    #[serde(rename = "p")]
    Person(Uuid),
    /// The team of a SCIM Group, without its members.
    #[serde(rename = "t")]
    Team(Uuid),
    /// One asserted member of a group's team: the team and the folded `value`.
    #[serde(rename = "m")]
    Member(Uuid, String),
}

impl Key {
    /// `pending.key_kind`.
    pub fn kind(&self) -> i16 {
        match self {
            Key::Person(_) => 1,
            Key::Team(_) => 2,
            Key::Member(..) => 3,
        }
    }

    /// `pending.key_id`: the person, or the team.
    pub fn id(&self) -> Uuid {
        match self {
            Key::Person(id) | Key::Team(id) | Key::Member(id, _) => *id,
        }
    }

    /// `pending.member`: the folded value of a member key, else empty.
    pub fn member(&self) -> &str {
        match self {
            Key::Member(_, member) => member,
            _ => "",
        }
    }

    /// The key stored as these three columns; `None` for a kind this version does not know.
    pub fn from_columns(kind: i16, id: Uuid, member: String) -> Option<Key> {
        match kind {
            1 => Some(Key::Person(id)),
            2 => Some(Key::Team(id)),
            3 => Some(Key::Member(id, member)),
            _ => None,
        }
    }
}

/// Which queue a change travels in: an import never starves a live write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    Live = 1,
    Bulk = 2,
}

impl Lane {
    pub const ALL: [Lane; 2] = [Lane::Live, Lane::Bulk];

    pub fn name(self) -> &'static str {
        match self {
            Lane::Live => "live",
            Lane::Bulk => "bulk",
        }
    }
}

/// What an operator can pause: the lanes of changes, the retries of waiting links, the runs. Each has
/// a queue of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkLane {
    /// Changes written one by one.
    Live,
    /// Changes of imports.
    Bulk,
    /// Waiting links that are tried again.
    Links,
    /// Resync runs.
    Runs,
}

impl WorkLane {
    pub const ALL: [WorkLane; 4] = [WorkLane::Live, WorkLane::Bulk, WorkLane::Links, WorkLane::Runs];

    pub fn name(self) -> &'static str {
        match self {
            WorkLane::Live => "live",
            WorkLane::Bulk => "bulk",
            WorkLane::Links => "links",
            WorkLane::Runs => "runs",
        }
    }

    /// The lane of this name.
    pub fn parse(name: &str) -> Option<WorkLane> {
        WorkLane::ALL.into_iter().find(|lane| lane.name() == name)
    }
}

impl From<Lane> for WorkLane {
    fn from(lane: Lane) -> WorkLane {
        match lane {
            Lane::Live => WorkLane::Live,
            Lane::Bulk => WorkLane::Bulk,
        }
    }
}
