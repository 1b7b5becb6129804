//! Reporting cycles: found when somebody looks, because two lines accepted at the same moment may
//! close one without either knowing of the other (docs/adr/0008).

use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Everyone who reaches themselves by going from manager to manager. `managers` tells each
/// person's manager, and must lead from those asked about to the end of their lines. Who manages
/// themselves is a cycle of one.
pub fn in_cycles(managers: &HashMap<Uuid, Uuid>) -> HashSet<Uuid> {
    let mut in_cycles = HashSet::new();
    // In which walk somebody was met: each person is passed once, whatever the shape.
    let mut met: HashMap<Uuid, usize> = HashMap::new();
    for (walk, start) in managers.keys().enumerate() {
        let mut person = *start;
        while !met.contains_key(&person) {
            met.insert(person, walk);
            match managers.get(&person) {
                Some(manager) => person = *manager,
                None => break,
            }
        }
        // Back where this very walk has been, and not where an earlier one ended.
        let closes = met.get(&person) == Some(&walk) && managers.contains_key(&person);
        if closes {
            let mut member = person;
            while in_cycles.insert(member) {
                match managers.get(&member) {
                    Some(manager) => member = *manager,
                    None => break,
                }
            }
        }
    }
    in_cycles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[(u128, u128)]) -> Vec<u128> {
        let id = Uuid::from_u128;
        let managers = lines
            .iter()
            .map(|(person, manager)| (id(*person), id(*manager)))
            .collect();
        let mut found: Vec<u128> = in_cycles(&managers)
            .iter()
            .map(|person| person.as_u128())
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn in_cycles_are_those_on_the_cycle_and_not_those_below_it() {
        assert_eq!(of(&[]), [] as [u128; 0]);
        assert_eq!(of(&[(1, 2), (2, 3)]), [] as [u128; 0]);
        assert_eq!(of(&[(1, 1)]), [1]);
        assert_eq!(of(&[(1, 2), (2, 1), (3, 1), (4, 3)]), [1, 2]);
        assert_eq!(
            of(&[(1, 2), (2, 3), (3, 1), (4, 5), (5, 4), (6, 6), (7, 8)]),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn in_cycles_of_a_line_of_a_hundred_thousand_is_quick() {
        let mut lines: Vec<(u128, u128)> = (0..100_000).map(|n| (n, n + 1)).collect();
        assert_eq!(of(&lines), [] as [u128; 0]);
        lines.push((100_000, 0));
        assert_eq!(of(&lines).len(), 100_001);
    }
}
