use uuid::Uuid;

/// What a run compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Full,
    Team(Uuid),
    Person(Uuid),
    /// The people whose status is not what their start and end dates say.
    Dates,
    /// Everybody, by the mapping in force and by that of this preview.
    Preview(Uuid),
    /// Everything, because this version of the mapping came into force.
    Mapping(i32),
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Scope::Full => "full",
            Scope::Team(_) => "team",
            Scope::Person(_) => "person",
            Scope::Dates => "dates",
            Scope::Preview(_) => "preview",
            Scope::Mapping(_) => "mapping",
        }
    }

    /// The team or person it is limited to.
    pub fn id(self) -> Option<Uuid> {
        match self {
            Scope::Team(id) | Scope::Person(id) => Some(id),
            Scope::Full | Scope::Dates | Scope::Preview(_) | Scope::Mapping(_) => None,
        }
    }

    /// What tells runs of this kind apart: one of each is under way.
    pub(super) fn column(self) -> Option<Uuid> {
        match self {
            Scope::Full | Scope::Dates => None,
            Scope::Team(id) | Scope::Person(id) | Scope::Preview(id) => Some(id),
            Scope::Mapping(version) => Some(Uuid::from_u128(u128::from(version.unsigned_abs()))),
        }
    }

    pub(crate) fn from_columns(scope: &str, id: Option<Uuid>) -> Scope {
        match (scope, id) {
            ("team", Some(id)) => Scope::Team(id),
            ("person", Some(id)) => Scope::Person(id),
            ("dates", _) => Scope::Dates,
            ("preview", Some(id)) => Scope::Preview(id),
            ("mapping", Some(id)) => Scope::Mapping(i32::try_from(id.as_u128()).unwrap_or_default()),
            _ => Scope::Full,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_reads_back_from_its_columns() {
        let id = Uuid::now_v7();
        for scope in [
            Scope::Full,
            Scope::Team(id),
            Scope::Person(id),
            Scope::Dates,
            Scope::Preview(id),
            Scope::Mapping(7),
        ] {
            assert_eq!(Scope::from_columns(scope.name(), scope.column()), scope);
        }
    }
}
