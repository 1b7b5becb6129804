//! Cutting a run into parts. A part is a range of ids, so that planning writes next to nothing
//! however large the tenant is; what is in the range is looked up when it is compared.

use super::ChunkKind;
use crate::directory::{Key, TenantId};
use crate::scim::Document;
use crate::store::StoreError;
use chrono::NaiveDate;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// The end of a range: a person or team, and the folded value of a member.
pub type Bound = (Uuid, String);

/// A part to be done: everything of a kind after one bound and up to another.
#[derive(Debug, Clone)]
pub struct NewChunk {
    pub kind: ChunkKind,
    pub after: Option<Bound>,
    pub upto: Bound,
    /// Instead of the range.
    pub keys: Option<Vec<Key>>,
}

impl NewChunk {
    /// The ranges between these bounds, from the very first key on.
    pub fn ranges(kind: ChunkKind, bounds: Vec<Bound>) -> Vec<NewChunk> {
        let mut after = None;
        let mut chunks = vec![];
        for upto in bounds {
            chunks.push(NewChunk {
                kind,
                after: after.replace(upto.clone()),
                upto,
                keys: None,
            });
        }
        chunks
    }

    /// These keys, all of one kind.
    pub fn listed(kind: ChunkKind, keys: Vec<Key>) -> NewChunk {
        NewChunk {
            kind,
            after: None,
            upto: (Uuid::nil(), String::new()),
            keys: Some(keys),
        }
    }
}

/// Every `size`th person there is or should be, and the last.
///
/// # Errors
/// When the statement fails.
pub async fn people(conn: &mut PgConnection, tenant: TenantId, size: i64) -> Result<Vec<Bound>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from (
               select id, row_number() over (order by id) as n, count(*) over () as total from (
                   select directory_id as id from scim_resources where tenant_id = $1 and kind = 1
                   union select id from people where tenant_id = $1) both_sides) numbered
           where n % $2 = 0 or n = total order by id"#,
        tenant.0,
        size
    );
    Ok(bounds(ids.fetch_all(conn).await?))
}

/// Every `size`th team of a group there is or should be, and the last.
///
/// # Errors
/// When the statement fails.
pub async fn group_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    size: i64,
) -> Result<Vec<Bound>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id!" from (
               select id, row_number() over (order by id) as n, count(*) over () as total from (
                   select directory_id as id from scim_resources where tenant_id = $1 and kind = 2
                   union select id from teams where tenant_id = $1 and kind = 'group') both_sides) numbered
           where n % $2 = 0 or n = total order by id"#,
        tenant.0,
        size
    );
    Ok(bounds(ids.fetch_all(conn).await?))
}

/// Every `size`th attribute team there is, and the last.
///
/// # Errors
/// When the statement fails.
pub async fn attribute_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    size: i64,
) -> Result<Vec<Bound>, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"select id from (
               select id, row_number() over (order by id) as n, count(*) over () as total
               from teams where tenant_id = $1 and kind <> 'group') numbered
           where n % $2 = 0 or n = total order by id"#,
        tenant.0,
        size
    );
    Ok(bounds(ids.fetch_all(conn).await?))
}

/// Every `size`th member there is or should be of any group, or of this team, and the last.
///
/// # Errors
/// When the statement fails.
pub async fn members(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Option<Uuid>,
    size: i64,
) -> Result<Vec<Bound>, StoreError> {
    let rows = sqlx::query!(
        r#"select team as "team!", member as "member!" from (
               select team, member, row_number() over (order by team, member) as n, count(*) over () as total from (
                   select r.directory_id as team, m.member from scim_resources r
                       cross join lateral (select member from scim_members
                           where tenant_id = $1 and group_id = r.id offset 0) m
                       where r.tenant_id = $1 and r.kind = 2 and r.deleted_seq is null
                           and ($2::uuid is null or r.directory_id = $2)
                   union select team_id, substr(source, 8) from team_members
                       where tenant_id = $1 and starts_with(source, 'member:') and ($2::uuid is null or team_id = $2)
                   union select team_id, substr(source, 8) from team_parts
                       where tenant_id = $1 and ($2::uuid is null or team_id = $2)
                   union select subject_id, place from waiters
                       where tenant_id = $1 and slot = 3 and ($2::uuid is null or subject_id = $2)) both_sides
               ) numbered
           where n % $3 = 0 or n = total order by team, member"#,
        tenant.0,
        team,
        size
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.team, row.member)).collect())
}

fn bounds(ids: Vec<Uuid>) -> Vec<Bound> {
    ids.into_iter().map(|id| (id, String::new())).collect()
}

/// A team as a run's scope.
#[derive(Debug, Clone)]
pub struct ScopeTeam {
    pub kind: String,
    pub folded: Option<String>,
}

