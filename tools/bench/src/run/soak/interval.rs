//! What one interval of a soak looked like.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;
use sqlx::FromRow;

use super::super::median;
use super::super::stack::{Stack, Tenant, Worker};
use super::super::usage::Memory;
use super::load::Load;

/// Tables in which rows come, change and go.
pub(super) const CHURNED: [&str; 5] = ["pending", "waiters", "wakes", "people", "scim_resources"];
/// How often backlog and memory are looked at within an interval.
const TICK: Duration = Duration::from_secs(1);
/// Writes of an interval whose way into the directory is looked at.
const SAMPLED: i64 = 5_000;

/// Medians over the interval where nothing else is said.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Interval {
    /// At the end of the interval, since the load began.
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    /// Milliseconds from when a request was due to its answer.
    pub(super) acknowledge_p50: f64,
    pub(super) acknowledge_p99: f64,
    /// Milliseconds from a write's acceptance until it was in the directory.
    pub(super) applied_p99: f64,
    /// Changes accepted and not yet applied.
    pub(super) pending: f64,
    /// Resident, in bytes.
    pub(super) memory: Memory,
    /// Of the whole database, at the end.
    pub(super) table_bytes: i64,
    pub(super) index_bytes: i64,
    /// By which the database grew, of each write accepted.
    pub(super) bytes_per_write: f64,
    /// At the end.
    pub(super) tables: Vec<Table>,
}

/// A table with its indexes, all its partitions together.
#[derive(Debug, Clone, Serialize, FromRow)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) bytes: i64,
    pub(super) rows: i64,
    pub(super) dead_rows: i64,
}

/// Looks at everything, interval by interval.
pub(super) struct Watch<'a> {
    stack: &'a Stack,
    tenant: &'a Tenant,
    worker: &'a Worker,
    started: Instant,
    since: Instant,
    bytes: i64,
    seq: i64,
}

impl<'a> Watch<'a> {
    pub(super) async fn new(stack: &'a Stack, tenant: &'a Tenant, worker: &'a Worker) -> Result<Watch<'a>> {
        let (table_bytes, index_bytes) = database(stack).await?;
        Ok(Watch {
            stack,
            tenant,
            worker,
            started: Instant::now(),
            since: Instant::now(),
            bytes: table_bytes + index_bytes,
            seq: last_seq(stack).await?,
        })
    }

    /// Watch until then.
    pub(super) async fn interval(&mut self, load: &mut Load, until: Instant) -> Result<Interval> {
        let (mut backlog, mut memory) = (vec![], vec![]);
        while Instant::now() < until {
            backlog.push(pending(self.stack).await? as f64);
            memory.push(self.stack.processes.memory(self.worker.pid())?);
            load.check()?;
            tokio::time::sleep_until((Instant::now() + TICK).min(until).into()).await;
        }
        let answers = load.answers()?;
        let (now, seq) = (Instant::now(), last_seq(self.stack).await?);
        let (table_bytes, index_bytes) = database(self.stack).await?;
        let grown = table_bytes + index_bytes - self.bytes;
        let interval = Interval {
            seconds: (now - self.started).as_secs_f64(),
            per_second: answers.count() as f64 / (now - self.since).as_secs_f64(),
            acknowledge_p50: answers.quantile(0.50),
            acknowledge_p99: answers.quantile(0.99),
            applied_p99: self.applied(seq).await?,
            pending: median(&backlog),
            memory: Memory::median(&memory),
            table_bytes,
            index_bytes,
            bytes_per_write: grown as f64 / answers.count().max(1) as f64,
            tables: churned(self.stack).await?,
        };
        (self.since, self.seq, self.bytes) = (now, seq, table_bytes + index_bytes);
        Ok(interval)
    }

    /// Of every so manieth change of the interval, the first time that it or a later one of the same key was
    /// applied; of one that is not, how long it has waited.
    async fn applied(&self, seq: i64) -> Result<f64> {
        let step = ((seq - self.seq) / SAMPLED).max(1);
        let lag = sqlx::query_scalar::<_, Option<f64>>(
            "select percentile_cont(0.99) within group (order by lag) from (
                 select 1000 * extract(epoch from coalesce(
                     (select h.applied_at from history h
                      where h.tenant_id = c.tenant_id and h.key_id = c.directory_id and h.seq >= c.seq
                      order by h.seq limit 1),
                     (select now() from pending p where p.tenant_id = c.tenant_id and p.seq = c.seq limit 1))
                     - c.accepted_at)::float8 as lag
                 from generate_series($2::bigint + 1, $3::bigint, $4::bigint) s
                 join changes c on c.tenant_id = $1 and c.seq = s and not c.unchanged) lags",
        );
        let lag = lag.bind(self.tenant.id).bind(self.seq).bind(seq).bind(step);
        Ok(lag.fetch_one(&self.stack.pool).await?.unwrap_or(0.0))
    }
}

