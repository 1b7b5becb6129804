//! What links lead to.

use super::KeyAttribute;
use uuid::Uuid;

/// What a reference means: somebody, or the team of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Person(Uuid),
    Team(Uuid),
}

impl Target {
    /// The person or team that a resource of this kind (1 User, 2 Group) describes; `None` for a
    /// kind this version does not know.
    pub fn described(kind: i16, directory_id: Uuid) -> Option<Target> {
        match kind {
            1 => Some(Target::Person(directory_id)),
            2 => Some(Target::Team(directory_id)),
            _ => None,
        }
    }

    pub fn id(self) -> Uuid {
        match self {
            Target::Person(id) | Target::Team(id) => id,
        }
    }

    /// The wait key of links of which it is known what they mean: `person:<id>` or `team:<id>`.
    pub fn wait_key(self) -> String {
        match self {
            Target::Person(id) => format!("person:{id}"),
            Target::Team(id) => format!("team:{id}"),
        }
    }

    /// Of a wait key that names a certain target.
    pub fn of_wait_key(key: &str) -> Option<Target> {
        match key.split_once(':')? {
            ("person", id) => Uuid::try_parse(id).ok().map(Target::Person),
            ("team", id) => Uuid::try_parse(id).ok().map(Target::Team),
            _ => None,
        }
    }
}

/// What a reference may mean, by where it stands (docs/adr/0015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Names {
    /// A manager: a person, by any value they hold.
    Person,
    /// A member of a group: a person by any value they hold, a group by its id.
    Member,
    /// A member that is said to be a group: a group by any value it holds, a person by their id.
    Group,
}

impl Names {
    /// Whether whoever holds a value as this attribute may be meant by it.
    pub fn admits(self, attribute: KeyAttribute, target: Target) -> bool {
        match (self, target) {
            (Names::Person | Names::Member, Target::Person(_)) | (Names::Group, Target::Team(_)) => true,
            (Names::Member, Target::Team(_)) | (Names::Group, Target::Person(_)) => {
                attribute == KeyAttribute::Id
            }
            (Names::Person, Target::Team(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_wait_key_reads_what_wait_key_wrote_and_no_reference() {
        for target in [
            Target::Person(Uuid::from_u128(7)),
            Target::Team(Uuid::from_u128(8)),
        ] {
            assert_eq!(Target::of_wait_key(&target.wait_key()), Some(target));
        }
        for key in [
            "ada@example.com",
            "person:ada",
            "team:",
            "group:00000000-0000-0000-0000-000000000007",
        ] {
            assert_eq!(Target::of_wait_key(key), None, "{key}");
        }
    }

    #[test]
    fn names_admit_an_id_of_either_kind_and_other_values_of_their_own() {
        let (person, team) = (Target::Person(Uuid::nil()), Target::Team(Uuid::nil()));
        let id = KeyAttribute::Id;
        assert!(Names::Member.admits(id, team) && Names::Group.admits(id, person));
        assert!(!Names::Member.admits(KeyAttribute::DisplayName, team));
        assert!(!Names::Group.admits(KeyAttribute::UserName, person));
        assert!(Names::Group.admits(KeyAttribute::DisplayName, team));
        assert!(Names::Person.admits(KeyAttribute::PrimaryEmail, person));
        assert!(!Names::Person.admits(id, team));
    }
}
