//! The attribute teams a person belongs to.

use super::TeamIds;
use crate::reconcile::held_links::TeamWaits;
use rollcall_shared::mapping::Compiled;
use rollcall_shared::projection::{Hold, ProjectedPerson, WantedTeam};
use rollcall_shared::store::links::{Slot, Waiter};
use rollcall_shared::store::reconcile::{DesiredPerson, Membership};
use rollcall_shared::store::teams::wait_key;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// What becomes of a person's memberships of attribute teams.
pub(super) struct Belonging {
    pub(super) begun: Vec<Membership>,
    pub(super) ended: Vec<Membership>,
    /// Teams that are not there, and that nobody creates on the person's account.
    pub(super) waits: TeamWaits,
}

impl Belonging {
    /// What the document asks for, given what there is. A rule that leaves memberships alone keeps
    /// those that are there, and those that wait.
    pub(super) fn of(
        mapping: &Compiled,
        desired: &DesiredPerson,
        projected: &ProjectedPerson,
        known: bool,
        held: &HashSet<Membership>,
        team_ids: &TeamIds,
    ) -> Belonging {
        let kept: Vec<Arc<str>> = match desired.live {
            true => mapping
                .held_teams(projected)
                .into_iter()
                .filter(|(rule, hold)| match hold {
                    Hold::Always => true,
                    Hold::Known => known,
                    Hold::Filled => held.iter().any(|row| *row.source == **rule),
                })
                .map(|(rule, _)| rule)
                .collect(),
            false => vec![],
        };
        let is_kept = |rule: &str| kept.iter().any(|kept| &**kept == rule);
        let mut belongs: HashSet<Membership> =
            held.iter().filter(|row| is_kept(&row.source)).cloned().collect();
        let mut waiting = vec![];
        for team in projected.teams.iter().filter(|team| !is_kept(&team.rule)) {
            match team_ids.get(&(team.kind.to_string(), team.folded.clone())) {
                Some(team_id) => drop(belongs.insert(Membership {
                    team_id: *team_id,
                    person_id: desired.id,
                    source: team.rule.to_string(),
                })),
                None => waiting.push(waiter(team, desired)),
            }
        }
        Belonging {
            begun: belongs.difference(held).cloned().collect(),
            ended: held.difference(&belongs).cloned().collect(),
            waits: TeamWaits::Asserted { waiting, kept },
        }
    }

    /// `{rule: [old, new]}`: the team left and the team joined, or lists where a rule names several.
    pub(super) fn changes(&self) -> Map<String, Value> {
        let rules: BTreeSet<&str> = self
            .begun
            .iter()
            .chain(&self.ended)
            .map(|row| row.source.as_str())
            .collect();
        let of = |rows: &[Membership], rule: &str| -> Vec<Uuid> {
            let teams: BTreeSet<Uuid> = rows
                .iter()
                .filter(|row| row.source == rule)
                .map(|row| row.team_id)
                .collect();
            teams.into_iter().collect()
        };
        rules
            .into_iter()
            .map(|rule| {
                let (old, new) = (of(&self.ended, rule), of(&self.begun, rule));
                let change = if old.len() <= 1 && new.len() <= 1 {
                    json!([old.first(), new.first()])
                } else {
                    json!([old, new])
                };
                (rule.to_owned(), change)
            })
            .collect()
    }
}

fn waiter(team: &WantedTeam, desired: &DesiredPerson) -> Waiter {
    Waiter {
        subject_id: desired.id,
        slot: Slot::Team as i16,
        place: format!("{}:{}", team.rule, team.folded),
        reference: team.name.clone(),
        names_group: false,
        wait_key: wait_key(&team.kind, &team.folded),
        reason: "missing".to_owned(),
        asserted_seq: desired.seq,
    }
}
