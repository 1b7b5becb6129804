use devstack::PrivateRedis;

async fn connect(server: &PrivateRedis) -> redis::aio::MultiplexedConnection {
    redis::Client::open(server.url())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap()
}

async fn config(server: &PrivateRedis, name: &str) -> String {
    let (_, value): (String, String) = redis::cmd("CONFIG")
        .arg("GET")
        .arg(name)
        .query_async(&mut connect(server).await)
        .await
        .unwrap();
    value
}

#[tokio::test]
async fn redis_stopped_and_restarted_keeps_its_keys() {
    let mut server = PrivateRedis::start().await.unwrap();
    redis::cmd("SET")
        .arg("k")
        .arg("v")
        .query_async::<()>(&mut connect(&server).await)
        .await
        .unwrap();
    let url = server.url();
    server.stop().await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(server.url(), url);
    let value: String = redis::cmd("GET")
        .arg("k")
        .query_async(&mut connect(&server).await)
        .await
        .unwrap();
    assert_eq!(value, "v");
}

#[tokio::test]
async fn redis_killed_answers_again_after_restart() {
    let mut server = PrivateRedis::start().await.unwrap();
    let id = server.id().unwrap();
    server.kill().unwrap();
    assert!(!id.alive());
    server.restart().await.unwrap();
    assert_eq!(config(&server, "maxmemory-policy").await, "noeviction");
    assert_eq!(config(&server, "appendonly").await, "yes");
}
