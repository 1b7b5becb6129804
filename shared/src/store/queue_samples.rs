//! How full the deployment's queues were: every 15 seconds, for a day.

use super::{PgConnection, StoreError};
use crate::directory::WorkLane;
use crate::queue::Depth;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// The time between samples.
pub const EVERY: Duration = Duration::from_secs(15);
/// How long they are kept.
pub const KEPT: Duration = Duration::from_secs(86_400);

/// How full a queue was at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// A multiple of [`EVERY`].
    pub taken_at: DateTime<Utc>,
    pub lane: WorkLane,
    pub depth: Depth,
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

/// Keep these as the current sample, if nobody else has taken it meanwhile, and drop old ones;
/// answers whether they were kept.
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
    let kept = sqlx::query!(
        "insert into queue_samples
             (taken_at, lane, ready, running, scheduled, dead, oldest_ready_seconds, finished_per_second)
         select date_bin(make_interval(secs => $1), now(), 'epoch'), s.*
         from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::float8[]) s
         on conflict do nothing",
        EVERY.as_secs_f64(),
        &lanes as &[&str],
        &figures(|depth| depth.ready),
        &figures(|depth| depth.running),
        &figures(|depth| depth.scheduled),
        &figures(|depth| depth.dead),
        &oldest,
        &rates
    )
    .execute(&mut *connection)
    .await?;
    if kept.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "delete from queue_samples where taken_at < now() - make_interval(secs => $1)",
        KEPT.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(true)
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