/// The row of a team, if it has one.
///
/// # Errors
/// When the statement fails.
pub async fn scope_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
) -> Result<Option<ScopeTeam>, StoreError> {
    Ok(sqlx::query_as!(
        ScopeTeam,
        "select kind, folded from teams where tenant_id = $1 and id = $2",
        tenant.0,
        team
    )
    .fetch_optional(conn)
    .await?)
}

/// The people who are in this team other than as members of a group.
///
/// # Errors
/// When the statement fails.
pub async fn people_in(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select distinct person_id from team_members
         where tenant_id = $1 and team_id = $2 and not starts_with(source, 'member:')",
        tenant.0,
        team
    )
    .fetch_all(conn)
    .await?)
}

/// The people whose status is not what their dates say about `day`; without a day, those who are
/// still deactivated for their dates. Reads everybody once: an index for it would cost every
/// apply, and this is asked once a day.
///
/// # Errors
/// When the statement fails.
pub async fn off_their_dates(
    conn: &mut PgConnection,
    tenant: TenantId,
    day: Option<NaiveDate>,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select p.id from people p
         where p.tenant_id = $1 and (p.start_date is not null or p.end_date is not null)
             and case when p.start_date > $2::date or p.end_date < $2
                 then p.status = 'active'
                 else p.status = 'deactivated' and exists (select from scim_resources r
                     where r.tenant_id = $1 and r.directory_id = p.id and r.kind = 1
                         and r.deleted_seq is null and r.active is distinct from false) end
         order by p.id",
        tenant.0,
        day
    )
    .fetch_all(conn)
    .await?)
}

/// The document of a live User.
#[derive(Debug, Clone)]
pub struct UserDocument {
    pub person: Uuid,
    pub document: Document,
    /// The change that made it what it is.
    pub seq: i64,
}

/// The documents of up to `limit` live Users, in order of their people's ids after `after`.
///
/// # Errors
/// When the statement fails.
pub async fn documents(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<UserDocument>, StoreError> {
    let rows = sqlx::query!(
        "select directory_id, document, seq from scim_resources
         where tenant_id = $1 and kind = 1 and deleted_seq is null and directory_id > $2
         order by directory_id limit $3",
        tenant.0,
        after,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| UserDocument {
            person: row.directory_id,
            document: match row.document {
                Value::Object(attributes) => Document(attributes),
                _ => Document::default(),
            },
            seq: row.seq,
        })
        .collect())
}

/// Write the parts down and go on to `reconcile`; false when somebody else has, or the run was
/// cancelled.
///
/// # Errors
/// When a statement fails.
pub async fn begin(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    chunks: &[NewChunk],
) -> Result<bool, StoreError> {
    let begun = sqlx::query!(
        "update runs set phase = 'reconcile', started_at = now(), due_at = now() + interval '5 seconds'
         where tenant_id = $1 and id = $2 and phase = 'plan'",
        tenant.0,
        run
    )
    .execute(&mut *conn)
    .await?;
    if begun.rows_affected() == 0 {
        return Ok(false);
    }
    add(conn, tenant, run, 0, chunks).await?;
    Ok(true)
}

/// Add parts, numbered from `first` on.
pub(super) async fn add(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    first: i32,
    chunks: &[NewChunk],
) -> Result<(), StoreError> {
    let kind: Vec<i16> = chunks.iter().map(|chunk| chunk.kind as i16).collect();
    let after = |chunk: &NewChunk| chunk.after.clone();
    let after_id: Vec<Option<Uuid>> = chunks.iter().map(|chunk| after(chunk).map(|it| it.0)).collect();
    let after_member: Vec<String> = chunks
        .iter()
        .map(|chunk| after(chunk).map(|it| it.1).unwrap_or_default())
        .collect();
    let upto_id: Vec<Uuid> = chunks.iter().map(|chunk| chunk.upto.0).collect();
    let upto_member: Vec<&str> = chunks.iter().map(|chunk| chunk.upto.1.as_str()).collect();
    let keys: Vec<Option<Value>> = chunks
        .iter()
        .map(|chunk| chunk.keys.as_ref().map(|keys| json!(keys)))
        .collect();
    sqlx::query!(
        "insert into run_chunks (tenant_id, run_id, chunk, kind, after_id, after_member, upto_id, upto_member, keys)
         select $1, $2, $3 + n.place::int4 - 1, n.kind, n.after_id, n.after_member, n.upto_id, n.upto_member, n.keys
         from unnest($4::int2[], $5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::jsonb[]) with ordinality
             as n (kind, after_id, after_member, upto_id, upto_member, keys, place)",
        tenant.0,
        run,
        first,
        &kind,
        &after_id as _,
        &after_member,
        &upto_id,
        &upto_member as _,
        &keys as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
