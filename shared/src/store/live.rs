//! What has just been applied: the end of the history, with names.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One change of the directory, told by names of fields, not by their values.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Of the history's row.
    pub id: i64,
    pub at: DateTime<Utc>,
    /// `apply`, `link`, `run`, `create` or `erase`.
    pub cause: String,
    /// Whose change it was, or who joined or left a team.
    pub person: Option<Named>,
    /// The team that changed, or that somebody joined or left.
    pub team: Option<Named>,
    /// Names of the fields that changed.
    pub fields: Vec<String>,
    /// A person's status before and after, where it changed.
    pub status: Option<(Option<String>, Option<String>)>,
    /// Of somebody who is or was a member: they are no longer.
    pub left: bool,
    /// Of a team: it is new.
    pub made: bool,
    /// Of a team: its group was deleted.
    pub deleted: bool,
    /// The receipt behind it.
    pub txn: Option<Uuid>,
}

/// Somebody or something, as it is called now; gone ones may have no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: Uuid,
    pub name: String,
}

/// The highest id in the history of the deployment; 0 when there is none.
///
/// # Errors
/// When the statement fails.
pub async fn head(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let head = sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "head!" from history"#);
    Ok(head.fetch_one(connection).await?)
}

/// A tenant's changes with an id above `above`, the newest first.
///
/// # Errors
/// When the statement fails.
pub async fn newest(
    connection: &mut PgConnection,
    tenant: TenantId,
    above: i64,
    limit: i64,
) -> Result<Vec<Applied>, StoreError> {
    // `tenant_id + 0`: the end of the table by its ids, and no index that begins with the tenant.
    let rows = sqlx::query!(
        r#"select h.id, h.applied_at, h.cause, h.key_kind,
                  array(select jsonb_object_keys(h.fields)) as "fields!",
                  h.fields ? 'status' as "status_changed!",
                  h.fields -> 'status' ->> 0 as status_old, h.fields -> 'status' ->> 1 as status_new,
                  h.key_kind = 3 and coalesce(jsonb_typeof(h.fields -> 'members' -> 1), 'null') = 'null' as "gone!",
                  h.key_kind = 2 and coalesce(jsonb_typeof(h.fields -> 'name' -> 0) = 'null', false) as "made!",
                  h.key_kind = 2 and coalesce(h.fields -> 'deleted' ->> 1 = 'true', false) as "deleted!",
                  w.person, w.team, c.txn as "txn?",
                  (select coalesce(p.display_name, p.login, p.external_id) from people p
                   where p.tenant_id = $1 and p.id = w.person) as person_name,
                  (select t.name from teams t where t.tenant_id = $1 and t.id = w.team) as team_name
           from (select * from history where tenant_id + 0 = $1 and id > $2 and fields <> '{}'
                 order by id desc limit $3) h
           cross join lateral (select case h.key_kind when 1 then h.key_id else h.person_id end as person,
                                      case when h.key_kind in (2, 3) then h.key_id end as team) w
           left join changes c on c.tenant_id = $1 and c.seq = h.seq
           order by h.id desc"#,
        tenant.0,
        above,
        limit
    )
    .fetch_all(connection)
    .await?;
    let named = |id: Option<Uuid>, name: Option<String>| {
        let name = name.unwrap_or_default();
        Some(Named { id: id?, name })
    };
    Ok(rows
        .into_iter()
        .map(|row| Applied {
            id: row.id,
            at: row.applied_at,
            cause: row.cause,
            person: named(row.person, row.person_name),
            team: named(row.team, row.team_name),
            fields: row.fields,
            status: row.status_changed.then_some((row.status_old, row.status_new)),
            left: row.gone,
            made: row.made,
            deleted: row.deleted,
            txn: row.txn,
        })
        .collect())
}
