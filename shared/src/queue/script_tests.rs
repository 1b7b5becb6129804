//! What the scripts promise, step by step: no worker in between.

use super::finish::{Finished, Ticket, Verdict};
use super::keys::Keys;
use super::ledger::{Fetch, Ledger};
use super::link::Link;
use super::outcome::Delivery;
use super::place::Place;
use super::scripts;
use crate::config::RedisConfig;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

struct Bench {
    ledger: Ledger,
}

impl Bench {
    fn new() -> Bench {
        let server = devstack::TestRedis::new().unwrap();
        let config = RedisConfig::new(server.url(), server.prefix());
        let place = Arc::new(Place::of(&config).unwrap());
        let prefix = server.prefix();
        let link = Link::new(place, "", "test", Duration::from_secs(10));
        Bench {
            ledger: Ledger {
                keys: Keys::new(prefix, "q"),
                link,
                lease: Duration::from_secs(30),
                dead_letters: 10,
                process: "bench".into(),
            },
        }
    }

    async fn push(&self, tenant: i64, data: &[&str]) -> usize {
        let mut push = self.ledger.keys.invoke(&scripts::PUSH);
        push.arg(1_000_000).arg(tenant);
        for data in data {
            push.arg(Uuid::now_v7().to_string()).arg(*data);
        }
        self.ledger
            .link
            .run(async |connection| push.invoke_async(connection).await)
            .await
            .unwrap()
    }

    async fn fetch(&self, most: usize) -> Vec<Fetch> {
        self.ledger.fetch(most).await.unwrap().2
    }

    async fn finish(&self, job: &Fetch, verdict: Verdict) -> bool {
        let end = ending(job, verdict);
        self.ledger.write(&[end]).await.unwrap()[0]
    }

    async fn renew(&self, job: &Fetch) -> bool {
        self.ledger.renew(&[(job.0.clone(), job.4)]).await.unwrap()[0]
    }

    async fn depth(&self) -> (usize, usize, usize, usize, u64) {
        let (ready, running, scheduled, dead, age, ..) = self.figures().await;
        (ready, running, scheduled, dead, age)
    }

    /// As the script answers.
    async fn figures(&self) -> (usize, usize, usize, usize, u64, u64, u64) {
        let depth = self.ledger.keys.invoke(&scripts::DEPTH);
        self.ledger
            .link
            .run(async |connection| depth.invoke_async(connection).await)
            .await
            .unwrap()
    }

    async fn holders(&self) -> Vec<(String, usize)> {
        let mut holders = self.ledger.keys.invoke(&scripts::HOLDERS);
        holders.arg(1);
        let (_, holders): (usize, Vec<(String, usize)>) = self
            .ledger
            .link
            .run(async |connection| holders.invoke_async(connection).await)
            .await
            .unwrap();
        holders
    }

    /// As if a long time had passed.
    async fn make_all_due(&self, set: &str) {
        let key = self.key(set);
        let mut zero = redis::cmd("ZUNIONSTORE");
        zero.arg(key).arg(1).arg(key).arg("WEIGHTS").arg(0);
        self.ledger
            .link
            .run(async |connection| zero.exec_async(connection).await)
            .await
            .unwrap();
    }

    fn key(&self, name: &str) -> &str {
        self.ledger
            .keys
            .all()
            .iter()
            .find(|key| key.ends_with(&format!(":{name}")))
            .unwrap()
    }

    async fn drop_key(&self, name: &str) {
        self.ledger
            .link
            .run(async |connection| redis::cmd("DEL").arg(self.key(name)).exec_async(connection).await)
            .await
            .unwrap();
    }

    /// As if everything had finished 13 slots earlier.
    async fn age_pace(&self) {
        let script = redis::Script::new(
            "for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
               local slot, count = string.match(redis.call('HGET', KEYS[1], field), '^(%d+) (%d+)$')
               redis.call('HSET', KEYS[1], field, string.format('%.0f', slot - 13) .. ' ' .. count)
             end",
        );
        let mut script = script.prepare_invoke();
        script.key(self.key("pace"));
        self.ledger
            .link
            .run(async |connection| script.invoke_async::<()>(connection).await)
            .await
            .unwrap();
    }

