use crate::context::Context;
use crate::limiter::Limiter;
use crate::reconcile::Engine;
use crate::together::Together;
use devstack::{TestDatabase, TestRedis};
use rollcall_shared::config::RedisConfig;
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::queue::{Delivery, Outcome, QueueConfig, Queues, ReconcileJob};
use rollcall_shared::telemetry::Metrics;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) const TENANT: TenantId = TenantId(1);
pub(crate) const FIRST: Delivery = Delivery {
    attempt: 1,
    expired_leases: 0,
};
const AFTER_A_DEATH: Delivery = Delivery {
    attempt: 1,
    expired_leases: 1,
};

pub(crate) struct Setup {
    pub(crate) context: Arc<Context>,
    pub(crate) keys: Vec<Key>,
    _database: TestDatabase,
}

impl Setup {
    /// Five people to apply.
    pub(crate) async fn new(limiter: Limiter) -> Setup {
        Setup::with_slots(limiter, 1).await
    }

    async fn with_slots(limiter: Limiter, slots: usize) -> Setup {
        let database = TestDatabase::create().await.unwrap();
        let redis = TestRedis::new().unwrap();
        let pool = PgPoolOptions::new().connect(database.url()).await.unwrap();
        let config = RedisConfig::new(redis.url(), redis.prefix());
        let queues = Arc::new(Queues::connect(&config, QueueConfig::default()).unwrap());
        let metrics = Metrics::new("worker");
        sqlx::query("insert into tenants (id, name) overriding system value values (1, 'test')")
            .execute(&pool)
            .await
            .unwrap();
        let mut keys = vec![];
        for seq in 1..=5_i64 {
            let id = Uuid::now_v7();
            sqlx::query(
                "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source,
                     created_seq, created_at, modified_at) values (1, $1, 1, $1, $2, 1, $3, 'test', $3, now(), now())",
            )
            .bind(id)
            .bind(json!({ "userName": format!("p{seq}") }))
            .bind(seq)
            .execute(&pool)
            .await
            .unwrap();
            sqlx::query(
                "insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
                values (1, 1, $1, $2, 1, now(), now())",
            )
            .bind(id)
            .bind(seq)
            .execute(&pool)
            .await
            .unwrap();
            keys.push(Key::Person(id));
        }
        let context = Context {
            engine: Engine::new(pool.clone(), Arc::clone(&queues), Arc::clone(&metrics)),
            pool,
            queues,
            metrics,
            limiter,
            courtesy: crate::runs::Courtesy::default(),
            pauses: crate::pauses::Pauses::default(),
            together: Together::new(slots, 1),
            arrivals: crate::arrivals::Arrivals::default(),
        };
        Setup {
            context: Arc::new(context),
            keys,
            _database: database,
        }
    }

    pub(crate) async fn handle(&self, keys: &[Key], delivery: Delivery) -> Outcome {
        let job = ReconcileJob {
            v: 1,
            tenant: TENANT,
            keys: keys.to_vec(),
        };
        super::reconcile(Arc::clone(&self.context), Lane::Live, job, delivery)
            .await
            .unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.context.pool)
            .await
            .unwrap()
    }

    async fn queued(&self) -> usize {
        self.context.queues.live.depth().await.unwrap().ready
    }
}

#[tokio::test]
async fn job_over_the_rate_applies_what_it_may_and_gives_the_slot_back_for_the_rest() {
    let setup = Setup::new(Limiter::new(0, 2)).await;
    for _ in 0..6 {
        // A part at most, and never a wait inside the handler.
        assert!(matches!(
            setup.handle(&setup.keys, FIRST).await,
            Outcome::Snooze(wait) if !wait.is_zero()
        ));
    }
    let applied = setup.count("select count(*) from people").await;
    assert!((1..=3).contains(&applied), "{applied} of 5 at 2 a second");
}

#[tokio::test]
async fn keys_of_a_job_whose_lease_ran_out_travel_alone_from_the_second_time_on() {
    let setup = Setup::new(Limiter::new(0, 0)).await;
    assert_eq!(setup.handle(&setup.keys, AFTER_A_DEATH).await, Outcome::Done);
    assert_eq!(
        (
            setup.count("select count(*) from people").await,
            setup.queued().await
        ),
        (0, 1)
    );
    assert_eq!(setup.handle(&setup.keys, AFTER_A_DEATH).await, Outcome::Done);
    assert_eq!(setup.queued().await, 1 + 5);
    // So do they when the feeder brings them back together.
    assert_eq!(setup.handle(&setup.keys, FIRST).await, Outcome::Done);
    assert_eq!(
        (
            setup.count("select count(*) from people").await,
            setup.queued().await
        ),
        (0, 1 + 5 + 5)
    );
    // Alone, the innocent ones are applied and forgiven.
    for key in &setup.keys {
        setup.handle(std::slice::from_ref(key), FIRST).await;
    }
    assert_eq!(setup.count("select count(*) from people").await, 5);
    assert_eq!(setup.count("select count(*) from key_failures").await, 0);
}

#[tokio::test]
async fn key_that_kills_its_process_again_and_again_is_parked() {
    let setup = Setup::new(Limiter::new(0, 0)).await;
    let alone = &setup.keys[..1];
    for deaths in 1..=5 {
        assert_eq!(setup.handle(alone, AFTER_A_DEATH).await, Outcome::Done);
        let parked = setup
            .count("select count(*) from pending where due_at = 'infinity'")
            .await;
        assert_eq!(parked, i64::from(deaths == 5), "after {deaths} deaths");
    }
    assert_eq!(
        setup.queued().await,
        4,
        "it starts again after each death but the last"
    );
    assert_eq!(setup.handle(alone, FIRST).await, Outcome::Done);
    assert_eq!(
        setup.count("select count(*) from people").await,
        0,
        "jobs about it do nothing"
    );
}

