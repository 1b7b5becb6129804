//! Runs whose workers are killed: the report and the directory are those of a run nobody
//! disturbed.

mod company;
mod seen;

use crate::harness::{Options, Stack, Tenant, directory, seed, within, within_or};
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rollcall_worker::failpoints::RUN_FAILPOINTS;
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

/// A worker that dies between claiming a part and pushing its job leaves that part to nobody for a
/// minute.
const PATIENCE: Duration = Duration::from_secs(150);
/// Short, so that the work of the dead is taken over soon.
const LEASE_SECONDS: &str = "1";
/// Of one run, at random moments.
const KILLS: usize = 4;
/// Beside the steps of the run itself: teams that a part creates.
const TEAM_FAILPOINTS: [&str; 2] = ["teams::before_commit", "teams::after_commit"];
/// Those on the way of whoever was waiting.
const WAKE_FAILPOINTS: [&str; 3] = ["wake::before_commit", "wake::after_commit", "wake::before_done"];

/// A deployment and the company in it; no worker runs but for those a test starts.
struct Proof {
    stack: Stack,
    tenant: Tenant,
}

/// What came of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Without what depends on the clock.
    report: Value,
    /// What a dry run tells by name, in no order.
    samples: Vec<String>,
    facts: Vec<String>,
}

impl Proof {
    async fn start(name: &str, workers: usize) -> Proof {
        let options = Options {
            workers,
            environment: vec![("ROLLCALL_LEASE_SECONDS", LEASE_SECONDS.to_owned())],
            ..Options::default()
        };
        let mut stack = Stack::start(options).await;
        let tenant = stack.tenant(name).await;
        company::import(&mut stack, &tenant).await;
        for worker in &mut stack.workers {
            worker.terminate(PATIENCE).await;
        }
        Proof { stack, tenant }
    }

    async fn meddle(&self) {
        company::meddle(&self.stack.db, self.tenant.id).await;
    }

    /// Ask for a run; answers its path.
    async fn run(&self, body: Value) -> String {
        let started = self.tenant.ops.post("/runs", &body).await.expect(202);
        format!("/runs/{}", started.id())
    }

    /// Start a worker that dies when it comes to this place for the time after `passed`.
    fn start_doomed(&mut self, failpoint: &str, passed: usize) {
        let before = if passed > 0 {
            format!("{passed}*off->")
        } else {
            String::new()
        };
        let failpoints = format!("{failpoint}={before}1*return(die)");
        self.stack.workers[0].start_with(&[("FAILPOINTS", &failpoints)]);
    }

    /// Wait until the worker that was to die has died, there and of nothing else.
    async fn dies(&mut self, failpoint: &str) {
        let status = self.stack.workers[0].ended(PATIENCE).await;
        assert_eq!(
            status.signal(),
            Some(Signal::SIGABRT as i32),
            "{failpoint}: {status}"
        );
    }

    async fn shown(&self, run: &str) -> Value {
        self.tenant.ops.get(run).await.expect(200).body
    }

    async fn outcome(&self, run: &str) -> Outcome {
        let finished = within(PATIENCE, "the run is finished", async || {
            let shown = self.shown(run).await;
            (shown["state"] == "finished").then_some(shown)
        })
        .await;
        let mut report = finished["report"].clone();
        for clock in ["seconds", "keysPerSecond", "peoplePerSecond"] {
            let removed = report.as_object_mut().expect("a report").remove(clock);
            assert!(removed.is_some(), "{clock} is in the report");
        }
        let samples = finished["samples"].as_array().cloned().unwrap_or_default();
        let mut samples: Vec<String> = samples.iter().map(Value::to_string).collect();
        samples.sort();
        Outcome {
            report,
            samples,
            facts: directory::facts(&self.stack.db, self.tenant.id).await,
        }
    }

    /// The outcome of a run that nobody disturbs.
    async fn undisturbed(&mut self, body: Value) -> Outcome {
        let run = self.run(body).await;
        self.stack.workers[0].start();
        let outcome = self.outcome(&run).await;
        self.stack.workers[0].terminate(PATIENCE).await;
        outcome
    }

    /// The outcome of a run whose first worker dies at this place; another takes over.
    async fn disturbed(&mut self, body: Value, failpoint: &str, passed: usize) -> Outcome {
        let run = self.run(body).await;
        self.start_doomed(failpoint, passed);
        self.dies(failpoint).await;
        self.stack.workers[0].start();
        let outcome = self.outcome(&run).await;
        self.stack.workers[0].terminate(PATIENCE).await;
        outcome
    }

