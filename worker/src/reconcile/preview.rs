//! Comparing by two mappings at once, writing nothing.
//!
//! Keys with pending changes are compared too: both sides see the same change, so what is left of
//! the difference between them is the candidate's doing.

use super::check::{planned, team_ids};
use super::drift::Drift;
use super::effect::Sides;
use super::{Engine, View, read, wanted};
use crate::error::ReconcileError;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::mapping::Compiled;
use rollcall_shared::mapping::effect::{Beside, Effect};
use rollcall_shared::store as stores;
use rollcall_shared::store::mappings::InForce;
use rollcall_shared::store::runs::Sample;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// What a candidate for the mapping does to some people.
#[derive(Debug)]
pub(crate) struct Previewed {
    /// Teams aside.
    pub(crate) effect: Effect,
    pub(crate) samples: Vec<Sample>,
    /// Teams to be created, by the ids they go by here: kind and name.
    pub(crate) created: BTreeMap<Uuid, (String, String)>,
    /// Memberships that teams lose and gain by the candidate, and would in any case.
    pub(crate) moves: Moves,
    pub(crate) anyway: Moves,
}

#[derive(Debug, Default)]
pub(crate) struct Moves {
    pub(crate) lost: BTreeMap<Uuid, i64>,
    pub(crate) gained: BTreeMap<Uuid, i64>,
}

impl From<Drift> for Moves {
    fn from(drift: Drift) -> Moves {
        Moves {
            lost: drift.lost,
            gained: drift.gained,
        }
    }
}

impl Engine {
    /// What a run under `candidate` would change of these people and one under the mapping in force
    /// would not.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub(crate) async fn preview(
        &self,
        tenant: TenantId,
        people: &[Key],
        candidate: &Arc<Compiled>,
    ) -> Result<Previewed, ReconcileError> {
        let mut tx = stores::snapshot(&self.pool).await?;
        let (found, desired) = read(&self.mappings, &mut tx, tenant, people, View::All).await?;
        let mut found_then = found.clone();
        found_then.mapping = InForce {
            version: found.mapping.version + 1,
            mapping: Arc::clone(candidate),
        };
        let in_force = Arc::clone(&found.mapping.mapping);
        let wanted_anyway = wanted(&in_force, desired.clone());
        let wanted = wanted(candidate, desired);
        let (ids_anyway, missing_anyway) = team_ids(&mut tx, tenant, &in_force, &wanted_anyway).await?;
        let (ids, missing) = team_ids(&mut tx, tenant, candidate, &wanted).await?;
        let created: BTreeMap<Uuid, (String, String)> = missing
            .into_iter()
            .filter(|(id, _)| !missing_anyway.contains_key(id))
            .map(|(id, team)| (id, (team.kind, team.name)))
            .collect();

        let mut anyway = planned(&mut tx, tenant, found, wanted_anyway, &ids_anyway).await?;
        let mut then = planned(&mut tx, tenant, found_then, wanted, &ids).await?;
        for side in [&mut anyway, &mut then] {
            side.drift.add_links(&side.links);
        }
        let names = created
            .iter()
            .map(|(id, (_, name))| (*id, name.clone()))
            .collect();
        let sides = Sides {
            anyway: &anyway.drift,
            candidate: &then.drift,
            created: &names,
        };
        let (mut effect, samples) = sides.effect();
        effect.checked = people.len() as i64;
        let beside = |before: usize, after: usize| Beside {
            before: before as i64,
            after: after as i64,
        };
        effect.waiting = beside(anyway.waiting, then.waiting);
        effect.rejected = beside(anyway.rejected, then.rejected);
        Ok(Previewed {
            effect,
            samples,
            created,
            moves: then.drift.into(),
            anyway: anyway.drift.into(),
        })
    }
}
