//! The attribute teams a person belongs to.

use super::TeamIds;
use crate::reconcile::held_links::TeamWaits;
use rollcall_shared::mapping::Compiled;
use rollcall_shared::projection::{Hold, ProjectedPerson, WantedTeam};
use rollcall_shared::store::links::{Slot, Waiter};
use rollcall_shared::store::named_teams::wait_key;
use rollcall_shared::store::reconcile::{DesiredPerson, Membership};
use std::collections::HashSet;
use std::sync::Arc;

/// What becomes of a person's memberships of attribute teams.
pub(super) struct Belonging {
    pub(super) belongs: HashSet<Membership>,
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
            belongs,
            waits: TeamWaits::Asserted { waiting, kept },
        }
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
