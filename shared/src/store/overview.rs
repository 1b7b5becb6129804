//! Figures about how far the directory is: of one tenant for its operators, of the whole
//! deployment for the metrics.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};

/// Work that is under way or stuck.
#[derive(Debug, Clone, Default)]
pub struct Backlog {
    /// Changes accepted and not yet applied, counted per key.
    pub pending: i64,
    /// Of these, set aside because reconciling them kept failing.
    pub parked: i64,
    /// Of these, of a lane that its operators have paused.
    pub held: i64,
    /// Age of the oldest that is neither set aside nor held; 0 when there is none.
    pub oldest_pending_seconds: f64,
    /// Waiting links by `waiters.slot`.
    pub waiters: Vec<(i16, i64)>,
    pub oldest_waiter_since: Option<DateTime<Utc>>,
    /// Age of the link that waits longest; 0 when none does.
    pub oldest_waiter_seconds: f64,
    /// Values that could not be projected and are neither put right nor discarded.
    pub rejections: i64,
    /// Runs under way by phase.
    pub runs: Vec<(String, i64)>,
    /// Age of the last full run that wrote, of the tenant for which it is greatest.
    pub oldest_full_run_seconds: Option<f64>,
    /// By how much the schedule that should have fired first is late; 0 when none is.
    pub schedule_overdue_seconds: f64,
}

/// The work under way of one tenant, or of all.
///
/// # Errors
/// When a statement fails.
pub async fn backlog(connection: &mut PgConnection, tenant: Option<TenantId>) -> Result<Backlog, StoreError> {
    let tenant = tenant.map(|tenant| tenant.0);
    let row = sqlx::query!(
        r#"with paused as materialized (
               select tenant_id, case lane when 'live' then 1 else 2 end::int2 as lane from paused_lanes
               where lane in ('live', 'bulk'))
           select count(*) as "pending!",
                  count(*) filter (where due_at = 'infinity') as "parked!",
                  count(*) filter (where due_at < 'infinity' and (tenant_id, lane) in (select * from paused)) as "held!",
                  coalesce(extract(epoch from now() - min(accepted_at) filter (
                          where due_at < 'infinity' and (tenant_id, lane) not in (select * from paused))), 0)::float8
                      as "oldest_pending_seconds!",
                  (select count(*) from rejections
                      where discarded_at is null and ($1::bigint is null or tenant_id = $1)) as "rejections!"
           from pending where $1::bigint is null or tenant_id = $1"#,
        tenant
    )
    .fetch_one(&mut *connection)
    .await?;
    let waiters = sqlx::query!(
        r#"select slot, count(*) as "count!", min(since) as "since!",
                  extract(epoch from now() - min(since))::float8 as "seconds!" from waiters
           where $1::bigint is null or tenant_id = $1 group by slot order by slot"#,
        tenant
    )
    .fetch_all(&mut *connection)
    .await?;
    let runs = sqlx::query!(
        r#"select phase, count(*) as "count!" from runs
           where phase <> 'done' and ($1::bigint is null or tenant_id = $1) group by phase"#,
        tenant
    )
    .fetch_all(&mut *connection)
    .await?;
    let oldest_full_run_seconds = sqlx::query_scalar!(
        "select max(extract(epoch from now() - last))::float8 from (
             select max(finished_at) as last from runs
             where scope = 'full' and not dry_run and not cancelled and ($1::bigint is null or tenant_id = $1)
             group by tenant_id) by_tenant",
        tenant
    )
    .fetch_one(&mut *connection)
    .await?;
    let schedule_overdue_seconds = sqlx::query_scalar!(
        r#"select coalesce(extract(epoch from now() - min(next_tick)), 0)::float8 as "seconds!" from schedules
           where due_at is not null and next_tick < now() and ($1::bigint is null or tenant_id = $1)"#,
        tenant
    )
    .fetch_one(connection)
    .await?;
    Ok(Backlog {
        schedule_overdue_seconds,
        pending: row.pending,
        parked: row.parked,
        held: row.held,
        oldest_pending_seconds: row.oldest_pending_seconds.max(0.0),
        oldest_waiter_seconds: waiters.iter().map(|row| row.seconds).fold(0.0, f64::max),
        oldest_waiter_since: waiters.iter().map(|row| row.since).min(),
        waiters: waiters.iter().map(|row| (row.slot, row.count)).collect(),
        rejections: row.rejections,
        runs: runs.into_iter().map(|row| (row.phase, row.count)).collect(),
        oldest_full_run_seconds,
    })
}

/// How large a tenant's directory is.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub people_active: i64,
    pub people_deactivated: i64,
    pub people_deprovisioned: i64,
    pub teams: i64,
    pub memberships: i64,
    pub reporting_lines: i64,
}

