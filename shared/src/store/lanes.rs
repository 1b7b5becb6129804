//! Lanes a tenant's operators have paused, and what waits in each.

use super::{PgConnection, StoreError};
use crate::directory::{TenantId, WorkLane};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A lane that is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    pub lane: WorkLane,
    pub since: DateTime<Utc>,
    /// Of the operator who paused it.
    pub token_id: Uuid,
    /// `None`: the token is gone.
    pub token_name: Option<String>,
    /// As the operator put it.
    pub reason: Option<String>,
}

/// Pause a tenant's lane; answers false when it was paused already, and then changes nothing.
///
/// # Errors
/// When the statement fails.
pub async fn pause(
    connection: &mut PgConnection,
    tenant: TenantId,
    lane: WorkLane,
    token: Uuid,
    reason: Option<&str>,
) -> Result<bool, StoreError> {
    let paused = sqlx::query!(
        "insert into paused_lanes (tenant_id, lane, token_id, reason) values ($1, $2, $3, $4)
         on conflict do nothing",
        tenant.0,
        lane.name(),
        token,
        reason
    )
    .execute(connection)
    .await?;
    Ok(paused.rows_affected() > 0)
}

/// Let a tenant's lane go on; answers false when it was not paused.
///
/// # Errors
/// When the statement fails.
pub async fn resume(
    connection: &mut PgConnection,
    tenant: TenantId,
    lane: WorkLane,
) -> Result<bool, StoreError> {
    let resumed = sqlx::query!(
        "delete from paused_lanes where tenant_id = $1 and lane = $2",
        tenant.0,
        lane.name()
    )
    .execute(connection)
    .await?;
    Ok(resumed.rows_affected() > 0)
}

/// A tenant's paused lanes.
///
/// # Errors
/// When the statement fails.
pub async fn paused(connection: &mut PgConnection, tenant: TenantId) -> Result<Vec<Pause>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.lane, p.paused_at, p.token_id, t.name as "token_name?", p.reason
           from paused_lanes p left join tokens t on t.tenant_id = p.tenant_id and t.id = p.token_id
           where p.tenant_id = $1 order by p.paused_at, p.lane"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Pause {
                lane: WorkLane::parse(&row.lane)?,
                since: row.paused_at,
                token_id: row.token_id,
                token_name: row.token_name,
                reason: row.reason,
            })
        })
        .collect())
}

/// The paused lanes of all tenants, and for how many seconds they have been.
///
/// # Errors
/// When the statement fails.
pub async fn all_paused(connection: &mut PgConnection) -> Result<Vec<(TenantId, WorkLane, f64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select tenant_id, lane, extract(epoch from now() - paused_at)::float8 as "seconds!" from paused_lanes"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((TenantId(row.tenant_id), WorkLane::parse(&row.lane)?, row.seconds)))
        .collect())
}

/// What of a tenant's work Postgres knows, whether Redis has a job for it or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    pub lane: WorkLane,
    /// Changes to be applied, counted per key; links that wait; runs under way.
    pub count: i64,
    /// Age of the oldest; `None` when there is none.
    pub oldest_seconds: Option<f64>,
}

/// The work of each of a tenant's lanes.
///
/// # Errors
/// When the statement fails.
pub async fn work(connection: &mut PgConnection, tenant: TenantId) -> Result<Vec<Work>, StoreError> {
    let rows = sqlx::query!(
        r#"select lane as "lane!", count(*) as "count!",
                  greatest(extract(epoch from now() - min(since)), 0)::float8 as oldest_seconds
           from (
               select case lane when 1 then 'live' else 'bulk' end as lane, accepted_at as since
               from pending where tenant_id = $1
               union all select 'links', since from waiters where tenant_id = $1
               union all select 'runs', created_at from runs where tenant_id = $1 and phase <> 'done'
           ) work group by lane"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    let of = |lane: WorkLane| {
        let row = rows.iter().find(|row| row.lane == lane.name());
        Work {
            lane,
            count: row.map_or(0, |row| row.count),
            oldest_seconds: row.and_then(|row| row.oldest_seconds),
        }
    };
    Ok(WorkLane::ALL.into_iter().map(of).collect())
}
