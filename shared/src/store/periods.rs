//! Periods of the ledger and the history (docs/adr/0023): each is a partition of both, and goes as a whole.

use super::{PgConnection, PgPool, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use std::time::Duration;

/// How long others may wait for the locks under which a period goes, before it is left to the next round.
const LOCK_TIMEOUT: &str = "1s";

/// Which period a change's seq or the id of a row of history belongs to.
pub fn number_of(number: i64) -> i64 {
    number >> 40
}

/// How long writes and what they did are told, and how often a period ends.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// From the end of a period until it is dropped; `None`: for ever.
    pub kept: Option<Duration>,
    pub period: Duration,
}

/// What a round did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The period that began.
    pub began: Option<i64>,
    /// The periods that were dropped.
    pub dropped: Vec<i64>,
}

/// Begin a period when the present one has lasted long enough, and drop those that ended long enough ago.
/// What another process is at is left to it.
///
/// # Errors
/// When a statement fails; also when somebody reads for so long that a period cannot be dropped. What is
/// left is done by the next round.
pub async fn round(pool: &PgPool, keeping: Keeping) -> Result<Round, StoreError> {
    let mut round = Round {
        began: begin(pool, keeping.period).await?,
        dropped: vec![],
    };
    if let Some(kept) = keeping.kept {
        while let Some(number) = drop_one(pool, kept).await? {
            round.dropped.push(number);
        }
    }
    Ok(round)
}

/// In two steps: who draws a number of a period finds its partition.
async fn begin(pool: &PgPool, length: Duration) -> Result<Option<i64>, StoreError> {
    let mut tx = pool.begin().await?;
    let Some(next) = due(&mut tx, length).await? else {
        return Ok(None);
    };
    sqlx::query!("select add_ledger_period($1)", next)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let mut tx = pool.begin().await?;
    if due(&mut tx, length).await? != Some(next) {
        return Ok(None);
    }
    // History first: of no change is what it did dropped before the change itself.
    for sequence in ["history_ids", "change_seq"] {
        let advance = format!(
            "select setval('{sequence}', $1::bigint << 40, false) from {sequence} where last_value < $1::bigint << 40"
        );
        sqlx::query(AssertSqlSafe(advance))
            .bind(next)
            .execute(&mut *tx)
            .await?;
    }
    fail::fail_point!("periods::before_commit", |_| Ok(None));
    sqlx::query!("insert into ledger_periods (number) values ($1)", next)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Some(next))
}

/// The number of the period to begin now, unless another process is at it. Locks the present one.
async fn due(conn: &mut PgConnection, length: Duration) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select number + 1 as "next!" from ledger_periods
           where number = (select max(number) from ledger_periods) and began_at <= now() - make_interval(secs => $1)
           for update skip locked"#,
        length.as_secs_f64()
    )
    .fetch_optional(conn)
    .await?)
}

/// Drop the oldest period if it ended long enough ago.
async fn drop_one(pool: &PgPool, kept: Duration) -> Result<Option<i64>, StoreError> {
    let mut tx = pool.begin().await?;
    let Some(number) = over(&mut tx, kept).await? else {
        return Ok(None);
    };
    note_ends(&mut tx, number).await?;
    // Told first that it is gone, whether or not it can be dropped at once.
    tx.commit().await?;
    let mut tx = pool.begin().await?;
    if over(&mut tx, kept).await? != Some(number) {
        return Ok(None);
    }
    sqlx::query_scalar!("select set_config('lock_timeout', $1, true)", LOCK_TIMEOUT)
        .fetch_one(&mut *tx)
        .await?;
    for table in ["changes", "history"] {
        sqlx::query(AssertSqlSafe(format!("drop table if exists {table}_p{number}")))
            .execute(&mut *tx)
            .await?;
    }
    sqlx::query!("delete from ledger_periods where number = $1", number)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Some(number))
}

/// The oldest period, if the one after it began long enough ago. Locks it.
async fn over(conn: &mut PgConnection, kept: Duration) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select number from ledger_periods p
         where number = (select min(number) from ledger_periods)
           and exists (select from ledger_periods n
               where n.number > p.number and n.began_at < now() - make_interval(secs => $1))
         for update skip locked",
        kept.as_secs_f64()
    )
    .fetch_optional(conn)
    .await?)
}

/// Write down up to where each tenant's history is gone with this period. A look at two indexes for each tenant:
/// the lock of the period is that of a transaction, for whose end everybody who follows a directory waits.
async fn note_ends(conn: &mut PgConnection, number: i64) -> Result<(), StoreError> {
    let note = format!(
        "insert into ledger_ends (tenant_id, xid, id, applied_at)
         select t.id, told.xid, told.id, greatest(told.applied_at, ended.at)
         from tenants t
         cross join (select min(began_at) as at from ledger_periods where number > {number}) ended
         cross join lateral (select from history_p{number} where tenant_id = t.id and fields <> '{{}}' limit 1) anything
         left join lateral (select order_xid::text::bigint as xid, id, applied_at from history_p{number}
             where tenant_id + 0 = t.id and order_xid is not null and fields <> '{{}}'
             order by tenant_id + 0 desc, order_xid desc, id desc limit 1) told on true
         on conflict (tenant_id) do update set applied_at = excluded.applied_at,
             xid = coalesce(excluded.xid, ledger_ends.xid), id = coalesce(excluded.id, ledger_ends.id)"
    );
    sqlx::query(AssertSqlSafe(note)).execute(conn).await?;
    Ok(())
}

/// Since when writes are told; `None`: none was ever dropped.
///
/// # Errors
/// When the statement fails.
pub async fn writes_kept_since(conn: &mut PgConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select began_at from ledger_periods where number > 0 and number = (select min(number) from ledger_periods)"
    )
    .fetch_optional(conn)
    .await?)
}

/// The time before which nothing is told of the tenant's history; `None`: all of it is.
///
/// # Errors
/// When the statement fails.
pub async fn history_kept_since(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select applied_at from ledger_ends where tenant_id = $1",
        tenant.0
    )
    .fetch_optional(conn)
    .await?)
}
