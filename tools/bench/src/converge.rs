//! Waits until the directory has caught up with what was accepted.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::PgPool;

/// Short against any convergence worth measuring, long against the query.
const POLL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) enum State {
    Converged(Instant),
    /// The deadline passed, or what is left is parked and will not move.
    Late(Backlog),
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Backlog {
    pending: i64,
    parked: i64,
    wakes: i64,
    waiters: i64,
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Backlog {
            pending,
            parked,
            wakes,
            waiters,
        } = self;
        write!(
            f,
            "{pending} pending ({parked} of them parked), {wakes} wakes, {waiters} links waiting"
        )
    }
}

/// Until nothing is pending, nobody is to be woken and no more links wait than must.
pub(crate) async fn wait(pool: &PgPool, tenant: i64, waiting: usize, deadline: Instant) -> Result<State> {
    loop {
        let (busy, waiters): (bool, i64) = sqlx::query_as(
            "select exists (select from pending where tenant_id = $1 and due_at < 'infinity')
                 or exists (select from wakes where tenant_id = $1),
                 (select count(*) from waiters where tenant_id = $1)",
        )
        .bind(tenant)
        .fetch_one(pool)
        .await?;
        let now = Instant::now();
        let done = !busy && waiters <= waiting as i64;
        if done || now > deadline {
            let backlog = backlog(pool, tenant).await?;
            let late = now > deadline || backlog.pending > 0;
            return Ok(if late {
                State::Late(backlog)
            } else {
                State::Converged(now)
            });
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn backlog(pool: &PgPool, tenant: i64) -> Result<Backlog> {
    let backlog = sqlx::query_as(
        "select (select count(*) from pending where tenant_id = $1) as pending,
                (select count(*) from pending where tenant_id = $1 and due_at = 'infinity') as parked,
                (select count(*) from wakes where tenant_id = $1) as wakes,
                (select count(*) from waiters where tenant_id = $1) as waiters",
    );
    Ok(backlog.bind(tenant).fetch_one(pool).await?)
}
