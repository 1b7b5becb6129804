//! Private Redis servers, workers that record what they get, waits with a condition.

use rollcall_shared::config::RedisConfig;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::queue::{
    ConsumeOptions, Delivery, JobError, JobQueue, Monitor, Outcome, QueueConfig, Queues, ReconcileJob,
};
use std::future::Future;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(super) const TENANT: TenantId = TenantId(1);
const DEADLINE: Duration = Duration::from_secs(60);

/// Queues under a prefix of their own; the keys are removed at the end.
pub(super) struct Scope {
    pub(super) queues: Queues,
    url: String,
    prefix: String,
}

impl Scope {
    pub(super) fn new(config: QueueConfig) -> Scope {
        Scope::at(devstack::TestRedis::new().unwrap().url(), config)
    }

    pub(super) fn at(url: &str, config: QueueConfig) -> Scope {
        Scope::with_prefix(url, &format!("test-{}", Uuid::now_v7().simple()), config)
    }

    pub(super) fn with_prefix(url: &str, prefix: &str, config: QueueConfig) -> Scope {
        Scope::of(RedisConfig::new(url, prefix), config)
    }

    pub(super) fn of(redis: RedisConfig, config: QueueConfig) -> Scope {
        Scope {
            queues: Queues::connect(&redis, config).unwrap(),
            url: redis.redis_url,
            prefix: redis.redis_prefix,
        }
    }

    /// URL and prefix, for another process.
    pub(super) fn address(&self) -> (&str, &str) {
        (&self.url, &self.prefix)
    }

    pub(super) fn live(&self) -> &JobQueue<ReconcileJob> {
        &self.queues.live
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let connection = redis::Client::open(self.url.as_str())
            .and_then(|client| client.get_connection_with_timeout(Duration::from_secs(1)));
        let Ok(mut connection) = connection else { return };
        let keys: redis::RedisResult<Vec<String>> = redis::cmd("KEYS")
            .arg(format!("{{{}*", self.prefix))
            .query(&mut connection);
        for key in keys.unwrap_or_default() {
            let _: redis::RedisResult<()> = redis::cmd("DEL").arg(key).query(&mut connection);
        }
    }
}

/// A server of the test's own.
pub(super) struct Server {
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Server {
    pub(super) async fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = spawn(&folder, port);
        let server = Server {
            folder,
            port,
            process,
        };
        server.answers().await;
        server
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(super) async fn restart(&mut self) {
        self.process = spawn(&self.folder, self.port);
        self.answers().await;
    }

    async fn answers(&self) {
        eventually("the server answers", async || {
            let client = redis::Client::open(self.url()).unwrap();
            let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
                return false;
            };
            redis::cmd("PING").exec_async(&mut connection).await.is_ok()
        })
        .await;
    }

    pub(super) async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}

fn spawn(folder: &tempfile::TempDir, port: u16) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "everysec", "--dir"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A job that can be told from others.
pub(super) fn job(tenant: TenantId, number: u128) -> ReconcileJob {
    ReconcileJob {
        v: 1,
        tenant,
        keys: vec![Key::Person(Uuid::from_u128(number))],
    }
}

pub(super) fn jobs(numbers: std::ops::Range<u128>) -> Vec<ReconcileJob> {
    numbers.map(|number| job(TENANT, number)).collect()
}

pub(super) fn number(job: &ReconcileJob) -> u128 {
    job.keys[0].id().as_u128()
}

/// What handlers got, in order.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Vec<(TenantId, u128, Delivery)>>>);

impl Record {
    pub(super) fn add(&self, job: &ReconcileJob, delivery: Delivery) {
        self.0.lock().unwrap().push((job.tenant, number(job), delivery));
    }

    pub(super) fn all(&self) -> Vec<(TenantId, u128, Delivery)> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(super) fn distinct(&self) -> usize {
        let numbers: std::collections::HashSet<u128> = self.all().iter().map(|entry| entry.1).collect();
        numbers.len()
    }

    pub(super) async fn reaches(&self, count: usize) {
        eventually(&format!("{count} deliveries"), async || self.len() >= count).await;
    }
}

/// A worker under way.
pub(super) struct Worker {
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Worker {
    pub(super) fn start<H, F>(queue: &JobQueue<ReconcileJob>, options: ConsumeOptions, handler: H) -> Worker
    where
        H: Fn(ReconcileJob, Delivery) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Outcome, JobError>> + Send + 'static,
    {
        let monitor = queue.consume(Monitor::new(), options, handler);
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let signal = async move {
                stopped.notified().await;
                Ok(())
            };
            monitor.run_with_signal(signal).await.unwrap();
        });
        Worker { stop, task }
    }

    /// Records every job and is done with it.
    pub(super) fn recording(queue: &JobQueue<ReconcileJob>, concurrency: usize, record: &Record) -> Worker {
        let record = record.clone();
        Worker::start(
            queue,
            ConsumeOptions::new("test", concurrency),
            move |job, delivery| {
                record.add(&job, delivery);
                async { Ok(Outcome::Done) }
            },
        )
    }

    pub(super) fn signal(&self) {
        self.stop.notify_one();
    }

    /// Drop the worker, as a shutdown that took too long does.
    pub(super) fn abort(self) {
        self.task.abort();
    }

    pub(super) fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    pub(super) async fn stop(self) {
        self.signal();
        tokio::time::timeout(DEADLINE, self.task)
            .await
            .expect("the worker stops")
            .unwrap();
    }
}

/// Poll a condition until it holds or 20 s have passed.
pub(super) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition().await {
        assert!(Instant::now() < deadline, "in vain waited for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Nothing outstanding is left.
pub(super) async fn drained(queue: &JobQueue<ReconcileJob>) {
    eventually("the queue is drained", async || match queue.depth().await {
        Ok(depth) => depth.ready + depth.running + depth.scheduled == 0,
        Err(_) => false,
    })
    .await;
}

/// Push these jobs, again and again while Redis is unavailable.
pub(super) async fn pushed(queue: &JobQueue<ReconcileJob>, numbers: std::ops::Range<u128>) {
    eventually("a push succeeds", async || {
        match queue.push(TENANT, &jobs(numbers.clone())).await {
            Ok(accepted) => accepted == numbers.clone().count(),
            Err(error) => {
                assert!(error.is_unavailable(), "{error:?}");
                false
            }
        }
    })
    .await;
}
