//! Teams that values of attributes name, made by an operator, and what waits for them.

use super::reconcile::{AttributeTeam, create_attribute_teams};
use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use serde::Serialize;
use uuid::Uuid;

/// A team that values of attributes name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedTeam {
    pub id: Uuid,
    pub kind: String,
    /// As first accepted.
    pub name: String,
}

/// What links that need this team wait for.
pub fn wait_key(kind: &str, folded: &str) -> String {
    format!("team:{kind}:{folded}")
}

/// Kind and folded name of the team that a wait key is about; `None` for one about a person.
pub fn waited_for(wait_key: &str) -> Option<(&str, &str)> {
    wait_key.strip_prefix("team:")?.split_once(':')
}

/// Have this team exist. Whoever waits for it is not told. Answers whether it is new.
///
/// # Errors
/// When a statement fails.
pub async fn create(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: &AttributeTeam,
) -> Result<(NamedTeam, bool), StoreError> {
    let created = create_attribute_teams(conn, tenant, std::slice::from_ref(team)).await?;
    let found = sqlx::query_as!(
        NamedTeam,
        "select id, kind, name from teams where tenant_id = $1 and kind = $2 and folded = $3",
        tenant.0,
        team.kind,
        team.folded
    )
    .fetch_one(conn)
    .await?;
    Ok((found, created > 0))
}