    async fn clean(&self) {
        self.ledger
            .link
            .run(async |connection| {
                redis::cmd("DEL")
                    .arg(self.ledger.keys.all())
                    .exec_async(connection)
                    .await
            })
            .await
            .unwrap();
    }
}

fn ending(job: &Fetch, verdict: Verdict) -> Finished {
    let delivery = Delivery {
        attempt: job.2,
        expired_leases: job.3,
    };
    Finished {
        ticket: Ticket {
            id: job.0.clone(),
            fence: job.4,
            delivery,
        },
        verdict,
    }
}

#[tokio::test]
async fn late_holder_of_an_expired_lease_can_neither_renew_nor_finish() {
    let bench = Bench::new();
    bench.push(1, &["{}"]).await;
    let first = bench.fetch(1).await.remove(0);
    bench.make_all_due("leases").await;
    let second = bench.fetch(1).await.remove(0);
    assert_eq!((second.0.as_str(), second.2, second.3), (first.0.as_str(), 1, 1));
    assert!(second.4 > first.4);
    assert!(!bench.renew(&first).await);
    for verdict in [
        Verdict::Done,
        Verdict::Back,
        Verdict::Dead("late".into()),
        Verdict::Retry(Duration::ZERO),
    ] {
        assert!(!bench.finish(&first, verdict).await);
    }
    assert_eq!(bench.depth().await, (0, 1, 0, 0, 0));
    assert!(bench.renew(&second).await);
    assert!(bench.finish(&second, Verdict::Done).await);
    assert!(
        !bench.finish(&second, Verdict::Done).await,
        "an ending counts once"
    );
    assert_eq!(bench.depth().await, (0, 0, 0, 0, 0));
    bench.clean().await;
}

#[tokio::test]
async fn many_due_jobs_are_made_ready_in_bounded_steps() {
    const JOBS: usize = 20_000;
    let bench = Bench::new();
    for _ in 0..JOBS / 500 {
        bench.push(1, &["{}"; 500]).await;
    }
    let mut fetched = 0;
    while fetched < JOBS {
        let jobs = bench.fetch(500).await;
        let later = Verdict::Snooze(Duration::from_secs(3_600));
        let ends: Vec<Finished> = jobs.iter().map(|job| ending(job, later.clone())).collect();
        fetched += jobs.len();
        bench.ledger.write(&ends).await.unwrap();
    }
    let (ready, running, scheduled, ..) = bench.depth().await;
    assert_eq!((ready, running), (0, 0));
    assert_eq!(scheduled, JOBS);
    bench.make_all_due("scheduled").await;

    let deadline = Instant::now() + Duration::from_secs(30);
    let (mut again, mut longest) = (0, Duration::ZERO);
    while again < JOBS {
        assert!(Instant::now() < deadline, "{again} came back");
        let started = Instant::now();
        let jobs = bench.fetch(64).await;
        longest = longest.max(started.elapsed());
        again += jobs.len();
        let ends: Vec<Finished> = jobs.iter().map(|job| ending(job, Verdict::Done)).collect();
        bench.ledger.write(&ends).await.unwrap();
    }
    println!("longest fetch while {JOBS} jobs were due: {longest:?}");
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    assert_eq!(bench.depth().await, (0, 0, 0, 0, 0));
    bench.clean().await;
}