/// The size of a tenant's directory. An attribute team counts while it has members.
///
/// # Errors
/// When the statement fails.
pub async fn counts(connection: &mut PgConnection, tenant: TenantId) -> Result<Counts, StoreError> {
    Ok(sqlx::query_as!(
        Counts,
        r#"select count(*) filter (where status = 'active') as "people_active!",
                  count(*) filter (where status = 'deactivated') as "people_deactivated!",
                  count(*) filter (where status = 'deprovisioned') as "people_deprovisioned!",
                  (select count(*) from teams t where t.tenant_id = $1 and not t.deleted
                     and (t.kind = 'group' or exists (select from team_members m
                          where m.tenant_id = t.tenant_id and m.team_id = t.id))) as "teams!",
                  (select count(*) from (select distinct team_id, person_id from team_members
                                         where tenant_id = $1) d) as "memberships!",
                  (select count(*) from reporting_lines where tenant_id = $1) as "reporting_lines!"
           from people where tenant_id = $1"#,
        tenant.0
    )
    .fetch_one(connection)
    .await?)
}

/// How fast a tenant's writes come in and reach the directory.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// Writes accepted in the last minute.
    pub accepted: i64,
    /// Keys applied in the last minute.
    pub applied: i64,
    /// Seconds from acknowledgement to application over the last five minutes, or over the
    /// latest of them when they are many; `None` when nothing was applied.
    pub p50_seconds: Option<f64>,
    pub p99_seconds: Option<f64>,
}

/// The pace of the last minutes. A change applied again later (by a resync) does not count as
/// slow: only changes of the last hour are measured, at their first application.
///
/// # Errors
/// When a statement fails.
pub async fn pace(connection: &mut PgConnection, tenant: TenantId) -> Result<Pace, StoreError> {
    // `tenant_id + 0`: the index of times finds these few rows. One that begins with the tenant would be
    // read from end to end to narrow them down.
    Ok(sqlx::query_as!(
        Pace,
        r#"with lags as (
               select c.seq, min(h.applied_at) as applied_at, min(h.applied_at) - c.accepted_at as lag
               from history h join changes c on c.tenant_id = h.tenant_id and c.seq = h.seq
               where h.tenant_id + 0 = $1 and h.cause = 'apply' and h.applied_at > now() - interval '5 minutes'
                 and h.id > (select coalesce(max(id), 0) from history) - 20000
                 and c.accepted_at > now() - interval '1 hour'
               group by c.seq, c.accepted_at
           )
           select (select count(*) from changes
                   where tenant_id + 0 = $1 and accepted_at > now() - interval '1 minute') as "accepted!",
                  (select count(*) from history
                   where tenant_id + 0 = $1 and cause = 'apply' and applied_at > now() - interval '1 minute') as "applied!",
                  percentile_cont(0.5) within group (order by extract(epoch from lag)::float8) as p50_seconds,
                  percentile_cont(0.99) within group (order by extract(epoch from lag)::float8) as p99_seconds
           from lags"#,
        tenant.0
    )
    .fetch_one(connection)
    .await?)
}

/// People with accepted changes that are not applied yet.
///
/// # Errors
/// When the statement fails.
pub async fn people_behind(connection: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(distinct key_id) as "count!" from pending where tenant_id = $1 and key_kind = 1"#,
        tenant.0
    )
    .fetch_one(connection)
    .await?)
}

/// People that the sources assert at present.
///
/// # Errors
/// When the statement fails.
pub async fn people_asserted(connection: &mut PgConnection, tenant: TenantId) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from scim_resources
           where tenant_id = $1 and kind = 1 and deleted_seq is null"#,
        tenant.0
    )
    .fetch_one(connection)
    .await?)
}

/// Percentage of the people whose entry in the directory is what was last asserted: 100 only when all are;
/// `None` without people.
pub fn in_step_percent(asserted: i64, behind: i64) -> Option<f64> {
    // Both are counted, but not in the same moment.
    let people = asserted.max(behind);
    (people > 0).then(|| ((people - behind) as f64 * 1000.0 / people as f64).floor() / 10.0)
}

/// What is missing before the schema is the one this build expects.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn missing_migrations(connection: &mut PgConnection) -> Result<Vec<i64>, StoreError> {
    let expected = super::MIGRATOR
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration());
    let table = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations')::text as "name""#)
        .fetch_one(&mut *connection)
        .await?;
    let applied: Vec<i64> = match table {
        None => vec![],
        // Unchecked: sqlx creates this table at run time, it is no part of the migrations.
        Some(_) => {
            sqlx::query_scalar("select version from _sqlx_migrations where success")
                .fetch_all(connection)
                .await?
        }
    };
    Ok(expected
        .map(|migration| migration.version)
        .filter(|version| !applied.contains(version))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_step_is_a_hundred_percent_only_when_everybody_is() {
        assert_eq!(in_step_percent(0, 0), None);
        assert_eq!(in_step_percent(100_000, 0), Some(100.0));
        assert_eq!(in_step_percent(100_000, 1), Some(99.9));
        assert_eq!(in_step_percent(3, 1), Some(66.6));
        assert_eq!(in_step_percent(3, 5), Some(0.0));
    }
}
