use crate::directory::TenantId;
use crate::mapping::Asserted;
use crate::scim::Document;
use crate::scim::schema::{ENTERPRISE_USER, ROLLCALL_USER};
use crate::store::StoreError;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// What should be of a person: the live User with the highest seq, else the tombstone with the
/// highest.
#[derive(Debug, Clone)]
pub struct DesiredPerson {
    pub id: Uuid,
    pub resource_id: Uuid,
    pub document: Document,
    pub live: bool,
    pub seq: i64,
    /// The change that last asserted `manager`.
    pub manager_seq: i64,
    /// The change that last asserted `additionalManagers`.
    pub additional_seq: i64,
}

/// What should be of a group's team.
#[derive(Debug, Clone)]
pub struct DesiredGroup {
    pub id: Uuid,
    pub resource_id: Uuid,
    pub document: Document,
    pub live: bool,
    pub seq: i64,
}

impl DesiredPerson {
    /// The change by which a reference counts as asserted.
    pub fn asserted_seq(&self, asserted: Asserted) -> i64 {
        match asserted {
            Asserted::Manager => self.manager_seq,
            Asserted::AdditionalManagers => self.additional_seq,
            Asserted::Document => self.seq,
        }
    }
}

pub async fn desired_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<DesiredPerson>, StoreError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query!(
        r#"select directory_id, id, document, deleted_seq is null as "live!", seq,
               coalesce(manager_seq, seq) as "manager_seq!",
               coalesce(additional_managers_seq, seq) as "additional_seq!"
           from unnest($2::uuid[]) as asked (person)
           cross join lateral (select * from (select * from scim_resources
               where tenant_id = $1 and directory_id = asked.person and kind = 1 offset 0) of_person
               order by deleted_seq is null desc, seq desc limit 1) r"#,
        tenant.0,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DesiredPerson {
            id: row.directory_id,
            resource_id: row.id,
            document: document(row.document),
            live: row.live,
            seq: row.seq,
            manager_seq: row.manager_seq,
            additional_seq: row.additional_seq,
        })
        .collect())
}

/// As [`desired_people`], but of the documents only what SCIM calls managers, unless `whole`.
pub async fn desired_references(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
    whole: bool,
) -> Result<Vec<DesiredPerson>, StoreError> {
    if whole || ids.is_empty() {
        return desired_people(conn, tenant, ids).await;
    }
    let rows = sqlx::query!(
        r#"select directory_id, id, deleted_seq is null as "live!", seq,
               jsonb_build_object(
                   $3::text, jsonb_build_object('manager', document #> array[$3::text, 'manager']),
                   $4::text, jsonb_build_object('additionalManagers', document #> array[$4::text, 'additionalManagers'])
               ) as "document!",
               coalesce(manager_seq, seq) as "manager_seq!",
               coalesce(additional_managers_seq, seq) as "additional_seq!"
           from unnest($2::uuid[]) as asked (person)
           cross join lateral (select * from (select * from scim_resources
               where tenant_id = $1 and directory_id = asked.person and kind = 1 offset 0) of_person
               order by deleted_seq is null desc, seq desc limit 1) r"#,
        tenant.0,
        ids,
        ENTERPRISE_USER,
        ROLLCALL_USER
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DesiredPerson {
            id: row.directory_id,
            resource_id: row.id,
            document: document(row.document),
            live: row.live,
            seq: row.seq,
            manager_seq: row.manager_seq,
            additional_seq: row.additional_seq,
        })
        .collect())
}

pub async fn desired_groups(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<DesiredGroup>, StoreError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows = sqlx::query!(
        r#"select directory_id, id, document, deleted_seq is null as "live!", seq
           from unnest($2::uuid[]) as asked (team)
           cross join lateral (select * from (select * from scim_resources
               where tenant_id = $1 and directory_id = asked.team and kind = 2 offset 0) of_team
               order by deleted_seq is null desc, seq desc limit 1) r"#,
        tenant.0,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DesiredGroup {
            id: row.directory_id,
            resource_id: row.id,
            document: document(row.document),
            live: row.live,
            seq: row.seq,
        })
        .collect())
}

fn document(stored: Value) -> Document {
    match stored {
        Value::Object(attributes) => Document(attributes),
        _ => Document::default(),
    }
}