/// Hold somebody's row, so that whoever applies them waits; until it is dropped.
pub(crate) async fn hold<'a>(setup: &'a Setup, key: &Key) -> sqlx::Transaction<'a, sqlx::Postgres> {
    let mut tx = setup.context.pool.begin().await.unwrap();
    sqlx::query("select from people where tenant_id = 1 and id = $1 for update")
        .bind(key.id())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx
}

pub(crate) async fn until(setup: &Setup, what: &str, sql: &'static str) {
    devstack::wait::until(what, devstack::wait::SOON, async || setup.count(sql).await == 1)
        .await
        .unwrap();
}

#[tokio::test]
async fn jobs_that_come_while_another_is_at_it_are_applied_in_one_transaction() {
    let setup = Setup::new(Limiter::new(0, 0)).await;
    let (first, others) = setup.keys.split_first().unwrap();
    setup.handle(std::slice::from_ref(first), FIRST).await;
    let again = "insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
        select tenant_id, 1, directory_id, 6, 1, now(), now() from scim_resources where seq = 1";
    sqlx::query(again).execute(&setup.context.pool).await.unwrap();
    let before = setup
        .count("select count(distinct xmin::text) from history")
        .await;
    let held = hold(&setup, first).await;
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let release = async {
        until(&setup, "the first waits", waits).await;
        let all = others
            .iter()
            .map(|key| setup.handle(std::slice::from_ref(key), FIRST));
        let gathered = async {
            devstack::wait::until("all wait for the slot", devstack::wait::SOON, async || {
                setup.context.together.waiting(TENANT) == 4
            })
            .await
            .unwrap();
            held.rollback().await.unwrap();
        };
        let (outcomes, ()) = tokio::join!(futures::future::join_all(all), gathered);
        outcomes
    };
    let (outcome, outcomes) = tokio::join!(setup.handle(std::slice::from_ref(first), FIRST), release);
    assert!(
        outcomes
            .into_iter()
            .chain([outcome])
            .all(|outcome| outcome == Outcome::Done)
    );
    assert_eq!(setup.count("select count(*) from people").await, 5);
    let transactions = setup
        .count("select count(distinct xmin::text) from history")
        .await
        - before;
    assert_eq!(transactions, 2, "the one that waited, and the four together");
}

#[tokio::test]
async fn jobs_about_somebody_a_transaction_is_at_wait_without_a_slot_and_follow_together() {
    let setup = Setup::with_slots(Limiter::new(0, 0), 2).await;
    let (first, others) = setup.keys.split_first().unwrap();
    setup.handle(std::slice::from_ref(first), FIRST).await;
    let again = "insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
        select tenant_id, 1, directory_id, 6, 1, now(), now() from scim_resources where seq = 1";
    sqlx::query(again).execute(&setup.context.pool).await.unwrap();
    let held = hold(&setup, first).await;
    let both = [first.clone(), others[0].clone()];
    let release = async {
        let waits = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        until(&setup, "the first waits", waits).await;
        let mut behind = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let (context, keys) = (Arc::clone(&setup.context), both.to_vec());
            behind.spawn(async move {
                let job = ReconcileJob {
                    v: 1,
                    tenant: TENANT,
                    keys,
                };
                super::reconcile(context, Lane::Live, job, FIRST).await.unwrap()
            });
        }
        // The second slot is free for others all the while.
        for key in &others[1..] {
            setup.handle(std::slice::from_ref(key), FIRST).await;
        }
        assert_eq!(setup.count(waits).await, 1, "nobody else waits for a lock");
        assert_eq!(setup.count("select count(*) from people").await, 4);
        held.rollback().await.unwrap();
        behind.join_all().await
    };
    let (outcome, outcomes) = tokio::join!(setup.handle(std::slice::from_ref(first), FIRST), release);
    assert!(
        outcomes
            .into_iter()
            .chain([outcome])
            .all(|outcome| outcome == Outcome::Done)
    );
    assert_eq!(setup.count("select count(*) from people").await, 5);
    assert_eq!(setup.count("select count(*) from pending").await, 0);
}

#[tokio::test]
async fn key_that_has_failed_before_is_applied_by_itself() {
    let setup = Setup::new(Limiter::new(0, 0)).await;
    for key in &setup.keys[..2] {
        sqlx::query(
            "insert into key_failures (tenant_id, key_kind, key_id, attempts, error) values (1, 1, $1, 1, 'test')",
        )
        .bind(key.id())
        .execute(&setup.context.pool)
        .await
        .unwrap();
    }
    let all = setup
        .keys
        .iter()
        .map(|key| setup.handle(std::slice::from_ref(key), FIRST));
    let outcomes = futures::future::join_all(all).await;
    assert!(outcomes.into_iter().all(|outcome| outcome == Outcome::Done));
    assert_eq!(setup.count("select count(*) from people").await, 5);
    let alone = "select count(*) from (select from history h where key_id = any (array(
                select directory_id from scim_resources where seq <= 2))
            and not exists (select from history o where o.xmin = h.xmin and o.id <> h.id)) by_itself";
    assert_eq!(setup.count(alone).await, 2);
}
