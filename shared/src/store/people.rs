//! People as operators look them up.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// A person as the directory shows them now.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub id: Uuid,
    /// The SCIM User last applied.
    pub resource_id: Uuid,
    pub status: String,
    pub login: Option<String>,
    pub email: Option<String>,
    pub further_emails: Value,
    pub external_id: Option<String>,
    pub employee_number: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub display_name: Option<String>,
    pub position: Option<String>,
    pub level: Option<String>,
    pub location: Option<String>,
    pub gender: Option<String>,
    pub start_date: Option<NaiveDate>,
    pub end_date: Option<NaiveDate>,
    pub birthday: Option<NaiveDate>,
    pub employment_type: Option<String>,
    pub photo_url: Option<String>,
    pub custom: Value,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Everything but ids, status and times is gone since.
    pub erased_at: Option<DateTime<Utc>>,
}

/// As much of a person as tells who it is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brief {
    pub id: Uuid,
    pub resource_id: Uuid,
    pub status: String,
    pub login: Option<String>,
    pub email: Option<String>,
    pub display_name: Option<String>,
}

impl Brief {
    /// What to call them; `None` when they have neither a name nor a login nor an address.
    pub fn name(&self) -> Option<&str> {
        let names = [&self.display_name, &self.login, &self.email];
        names.into_iter().find_map(|name| name.as_deref())
    }
}

/// The person with this directory id, or described by the SCIM User with this id; also one who is
/// accepted and not yet in the directory.
///
/// # Errors
/// When the statement fails.
pub async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select id as "id!" from people where tenant_id = $1 and id = $2
           union all
           select directory_id from scim_resources where tenant_id = $1 and id = $2 and kind = 1
           union all
           select directory_id from scim_resources where tenant_id = $1 and directory_id = $2 and kind = 1
           limit 1"#,
        tenant.0,
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// What the directory shows of a person; `None` for one it does not hold yet.
///
/// # Errors
/// When the statement fails.
pub async fn person(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Person>, StoreError> {
    Ok(sqlx::query_as!(
        Person,
        "select id, resource_id, status, login, email, further_emails, external_id, employee_number, first_name,
             last_name, display_name, position, level, location, gender, start_date, end_date, birthday,
             employment_type, photo_url, custom, created_at, updated_at, erased_at
         from people where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// How many changes of this person's own the directory has yet to catch up with.
///
/// # Errors
/// When the statement fails.
pub async fn pending(connection: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from pending where tenant_id = $1 and key_kind = 1 and key_id = $2"#,
        tenant.0,
        id
    )
    .fetch_one(connection)
    .await?)
}

/// Who these people are.
///
/// # Errors
/// When the statement fails.
pub async fn briefs(
    connection: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Brief>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query_as!(
        Brief,
        "select p.* from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id, resource_id, status, login, email, display_name from people
             where tenant_id = $1 and id = asked.id offset 0) p",
        tenant.0,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|brief| (brief.id, brief)).collect())
}

/// Which people are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Only some of these.
    pub among: Option<&'a [Uuid]>,
    pub status: Option<&'a str>,
    /// Only those with a link that waits.
    pub waiting: bool,
    /// Only members of this team.
    pub team: Option<Uuid>,
    /// Only those with a greater id.
    pub after: Option<Uuid>,
    pub limit: i64,
}

/// People in the order of ids.
///
/// # Errors
/// When the statement fails; where few are wanted, all people of the tenant may be looked at, which may take
/// longer than the connection allows.
pub async fn list(
    connection: &mut PgConnection,
    tenant: TenantId,
    wanted: &Wanted<'_>,
) -> Result<Vec<Brief>, StoreError> {
    Ok(sqlx::query_as!(
        Brief,
        "select p.id, p.resource_id, p.status, p.login, p.email, p.display_name from people p
         where p.tenant_id = $1 and (p.tenant_id, p.id) > ($1, $2)
           and ($3::uuid[] is null or p.id = any($3)) and ($4::text is null or p.status = $4)
           and (not $5 or exists (select from waiters w where w.tenant_id = $1 and w.subject_id = p.id))
           and ($6::uuid is null or exists (select from team_members m
               where m.tenant_id = $1 and m.person_id = p.id and m.team_id = $6))
         order by p.tenant_id, p.id limit $7",
        tenant.0,
        wanted.after.unwrap_or_default(),
        wanted.among,
        wanted.status,
        wanted.waiting,
        wanted.team,
        wanted.limit
    )
    .fetch_all(connection)
    .await?)
}

/// People by the beginning of a login, e-mail address, externalId or employee number they hold
/// now (`folded`), else by a part of their name; at most `limit`, those found by a value first.
///
/// # Errors
/// When the statement fails; names are looked for in all people of the tenant, which may take
/// longer than the connection allows.
pub async fn search(
    connection: &mut PgConnection,
    tenant: TenantId,
    folded: &str,
    limit: i64,
) -> Result<Vec<Brief>, StoreError> {
    let beyond = format!("{folded}\u{10FFFF}");
    let mut found = sqlx::query_as!(
        Brief,
        "select p.* from (select distinct directory_id from (
             select directory_id from scim_keys where tenant_id = $1 and folded >= $2 and starts_with(folded, $2)
                 and folded < $4 and kind = 1 and to_seq is null
             order by folded limit $3) held) asked
         cross join lateral (select id, resource_id, status, login, email, display_name from people
             where tenant_id = $1 and id = asked.directory_id offset 0) p
         order by p.login, p.id",
        tenant.0,
        folded,
        limit,
        beyond
    )
    .fetch_all(&mut *connection)
    .await?;
    let missing = limit - i64::try_from(found.len()).unwrap_or(limit);
    if missing > 0 {
        let known: Vec<Uuid> = found.iter().map(|brief| brief.id).collect();
        let named = sqlx::query_as!(
            Brief,
            "select id, resource_id, status, login, email, display_name from people
             where tenant_id = $1 and not (id = any($4))
               and position($2 in lower(concat_ws(' ', display_name, first_name, last_name, first_name))) > 0
             order by display_name, id limit $3",
            tenant.0,
            folded,
            missing,
            &known
        )
        .fetch_all(connection)
        .await?;
        found.extend(named);
    }
    Ok(found)
}
