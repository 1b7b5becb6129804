//! The directory as the model has it.

use super::{Model, Person, Rows, Target, fold};
use std::collections::BTreeSet;

impl Model {
    /// The directory, people named by the id of the resource that describes them.
    pub(crate) fn rows(&mut self) -> Rows {
        let described = self.described();
        let name = |person: &Person| described[person].0;
        let live = |target: &Target| match target {
            Target::Person(person) => described[person].1.live,
            Target::Group(group) => self.groups[group].live,
        };
        let mut rows = Rows::new();
        let mut paths: Vec<&'static str> = vec![];
        for (resource, account) in described.values() {
            let d = &account.document;
            let status = match (account.live, d.active) {
                (false, _) => "deprovisioned",
                (true, true) => "active",
                (true, false) => "deactivated",
            };
            rows.insert(format!(
                "person {resource} {status} login={} external={:?} number={:?} email={:?} position={:?}",
                d.user_name,
                d.external_id,
                d.employee_number,
                d.emails.first(),
                d.title
            ));
            if !account.live {
                continue;
            }
            for (kind, team) in [("department", &d.department), ("division", &d.division)] {
                if let Some(team) = team {
                    let spelled = &self.spellings[&(kind, fold(team))];
                    rows.insert(format!("member {kind} {spelled} {resource} {kind}"));
                }
            }
            let mut seen = BTreeSet::new();
            let slots = account.manager.iter().map(|a| (1, 0, a));
            let slots = slots.chain(
                account
                    .additional
                    .iter()
                    .enumerate()
                    .map(|(place, a)| (2, place, a)),
            );
            for (slot, place, assertion) in slots {
                match &assertion.bound {
                    Some(target @ Target::Person(manager)) if live(target) => {
                        if slot == 2 && !seen.insert(*manager) {
                            paths.push("additional manager named twice");
                            continue;
                        }
                        let own = *manager == account.person;
                        if own {
                            paths.push("self-management");
                        }
                        rows.insert(format!(
                            "line {resource} {slot} {place} -> {} self={own}",
                            name(manager)
                        ));
                    }
                    bound => {
                        paths.push(if bound.is_some() {
                            "waits for a deleted person"
                        } else {
                            "waits for a value"
                        });
                        rows.insert(format!(
                            "waiter {resource} {slot} {place} {}",
                            assertion.reference
                        ));
                    }
                }
            }
        }
        for (resource, group) in self.groups.iter().filter(|(_, group)| group.live) {
            rows.insert(format!("team {resource} {}", group.name));
            for (member, assertion) in &group.members {
                match &assertion.bound {
                    Some(target @ Target::Group(inner)) if live(target) => {
                        paths.push(if inner == resource {
                            "group in itself"
                        } else {
                            "group in a group"
                        });
                        rows.insert(format!("part {resource} {inner} member:{member}"));
                    }
                    Some(target @ Target::Person(person)) if live(target) => {
                        paths.push("group member linked");
                        rows.insert(format!(
                            "member group {resource} {} member:{member}",
                            name(person)
                        ));
                    }
                    bound => {
                        paths.push(match bound {
                            Some(Target::Group(_)) => "waits for a deleted group",
                            _ => "group member waits",
                        });
                        rows.insert(format!("waiter {resource} 3 {member} {}", assertion.reference));
                    }
                }
            }
        }
        drop(described);
        paths.into_iter().for_each(|path| self.hit(path));
        rows
    }
}
