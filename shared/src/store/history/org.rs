use super::past::{Then, briefs_at};
use crate::directory::TenantId;
use crate::store::people::Brief;
use crate::store::{PgConnection, StoreError};
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use uuid::Uuid;

/// A place in the reporting tree.
#[derive(Debug, Clone)]
pub struct Report {
    pub id: Uuid,
    pub person: Then,
    /// Steps below the root; 0 in a list of everybody.
    pub depth: i64,
}

/// The time history goes by.
///
/// # Errors
/// When the statement fails.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, StoreError> {
    let now = sqlx::query_scalar!(r#"select now() as "now!""#);
    Ok(now.fetch_one(conn).await?)
}

/// Those of the next `limit` people, in the order of ids, who were part of the company; and where to
/// go on, unless these were the last.
///
/// # Errors
/// When a statement fails.
pub async fn everybody(
    conn: &mut PgConnection,
    tenant: TenantId,
    at: DateTime<Utc>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<(Vec<Report>, Option<Uuid>), StoreError> {
    // Compared as pairs, the next ids are read in the order of the primary key, and no others, whatever
    // Postgres expects of the tenant.
    let ids = sqlx::query_scalar!(
        "select id from (
             select tenant_id, id from people where (tenant_id, id) > ($1, $2) order by tenant_id, id limit $3) next
         where tenant_id = $1",
        tenant.0,
        after.unwrap_or_default(),
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    let next = ids
        .last()
        .copied()
        .filter(|_| i64::try_from(ids.len()) == Ok(limit));
    let mut people = present(conn, tenant, &ids, at).await?;
    people.sort_by_key(|report| report.id);
    Ok((people, next))
}

/// The people below `root`, at most `depth` steps, level by level; and whether there were more than
/// `most`, so that only the upper levels are told. Nobody comes twice, whatever the cycle. Empty when
/// `root` was not part of the company.
///
/// # Errors
/// When a statement fails.
pub async fn below(
    conn: &mut PgConnection,
    tenant: TenantId,
    at: DateTime<Utc>,
    root: Uuid,
    depth: i64,
    most: usize,
) -> Result<(Vec<Report>, bool), StoreError> {
    let mut tree = present(conn, tenant, &[root], at).await?;
    let mut met: HashSet<Uuid> = HashSet::from([root]);
    let mut level: Vec<Uuid> = tree.iter().map(|report| report.id).collect();
    for depth in 1..=depth {
        if level.is_empty() {
            break;
        }
        let candidates = ever_reporting_to(conn, tenant, &level, at).await?;
        let managers: HashSet<Uuid> = level.into_iter().collect();
        let mut reports = present(conn, tenant, &candidates, at).await?;
        reports.retain(|report| {
            let manager = report.person.manager;
            manager.is_some_and(|manager| managers.contains(&manager)) && met.insert(report.id)
        });
        if tree.len() + reports.len() > most {
            return Ok((tree, true));
        }
        for report in &mut reports {
            report.depth = depth;
        }
        reports.sort_by(|a, b| {
            let place =
                |report: &Report| (report.person.name.clone(), report.person.login.clone(), report.id);
            place(a).cmp(&place(b))
        });
        level = reports.iter().map(|report| report.id).collect();
        tree.extend(reports);
    }
    Ok((tree, false))
}

/// The managers of `person` from the nearest to the top, `manager` first, at most 50. Where they report in a
/// circle, nobody comes twice.
///
/// # Errors
/// When a statement fails.
pub async fn above(
    conn: &mut PgConnection,
    tenant: TenantId,
    at: DateTime<Utc>,
    person: Uuid,
    manager: Uuid,
) -> Result<Vec<Report>, StoreError> {
    let (mut chain, mut met) = (vec![], HashSet::from([person]));
    let mut next = Some(manager);
    while let Some(id) = next.filter(|id| chain.len() < 50 && met.insert(*id)) {
        let found = present(conn, tenant, &[id], at).await?.pop();
        next = found.as_ref().and_then(|report| report.person.manager);
        chain.extend(found);
    }
    Ok(chain)
}

/// People who report to nobody, and whom somebody reports to: at most `limit`, by name.
///
/// # Errors
/// When the statement fails.
pub async fn tops(conn: &mut PgConnection, tenant: TenantId, limit: i64) -> Result<Vec<Brief>, StoreError> {
    Ok(sqlx::query_as!(
        Brief,
        "select p.* from (
             select distinct l.manager_id from reporting_lines l where l.tenant_id = $1 and l.slot = 1
               and not exists (select from reporting_lines up
                   where up.tenant_id = $1 and up.person_id = l.manager_id and up.slot = 1)) top
         cross join lateral (select id, resource_id, status, login, email, display_name from people
             where tenant_id = $1 and id = top.manager_id offset 0) p
         order by p.display_name, p.login, p.id limit $2",
        tenant.0,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Those of these people who were part of the company.
async fn present(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
    at: DateTime<Utc>,
) -> Result<Vec<Report>, StoreError> {
    Ok(briefs_at(conn, tenant, ids, at)
        .await?
        .into_iter()
        .filter(|(_, person)| person.status.as_deref() != Some("deprovisioned"))
        .map(|(id, person)| Report { id, person, depth: 0 })
        .collect())
}

/// Who reports to one of these people now, or did so when something after `at` changed it.
async fn ever_reporting_to(
    conn: &mut PgConnection,
    tenant: TenantId,
    managers: &[Uuid],
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select l.person_id as "person!" from unnest($2::uuid[]) as asked (id)
           cross join lateral (select person_id from reporting_lines
               where tenant_id = $1 and manager_id = asked.id and slot = 1 offset 0) l
           union
           select h.key_id from unnest($2::uuid[]) as asked (id)
           cross join lateral (select key_id from history
               where tenant_id = $1 and fields -> 'manager' ->> 0 = asked.id::text and applied_at > $3 offset 0) h"#,
        tenant.0,
        managers,
        at
    )
    .fetch_all(conn)
    .await?)
}
