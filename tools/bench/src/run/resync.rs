//! Resync runs: how fast a whole company is compared, what that writes, and what it costs those
//! who write meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::rates::{apply, bulk};
use super::report::{Measure, Report, Target, Unit};
use super::stack::{Stack, Tenant};
use super::wire::{Endpoint, patch_body};
use super::{Scale, median};
use crate::company::Company;

/// Most bytes that a run which finds nothing may write to the write-ahead log: its own rows, and
/// whole pages the first time they are touched after a checkpoint.
const WAL_A_RUN: i64 = 512 * 1024;
const WAL_A_PERSON: i64 = 16;
/// Clients that write during a run, each one write after another, and the time from one to the
/// next: 100 a second, four times what Entra sends a tenant.
const WRITERS: usize = 2;
const PACE: Duration = Duration::from_millis(20);
/// How many times as long the slowest percent of the writes may take during a run.
const MOST: f64 = 2.0;
/// Tables that a run reads; the floor reads the tenant's rows in them.
const READ: [&str; 5] = [
    "scim_resources",
    "people",
    "teams",
    "team_members",
    "reporting_lines",
];
const POLL: Duration = Duration::from_millis(20);
/// Longest that autovacuum is waited for.
const AUTOVACUUM: Duration = Duration::from_secs(60);

pub(super) async fn measure(stack: &Stack, scale: &Scale, report: &mut Report) -> Result<()> {
    let [few, many] = scale.compared;
    let small = Compared::new(stack, few, scale).await?;
    report.add(small.unchanged(scale.runs).await?);
    let large = Compared::new(stack, many, scale).await?;
    report.add(large.unchanged(scale.runs).await?);
    report.add(large.drifted(scale.runs).await?);
    report.add(large.live(scale).await?);
    report.notes.push(
        "floor of runs: the same rows read by plain SQL, one connection; of live writes: without a run"
            .to_owned(),
    );
    Ok(())
}

/// A company whose directory is as it should be.
struct Compared<'a> {
    stack: &'a Stack,
    tenant: Tenant,
    operations: Endpoint,
    people: usize,
}

/// What a run took.
struct Taken {
    time: Duration,
    wal: i64,
    report: Value,
}

