//! The whole worker: queue, handlers, limits, feeder.

use crate::company::{Company, report, user};
use clap::Parser;
use rollcall_shared::config::RedisConfig;
use rollcall_shared::queue::{QueueConfig, Queues, ReconcileJob};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    config: rollcall_worker::Config,
}

pub(crate) struct Worker {
    stop: Option<oneshot::Sender<()>>,
    run: tokio::task::JoinHandle<Result<(), rollcall_worker::WorkError>>,
}

impl Worker {
    pub(crate) fn start(company: &Company, more: &[&str]) -> Worker {
        let listen = format!("127.0.0.1:{}", devstack::free_port().unwrap());
        let mut args = vec![
            "worker",
            "--database-url",
            company.database.url(),
            "--redis-url",
            company.redis.url(),
        ];
        args.extend([
            "--redis-prefix",
            company.redis.prefix(),
            "--worker-listen",
            &listen,
        ]);
        args.extend(more);
        let config = Args::parse_from(args).config;
        let (stop, stopped) = oneshot::channel::<()>();
        let run = tokio::spawn(rollcall_worker::run(config, async move {
            let _ = stopped.await;
        }));
        Worker {
            stop: Some(stop),
            run,
        }
    }

    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        self.run.await.unwrap().unwrap();
    }
}

fn queues(company: &Company) -> Queues {
    let config = RedisConfig::new(company.redis.url(), company.redis.prefix());
    Queues::connect(&config, QueueConfig::default()).unwrap()
}

pub(crate) async fn until(company: &Company, sql: &str) -> Duration {
    let started = Instant::now();
    while !company.scalar::<bool>(sql).await {
        assert!(started.elapsed() < Duration::from_secs(30), "never: {sql}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_nobody_pushed_are_applied_by_the_feeder_and_links_come_right() {
    let company = Company::new().await;
    company.put("r", report("r", "m")).await;
    company.put("m", user("m", json!({}))).await;
    company.execute("update pending set due_at = now()").await;
    let worker = Worker::start(&company, &[]);
    until(
        &company,
        "select not exists (select from pending) and count(*) = 1 from reporting_lines",
    )
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_over_its_rate_gives_its_slot_to_another_tenant() {
    let company = Company::new().await;
    let mut keys = vec![];
    for number in 0..40 {
        let name = format!("p{number}");
        keys.push(company.put(&name, user(&name, json!({}))).await);
    }
    // One slot, and a rate at which the flood takes seconds.
    let worker = Worker::start(
        &company,
        &["--live-concurrency", "1", "--apply-per-second-per-tenant", "8"],
    );
    let queues = queues(&company);
    let tenant = company.tenant;
    queues
        .live
        .push(tenant, &[ReconcileJob { v: 1, tenant, keys }])
        .await
        .unwrap();
    until(&company, "select count(*) >= 2 from people").await;
    let other = company.other_tenant().await;
    let key = other.put("single", user("single", json!({}))).await;
    let tenant = other.tenant;
    queues
        .live
        .push(
            tenant,
            &[ReconcileJob {
                v: 1,
                tenant,
                keys: vec![key],
            }],
        )
        .await
        .unwrap();
    let took = until(
        &company,
        "select exists (select from people where login = 'single')",
    )
    .await;
    let applied: i64 = company
        .scalar("select count(*) from people where login <> 'single'")
        .await;
    assert!(applied < 40, "the flood was over before the single write came");
    assert!(
        took < Duration::from_secs(2),
        "a single write waited {took:?} behind a flood"
    );
    worker.stop().await;
}
