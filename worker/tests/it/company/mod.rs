//! A tenant whose desired state a test writes as the API would: resources, keys, ledger, outbox.

mod accept;

use devstack::{TestDatabase, TestRedis};
use rollcall_shared::config::{PostgresConfig, RedisConfig};
use rollcall_shared::directory::{Key, TenantId, fold};
use rollcall_shared::queue::{QueueConfig, Queues};
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store;
use rollcall_shared::store::periods::{self, Keeping};
use rollcall_shared::telemetry::Metrics;
use rollcall_worker::reconcile::Engine;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

pub(crate) const ENTERPRISE: &str = rollcall_shared::projection::ENTERPRISE;
pub(crate) const ROLLCALL: &str = rollcall_shared::projection::ROLLCALL;

pub(crate) struct Company {
    pub(crate) pool: PgPool,
    pub(crate) tenant: TenantId,
    pub(crate) engine: Arc<Engine>,
    /// Of `engine`.
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) redis: Arc<TestRedis>,
    /// Resource → person or team.
    directory: Mutex<HashMap<Uuid, Uuid>>,
}

/// The id that stands for `name` in one test.
pub(crate) fn id(name: &str) -> Uuid {
    let mut bytes = [0u8; 16];
    for (place, byte) in name.bytes().enumerate() {
        bytes[place % 16] ^= byte.rotate_left(place as u32 / 16);
    }
    Uuid::from_bytes(bytes)
}

/// A document with a userName and whatever else.
pub(crate) fn user(user_name: &str, more: Value) -> Value {
    let mut document = json!({ "userName": user_name });
    let Value::Object(more) = more else {
        panic!("attributes are an object")
    };
    document.as_object_mut().unwrap().extend(more);
    document
}

/// A document that names a manager.
pub(crate) fn report(user_name: &str, manager: &str) -> Value {
    user(
        user_name,
        json!({ ENTERPRISE: { "manager": { "value": manager } } }),
    )
}

impl Company {
    pub(crate) async fn new() -> Company {
        let database = TestDatabase::create().await.unwrap();
        let redis = TestRedis::new().unwrap();
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .connect(database.url())
            .await
            .unwrap();
        let tenant: i64 = sqlx::query_scalar("insert into tenants (name) values ('test') returning id")
            .fetch_one(&pool)
            .await
            .unwrap();
        let metrics = Metrics::new("worker");
        let engine = Arc::new(measured_engine(&pool, &redis, &metrics));
        Company {
            pool,
            tenant: TenantId(tenant),
            engine,
            metrics,
            database: Arc::new(database),
            redis: Arc::new(redis),
            directory: Mutex::default(),
        }
    }

    /// Another tenant in the same stores.
    pub(crate) async fn other_tenant(&self) -> Company {
        let insert = "insert into tenants (name) values ('other') returning id";
        Company {
            pool: self.pool.clone(),
            tenant: TenantId(self.scalar(insert).await),
            engine: Arc::clone(&self.engine),
            metrics: Arc::clone(&self.metrics),
            database: Arc::clone(&self.database),
            redis: Arc::clone(&self.redis),
            directory: Mutex::default(),
        }
    }

    /// A second worker's engine, with connections of its own.
    pub(crate) async fn another_engine(&self) -> Arc<Engine> {
        Arc::new(engine(&self.another_pool("another"), &self.redis))
    }

    /// Connections as a worker has them, under a name in `pg_stat_activity`.
    pub(crate) fn another_pool(&self, name: &str) -> PgPool {
        let config = PostgresConfig {
            database_url: format!("{}?application_name={name}", self.database.url()),
            database_connections: 8,
        };
        store::connect(&config, 8, store::Plans::ByKey).unwrap()
    }

    /// From here on, writes and what they do belong to another period of the ledger.
    pub(crate) async fn next_period(&self) {
        let keeping = Keeping {
            kept: None,
            period: Duration::ZERO,
        };
        let round = periods::round(&self.pool, keeping).await.unwrap();
        assert!(round.began.is_some(), "{round:?}");
    }

    /// The person or team of a resource.
    pub(crate) fn directory(&self, resource: Uuid) -> Uuid {
        *self
            .directory
            .lock()
            .unwrap()
            .entry(resource)
            .or_insert_with(Uuid::now_v7)
    }

    pub(crate) fn person(&self, name: &str) -> Key {
        Key::Person(self.directory(id(name)))
    }

    pub(crate) fn team(&self, name: &str) -> Key {
        Key::Team(self.directory(id(name)))
    }

    pub(crate) fn member(&self, group: &str, value: &str) -> Key {
        Key::Member(self.directory(id(group)), fold(value))
    }

