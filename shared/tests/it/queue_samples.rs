//! What is kept of the queues and of what went through them.

use crate::rows_read::RowsRead;
use devstack::TestDatabase;
use rollcall_shared::directory::WorkLane;
use rollcall_shared::store::queue_samples::{self, EVERY};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(database.url()).await.unwrap()
}

async fn keep(conn: &mut PgConnection) -> bool {
    let depths = WorkLane::ALL.map(|lane| (lane, Default::default()));
    queue_samples::keep(conn, &depths).await.unwrap()
}

#[tokio::test]
async fn sample_of_a_moment_is_kept_once_and_for_a_day() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = connect(&database).await;
    // Time stands still in a transaction.
    let mut tx = connection.begin().await.unwrap();
    assert!(queue_samples::due(&mut tx).await.unwrap());
    assert!(keep(&mut tx).await);
    assert!(!queue_samples::due(&mut tx).await.unwrap());
    assert!(!keep(&mut tx).await);
    for table in ["queue_samples", "pace_samples"] {
        let older = format!("update {table} set taken_at = taken_at - interval '1 day 1 minute'");
        sqlx::query(sqlx::AssertSqlSafe(older))
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    assert!(keep(&mut tx).await);
    let kept: (i64, i64, i64) = sqlx::query_as(
        "select count(*), count(distinct lane), (select count(*) from pace_samples) from queue_samples",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!(kept, (4, 4, 1), "what is older than a day is dropped");
    assert_eq!(queue_samples::since(&mut tx, MINUTE).await.unwrap().len(), 4);
    assert_eq!(queue_samples::pace_since(&mut tx, MINUTE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn sample_counts_every_write_and_key_of_its_time_once() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = connect(&database).await;
    let mut tx = connection.begin().await.unwrap();
    // The time that is counted ended 5 s before the sample, and its end is not part of it.
    sqlx::raw_sql(
        "create temp table moments on commit drop as
             select date_bin('15 seconds', now(), 'epoch') - make_interval(secs => before) as at
             from unnest(array[20.001, 20, 12, 5.001, 5, 0]) before;
         insert into changes (tenant_id, seq, txn, resource_id, directory_id, kind, operation, attributes, version,
                              accepted_at)
             select 1 + i % 2, nextval('change_seq'), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1,
                    'create', '{}', 1, at
             from moments, generate_series(1, 3) i;
         insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields, cause, applied_at)
             select 1, 1, gen_random_uuid(), 1, 1, '{}', cause, at
             from moments, unnest(array['apply', 'link', 'run']) cause;",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    assert!(keep(&mut tx).await);
    let pace = queue_samples::pace_since(&mut tx, MINUTE).await.unwrap();
    let [sample] = &pace[..] else { panic!("{pace:?}") };
    assert_eq!((sample.accepted, sample.applied), (9, 3));
    assert_eq!(
        (sample.accepted_per_second(), sample.applied_per_second()),
        (9.0 / 15.0, 3.0 / 15.0)
    );
    assert_eq!(EVERY.as_secs(), 15);
}

#[tokio::test]
async fn sample_reads_the_newest_of_a_long_ledger_only() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = connect(&database).await;
    sqlx::raw_sql(
        "insert into changes (tenant_id, seq, txn, resource_id, directory_id, kind, operation, attributes, version,
                              accepted_at)
             select 1 + n % 7, n, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'create', '{}', 1,
                    now() - make_interval(secs => 30000 - n / 2.0)
             from generate_series(1, 60000) n;
         insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields, applied_at)
             select 1 + n % 7, 1, gen_random_uuid(), n, 1, '{}', now() - make_interval(secs => 30000 - n / 2.0)
             from generate_series(1, 60000) n;
         select brin_summarize_new_values('changes_p0_accepted'), brin_summarize_new_values('history_p0_applied');",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    for known in [false, true] {
        if known {
            sqlx::raw_sql("analyze").execute(&mut connection).await.unwrap();
        }
        let mut tx = connection.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;
        assert!(keep(&mut tx).await);
        counted
            .within(&mut tx, 5_000, "a sample beside 60,000 writes and keys")
            .await;
        let pace = queue_samples::pace_since(&mut tx, MINUTE).await.unwrap();
        assert_eq!((pace[0].accepted, pace[0].applied), (30, 30), "two a second");
        tx.rollback().await.unwrap();
    }
}
