//! Who follows the directory misses nothing, however transactions overlap, and reads no more than is new.

mod crowd;

use crate::rows_read::RowsRead;
use devstack::TestDatabase;
use devstack::wait::{self, SOON};
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::follow::{self, Position};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::BTreeMap;
use uuid::Uuid;

const TENANT: TenantId = TenantId(1);

async fn pool(database: &TestDatabase) -> PgPool {
    PgPoolOptions::new()
        .max_connections(12)
        .connect(database.url())
        .await
        .unwrap()
}

fn subject(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// What a worker does to somebody whose row it has locked: history of their next change, numbered.
async fn change(conn: &mut PgConnection, subject: Uuid) {
    sqlx::query(
        r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
           select $1, 1, $2, (select count(*) + 1 from history where tenant_id = $1 and key_id = $2), 1,
               '{"position": ["a", "b"]}'"#,
    )
    .bind(TENANT.0)
    .bind(subject)
    .execute(conn)
    .await
    .unwrap();
}

/// Take a transaction's place in the order of transactions.
pub(crate) async fn take_xid(conn: &mut PgConnection) {
    sqlx::query("select pg_current_xact_id()::text")
        .execute(conn)
        .await
        .unwrap();
}

/// What a reader is told of rows of history, in order.
#[derive(Default)]
struct Follower {
    position: Position,
    rows: Vec<i64>,
}

impl Follower {
    async fn read(&mut self, conn: &mut PgConnection, limit: i64) -> bool {
        let page = follow::read(conn, TENANT, self.position, limit).await.unwrap();
        assert!(page.position >= self.position);
        let row = |id: &str| id.split_once('.').unwrap().0.parse().unwrap();
        self.rows
            .extend(page.entries.iter().map(|entry| -> i64 { row(&entry.id) }));
        self.position = page.position;
        page.more
    }

    async fn read_until(&mut self, conn: &mut PgConnection, rows: usize) {
        wait::until("everything is told", SOON, async || {
            while self.read(conn, 2).await {}
            self.rows.len() >= rows
        })
        .await
        .unwrap();
    }

    /// The numbers of the changes told, by whom they are about.
    async fn told(&self, pool: &PgPool) -> BTreeMap<Uuid, Vec<i64>> {
        let rows: Vec<(i64, Uuid, i64)> = sqlx::query_as("select id, key_id, seq from history")
            .fetch_all(pool)
            .await
            .unwrap();
        let rows: BTreeMap<i64, (Uuid, i64)> = rows
            .into_iter()
            .map(|(id, subject, number)| (id, (subject, number)))
            .collect();
        let mut told: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
        for id in &self.rows {
            let (subject, number) = rows[id];
            told.entry(subject).or_default().push(number);
        }
        told
    }
}

#[tokio::test]
async fn row_of_a_transaction_that_began_early_and_commits_late_is_not_skipped() {
    let database = TestDatabase::create().await.unwrap();
    let pool = pool(&database).await;
    let mut reader = pool.acquire().await.unwrap();
    let mut follower = Follower::default();

    let mut early = pool.begin().await.unwrap();
    change(&mut early, subject(1)).await;
    let mut late = pool.begin().await.unwrap();
    change(&mut late, subject(2)).await;
    late.commit().await.unwrap();
    // The later row is committed, the earlier may still be: neither is told.
    assert!(!follower.read(&mut reader, 10).await);
    assert_eq!(follower.rows, [0; 0]);
    let behind = follow::behind(&mut reader, &[(TENANT, follower.position)])
        .await
        .unwrap();
    assert_eq!(behind, []);
    assert_eq!(
        follow::latest(&mut reader, TENANT).await.unwrap(),
        Position::default()
    );
    early.commit().await.unwrap();
    follower.read_until(&mut reader, 2).await;
    let told = follower.told(&pool).await;
    assert_eq!(
        told,
        BTreeMap::from([(subject(1), vec![1]), (subject(2), vec![1])])
    );
}

/// A worker that locks several people has its place among transactions before it has waited for the
/// last of them, hence before whoever it waited for.
#[tokio::test]
async fn changes_of_one_person_are_told_in_order_whichever_transaction_began_first() {
    let database = TestDatabase::create().await.unwrap();
    let pool = pool(&database).await;
    let mut reader = pool.acquire().await.unwrap();
    let mut follower = Follower::default();

    let mut waiting = pool.begin().await.unwrap();
    take_xid(&mut waiting).await;
    let mut between = pool.begin().await.unwrap();
    take_xid(&mut between).await;
    let mut first = pool.begin().await.unwrap();
    change(&mut first, subject(1)).await;
    first.commit().await.unwrap();
    change(&mut waiting, subject(1)).await;
    waiting.commit().await.unwrap();
    // The one that waited would be told before the one it waited for, were it the xid alone.
    assert!(!follower.read(&mut reader, 10).await);
    between.rollback().await.unwrap();
    follower.read_until(&mut reader, 2).await;
    assert_eq!(follower.told(&pool).await[&subject(1)], [1, 2]);
    let xids: Vec<bool> = sqlx::query_scalar("select order_xid > xmin::text::xid8 from history order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert!(xids[1], "the second did not begin before the first: {xids:?}");
}

/// Fails only while nobody else writes in the whole server: run alone.
#[tokio::test]
async fn last_change_is_told_though_nobody_writes_any_more() {
    let database = TestDatabase::create().await.unwrap();
    let pool = pool(&database).await;
    let mut reader = pool.acquire().await.unwrap();
    let mut last = pool.begin().await.unwrap();
    take_xid(&mut last).await;
    let mut other = pool.begin().await.unwrap();
    take_xid(&mut other).await;
    other.commit().await.unwrap();
    change(&mut last, subject(1)).await;
    last.commit().await.unwrap();
    let mut follower = Follower::default();
    follower.read_until(&mut reader, 1).await;
}

#[tokio::test]
async fn who_reads_the_directory_after_the_latest_position_and_goes_on_there_misses_nothing() {
    let database = TestDatabase::create().await.unwrap();
    let pool = pool(&database).await;
    let mut reader = pool.acquire().await.unwrap();
    let mut told = pool.begin().await.unwrap();
    change(&mut told, subject(1)).await;
    told.commit().await.unwrap();
    let behind = wait::until("it is told", SOON, async || {
        follow::latest(&mut reader, TENANT).await.unwrap() != Position::default()
    });
    behind.await.unwrap();
    let mut open = pool.begin().await.unwrap();
    change(&mut open, subject(2)).await;
    let start = follow::latest(&mut reader, TENANT).await.unwrap();
    // The directory is read here, without what `open` does.
    open.commit().await.unwrap();
    let mut follower = Follower {
        position: start,
        rows: vec![],
    };
    follower.read_until(&mut reader, 1).await;
    assert_eq!(
        follower.told(&pool).await,
        BTreeMap::from([(subject(2), vec![1])])
    );
}

#[tokio::test]
async fn position_whose_row_is_gone_or_ahead_of_the_database_is_not_kept() {
    let database = TestDatabase::create().await.unwrap();
    let pool = pool(&database).await;
    let mut reader = pool.acquire().await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    change(&mut tx, subject(1)).await;
    change(&mut tx, subject(1)).await;
    tx.commit().await.unwrap();
    let mut follower = Follower::default();
    follower.read_until(&mut reader, 2).await;
    let position = follower.position;
    let kept = async |reader: &mut PgConnection, tenant: i64, position: Position| {
        follow::is_kept(reader, TenantId(tenant), position).await.unwrap()
    };
    assert!(kept(&mut reader, 1, Position::default()).await);
    assert!(kept(&mut reader, 1, position).await);
    assert!(!kept(&mut reader, 2, position).await, "of another tenant");
    let elsewhere = Position {
        xid: position.xid - 1,
        ..position
    };
    assert!(!kept(&mut reader, 1, elsewhere).await);
    // An erasure empties the row and leaves it where it is.
    sqlx::query("update history set fields = '{}'")
        .execute(&pool)
        .await
        .unwrap();
    assert!(kept(&mut reader, 1, position).await);
    // A dump restored into a younger server: its transactions are behind what was told.
    let ahead = "update history set order_xid = (pg_snapshot_xmax(pg_current_snapshot())::text::int8 + 1000)::text::xid8
        returning order_xid::text::int8";
    let ahead: Vec<i64> = sqlx::query_scalar(ahead).fetch_all(&pool).await.unwrap();
    let ahead = Position {
        xid: ahead[0],
        ..position
    };
    assert!(!kept(&mut reader, 1, ahead).await);
    sqlx::query("delete from history").execute(&pool).await.unwrap();
    assert!(!kept(&mut reader, 1, position).await);
}

#[tokio::test]
async fn following_reads_only_what_is_new_of_a_long_history_of_many_tenants() {
    let database = TestDatabase::create().await.unwrap();
    let mut conn = PgConnection::connect(database.url()).await.unwrap();
    // 100,000 rows of a large tenant, 200 of each of 100 small ones; one in ten tells nothing.
    for tenants in [
        "select 1 as tenant, n from generate_series(1, 100000) n",
        "select 1 + t as tenant, n from generate_series(1, 200) n, generate_series(1, 100) t",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
               select tenant, 1, gen_random_uuid(), n, 1, case when n % 10 = 0 then '{{}}' else '{{"position": ["a", "b"]}}' end::jsonb
               from ({tenants}) t order by n"#
        )))
        .execute(&mut conn)
        .await
        .unwrap();
    }
    let (xid, id): (i64, i64) = sqlx::query_as(
        "select order_xid::text::int8, id from history where tenant_id = 1 order by id offset 90000 limit 1",
    )
    .fetch_one(&mut conn)
    .await
    .unwrap();
    let place = Position { xid, id };
    wait::until("everything is told", SOON, async || {
        follow::latest(&mut conn, TENANT).await.unwrap() > place
    })
    .await
    .unwrap();
    for known in [false, true] {
        if known {
            sqlx::query("vacuum analyze").execute(&mut conn).await.unwrap();
        }
        let mut tx = conn.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;
        let page = follow::read(&mut tx, TENANT, place, 500).await.unwrap();
        assert_eq!((page.entries.len(), page.more), (500, true));
        counted.within(&mut tx, 600, "a page in the midst").await;
        let end = follow::latest(&mut tx, TENANT).await.unwrap();
        counted.within(&mut tx, 10, "the latest position").await;
        assert!(follow::is_kept(&mut tx, TENANT, end).await.unwrap());
        counted.within(&mut tx, 10, "whether it is kept").await;
        let nothing = follow::read(&mut tx, TENANT, end, 500).await.unwrap();
        assert!(nothing.entries.is_empty() && nothing.position == end);
        let mut asked = vec![(TENANT, end), (TenantId(1_000), Position::default())];
        asked.extend((2..=101).map(|tenant| (TenantId(tenant), Position::default())));
        let behind = follow::behind(&mut tx, &asked).await.unwrap();
        assert_eq!(behind, (2..=101).map(TenantId).collect::<Vec<_>>());
        counted.within(&mut tx, 400, "who is behind").await;
        tx.rollback().await.unwrap();
    }
}