    /// The outcome of a run whose workers are killed at random moments, and how often one was at it then.
    async fn killed(&mut self, body: Value, random: &mut StdRng) -> (Outcome, usize) {
        let run = self.run(body).await;
        let mut kills = 0;
        for _ in 0..KILLS {
            // Slow enough to be met under way.
            let slow = [("FAILPOINTS", "runs::before_chunk_commit=sleep(100)")];
            self.stack.workers[0].start_with(&slow);
            self.stack.ready().await;
            let moment = Duration::from_millis(random.random_range(50..800));
            let finished = within_or(moment, async || {
                (self.shown(&run).await["state"] == "finished").then_some(())
            });
            let finished = finished.await.is_some();
            self.stack.workers[0].kill();
            kills += usize::from(!finished);
        }
        self.stack.workers[0].start();
        let outcome = self.outcome(&run).await;
        self.stack.workers[0].terminate(PATIENCE).await;
        (outcome, kills)
    }

    /// Keys of which history tells since its row `after` that something was done to them, and how
    /// many rows tell it.
    async fn history_since(&self, after: i64) -> (i64, i64) {
        sqlx::query_as(
            "select count(distinct (key_kind, key_id, member)), count(*) from history
             where tenant_id = $1 and id > $2",
        )
        .bind(self.tenant.id)
        .bind(after)
        .fetch_one(&self.stack.db)
        .await
        .unwrap()
    }

    async fn last_history(&self) -> i64 {
        sqlx::query_scalar("select max(id) from history")
            .fetch_one(&self.stack.db)
            .await
            .unwrap()
    }
}

