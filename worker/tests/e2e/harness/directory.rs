//! The whole directory, to be compared at a glance.

use sqlx::PgPool;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Every row of the directory as a line, sorted. People are named by their login. Whoever or
/// whatever is there twice has two lines.
pub(crate) async fn facts(db: &PgPool, tenant: i64) -> Vec<String> {
    // Joined here: how long Postgres takes for it depends on what it happens to know of the tables.
    let people = names(
        db,
        "select id, coalesce(login, '-') from people where tenant_id = $1",
        tenant,
    )
    .await;
    let teams = names(db, "select id, name from teams where tenant_id = $1", tenant).await;
    let mut facts: Vec<String> = vec![];
    for (row, subject, middle, object, rest) in rows(db, tenant).await {
        let name = |id: Option<Uuid>| id.and_then(|id| people.get(&id).or(teams.get(&id)));
        let parts = [
            Some(&row),
            name(subject),
            middle.as_ref(),
            name(object),
            rest.as_ref(),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        facts.push(parts.join(" "));
    }
    facts.sort();
    facts
}

async fn names(db: &PgPool, statement: &'static str, tenant: i64) -> HashMap<Uuid, String> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(statement)
        .bind(tenant)
        .fetch_all(db)
        .await
        .unwrap();
    rows.into_iter().collect()
}

/// What it is, whom or what it is about, something between, another person or team, the rest.
type Row = (String, Option<Uuid>, Option<String>, Option<Uuid>, Option<String>);

async fn rows(db: &PgPool, tenant: i64) -> Vec<Row> {
    sqlx::query_as(
        "select 'person', id, concat_ws(' ', status, email, nullif(further_emails::text, '[]'), position),
                null::uuid, null::text
             from people where tenant_id = $1
         union all
         select concat_ws(' ', case when deleted then 'deleted' end, 'team', kind), id, null, null, null
             from teams where tenant_id = $1
         union all
         select 'member', person_id, 'of', team_id, 'by ' || split_part(source, ':', 1)
             from team_members where tenant_id = $1
         union all
         select 'line', person_id, case slot when 1 then 'to' else 'also to' end, manager_id, flag
             from reporting_lines where tenant_id = $1
         union all
         select 'waiting', subject_id, concat_ws(' ', 'for', reference, reason), null, null
             from waiters where tenant_id = $1
         union all
         select 'rejected', null, concat_ws(' ', resource_id, rule), null, null
             from rejections where tenant_id = $1
         union all
         select 'failing', null, concat_ws(' ', key_id, error), null, null
             from key_failures where tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(db)
    .await
    .unwrap()
}

/// Who has which login; people who left count too.
pub(crate) async fn logins(db: &PgPool, tenant: i64) -> BTreeMap<Uuid, String> {
    sqlx::query_as("select id, login from people where tenant_id = $1")
        .bind(tenant)
        .fetch_all(db)
        .await
        .unwrap()
        .into_iter()
        .collect()
}

/// Where each row of the directory lies, and which transaction wrote it: a row that was written
/// again, even with the same values, has another.
pub(crate) async fn versions(db: &PgPool, tenant: i64) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for (table, key) in [
        ("people", "id::text"),
        ("teams", "id::text"),
        ("team_members", "concat_ws(' ', team_id, person_id, source)"),
        ("reporting_lines", "concat_ws(' ', person_id, slot, ordinal)"),
        ("waiters", "concat_ws(' ', subject_id, slot, place)"),
        ("wakes", "id::text"),
        ("rejections", "concat_ws(' ', resource_id, rule)"),
        ("history", "id::text"),
        ("key_failures", "key_id::text"),
    ] {
        let sql = format!(
            "select '{table} ' || {key}, concat_ws(' ', xmin, ctid) from {table} where tenant_id = $1"
        );
        let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(tenant)
            .fetch_all(db)
            .await
            .unwrap();
        versions.extend(rows);
    }
    versions
}
