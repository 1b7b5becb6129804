//! The figures alerts are made of.

use crate::follow::take_xid;
use crate::rows_read::RowsRead;
use devstack::TestDatabase;
use devstack::wait::{self, SOON};
use rollcall_shared::store::watch::{Watch, watch};
use sqlx::{Connection, PgConnection};

/// Neither sources nor tokens that matter, nor webhooks.
const NOTHING: Watch = Watch {
    source_silence_seconds: None,
    token_expiry_seconds: None,
    oldest_run_seconds: None,
    feed_held_seconds: Some(0.0),
    webhook_undelivered_seconds: Some(0.0),
    webhook_dead_letters: Some(0),
    webhooks_disabled: Some(0),
};

/// `token` is (source, days since its last use, days until it ends).
async fn seen(tokens: &[(&str, f64, Option<f64>)], revoked: bool) -> Watch {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("insert into tenants (name) values ('acme')")
        .execute(&mut connection)
        .await
        .unwrap();
    for (number, (source, used, ends)) in tokens.iter().enumerate() {
        sqlx::query(
            "insert into tokens (tenant_id, id, name, scope, source, secret_hash, prefix, last_used_at, expires_at, revoked_at)
             select id, gen_random_uuid(), 't', 'scim', $1, $2, 'p', now() - make_interval(secs => $3 * 86400),
                    now() + make_interval(secs => $4 * 86400), case when $5 then now() end from tenants where id > 0",
        )
        .bind(source)
        .bind(vec![u8::try_from(number).unwrap()])
        .bind(used)
        .bind(ends)
        .bind(revoked)
        .execute(&mut connection)
        .await
        .unwrap();
    }
    watch(&mut connection).await.unwrap()
}

fn days(seconds: Option<f64>) -> Option<f64> {
    seconds.map(|seconds| (seconds / 8640.0).round() / 10.0)
}

#[tokio::test]
async fn source_silence_is_that_of_the_most_silent_source_still_in_use() {
    assert_eq!(seen(&[], false).await, NOTHING);
    let watch = seen(
        &[
            ("okta", 0.1, None),
            ("hris", 5.0, None),
            ("hris", 2.0, None), // another token of that source was used since
            ("retired", 40.0, None),
        ],
        false,
    )
    .await;
    assert_eq!(days(watch.source_silence_seconds), Some(2.0));
    assert_eq!(watch.token_expiry_seconds, None, "none of them ends");
}

#[tokio::test]
async fn token_expiry_is_that_of_the_first_in_use_without_a_successor() {
    let rotated = [("okta", 0.1, Some(3.0)), ("okta", 0.1, Some(90.0))];
    assert_eq!(days(seen(&rotated, false).await.token_expiry_seconds), Some(90.0));
    let ended = [("okta", 1.0, Some(-1.0)), ("hris", 0.1, Some(20.0))];
    assert_eq!(days(seen(&ended, false).await.token_expiry_seconds), Some(-1.0));
    let unused = [("okta", 40.0, Some(3.0))];
    assert_eq!(seen(&unused, false).await.token_expiry_seconds, None);
    assert_eq!(seen(&ended, true).await, NOTHING, "revoked");
}

#[tokio::test]
async fn oldest_run_is_the_first_under_way() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(
        "insert into runs (tenant_id, id, scope, dry_run, phase, created_at) values
         (1, gen_random_uuid(), 'full', false, 'done', now() - interval '3 days'),
         (1, gen_random_uuid(), 'full', true, 'plan', now() - interval '2 days'),
         (1, gen_random_uuid(), 'full', false, 'links', now() - interval '1 day')",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let watch = watch(&mut connection).await.unwrap();
    assert_eq!(days(watch.oldest_run_seconds), Some(2.0));
}

async fn change(connection: &mut PgConnection, tenant: i64, minutes_ago: f64) {
    sqlx::query(
        r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields, applied_at)
           values ($1, 1, gen_random_uuid(), 1, 1, '{"position": ["a", "b"]}', now() - make_interval(secs => $2 * 60))"#,
    )
    .bind(tenant)
    .bind(minutes_ago)
    .execute(connection)
    .await
    .unwrap();
}

/// In minutes.
async fn held(connection: &mut PgConnection) -> f64 {
    let seconds = watch(connection).await.unwrap().feed_held_seconds.unwrap();
    (seconds / 60.0).round()
}

#[tokio::test]
async fn feed_is_held_by_a_transaction_from_before_a_change_until_it_ends() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("insert into tenants (name) values ('acme'), ('other')")
        .execute(&mut connection)
        .await
        .unwrap();
    let tenants: Vec<i64> = sqlx::query_scalar("select id from tenants where id > 0 order by id")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    change(&mut connection, tenants[0], 90.0).await;
    // Whatever runs elsewhere in this server may hold it for a moment.
    wait::until("it is told", SOON, async || held(&mut connection).await == 0.0)
        .await
        .unwrap();

    let mut old = PgConnection::connect(database.url()).await.unwrap();
    let mut open = old.begin().await.unwrap();
    take_xid(&mut open).await;
    assert_eq!(held(&mut connection).await, 0.0, "there is nothing to be told");
    change(&mut connection, tenants[1], 20.0).await;
    change(&mut connection, tenants[0], 30.0).await;
    change(&mut connection, tenants[0], 10.0).await;
    assert_eq!(held(&mut connection).await, 30.0);
    open.commit().await.unwrap();
    wait::until("it is told", SOON, async || held(&mut connection).await == 0.0)
        .await
        .unwrap();
}

#[tokio::test]
async fn watch_reads_of_each_tenants_history_only_what_is_held() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(
        r#"insert into tenants (name) select 'tenant ' || n from generate_series(1, 100) n;
           insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
               select t.id, 1, gen_random_uuid(), n, 1, '{"position": ["a", "b"]}'
               from tenants t, generate_series(1, 300) n where t.id > 0"#,
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let mut old = PgConnection::connect(database.url()).await.unwrap();
    let mut open = old.begin().await.unwrap();
    take_xid(&mut open).await;
    sqlx::raw_sql(
        r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
               select t.id, 1, gen_random_uuid(), n, 1, '{"position": ["a", "b"]}'
               from tenants t, generate_series(1, 100) n where t.id > 0"#,
    )
    .execute(&mut connection)
    .await
    .unwrap();
    for known in [false, true] {
        if known {
            sqlx::query("vacuum analyze")
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let mut tx = connection.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;
        watch(&mut tx).await.unwrap();
        counted
            .within(&mut tx, 1_000, "a watch over 100 tenants with 40,000 changes")
            .await;
        tx.rollback().await.unwrap();
    }
}
