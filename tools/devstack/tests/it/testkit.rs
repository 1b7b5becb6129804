use devstack::{TestDatabase, TestRedis};
use sqlx::{Connection, PgConnection};

async fn tables(url: &str) -> Result<i64, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar("select count(*) from pg_tables where schemaname = 'public'")
        .fetch_one(&mut connection)
        .await
}

#[tokio::test]
async fn test_databases_made_at_once_are_migrated_and_separate() {
    let (one, two) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.url(), two.url());
    assert!(tables(one.url()).await.unwrap() > 10);
    assert!(tables(two.url()).await.unwrap() > 10);
}

#[tokio::test]
async fn test_database_dropped_with_open_connections_is_gone() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().to_owned();
    let _open = PgConnection::connect(&url).await.unwrap();
    drop(database);
    assert!(tables(&url).await.is_err());
}

#[test]
fn test_redis_prefixes_differ() {
    assert_ne!(
        TestRedis::new().unwrap().prefix(),
        TestRedis::new().unwrap().prefix()
    );
}