/// Changes of everybody that are not applied, those set aside left out.
pub(super) async fn pending(stack: &Stack) -> Result<i64> {
    let count = "select count(*) from pending where due_at < 'infinity'";
    Ok(sqlx::query_scalar(count).fetch_one(&stack.pool).await?)
}

async fn last_seq(stack: &Stack) -> Result<i64> {
    let last = "select last_value from change_seq";
    Ok(sqlx::query_scalar(last).fetch_one(&stack.pool).await?)
}

/// Bytes of all tables, and of all indexes.
async fn database(stack: &Stack) -> Result<(i64, i64)> {
    let sums =
        "select coalesce(sum(pg_table_size(oid)), 0)::bigint, coalesce(sum(pg_indexes_size(oid)), 0)::bigint
         from pg_class where relkind = 'r'";
    Ok(sqlx::query_as(sums).fetch_one(&stack.pool).await?)
}

async fn churned(stack: &Stack) -> Result<Vec<Table>> {
    let tables = sqlx::query_as(
        "with recursive parts as (
             select relname, oid as part from pg_class
             where relnamespace = current_schema()::regnamespace and relname = any($1)
             union all
             select p.relname, i.inhrelid from parts p join pg_inherits i on i.inhparent = p.part)
         select relname::text as name, sum(pg_total_relation_size(part))::bigint as bytes,
                sum(pg_stat_get_live_tuples(part))::bigint as rows, sum(pg_stat_get_dead_tuples(part))::bigint as dead_rows
         from parts group by relname order by array_position($1, relname::text)",
    );
    Ok(tables.bind(CHURNED.as_slice()).fetch_all(&stack.pool).await?)
}

fn mega(bytes: f64) -> f64 {
    bytes / (1024.0 * 1024.0)
}

impl Interval {
    pub(super) const HEAD: &'static str = concat!(
        "    at   writes/s  p50 ms  p99 ms  applied p99  pending   API MB  worker  Redis  tables MB  indexes  B/write",
        "  churned MB (thousand dead rows): pending, waiters, wakes, people, scim_resources"
    );

    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    pub(super) fn row(&self) -> String {
        let tables: Vec<String> = self
            .tables
            .iter()
            .map(|table| {
                let dead = table.dead_rows as f64 / 1_000.0;
                format!("{:.0} ({dead:.0})", mega(table.bytes as f64))
            })
            .collect();
        let Memory { api, worker, redis } = self.memory;
        format!(
            "{:>4.0} s {:>10.0} {:>7.1} {:>7.1} {:>9.0} ms {:>8.0} {:>8.1} {:>7.1} {:>6.1} {:>10.0} {:>8.0} {:>8.0}  {}",
            self.seconds,
            self.per_second,
            self.acknowledge_p50,
            self.acknowledge_p99,
            self.applied_p99,
            self.pending,
            mega(api),
            mega(worker),
            mega(redis),
            mega(self.table_bytes as f64),
            mega(self.index_bytes as f64),
            self.bytes_per_write,
            tables.join(", "),
        )
    }
}
