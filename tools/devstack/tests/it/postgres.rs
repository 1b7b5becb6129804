use devstack::PrivatePostgres;
use sqlx::{Connection, PgConnection};

async fn connect(server: &PrivatePostgres) -> PgConnection {
    PgConnection::connect(&server.url()).await.unwrap()
}

#[tokio::test]
async fn postgres_killed_and_restarted_keeps_what_was_committed() {
    let mut server = PrivatePostgres::start().await.unwrap();
    let mut connection = connect(&server).await;
    sqlx::query("create table kept as select 42 as answer")
        .execute(&mut connection)
        .await
        .unwrap();
    let (before, url) = (server.id().unwrap(), server.url());

    server.kill().unwrap();
    assert!(!before.alive());
    server.restart().await.unwrap();

    assert_eq!(server.url(), url);
    let mut connection = connect(&server).await;
    let answer: i32 = sqlx::query_scalar("select answer from kept")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(answer, 42);
}

#[tokio::test]
async fn postgres_dropped_leaves_no_process() {
    let server = PrivatePostgres::start().await.unwrap();
    let id = server.id().unwrap();
    drop(server);
    assert!(!id.alive());
}
