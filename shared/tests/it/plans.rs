//! What is accepted and applied is found by its key, whatever the tables were like when the statements
//! were planned.

use crate::rows_read::RowsRead;
use devstack::TestDatabase;
use devstack::wait::{self, SOON};
use rollcall_shared::config::PostgresConfig;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::{self, Plans, accept};
use uuid::Uuid;

const TENANT: TenantId = TenantId(1);

#[tokio::test]
async fn statement_planned_on_an_empty_table_reads_only_its_rows_once_the_table_has_grown() {
    let database = TestDatabase::create().await.unwrap();
    let config = PostgresConfig {
        database_url: database.url().to_owned(),
        database_connections: 1,
    };
    let pool = store::connect(&config, 1, Plans::ByKey).unwrap();
    let mut conn = pool.acquire().await.unwrap();
    // To Postgres every index of an empty table is as good as any other.
    sqlx::query("analyze").execute(&mut *conn).await.unwrap();
    let found = accept::live_resources(&mut conn, TENANT, &[Uuid::nil()]).await;
    assert!(found.unwrap().is_empty());
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source, created_seq,
             created_at, modified_at)
         select $1, gen_random_uuid(), 1, gen_random_uuid(), '{}', 1, n, '', n, now(), now()
         from generate_series(1, 5000) n returning id",
    )
    .bind(TENANT.0)
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    drop(conn);
    wait::until("it is planned anew", SOON, async || {
        let mut tx = pool.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, false).await;
        let found = accept::live_resources(&mut tx, TENANT, &ids[..10]).await.unwrap();
        assert_eq!(found.len(), 10);
        let read = counted.since(&mut tx).await;
        (10..100).contains(&read)
    })
    .await
    .unwrap();
}
