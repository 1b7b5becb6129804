//! Teams that others hang on are created first, in order, in a transaction of their own; those
//! there are already are only read. A counter or a touch on the row of "Sales" would make every
//! worker wait for every other.

use super::Engine;
use super::plan::TeamIds;
use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use rollcall_shared::directory::TenantId;
use rollcall_shared::mapping::Compiled;
use rollcall_shared::store::reconcile::{self as store, AttributeTeam, TeamRow};
use rollcall_shared::store::{PgConnection, StoreError, runs};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Teams remembered before all are forgotten.
const CACHED: usize = 100_000;

/// Teams to create.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub(super) attribute: Vec<AttributeTeam>,
    pub(super) groups: Vec<TeamRow>,
}

impl Missing {
    pub(super) fn is_empty(&self) -> bool {
        self.attribute.is_empty() && self.groups.is_empty()
    }
}

/// Those of these teams that are created because somebody is to be in them.
pub(super) fn created(mapping: &Compiled, teams: Vec<AttributeTeam>) -> Vec<AttributeTeam> {
    teams
        .into_iter()
        .filter(|team| mapping.creates(&team.kind))
        .collect()
}

/// Ids of attribute teams. They never change and their rows never go, so nothing expires.
#[derive(Default)]
pub(super) struct TeamCache {
    ids: Mutex<HashMap<TenantId, TeamIds>>,
}

impl TeamCache {
    /// Ask anew: a foreign hand may have been at the rows.
    pub(super) fn forget(&self, tenant: TenantId) {
        self.ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&tenant);
    }

    /// The ids of those that exist, and those that do not.
    pub(super) async fn resolve(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        teams: Vec<AttributeTeam>,
    ) -> Result<(TeamIds, Vec<AttributeTeam>), StoreError> {
        let mut ids = TeamIds::new();
        let mut unknown = vec![];
        {
            let cache = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            let known = cache.get(&tenant);
            for team in teams {
                let key = (team.kind.clone(), team.folded.clone());
                match known.and_then(|known| known.get(&key)) {
                    Some(id) => drop(ids.insert(key, *id)),
                    None => unknown.push(team),
                }
            }
        }
        let found = store::find_attribute_teams(conn, tenant, &unknown).await?;
        if !found.is_empty() {
            let mut cache = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
            if cache.values().map(HashMap::len).sum::<usize>() > CACHED {
                cache.clear();
            }
            let known = cache.entry(tenant).or_default();
            for (kind, folded, id) in found {
                known.insert((kind.clone(), folded.clone()), id);
                ids.insert((kind, folded), id);
            }
        }
        unknown.retain(|team| !ids.contains_key(&(team.kind.clone(), team.folded.clone())));
        Ok((ids, unknown))
    }
}

impl Engine {
    /// Create what is missing; counted for the part of a run that needs it.
    pub(super) async fn create_teams(
        &self,
        tenant: TenantId,
        mut missing: Missing,
        part: Option<(Uuid, i32)>,
    ) -> Result<(), ReconcileError> {
        let mut tx = self.pool.begin().await.map_err(StoreError::from)?;
        let mut created = 0;
        if !missing.attribute.is_empty() {
            missing.attribute.sort();
            created += store::create_attribute_teams(&mut tx, tenant, &missing.attribute).await?;
        }
        if !missing.groups.is_empty() {
            missing.groups.sort_by_key(|team| team.id);
            created += store::create_group_teams(&mut tx, tenant, &missing.groups).await?;
        }
        if let (Some((run, number)), 1..) = (part, created) {
            let created = i32::try_from(created).unwrap_or(i32::MAX);
            runs::count_teams(&mut tx, tenant, run, number, created).await?;
        }
        failpoint!("teams::before_commit");
        tx.commit().await.map_err(StoreError::from)?;
        failpoint!("teams::after_commit");
        Ok(())
    }
}
