//! How full the deployment's queues were, and how much it accepted and applied: every 15 seconds, for a day.

use super::{PgConnection, StoreError};
use crate::directory::WorkLane;
use crate::queue::Depth;
use chrono::{DateTime, Utc};
use sqlx::Connection as _;
use std::time::Duration;

/// The time between samples.
pub const EVERY: Duration = Duration::from_secs(15);
/// How long they are kept.
pub const KEPT: Duration = Duration::from_secs(86_400);
/// What is counted ended so long before its sample: transactions under way then are committed by now.
const SETTLED: Duration = Duration::from_secs(5);

/// How full a queue was at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// A multiple of [`EVERY`].
    pub taken_at: DateTime<Utc>,
    pub lane: WorkLane,
    pub depth: Depth,
}

/// How much was accepted and applied, as counted at a time over [`EVERY`] up to a few seconds before.
#[derive(Debug, Clone, PartialEq)]
pub struct PaceSample {
    /// A multiple of [`EVERY`].
    pub taken_at: DateTime<Utc>,
    /// Writes.
    pub accepted: i64,
    /// People, teams and members, each as often as it was applied.
    pub applied: i64,
}

impl PaceSample {
    /// Writes accepted per second.
    pub fn accepted_per_second(&self) -> f64 {
        self.accepted as f64 / EVERY.as_secs_f64()
    }

    /// People, teams and members applied per second.
    pub fn applied_per_second(&self) -> f64 {
        self.applied as f64 / EVERY.as_secs_f64()
    }
}

/// Whether nobody has taken the current sample yet.
///
/// # Errors
/// When the statement fails.
pub async fn due(connection: &mut PgConnection) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select not exists (select from queue_samples
                where taken_at = date_bin(make_interval(secs => $1), now(), 'epoch')) as "due!""#,
        EVERY.as_secs_f64()
    )
    .fetch_one(connection)
    .await?)
}

/// Keep these, with what was accepted and applied, as the current sample, if nobody else has taken it
/// meanwhile, and drop old ones; answers whether they were kept.
///
/// # Errors
/// When a statement fails.
pub async fn keep(connection: &mut PgConnection, depths: &[(WorkLane, Depth)]) -> Result<bool, StoreError> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let lanes: Vec<&str> = depths.iter().map(|(lane, _)| lane.name()).collect();
    let figures =
        |of: fn(&Depth) -> usize| -> Vec<i64> { depths.iter().map(|(_, depth)| number(of(depth))).collect() };
    let oldest: Vec<i64> = depths
        .iter()
        .map(|(_, depth)| i64::try_from(depth.oldest_ready_seconds).unwrap_or(i64::MAX))
        .collect();
    let rates: Vec<f64> = depths
        .iter()
        .map(|(_, depth)| depth.finished_per_second)
        .collect();
    let mut tx = connection.begin().await?;
    // The newest of large tables, by the index of times: until a table is analyzed, Postgres holds that it
    // would have to read all of it either way. It is counted before the first row is written, so that a
    // transaction which takes its time has no id, and holds nobody up who follows the directory.
    sqlx::query_scalar!("select set_config('enable_seqscan', 'off', true)")
        .fetch_one(&mut *tx)
        .await?;
    let kept = sqlx::query_scalar!(
        r#"with moment as (select date_bin(make_interval(secs => $1), now(), 'epoch') as taken_at),
           counted as materialized (
               select taken_at,
                      (select count(*) from changes
                       where accepted_at >= taken_at - make_interval(secs => $1 + $9)
                         and accepted_at < taken_at - make_interval(secs => $9)) as accepted,
                      (select count(*) from history
                       where cause = 'apply' and applied_at >= taken_at - make_interval(secs => $1 + $9)
                         and applied_at < taken_at - make_interval(secs => $9)) as applied
               from moment),
           kept as (
               insert into queue_samples
                   (taken_at, lane, ready, running, scheduled, dead, oldest_ready_seconds, finished_per_second)
               select counted.taken_at, s.* from counted
               cross join unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::float8[]) s
               on conflict do nothing returning taken_at),
           paced as (
               insert into pace_samples (taken_at, accepted, applied)
               select taken_at, accepted, applied from counted where exists (select from kept)
               on conflict do nothing)
           select exists (select from kept) as "kept!""#,
        EVERY.as_secs_f64(),
        &lanes as &[&str],
        &figures(|depth| depth.ready),
        &figures(|depth| depth.running),
        &figures(|depth| depth.scheduled),
        &figures(|depth| depth.dead),
        &oldest,
        &rates,
        SETTLED.as_secs_f64()
    )
    .fetch_one(&mut *tx)
    .await?;
    if kept {
        drop_old(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(kept)
}

async fn drop_old(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        "with paces as (delete from pace_samples where taken_at < now() - make_interval(secs => $1))
         delete from queue_samples where taken_at < now() - make_interval(secs => $1)",
        KEPT.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The samples of the last `span`, in the order of time.
///
/// # Errors
/// When the statement fails.
pub async fn since(connection: &mut PgConnection, span: Duration) -> Result<Vec<Sample>, StoreError> {
    let rows = sqlx::query!(
        "select taken_at, lane, ready, running, scheduled, dead, oldest_ready_seconds, finished_per_second
         from queue_samples where taken_at > now() - make_interval(secs => $1) order by taken_at, lane",
        span.as_secs_f64()
    )
    .fetch_all(connection)
    .await?;
    let size = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Sample {
                taken_at: row.taken_at,
                lane: WorkLane::parse(&row.lane)?,
                depth: Depth {
                    ready: size(row.ready),
                    running: size(row.running),
                    scheduled: size(row.scheduled),
                    dead: size(row.dead),
                    oldest_ready_seconds: row.oldest_ready_seconds.max(0).unsigned_abs(),
                    finished_per_second: row.finished_per_second,
                },
            })
        })
        .collect())
}

/// What was accepted and applied in the last `span`, in the order of time.
///
/// # Errors
/// When the statement fails.
pub async fn pace_since(
    connection: &mut PgConnection,
    span: Duration,
) -> Result<Vec<PaceSample>, StoreError> {
    Ok(sqlx::query_as!(
        PaceSample,
        "select taken_at, accepted, applied from pace_samples
         where taken_at > now() - make_interval(secs => $1) order by taken_at",
        span.as_secs_f64()
    )
    .fetch_all(connection)
    .await?)
}
