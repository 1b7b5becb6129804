use super::Scope;
use crate::directory::TenantId;
use crate::store::StoreError;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Finished runs are kept for so long.
const KEPT_DAYS: i32 = 90;

/// What the parts of a run found, as they left it.
#[derive(Debug, Clone)]
pub struct Report {
    pub results: Vec<Value>,
    pub teams_created: i64,
    pub links_resolved: i32,
    /// Seconds since the run was planned.
    pub seconds: f64,
    /// Of the teams that lost somebody: how many memberships each has now.
    pub members_of: Vec<(Uuid, i64)>,
}

/// Lock the run and read what its parts found; `None` when it is not about to be reported.
///
/// # Errors
/// When a statement fails.
pub async fn gather(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
) -> Result<Option<Report>, StoreError> {
    let Some(row) = sqlx::query!(
        r#"select links_resolved,
                  extract(epoch from clock_timestamp() - coalesce(started_at, created_at))::float8 as "seconds!"
           from runs where tenant_id = $1 and id = $2 and phase = 'report' for update"#,
        tenant.0,
        run
    )
    .fetch_optional(&mut *conn)
    .await?
    else {
        return Ok(None);
    };
    let chunks = sqlx::query!(
        "select teams_created, result from run_chunks where tenant_id = $1 and run_id = $2 order by chunk",
        tenant.0,
        run
    )
    .fetch_all(&mut *conn)
    .await?;
    let lost: Vec<Uuid> = chunks
        .iter()
        .filter_map(|chunk| chunk.result.as_ref()?.get("lost")?.as_object())
        .flat_map(|lost| lost.keys())
        .filter_map(|team| team.parse().ok())
        .collect();
    let members = sqlx::query!(
        r#"select asked.id as "id!", (select count(*) from team_members
               where tenant_id = $1 and team_id = asked.id) as "members!"
           from (select distinct id from unnest($2::uuid[]) as id) asked"#,
        tenant.0,
        &lost
    )
    .fetch_all(conn)
    .await?;
    Ok(Some(Report {
        teams_created: chunks.iter().map(|chunk| i64::from(chunk.teams_created)).sum(),
        results: chunks.into_iter().filter_map(|chunk| chunk.result).collect(),
        links_resolved: row.links_resolved,
        seconds: row.seconds,
        members_of: members.into_iter().map(|row| (row.id, row.members)).collect(),
    }))
}

/// Links of this scope that wait.
///
/// # Errors
/// When the statement fails.
pub async fn scope_waiting(
    conn: &mut PgConnection,
    tenant: TenantId,
    scope: Scope,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from waiters where tenant_id = $1 and ($2::uuid is null or subject_id = $2)"#,
        tenant.0,
        scope.id()
    )
    .fetch_one(conn)
    .await?)
}

/// End a run with its report; its parts go, and so do samples beyond `samples` of a kind and runs
/// that ended long ago.
///
/// # Errors
/// When a statement fails.
pub async fn finish(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    report: &Value,
    samples: i64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update runs set phase = 'done', finished_at = now(), report = $3 where tenant_id = $1 and id = $2",
        tenant.0,
        run,
        report
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from run_chunks where tenant_id = $1 and run_id = $2",
        tenant.0,
        run
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from run_samples s using (
             select id, row_number() over (partition by kind order by id) as n
             from run_samples where tenant_id = $1 and run_id = $2) numbered
         where s.tenant_id = $1 and s.run_id = $2 and s.id = numbered.id and numbered.n > $3",
        tenant.0,
        run,
        samples
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from runs where tenant_id = $1 and finished_at < now() - make_interval(days => $2)",
        tenant.0,
        KEPT_DAYS
    )
    .execute(conn)
    .await?;
    Ok(())
}
