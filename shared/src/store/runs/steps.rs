//! Runs on their way from phase to phase.

use super::Phase;
use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// How long a run is left to the job it was pushed with.
const CLAIM_SECONDS: f64 = 5.0;

/// Whether any run's next step is to be pushed; costs one look at an index.
///
/// # Errors
/// When the statement fails.
pub async fn due(conn: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from runs where phase <> 'done' and due_at <= now()
                          and tenant_id <> all (array(select tenant_id from paused_lanes where lane = 'runs'))) as "due!""#
    )
    .fetch_one(conn)
    .await?)
}

/// Claim up to `limit` runs whose next step is to be pushed.
///
/// # Errors
/// When the statement fails.
pub async fn claim(conn: &mut PgConnection, limit: i64) -> Result<Vec<(TenantId, Uuid, Phase)>, StoreError> {
    let rows = sqlx::query!(
        "with due as (
             select ctid from runs where phase <> 'done' and due_at <= now()
               and tenant_id <> all (array(select tenant_id from paused_lanes where lane = 'runs'))
             order by due_at limit $1 for update skip locked)
         update runs r set due_at = now() + make_interval(secs => $2) from due where r.ctid = due.ctid
         returning r.tenant_id, r.id, r.phase",
        limit,
        CLAIM_SECONDS
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (TenantId(row.tenant_id), row.id, Phase::from_column(&row.phase)))
        .collect())
}

/// Go on from this phase to the next if it has nothing left to do; answers the phase the run is
/// in now, or `None` when there is no such run.
///
/// # Errors
/// When a statement fails.
pub async fn advance(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    from: Phase,
) -> Result<Option<Phase>, StoreError> {
    sqlx::query!(
        "update runs r set phase = case phase when 'reconcile' then 'links' else 'report' end,
             due_at = now() + make_interval(secs => $3)
         where r.tenant_id = $1 and r.id = $2 and phase = $4 and (
             (phase = 'reconcile' and not exists (
                 select from run_chunks where tenant_id = $1 and run_id = $2 and not done))
             or (phase = 'links' and not exists (
                 select from wakes where tenant_id = $1 and run_id = $2)))",
        tenant.0,
        run,
        CLAIM_SECONDS,
        from.name()
    )
    .execute(&mut *conn)
    .await?;
    let phase = sqlx::query_scalar!(
        "select phase from runs where tenant_id = $1 and id = $2",
        tenant.0,
        run
    )
    .fetch_optional(conn)
    .await?;
    Ok(phase.map(|phase| Phase::from_column(&phase)))
}

/// Count links that were woken by what a run wrote, in the transaction that settled them.
///
/// # Errors
/// When the statement fails.
pub async fn count_links(
    conn: &mut PgConnection,
    tenant: TenantId,
    run: Uuid,
    resolved: i32,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update runs set links_resolved = links_resolved + $3 where tenant_id = $1 and id = $2",
        tenant.0,
        run,
        resolved
    )
    .execute(conn)
    .await?;
    Ok(())
}
