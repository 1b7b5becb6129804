//! What accepting writes of Users needs to know beyond the writes: by which mapping they name teams,
//! and which teams are named already.

use super::Write;
use super::line::Item;
use rollcall_shared::directory::TenantId;
use rollcall_shared::mapping::Compiled;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::accept::TeamName;
use rollcall_shared::store::mappings::{MappingError, Mappings};
use rollcall_shared::store::{PgConnection, StoreError};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// What this process knows to be in the database: spares asking again.
pub(super) struct Knowledge {
    team_names: Mutex<HashSet<(TenantId, String, String)>>,
    mappings: Arc<Mappings>,
}

/// Team names remembered before the memory is emptied.
const KNOWN_TEAM_NAMES: usize = 100_000;

impl Knowledge {
    pub(super) fn new(mappings: Arc<Mappings>) -> Knowledge {
        Knowledge {
            team_names: Mutex::default(),
            mappings,
        }
    }

    /// By what to name the teams of these writes: the `version` that the batch's own transaction saw, so
    /// that what is accepted after a mapping was changed is named by the new one.
    pub(super) async fn mapping(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        version: i32,
        items: &[Item],
    ) -> Result<Option<Arc<Compiled>>, StoreError> {
        let names_teams =
            |write: &Write| write.kind() == ResourceType::User && !matches!(write, Write::Delete { .. });
        if !items.iter().any(|item| names_teams(&item.write)) {
            return Ok(None);
        }
        match self.mappings.of_version(conn, tenant, version).await {
            Ok(in_force) => Ok(Some(in_force.mapping)),
            Err(MappingError::Store(error)) => Err(error),
            Err(error @ MappingError::Unreadable(_)) => {
                // A newer process stored it. Nobody's write is refused for that.
                tracing::warn!(%tenant, %error, "teams are named by the workers");
                Ok(None)
            }
        }
    }

    pub(super) fn knows(&self, tenant: TenantId, name: &TeamName) -> bool {
        let known = self.team_names.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&(tenant, name.kind.clone(), name.folded.clone()))
    }

    pub(super) fn learn(&self, tenant: TenantId, names: Vec<TeamName>) {
        let mut known = self.team_names.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + names.len() > KNOWN_TEAM_NAMES {
            known.clear();
        }
        known.extend(names.into_iter().map(|name| (tenant, name.kind, name.folded)));
    }
}