#[tokio::test]
async fn turns_alternate_between_tenants_however_much_one_has_pushed() {
    let bench = Bench::new();
    bench.push(1, &["a"; 6]).await;
    bench.push(2, &["b"; 2]).await;
    bench.push(3, &["c"]).await;
    let order: String = bench
        .fetch(9)
        .await
        .into_iter()
        .map(|job| char::from(job.1[0]))
        .collect();
    let mut head: Vec<char> = order[..5].chars().collect();
    head.sort_unstable();
    assert_eq!(
        (head.iter().collect::<String>().as_str(), &order[5..]),
        ("aabbc", "aaaa"),
        "{order}"
    );
    bench.clean().await;
}

#[tokio::test]
async fn leftovers_of_deleted_keys_are_discarded_when_met() {
    let bench = Bench::new();
    let delete = async |names: &[&str]| {
        let keys: Vec<&str> = names.iter().map(|name| bench.key(name)).collect();
        bench
            .ledger
            .link
            .run(async |c| redis::cmd("DEL").arg(&keys).exec_async(c).await)
            .await
            .unwrap();
    };
    bench.push(1, &["a", "b"]).await;
    delete(&["data"]).await;
    assert!(bench.fetch(5).await.is_empty());
    assert_eq!(bench.push(1, &["c"]).await, 1);
    delete(&["meta"]).await;
    assert!(bench.fetch(5).await.is_empty());
    assert_eq!(bench.push(1, &["d"]).await, 1);
    delete(&["leases", "tenants", "turns"]).await;
    let job = bench.fetch(5).await.remove(0);
    assert!(bench.finish(&job, Verdict::Done).await);
    assert_eq!(bench.depth().await, (0, 0, 0, 0, 0));
    bench.clean().await;
}

#[tokio::test]
async fn holder_of_a_job_is_known_until_the_job_ends_or_its_lease_runs_out() {
    let bench = Bench::new();
    bench.push(1, &["1", "2", "3"]).await;
    assert!(bench.holders().await.is_empty());
    let jobs = bench.fetch(3).await;
    assert_eq!(bench.holders().await, [("bench".to_owned(), 3)]);
    assert!(bench.finish(&jobs[0], Verdict::Done).await);
    assert!(
        bench
            .finish(&jobs[1], Verdict::Snooze(Duration::from_secs(60)))
            .await
    );
    assert_eq!(bench.holders().await, [("bench".to_owned(), 1)]);
    bench.make_all_due("leases").await;
    bench.ledger.fetch(0).await.unwrap();
    assert!(bench.holders().await.is_empty(), "the lease ran out");
    let (_, taken): (String, usize) = bench.fetch(1).await.pop().map(|job| (job.0, 1)).unwrap();
    assert_eq!(bench.holders().await, [("bench".to_owned(), taken)]);
    // A worker of a version that knows nothing of holders has it now.
    bench.drop_key("holders").await;
    assert_eq!(bench.holders().await, [(String::new(), 1)]);
    bench.clean().await;
}

#[tokio::test]
async fn finished_jobs_are_counted_for_a_minute_and_snoozed_or_repeated_ones_are_not() {
    let bench = Bench::new();
    bench.push(1, &["1", "2", "3", "4"]).await;
    let jobs = bench.fetch(4).await;
    let pause = Duration::from_secs(60);
    let verdicts = [
        Verdict::Done,
        Verdict::Dead("it never works".into()),
        Verdict::Snooze(pause),
        Verdict::Retry(pause),
    ];
    for (job, verdict) in jobs.iter().zip(verdicts) {
        assert!(bench.finish(job, verdict).await);
    }
    let (.., finished, time) = bench.figures().await;
    assert_eq!(finished, 2);
    assert!((60_000..65_000).contains(&time), "{time}");
    // The same slots, a round later.
    bench.age_pace().await;
    let (.., finished, _) = bench.figures().await;
    assert_eq!(finished, 0);
    bench.push(1, &["5"]).await;
    let job = bench.fetch(1).await.pop().unwrap();
    assert!(bench.finish(&job, Verdict::Done).await);
    let (.., finished, _) = bench.figures().await;
    assert_eq!(finished, 1, "an old slot is not added to");
    bench.clean().await;
}