/// Every place at which a worker can die in a full run; at parts, also later than at the first.
fn places(more: &[&'static str]) -> Vec<(&'static str, usize)> {
    let mut places: Vec<(&str, usize)> = RUN_FAILPOINTS
        .iter()
        .chain(more)
        .map(|failpoint| (*failpoint, 0))
        .collect();
    for failpoint in ["runs::before_chunk_commit", "runs::after_chunk_commit"] {
        places.extend([(failpoint, company::PARTS / 2), (failpoint, company::PARTS - 1)]);
    }
    places.push(("runs::before_ack", company::PARTS / 2));
    places
}

fn full(dry_run: bool) -> Value {
    json!({ "scope": "full", "dryRun": dry_run })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_whose_worker_dies_at_any_step_repairs_and_reports_as_one_undisturbed() {
    let mut proof = Proof::start("repaired", 1).await;
    let before = directory::facts(&proof.stack.db, proof.tenant.id).await;
    proof.meddle().await;
    let last = proof.last_history().await;
    let expected = proof.undisturbed(full(false)).await;
    let history = proof.history_since(last).await;
    assert!(history.0 > 90 && history.0 == history.1, "{history:?}");
    let left_behind: Vec<&String> = expected
        .facts
        .iter()
        .filter(|fact| !before.contains(fact))
        .collect();
    assert_eq!(
        left_behind,
        ["deleted team group Ghosts", "person ghost deprovisioned"]
    );
    assert_eq!(expected.facts.len(), before.len() + 2);
    assert!(expected.report["differing"].as_i64() > Some(100), "{expected:?}");
    assert_eq!(expected.report["teamsCreated"], 1, "{:?}", expected.report);

    for (failpoint, passed) in places(&TEAM_FAILPOINTS) {
        proof.meddle().await;
        let last = proof.last_history().await;
        let outcome = proof.disturbed(full(false), failpoint, passed).await;
        assert_eq!(outcome, expected, "{failpoint} {passed}");
        assert_eq!(proof.history_since(last).await, history, "{failpoint} {passed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dry_run_whose_worker_dies_at_any_step_tells_the_same_and_writes_nothing() {
    let mut proof = Proof::start("told", 1).await;
    proof.meddle().await;
    let expected = proof.undisturbed(full(true)).await;
    assert!(expected.samples.len() > 100, "{}", expected.samples.len());
    let versions = directory::versions(&proof.stack.db, proof.tenant.id).await;
    for (failpoint, passed) in places(&[]) {
        let outcome = proof.disturbed(full(true), failpoint, passed).await;
        assert_eq!(outcome, expected, "{failpoint} {passed}");
    }
    assert_eq!(
        directory::versions(&proof.stack.db, proof.tenant.id).await,
        versions
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_whose_worker_dies_while_links_are_woken_counts_each_link_once() {
    let mut proof = Proof::start("woken", 1).await;
    let facts = directory::facts(&proof.stack.db, proof.tenant.id).await;
    let path = "/Users?filter=userName%20eq%20%22p0000%22";
    let found = proof.tenant.scim.get(path).await.expect(200).body;
    let scope = json!({ "scope": "person", "id": found["Resources"][0]["id"] });
    company::lose_the_first(&proof.stack.db).await;
    let expected = proof.undisturbed(scope.clone()).await;
    assert_eq!(expected.facts, facts);
    assert_eq!(expected.report["linksResolved"], company::REPORTS, "{expected:?}");
    let places = ["runs::before_links", "runs::after_chunk_commit"];
    for failpoint in places.into_iter().chain(WAKE_FAILPOINTS) {
        company::lose_the_first(&proof.stack.db).await;
        let outcome = proof.disturbed(scope.clone(), failpoint, 0).await;
        assert_eq!(outcome, expected, "{failpoint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_of_two_workers_of_which_one_dies_is_finished_by_the_other() {
    let mut proof = Proof::start("survived", 2).await;
    proof.meddle().await;
    let expected = proof.undisturbed(full(false)).await;
    for failpoint in [
        "runs::before_chunk_commit",
        "runs::after_chunk_commit",
        "runs::before_ack",
    ] {
        proof.meddle().await;
        proof.start_doomed(failpoint, 1);
        // Slower, so that the other gets its share.
        let slow = [("FAILPOINTS", "runs::before_chunk_commit=sleep(100)")];
        proof.stack.workers[1].start_with(&slow);
        proof.stack.ready().await;
        let run = proof.run(full(false)).await;
        proof.dies(failpoint).await;
        assert_eq!(proof.outcome(&run).await, expected, "{failpoint}");
        proof.stack.workers[1].terminate(PATIENCE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dry_run_whose_workers_are_killed_at_random_moments_tells_the_same() {
    let mut random = StdRng::seed_from_u64(seed("killed dry run"));
    let mut proof = Proof::start("random", 1).await;
    proof.meddle().await;
    let expected = proof.undisturbed(full(true)).await;
    let versions = directory::versions(&proof.stack.db, proof.tenant.id).await;
    let mut kills = 0;
    for _ in 0..2 {
        let (outcome, killed) = proof.killed(full(true), &mut random).await;
        assert_eq!(outcome, expected);
        kills += killed;
    }
    println!("killed dry run: {kills} kills in 2 runs");
    assert!(kills >= KILLS, "only {kills} kills");
    assert_eq!(
        directory::versions(&proof.stack.db, proof.tenant.id).await,
        versions
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_whose_workers_are_killed_at_random_moments_repairs_and_reports_the_same() {
    let mut random = StdRng::seed_from_u64(seed("killed run"));
    let mut proof = Proof::start("repaired", 1).await;
    proof.meddle().await;
    let expected = proof.undisturbed(full(false)).await;
    let mut kills = 0;
    for _ in 0..2 {
        proof.meddle().await;
        let (outcome, killed) = proof.killed(full(false), &mut random).await;
        assert_eq!(outcome, expected);
        kills += killed;
    }
    println!("killed run: {kills} kills in 2 runs");
    assert!(kills >= KILLS, "only {kills} kills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_at_which_one_worker_after_another_dies_is_done_all_the_same() {
    let mut proof = Proof::start("unlucky", 1).await;
    proof.meddle().await;
    let departments: Vec<(uuid::Uuid, String)> =
        sqlx::query_as("select id, name from teams where kind = 'department' order by name")
            .fetch_all(&proof.stack.db)
            .await
            .unwrap();
    let (renamed, _) = departments
        .iter()
        .find(|(_, name)| name == "Purchasing")
        .expect("a renamed team");
    let person: uuid::Uuid = sqlx::query_scalar("select id from people where position = 'Baron' limit 1")
        .fetch_one(&proof.stack.db)
        .await
        .unwrap();
    for scope in [
        json!({ "scope": "team", "id": renamed, "dryRun": true }),
        json!({ "scope": "person", "id": person, "dryRun": true }),
    ] {
        let expected = proof.undisturbed(scope.clone()).await;
        assert_eq!(expected.report["failed"], 0, "{expected:?}");
        assert!(expected.report["differing"].as_i64() > Some(0), "{expected:?}");
        let run = proof.run(scope.clone()).await;
        let parts = 1 + usize::from(scope["scope"] == "team");
        for _ in 0..3 * parts {
            proof.start_doomed("runs::before_chunk_commit", 0);
            proof.dies("runs::before_chunk_commit").await;
        }
        proof.stack.workers[0].start();
        assert_eq!(proof.outcome(&run).await, expected, "{scope}");
        proof.stack.workers[0].terminate(PATIENCE).await;
    }
}
