//! How one resource names another, and whom a reference means.

use uuid::Uuid;

/// The attributes a resource can be found or referred to by, in order of precedence
/// (`scim_keys.attribute`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyAttribute {
    Id = 0,
    ExternalId = 1,
    UserName = 2,
    PrimaryEmail = 3,
    OtherEmail = 4,
    EmployeeNumber = 5,
    /// Of groups: unique, found by filters, never the target of a person's link.
    DisplayName = 6,
}

impl KeyAttribute {
    pub fn from_column(column: i16) -> Option<KeyAttribute> {
        use KeyAttribute::*;
        [
            Id,
            ExternalId,
            UserName,
            PrimaryEmail,
            OtherEmail,
            EmployeeNumber,
            DisplayName,
        ]
        .into_iter()
        .find(|attribute| *attribute as i16 == column)
    }
}

/// One row of a value's holding history: `who` held it from `from` (inclusive) until `to`
/// (exclusive; `None`: still).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub attribute: KeyAttribute,
    pub who: Uuid,
    pub from: i64,
    pub to: Option<i64>,
}

/// Whom a reference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    Bound(Uuid),
    /// Nobody has held the value since the reference was asserted.
    Missing,
    /// Several hold it by the same kind of attribute; never guessed.
    Ambiguous,
}

/// Whom a reference asserted at `asserted` means, given every claim to its value.
///
/// It binds at the first moment, from `asserted` on, at which exactly one person is the best
/// holder: the holders by the attribute of highest precedence at that moment. Because claims
/// only ever gain later events, an answer of `Bound` never changes: it depends on the accept
/// order and not on when a worker asks.
pub fn resolve(claims: &[Claim], asserted: i64) -> Resolution {
    let mut moments: Vec<i64> = claims
        .iter()
        .flat_map(|claim| [Some(claim.from), claim.to])
        .flatten()
        .filter(|moment| *moment > asserted)
        .collect();
    moments.push(asserted);
    moments.sort_unstable();
    moments.dedup();
    let mut last = Resolution::Missing;
    for moment in moments {
        last = holder_at(claims, moment);
        if let Resolution::Bound(_) = last {
            return last;
        }
    }
    last
}

fn holder_at(claims: &[Claim], moment: i64) -> Resolution {
    let holding = claims
        .iter()
        .filter(|claim| claim.from <= moment && claim.to.is_none_or(|to| moment < to));
    let mut best: Option<(KeyAttribute, Uuid)> = None;
    let mut ambiguous = false;
    for claim in holding {
        match best {
            Some((attribute, _)) if attribute < claim.attribute => {}
            Some((attribute, who)) if attribute == claim.attribute => ambiguous |= who != claim.who,
            _ => {
                best = Some((claim.attribute, claim.who));
                ambiguous = false;
            }
        }
    }
    match best {
        None => Resolution::Missing,
        Some(_) if ambiguous => Resolution::Ambiguous,
        Some((_, who)) => Resolution::Bound(who),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(0xa);
    const B: Uuid = Uuid::from_u128(0xb);

    fn claim(attribute: KeyAttribute, who: Uuid, from: i64, to: Option<i64>) -> Claim {
        Claim {
            attribute,
            who,
            from,
            to,
        }
    }

    #[test]
    fn resolve_recycled_value_binds_to_the_holder_when_asserted() {
        let claims = [
            claim(KeyAttribute::PrimaryEmail, A, 1, Some(5)),
            claim(KeyAttribute::PrimaryEmail, B, 7, None),
        ];
        assert_eq!(resolve(&claims, 4), Resolution::Bound(A));
        assert_eq!(resolve(&claims, 5), Resolution::Bound(B));
        assert_eq!(resolve(&claims, 9), Resolution::Bound(B));
    }

    #[test]
    fn resolve_higher_precedence_wins_among_holders_of_one_moment() {
        let claims = [
            claim(KeyAttribute::EmployeeNumber, A, 1, None),
            claim(KeyAttribute::UserName, B, 2, None),
        ];
        assert_eq!(resolve(&claims, 1), Resolution::Bound(A));
        assert_eq!(resolve(&claims, 2), Resolution::Bound(B));
    }

    #[test]
    fn resolve_two_holders_of_one_kind_is_ambiguous_until_one_lets_go() {
        let mut claims = vec![
            claim(KeyAttribute::OtherEmail, A, 1, None),
            claim(KeyAttribute::OtherEmail, B, 2, None),
        ];
        assert_eq!(resolve(&claims, 3), Resolution::Ambiguous);
        claims[0].to = Some(6);
        assert_eq!(resolve(&claims, 3), Resolution::Bound(B));
        assert_eq!(resolve(&[], 3), Resolution::Missing);
    }
}
