//! How one resource names another, and whom a reference means.

use super::Target;
use std::collections::{BTreeMap, HashMap};

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
    /// Of groups: unique, found by filters, the target of a member that is said to be a group.
    DisplayName = 6,
}

impl KeyAttribute {
    /// The SCIM attribute, as operators are told.
    pub fn name(self) -> &'static str {
        match self {
            KeyAttribute::Id => "id",
            KeyAttribute::ExternalId => "externalId",
            KeyAttribute::UserName => "userName",
            KeyAttribute::PrimaryEmail => "primary e-mail",
            KeyAttribute::OtherEmail => "other e-mail",
            KeyAttribute::EmployeeNumber => "employeeNumber",
            KeyAttribute::DisplayName => "displayName",
        }
    }

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
    pub who: Target,
    pub from: i64,
    pub to: Option<i64>,
}

/// Whom or what a reference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    Bound(Target),
    /// Nobody has held the value since the reference was asserted.
    Missing,
    /// Several hold it by the same kind of attribute; never guessed.
    Ambiguous,
}

/// Whom a reference asserted at `asserted` means, given every claim to its value; see
/// [`Holdings`].
pub fn resolve(claims: &[Claim], asserted: i64) -> Resolution {
    Holdings::of(claims).meant_at(asserted)
}

/// Who held a value when, made for many questions about it: one value may have thousands of
/// holders and thousands who refer to it.
///
/// A reference binds at the first moment, from its assertion on, at which exactly one person is
/// the best holder: the holders by the attribute of highest precedence at that moment. Because
/// claims only ever gain later events, an answer of `Bound` never changes: it depends on the
/// accept order and not on when a worker asks.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// What a reference asserted from this moment on, until the next one, means.
    moments: Vec<(i64, Resolution)>,
}

impl Holdings {
    pub fn of(claims: &[Claim]) -> Holdings {
        let mut events: Vec<(i64, bool, KeyAttribute, Target)> = vec![];
        for claim in claims
            .iter()
            .filter(|claim| claim.to.is_none_or(|to| claim.from < to))
        {
            events.push((claim.from, true, claim.attribute, claim.who));
            events.extend(claim.to.map(|to| (to, false, claim.attribute, claim.who)));
        }
        events.sort_unstable_by_key(|event| event.0);
        let mut holders: BTreeMap<KeyAttribute, HashMap<Target, usize>> = BTreeMap::new();
        let mut moments: Vec<(i64, Resolution)> = vec![];
        for same_moment in events.chunk_by(|a, b| a.0 == b.0) {
            // Begin before end: who takes over their own value holds it throughout.
            for begins in [true, false] {
                for (_, _, attribute, who) in same_moment.iter().filter(|event| event.1 == begins) {
                    let of_kind = holders.entry(*attribute).or_default();
                    let count = of_kind.entry(*who).or_default();
                    if begins {
                        *count += 1;
                    } else if *count > 1 {
                        *count -= 1;
                    } else {
                        of_kind.remove(who);
                    }
                }
            }
            moments.push((same_moment[0].0, best(&holders)));
        }
        // Who is not bound at a moment is bound at the next one at which somebody can be.
        let mut later = None;
        for (_, meant) in moments.iter_mut().rev() {
            if let (Some(later), Resolution::Missing | Resolution::Ambiguous) = (later, &meant) {
                *meant = later;
            }
            later = Some(*meant);
        }
        Holdings { moments }
    }

    /// Whom a reference asserted at this moment means.
    pub fn meant_at(&self, asserted: i64) -> Resolution {
        let begun = self.moments.partition_point(|(moment, _)| *moment <= asserted);
        self.moments
            .get(begun.saturating_sub(1))
            .map_or(Resolution::Missing, |(_, meant)| *meant)
    }
}

fn best(holders: &BTreeMap<KeyAttribute, HashMap<Target, usize>>) -> Resolution {
    let Some(of_kind) = holders.values().find(|of_kind| !of_kind.is_empty()) else {
        return Resolution::Missing;
    };
    let mut people = of_kind.keys();
    match (people.next(), people.next()) {
        (Some(who), None) => Resolution::Bound(*who),
        _ => Resolution::Ambiguous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const A: Target = person(0xa);
    const B: Target = person(0xb);

    const fn person(number: u128) -> Target {
        Target::Person(Uuid::from_u128(number))
    }

    fn claim(attribute: KeyAttribute, who: Target, from: i64, to: Option<i64>) -> Claim {
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

    #[test]
    fn resolve_value_of_thousands_for_thousands_is_quick() {
        let many = 20_000;
        let claims: Vec<Claim> = (0..many)
            .map(|n| claim(KeyAttribute::EmployeeNumber, person(n as u128), n, None))
            .collect();
        let started = std::time::Instant::now();
        let holdings = Holdings::of(&claims);
        assert_eq!(holdings.meant_at(0), Resolution::Bound(person(0)));
        for asserted in 1..many {
            assert_eq!(holdings.meant_at(asserted), Resolution::Ambiguous);
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn resolve_agrees_with_looking_at_every_moment() {
        let mut state = 1_u64;
        let mut dice = |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % sides
        };
        for _ in 0..3_000 {
            let claims: Vec<Claim> = (0..dice(6))
                .map(|_| {
                    let attribute = KeyAttribute::from_column(dice(3) as i16).unwrap();
                    let from = dice(8) as i64;
                    let to = (dice(3) > 0).then(|| from + dice(5) as i64);
                    claim(attribute, person(u128::from(dice(3))), from, to)
                })
                .collect();
            for asserted in -1..14 {
                let mut every = (asserted..14).map(|moment| held_at(&claims, moment));
                let expected = every
                    .clone()
                    .find(|held| matches!(held, Resolution::Bound(_)))
                    .or(every.next_back())
                    .unwrap();
                assert_eq!(resolve(&claims, asserted), expected, "{asserted} {claims:?}");
            }
        }
    }

    fn held_at(claims: &[Claim], moment: i64) -> Resolution {
        let holding = |claim: &&Claim| claim.from <= moment && claim.to.is_none_or(|to| moment < to);
        let best = claims.iter().filter(holding).map(|claim| claim.attribute).min();
        let mut people: Vec<Target> = claims
            .iter()
            .filter(holding)
            .filter(|claim| Some(claim.attribute) == best)
            .map(|claim| claim.who)
            .collect();
        people.sort();
        people.dedup();
        match people.as_slice() {
            [] => Resolution::Missing,
            [who] => Resolution::Bound(*who),
            _ => Resolution::Ambiguous,
        }
    }
}
