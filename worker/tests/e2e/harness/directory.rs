//! The whole directory, to be compared at a glance.

use sqlx::PgPool;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Every row of the directory as a line, sorted. People are named by their login. Whoever or
/// whatever is there twice has two lines.
pub(crate) async fn facts(db: &PgPool, tenant: i64) -> Vec<String> {
    let mut facts: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', 'person', login, status, email, nullif(further_emails::text, '[]'), position)
             from people where tenant_id = $1
         union all
         select concat_ws(' ', case when deleted then 'deleted' end, 'team', kind, name)
             from teams where tenant_id = $1
         union all
         select concat_ws(' ', 'member', p.login, 'of', t.name, 'by', split_part(m.source, ':', 1))
             from team_members m
             join teams t on t.tenant_id = m.tenant_id and t.id = m.team_id
             join people p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1
         union all
         select concat_ws(' ', 'line', p.login, case l.slot when 1 then 'to' else 'also to' end, m.login, l.flag)
             from reporting_lines l
             join people p on p.tenant_id = l.tenant_id and p.id = l.person_id
             join people m on m.tenant_id = l.tenant_id and m.id = l.manager_id
             where l.tenant_id = $1
         union all
         select concat_ws(' ', 'waiting', coalesce(p.login, t.name), 'for', w.reference, w.reason)
             from waiters w
             left join people p on p.tenant_id = w.tenant_id and p.id = w.subject_id and w.slot in (1, 2)
             left join teams t on t.tenant_id = w.tenant_id and t.id = w.subject_id and w.slot not in (1, 2)
             where w.tenant_id = $1
         union all
         select concat_ws(' ', 'rejected', p.login, r.rule)
             from rejections r left join people p on p.tenant_id = r.tenant_id and p.resource_id = r.resource_id
             where r.tenant_id = $1
         union all
         select concat_ws(' ', 'failing', key_id, error) from key_failures where tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(db)
    .await
    .unwrap();
    facts.sort();
    facts
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
