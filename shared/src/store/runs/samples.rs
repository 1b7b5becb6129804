use crate::directory::TenantId;
use crate::store::StoreError;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A difference a dry run found, with everybody's name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSample {
    pub kind: String,
    pub subject_id: Uuid,
    /// `None`: neither the directory nor a source knows a name any more.
    pub name: Option<String>,
    pub field: String,
    pub old: Option<Value>,
    pub new: Option<Value>,
}

/// What a dry run found, in the order of kinds, at most `limit` of each. Of links, `old` and `new`
/// are the names of who or what was linked.
///
/// # Errors
/// When the statement fails.
pub async fn samples(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    limit: i64,
) -> Result<Vec<NamedSample>, StoreError> {
    let rows = sqlx::query_as!(
        NamedSample,
        r#"with shown as (
               select * from (
                   select *, row_number() over (partition by kind order by id) as n
                   from run_samples where tenant_id = $1 and run_id = $2) numbered
               where n <= $3),
           asked as (
               select subject_id as id from shown
               union select (old #>> '{}')::uuid from shown where kind in ('membership', 'line') and old <> 'null'
               union select (new #>> '{}')::uuid from shown where kind in ('membership', 'line') and new <> 'null'),
           names as (
               select a.id, coalesce(
                   (select coalesce(p.display_name, p.login, p.external_id) from people p
                    where p.tenant_id = $1 and p.id = a.id),
                   (select t.name from teams t where t.tenant_id = $1 and t.id = a.id),
                   (select coalesce(r.document ->> 'displayName', r.document ->> 'userName') from scim_resources r
                    where r.tenant_id = $1 and r.directory_id = a.id order by r.seq desc limit 1)) as name
               from asked a)
           select s.kind, s.subject_id, (select name from names where id = s.subject_id) as name, s.field,
                  case when s.kind in ('membership', 'line') and s.old <> 'null'
                      then to_jsonb((select name from names where id = (s.old #>> '{}')::uuid)) else s.old end as old,
                  case when s.kind in ('membership', 'line') and s.new <> 'null'
                      then to_jsonb((select name from names where id = (s.new #>> '{}')::uuid)) else s.new end as new
           from shown s order by s.kind, s.id"#,
        tenant.0,
        run,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