impl Compared<'_> {
    async fn new<'a>(stack: &'a Stack, people: usize, scale: &Scale) -> Result<Compared<'a>> {
        eprintln!("runs: storing and applying {people} people");
        let tenant = stack.tenant().await?;
        let company = Company::roster(people, 1);
        bulk(stack, &tenant, &company, scale.bulk_size).await?;
        apply(stack, &tenant, people, usize::MAX >> 1).await?;
        // What was just written is otherwise tidied up, and written for that, by whoever reads it first.
        for table in READ.into_iter().chain(["scim_keys", "pending", "waiters"]) {
            let vacuum = AssertSqlSafe(format!("vacuum analyze {table}"));
            sqlx::query(vacuum).execute(&stack.pool).await?;
        }
        let operations = stack.operations(&tenant).await?;
        Ok(Compared {
            stack,
            tenant,
            operations,
            people,
        })
    }

    /// People compared per second when nothing differs.
    async fn unchanged(&self, runs: usize) -> Result<Measure> {
        let (mut rates, mut floors, mut wal) = (vec![], vec![], vec![]);
        let worker = self.worker().await?;
        for _ in 0..runs {
            self.let_autovacuum_end().await?;
            let taken = self.run().await?;
            ensure!(
                taken.report.get("differing") == Some(&Value::from(0)),
                "a run found differences where none are: {}",
                taken.report
            );
            wal.push(taken.wal as f64);
            rates.push(self.people as f64 / taken.time.as_secs_f64());
            floors.push(self.people as f64 / self.floor().await?.as_secs_f64());
        }
        worker.stop().await?;
        let title = format!("full run, {} people unchanged", self.people);
        let wal = median(&wal);
        let most = (WAL_A_RUN + WAL_A_PERSON * i64::try_from(self.people)?) as f64;
        let verdict = if wal > most { "TOO MUCH: " } else { "" };
        let wal = format!(
            "{verdict}{:.0} kB written to the log, {:.1} bytes a person",
            wal / 1024.0,
            wal / self.people as f64
        );
        Ok(Measure::new(title, Unit::PerSecond, &rates, &floors).with(wal))
    }

    /// What it writes to the log would count as the run's. It comes once a minute, and runs take seconds.
    async fn let_autovacuum_end(&self) -> Result<()> {
        let deadline = Instant::now() + AUTOVACUUM;
        let at_work = "select exists (select from pg_stat_activity where backend_type = 'autovacuum worker')";
        while sqlx::query_scalar(at_work).fetch_one(&self.stack.pool).await? && Instant::now() < deadline {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// People compared per second when one of a hundred differs.
    async fn drifted(&self, runs: usize) -> Result<Measure> {
        let (mut rates, mut floors) = (vec![], vec![]);
        let mut repaired = 0;
        let worker = self.worker().await?;
        for _ in 0..runs {
            let drifted = self.meddle().await?;
            let taken = self.run().await?;
            ensure!(
                taken.report.get("differing") == Some(&Value::from(drifted)),
                "{drifted} people were changed by hand, a run found: {}",
                taken.report
            );
            repaired = drifted;
            rates.push(self.people as f64 / taken.time.as_secs_f64());
            floors.push(self.people as f64 / self.floor().await?.as_secs_f64());
        }
        worker.stop().await?;
        let title = format!("full run, {} people, 1 % drift", self.people);
        let detail = format!("{repaired} of them repaired");
        Ok(Measure::new(title, Unit::PerSecond, &rates, &floors).with(detail))
    }

    /// The slowest percent of single writes, during runs beside without.
    async fn live(&self, scale: &Scale) -> Result<Measure> {
        let (mut during, mut without) = (Latencies::default(), Latencies::default());
        let worker = self.worker().await?;
        for round in 0..scale.runs {
            without.add(self.writes(scale.live, round * 2).await?);
            let writes = self.writes(scale.live, round * 2 + 1);
            let mut writes = std::pin::pin!(writes);
            let written = loop {
                // One run after another, until all is written.
                let run = self.start().await?;
                tokio::select! {
                    written = &mut writes => {
                        self.finished(&run).await?;
                        break written?;
                    }
                    finished = self.finished(&run) => { finished?; }
                }
            };
            during.add(written);
        }
        worker.stop().await?;
        let measure = Measure::new(
            "live write, p99 during a run",
            Unit::Milliseconds,
            &during.acknowledged,
            &without.acknowledged,
        );
        let detail = format!(
            "{} writes/s; applied after p99 {:.0} ms, without {:.0} ms",
            WRITERS as f64 / PACE.as_secs_f64(),
            median(&during.applied),
            median(&without.applied),
        );
        Ok(measure.with(detail).target(Target::RatioAtMost(MOST)))
    }

    async fn worker(&self) -> Result<super::stack::Worker> {
        let mut worker = self.stack.start_worker()?;
        worker.ready().await?;
        Ok(worker)
    }

    async fn run(&self) -> Result<Taken> {
        let before = self.log_position().await?;
        let started = Instant::now();
        let run = self.start().await?;
        let report = self.finished(&run).await?;
        let time = started.elapsed();
        let wal = self.log_position().await? - before;
        Ok(Taken { time, wal, report })
    }

    /// Bytes ever written to the write-ahead log.
    async fn log_position(&self) -> Result<i64> {
        let position = "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8";
        Ok(sqlx::query_scalar(position).fetch_one(&self.stack.pool).await?)
    }

    /// Start a full run; answers its id.
    async fn start(&self) -> Result<uuid::Uuid> {
        let body = serde_json::to_vec(&json!({ "scope": "full" }))?;
        let mut wire = self.operations.connect().await?;
        let (status, answer) = wire.exchange(&self.operations.post("/runs", &body)).await?;
        ensure!(status == 202, "starting a run answered {status}");
        let run: Value = serde_json::from_slice(answer)?;
        let id = run
            .get("id")
            .and_then(Value::as_str)
            .context("a run without id")?;
        Ok(id.parse()?)
    }

    /// Wait for the end of a run; answers its report.
    async fn finished(&self, run: &uuid::Uuid) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs(60 + self.people as u64 / 100);
        loop {
            let report = sqlx::query_scalar::<_, Option<Value>>(
                "select report from runs where tenant_id = $1 and id = $2",
            );
            let report = report.bind(self.tenant.id).bind(run);
            if let Some(report) = report.fetch_one(&self.stack.pool).await? {
                return Ok(report);
            }
            ensure!(
                Instant::now() < deadline,
                "a run of {} people does not end",
                self.people
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// How long plain SQL takes to read what a run has to look at.
    async fn floor(&self) -> Result<Duration> {
        let mut connection = PgConnection::connect(&self.stack.target.database_url).await?;
        let started = Instant::now();
        for table in READ {
            let all = AssertSqlSafe(format!("select * from {table} where tenant_id = $1"));
            let all = sqlx::query(all).bind(self.tenant.id);
            all.fetch_all(&mut connection).await?;
        }
        Ok(started.elapsed())
    }

    /// Let one of a hundred people differ: in a field, a team or their manager; answers how many do.
    async fn meddle(&self) -> Result<i64> {
        let mut transaction = self.stack.pool.begin().await?;
        let hundredth = "select id from people where tenant_id = $1 and abs(hashtext(id::text)) % 300 =";
        let mut drifted = 0;
        for statement in [
            format!("update people set position = 'meddled' where tenant_id = $1 and id in ({hundredth} 0)"),
            format!("delete from team_members where tenant_id = $1 and person_id in ({hundredth} 1)"),
            format!("delete from reporting_lines where tenant_id = $1 and person_id in ({hundredth} 2)"),
        ] {
            let person = if statement.starts_with("update") {
                "id"
            } else {
                "person_id"
            };
            let statement = format!(
                "with done as ({statement} returning {person}) select count(distinct {person}) from done"
            );
            let done = sqlx::query_scalar::<_, i64>(AssertSqlSafe(statement)).bind(self.tenant.id);
            drifted += done.fetch_one(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(drifted)
    }

    /// Single writes at an even pace.
    async fn writes(&self, count: usize, round: usize) -> Result<(f64, f64)> {
        let before: i64 = sqlx::query_scalar("select max(seq) from changes where tenant_id = $1")
            .bind(self.tenant.id)
            .fetch_one(&self.stack.pool)
            .await?;
        let ids: Vec<String> = sqlx::query_scalar(
            "select id::text from scim_resources where tenant_id = $1 and kind = 1 and deleted_seq is null
             order by md5(id::text) limit $2",
        )
        .bind(self.tenant.id)
        .bind(i64::try_from(count)?)
        .fetch_all(&self.stack.pool)
        .await?;
        let endpoint = Endpoint::new(&self.stack.target.scim_url, &self.tenant.token)?;
        let mut writers = tokio::task::JoinSet::new();
        for share in ids.chunks(ids.len().div_ceil(WRITERS).max(1)) {
            let (endpoint, share) = (endpoint.clone(), share.to_vec());
            writers.spawn(async move { write_in_turn(&endpoint, &share, round).await });
        }
        let mut latency = Histogram::<u64>::new(3)?;
        while let Some(finished) = writers.join_next().await {
            latency.add(finished??)?;
        }
        let applied = self.applied_since(before).await?;
        Ok((latency.value_at_quantile(0.99) as f64 / 1_000.0, applied))
    }

    /// Milliseconds from acknowledgement to apply, below which 99 % of the changes after `seq` lie.
    async fn applied_since(&self, seq: i64) -> Result<f64> {
        let deadline = Instant::now() + Duration::from_secs(60);
        let state =
            crate::converge::wait(&self.stack.pool, self.tenant.id, usize::MAX >> 1, deadline).await?;
        ensure!(
            matches!(state, crate::converge::State::Converged(_)),
            "live writes are not applied"
        );
        let applied = sqlx::query_scalar::<_, f64>(
            "select percentile_cont(0.99) within group (order by lag) from (
                 select 1000 * extract(epoch from min(h.applied_at) - c.accepted_at)::float8 as lag
                 from changes c join history h
                     on h.tenant_id = c.tenant_id and h.key_id = c.directory_id and h.seq >= c.seq
                 where c.tenant_id = $1 and c.seq > $2 group by c.seq, c.accepted_at) lags",
        );
        let applied = applied.bind(self.tenant.id).bind(seq);
        Ok(applied.fetch_one(&self.stack.pool).await?)
    }
}

/// One write after another, each at its time or at once when it is late; latencies in microseconds.
async fn write_in_turn(endpoint: &Endpoint, ids: &[String], round: usize) -> Result<Histogram<u64>> {
    let mut wire = endpoint.connect().await?;
    let mut latency = Histogram::<u64>::new(3)?;
    let mut pace = tokio::time::interval(PACE);
    for id in ids {
        let title = Value::from(format!("round {round}"));
        let body = serde_json::to_vec(&patch_body("replace", "title", title))?;
        let request = endpoint.patch(&format!("/Users/{id}"), &body);
        pace.tick().await;
        let sent = Instant::now();
        let (status, _) = wire.exchange(&request).await?;
        latency.record(sent.elapsed().as_micros() as u64)?;
        ensure!(status == 200, "a write answered {status}");
    }
    Ok(latency)
}

/// Milliseconds of each round, of the slowest percent.
#[derive(Default)]
struct Latencies {
    acknowledged: Vec<f64>,
    applied: Vec<f64>,
}

impl Latencies {
    fn add(&mut self, (acknowledged, applied): (f64, f64)) {
        self.acknowledged.push(acknowledged);
        self.applied.push(applied);
    }
}
