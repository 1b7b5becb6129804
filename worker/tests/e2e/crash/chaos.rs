//! What goes wrong meanwhile.

use crate::harness::Stack;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::time::{Duration, Instant};

/// Each number is how often.
const WORKER_KILLS: usize = 9;
const API_KILLS: usize = 8;
const REDIS_KILLS: usize = 7;
const FLUSHES: usize = 4;
const POSTGRES_CRASHES: usize = 2;

/// Time between two blows, in milliseconds.
const GAP: std::ops::Range<u64> = 150..1_500;

#[derive(Debug, Clone, Copy)]
enum Blow {
    KillWorker,
    KillApi,
    KillRedis,
    FlushRedis,
    CrashPostgres,
}

/// What was done, for the record.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// `kill -9` of worker, API and Redis processes.
    pub(super) kills: usize,
    pub(super) flushes: usize,
    pub(super) postgres_crashes: usize,
    pub(super) took: Duration,
}

/// Deal all blows in a random order at random times; what is killed is started again at once.
pub(super) async fn rage(stack: &mut Stack, random: &mut StdRng) -> Damage {
    let started = Instant::now();
    let mut blows: Vec<Blow> = [
        (Blow::KillWorker, WORKER_KILLS),
        (Blow::KillApi, API_KILLS),
        (Blow::KillRedis, REDIS_KILLS),
        (Blow::FlushRedis, FLUSHES),
        (Blow::CrashPostgres, POSTGRES_CRASHES),
    ]
    .into_iter()
    .flat_map(|(blow, times)| std::iter::repeat_n(blow, times))
    .collect();
    blows.shuffle(random);
    let mut damage = Damage::default();
    for blow in blows {
        // Not a wait for anything: the random moment at which it strikes.
        tokio::time::sleep(Duration::from_millis(random.random_range(GAP))).await;
        match blow {
            Blow::KillWorker => {
                let worker = random.random_range(0..stack.workers.len());
                stack.workers[worker].kill();
                stack.workers[worker].start();
                damage.kills += 1;
            }
            Blow::KillApi => {
                let api = random.random_range(0..stack.apis.len());
                stack.apis[api].kill();
                stack.apis[api].start();
                damage.kills += 1;
            }
            Blow::KillRedis => {
                stack.stores.kill_redis();
                stack.stores.start_redis().await;
                damage.kills += 1;
            }
            Blow::FlushRedis => {
                stack.stores.flush_redis().await;
                damage.flushes += 1;
            }
            Blow::CrashPostgres => {
                stack.stores.crash_postgres();
                stack.stores.start_postgres().await;
                damage.postgres_crashes += 1;
            }
        }
    }
    damage.took = started.elapsed();
    damage
}
