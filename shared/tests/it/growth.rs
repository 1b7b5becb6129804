//! How large tables are said to be.

use devstack::TestDatabase;
use devstack::wait::{self, SOON};
use rollcall_shared::store::growth::{TableSize, table_sizes};
use rollcall_shared::telemetry::TableName;
use sqlx::{Connection, PgConnection};

async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(database.url()).await.unwrap()
}

async fn size(connection: &mut PgConnection, table: &str) -> TableSize {
    let mut sizes = table_sizes(connection, &[table]).await.unwrap();
    assert_eq!(sizes.len(), 1, "{sizes:?}");
    sizes.remove(0)
}

#[tokio::test]
async fn every_table_of_the_schema_is_a_label_and_every_label_a_table() {
    let database = TestDatabase::create().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
           and relname <> '_sqlx_migrations' order by 1",
    )
    .fetch_all(&mut connect(&database).await)
    .await
    .unwrap();
    let mut labels: Vec<&str> = TableName::ALL.iter().map(|table| table.name()).collect();
    labels.sort_unstable();
    assert_eq!(labels, tables, "add to `TableName` what is new");
}

#[tokio::test]
async fn table_after_rows_come_and_go_tells_what_lives_and_what_is_dead() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = connect(&database).await;
    sqlx::raw_sql("alter table pending set (autovacuum_enabled = false)")
        .execute(&mut connection)
        .await
        .unwrap();
    let empty = size(&mut connection, "pending").await;
    assert_eq!((empty.rows, empty.dead_rows), (0, 0));
    assert!(empty.bytes < 20_000 && empty.index_bytes < 50_000, "{empty:?}");
    sqlx::raw_sql(
        "insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
             select 1, 1, gen_random_uuid(), n, 1, now(), now() from generate_series(1, 5000) n;
         delete from pending where seq <= 4000",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let mut seen = empty;
    wait::until("they are counted", SOON, async || {
        seen = size(&mut connection, "pending").await;
        seen.dead_rows == 4000
    })
    .await
    .unwrap();
    assert_eq!(seen.rows, 1000);
    assert!(seen.bytes > 300_000 && seen.index_bytes > 300_000, "{seen:?}");

    sqlx::raw_sql("vacuum pending")
        .execute(&mut connection)
        .await
        .unwrap();
    wait::until("they are cleaned up", SOON, async || {
        seen = size(&mut connection, "pending").await;
        seen.dead_rows == 0
    })
    .await
    .unwrap();
    assert_eq!(seen.rows, 1000);
}

#[tokio::test]
async fn partitioned_table_is_the_sum_of_its_partitions_of_every_level() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = connect(&database).await;
    sqlx::raw_sql(
        "create table made_up (n bigint primary key) partition by range (n);
         create table made_up_1 partition of made_up for values from (0) to (1000);
         create table made_up_2 partition of made_up for values from (1000) to (10000) partition by range (n);
         create table made_up_3 partition of made_up_2 for values from (1000) to (10000);
         insert into made_up select generate_series(0, 4999)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    // Counted anew, once what the insert says of itself has arrived: it would be added.
    wait::until("the rows are counted", SOON, async || {
        size(&mut connection, "made_up").await.rows == 5000
    })
    .await
    .unwrap();
    sqlx::raw_sql("vacuum analyze")
        .execute(&mut connection)
        .await
        .unwrap();
    let (bytes, index_bytes): (i64, i64) = sqlx::query_as(
        "select sum(pg_table_size(oid))::bigint, sum(pg_indexes_size(oid))::bigint from pg_class
         where relname in ('made_up_1', 'made_up_3')",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    let expected = TableSize {
        name: "made_up".to_owned(),
        bytes,
        index_bytes,
        rows: 5000,
        dead_rows: 0,
    };
    assert_eq!(size(&mut connection, "made_up").await, expected);
}

#[tokio::test]
async fn table_whose_statistics_were_lost_has_the_rows_that_were_last_counted() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = connect(&database).await;
    sqlx::raw_sql("insert into secrets (purpose, secret) select n::text, '' from generate_series(1, 700) n")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql("vacuum analyze secrets")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql("select pg_stat_reset()")
        .execute(&mut connection)
        .await
        .unwrap();
    wait::until("they are forgotten", SOON, async || {
        let live: i64 = sqlx::query_scalar("select pg_stat_get_live_tuples('secrets'::regclass)")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        live == 0
    })
    .await
    .unwrap();
    assert!(size(&mut connection, "secrets").await.rows >= 700);
}

#[tokio::test]
async fn table_that_is_not_there_is_left_out() {
    let database = TestDatabase::create().await.unwrap();
    let sizes = table_sizes(&mut connect(&database).await, &["people", "made_up"])
        .await
        .unwrap();
    let names: Vec<_> = sizes.iter().map(|size| size.name.as_str()).collect();
    assert_eq!(names, ["people"]);
}
