use crate::app::{TestApp, send};
use devstack::{PrivatePostgres, wait};
use reqwest::Method;
use std::time::{Duration, Instant};

#[tokio::test]
async fn request_without_or_with_wrong_token_is_401_with_challenge() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    app.token(tenant, "scim").await;
    let none = send(app.request(Method::GET, "/scim/v2/Users")).await;
    assert!(none.scim_error(401).contains("Bearer"));
    assert_eq!(none.header("www-authenticate"), r#"Bearer realm="rollcall""#);
    for wrong in ["rc_scim_unknown", "", " ", "é"] {
        let request = app
            .request(Method::GET, "/scim/v2/Users")
            .header("authorization", format!("Bearer {wrong}"));
        let answer = send(request).await;
        answer.scim_error(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    }
    let basic = app
        .request(Method::GET, "/ops/v1/overview")
        .header("authorization", "Basic dXNlcjpwYXNz");
    send(basic).await.problem(401);
}

#[tokio::test]
async fn token_scope_opens_its_own_endpoints_only() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme").await;
    let receipt = format!("/ops/v1/receipts/{}", uuid::Uuid::now_v7());
    // (path, which scopes it takes, what a holder gets)
    let matrix: [(&str, &[&str], u16); 5] = [
        ("/scim/v2/Users", &["scim"], 200),
        ("/scim/v2/nowhere", &["scim"], 404),
        ("/ops/v1/overview", &["operator"], 200),
        (&receipt, &["operator", "scim"], 404),
        ("/content/v1/people", &["content"], 200),
    ];
    for scope in ["scim", "content", "operator"] {
        let secret = app.token(tenant, scope).await;
        for (path, takes, holder) in matrix {
            let answer = send(app.request(Method::GET, path).bearer_auth(&secret)).await;
            if takes.contains(&scope) {
                assert_eq!(answer.status.as_u16(), holder, "{scope} {path}: {answer:?}");
                continue;
            }
            let detail = match path.starts_with("/scim") {
                true => answer.scim_error(403),
                false => answer.problem(403),
            };
            assert!(
                detail.contains(&format!("has the scope {scope}")),
                "{path}: {detail}"
            );
            assert!(
                takes.iter().all(|needed| detail.contains(needed)),
                "{path}: {detail}"
            );
            assert!(answer.header("www-authenticate").contains("insufficient_scope"));
        }
    }
}

#[tokio::test]
async fn token_revoked_while_in_use_is_refused_within_five_seconds() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let other = app.client(client.tenant, "scim").await;
    client.get("/Users").await.expect(200);
    let revoke = "update tokens set revoked_at = now() where secret_hash = sha256($1)";
    sqlx::query(revoke)
        .bind(client.secret.as_bytes())
        .execute(&app.pool)
        .await
        .unwrap();
    let revoked = Instant::now();
    wait::until("the revocation to take hold", wait::SOON, async || {
        client.get("/Users").await.status == 401
    })
    .await
    .unwrap();
    assert!(
        revoked.elapsed() < Duration::from_secs(5),
        "{:?}",
        revoked.elapsed()
    );
    other.get("/Users").await.expect(200);
}

#[tokio::test]
async fn token_expired_is_refused_even_while_cached() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let expire = "update tokens set expires_at = now() + interval '1 second'";
    sqlx::query(expire).execute(&app.pool).await.unwrap();
    client.get("/Users").await.expect(200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    client.get("/Users").await.scim_error(401);
}

#[tokio::test]
async fn token_used_has_its_last_use_written() {
    let mut app = TestApp::start().await;
    let client = app.scim().await;
    client.get("/Users").await.expect(200);
    app.stop().await;
    let used = sqlx::query_scalar::<_, i64>("select count(*) from tokens where last_used_at is not null");
    assert_eq!(used.fetch_one(&app.pool).await.unwrap(), 1);
}

#[tokio::test]
async fn postgres_down_is_503_never_401_and_nothing_acknowledged_is_missing_after() {
    let mut postgres = PrivatePostgres::start().await.unwrap();
    let pool = sqlx::PgPool::connect(&postgres.url()).await.unwrap();
    devstack::migrator().await.unwrap().run(&pool).await.unwrap();
    let redis = devstack::TestRedis::new().unwrap();
    let app = TestApp::start_on(
        &postgres.url(),
        &["--redis-url", redis.url(), "--redis-prefix", redis.prefix()],
    )
    .await;
    let client = app.scim().await;
    let before = client.user("before").await;
    pool.close().await;

    postgres.stop().await.unwrap();
    // Cached, then no longer: neither way does the token look wrong.
    let down = Instant::now();
    while down.elapsed() < Duration::from_secs(6) {
        let answer = client
            .post("/Users", serde_json::json!({ "userName": "during" }))
            .await;
        answer.scim_error(503);
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    let ready = send(app.request(Method::GET, "/readyz")).await.expect(503);
    assert_eq!(ready.body["postgres"]["ok"], false);
    send(app.request(Method::GET, "/healthz")).await.expect(200);

    postgres.restart().await.unwrap();
    wait::until("the API to see Postgres again", wait::SOON, async || {
        client.get(&format!("/Users/{}", before.id())).await.status == 200
    })
    .await
    .unwrap();
    client.user("during").await;
}
