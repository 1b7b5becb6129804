use crate::directory::TenantId;
use crate::store::StoreError;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A difference, with ids for those who were linked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sample {
    /// `person`, `deactivation`, `team`, `membership`, `line` or `waiting`.
    pub kind: &'static str,
    /// The person or team.
    pub subject: Uuid,
    pub field: String,
    /// Of a link, an id; or `{"name": …}` of a team that has none yet.
    pub old: Value,
    pub new: Value,
}

/// Keep samples of a run.
///
/// # Errors
/// When the statement fails.
pub async fn add(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    samples: &[Sample],
) -> Result<(), StoreError> {
    if samples.is_empty() {
        return Ok(());
    }
    let kind: Vec<&str> = samples.iter().map(|sample| sample.kind).collect();
    let subject: Vec<Uuid> = samples.iter().map(|sample| sample.subject).collect();
    let field: Vec<&str> = samples.iter().map(|sample| sample.field.as_str()).collect();
    let old: Vec<Value> = samples.iter().map(|sample| sample.old.clone()).collect();
    let new: Vec<Value> = samples.iter().map(|sample| sample.new.clone()).collect();
    sqlx::query!(
        "insert into run_samples (tenant_id, run_id, kind, subject_id, field, old, new)
         select $1, $2, n.* from unnest($3::text[], $4::uuid[], $5::text[], $6::jsonb[], $7::jsonb[])
             as n (kind, subject_id, field, old, new)",
        tenant.0,
        run,
        &kind as _,
        &subject,
        &field as _,
        &old,
        &new
    )
    .execute(conn)
    .await?;
    Ok(())
}

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
               union select (old #>> '{}')::uuid from shown
                   where kind in ('membership', 'line') and jsonb_typeof(old) = 'string'
               union select (new #>> '{}')::uuid from shown
                   where kind in ('membership', 'line') and jsonb_typeof(new) = 'string'),
           names as (
               select a.id, coalesce(
                   (select coalesce(p.display_name, p.login, p.external_id) from people p
                    where p.tenant_id = $1 and p.id = a.id),
                   (select t.name from teams t where t.tenant_id = $1 and t.id = a.id),
                   (select coalesce(r.document ->> 'displayName', r.document ->> 'userName') from scim_resources r
                    where r.tenant_id = $1 and r.directory_id = a.id order by r.seq desc limit 1)) as name
               from asked a)
           select s.kind, s.subject_id, (select name from names where id = s.subject_id) as name, s.field,
                  case when s.kind not in ('membership', 'line') then s.old
                      when jsonb_typeof(s.old) = 'string'
                      then to_jsonb((select name from names where id = (s.old #>> '{}')::uuid))
                      else s.old -> 'name' end as old,
                  case when s.kind not in ('membership', 'line') then s.new
                      when jsonb_typeof(s.new) = 'string'
                      then to_jsonb((select name from names where id = (s.new #>> '{}')::uuid))
                      else s.new -> 'name' end as new
           from shown s order by s.kind, s.id"#,
        tenant.0,
        run,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