    /// Accept a User's document; creates the User, or replaces the document and asserts its links.
    pub(crate) async fn put(&self, name: &str, document: Value) -> Key {
        self.write(ResourceType::User, id(name), Some(document)).await;
        self.person(name)
    }

    /// Accept a Group's document.
    pub(crate) async fn put_group(&self, name: &str, display: &str) -> Key {
        self.write(
            ResourceType::Group,
            id(name),
            Some(json!({ "displayName": display })),
        )
        .await;
        self.team(name)
    }

    /// Accept the deletion of a User or Group.
    pub(crate) async fn delete(&self, kind: ResourceType, name: &str) -> Key {
        self.write(kind, id(name), None).await;
        match kind {
            ResourceType::User => self.person(name),
            ResourceType::Group => self.team(name),
        }
    }

    /// The new resource `to` is the person `from` was.
    pub(crate) fn rehire(&self, from: &str, to: &str) {
        let person = self.directory(id(from));
        self.directory.lock().unwrap().insert(id(to), person);
    }

    /// Accept that a group has this member, or has it no more.
    pub(crate) async fn set_member(&self, group: &str, value: &str, present: bool) -> Key {
        let said = present.then_some(Value::Null);
        self.set_member_as(group, value, said).await
    }

    /// Accept that a group has this member and says this of it, or has it no more.
    pub(crate) async fn set_member_as(&self, group: &str, value: &str, said: Option<Value>) -> Key {
        let mut tx = self.pool.begin().await.unwrap();
        let seq: i64 = sqlx::query_scalar("select nextval('change_seq')")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        if let Some(said) = said {
            sqlx::query(
                "insert into scim_members (tenant_id, group_id, member, value, asserted_seq, attributes)
                 values ($1, $2, $3, $4, $5, nullif($6, 'null'::jsonb))
                 on conflict (tenant_id, group_id, member) do update
                     set attributes = excluded.attributes, asserted_seq = excluded.asserted_seq
                     where scim_members.attributes is distinct from excluded.attributes",
            )
            .bind(self.tenant.0)
            .bind(id(group))
            .bind(fold(value))
            .bind(value)
            .bind(seq)
            .bind(said)
            .execute(&mut *tx)
            .await
            .unwrap();
        } else {
            sqlx::query("delete from scim_members where tenant_id = $1 and group_id = $2 and member = $3")
                .bind(self.tenant.0)
                .bind(id(group))
                .bind(fold(value))
                .execute(&mut *tx)
                .await
                .unwrap();
        }
        let key = self.member(group, value);
        self.pending(&mut tx, &key, seq).await;
        tx.commit().await.unwrap();
        key
    }

    /// Apply these keys.
    pub(crate) async fn apply(&self, keys: &[Key]) {
        self.engine.reconcile(self.tenant, keys).await.unwrap();
    }

    /// One value; `$tenant` in the statement is this tenant.
    pub(crate) async fn scalar<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let sql = sql.replace("$tenant", &self.tenant.to_string());
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sql.replace("$tenant", &self.tenant.to_string());
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Every line, waiter, membership and nested team as text, people by login, sorted.
    pub(crate) async fn links(&self) -> Vec<String> {
        let sql = "select text from (
            select format('%s -> %s (%s %s)', p.login, m.login, l.slot, l.ordinal) as text
            from reporting_lines l join people p on p.id = l.person_id join people m on m.id = l.manager_id
            union all
            select format('%s waits for %s: %s', coalesce(p.login, t.name), w.reference, w.reason)
            from waiters w left join people p on p.id = w.subject_id left join teams t on t.id = w.subject_id
            union all
            select format('%s in %s %s', p.login, t.kind, t.name)
            from team_members m join people p on p.id = m.person_id join teams t on t.id = m.team_id
            where m.source <> ''
            union all
            select format('%s is part of %s', i.name, o.name)
            from team_parts n join teams i on i.id = n.part_id join teams o on o.id = n.team_id
          ) rows order by text collate \"C\"";
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }

    pub(crate) async fn nothing_pending(&self) -> bool {
        self.scalar("select not exists (select from pending) and not exists (select from wakes)")
            .await
    }
}

pub(crate) fn engine(pool: &PgPool, redis: &TestRedis) -> Engine {
    measured_engine(pool, redis, &Metrics::new("worker"))
}

fn measured_engine(pool: &PgPool, redis: &TestRedis, metrics: &Arc<Metrics>) -> Engine {
    let config = RedisConfig::new(redis.url(), redis.prefix());
    let queues = Queues::connect(&config, QueueConfig::default()).unwrap();
    Engine::new(pool.clone(), Arc::new(queues), Arc::clone(metrics))
}
