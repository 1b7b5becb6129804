//! Tokens and the audit log.

use super::Browser;
use crate::app::TestApp;

const CREATE: &[(&str, &str)] = &[
    ("name", "Entra <b>"),
    ("scope", "scim"),
    ("source", "entra"),
    ("expires_in_days", "5"),
];

/// The secret a page shows.
fn secret(text: &str) -> String {
    let after = text.split("aria-label=\"The secret\">").nth(1);
    after
        .unwrap_or_else(|| panic!("{text}"))
        .split('<')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn token_made_shows_its_secret_once_and_nowhere_else() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let made = browser.act("/tokens", "/tokens", CREATE).await.expect(200);
    let secret = secret(&made.text);
    assert!(secret.starts_with("rc_scim_"), "{made:?}");
    assert_eq!(made.headers["cache-control"], "no-store");
    operator.with_secret(&secret).get("/Users").await.expect(200);
    let list = browser.open("/tokens").await.expect(200);
    assert!(
        list.has("Entra &#60;b&#62;") && list.has("ends soon") && !list.has(&secret),
        "{list:?}"
    );
    let audit = browser.open("/audit").await.expect(200);
    assert!(audit.has("POST /tokens") && !audit.has(&secret), "{audit:?}");
    assert!(browser.cookies().values().all(|value| !value.contains(&secret)));
}

#[tokio::test]
async fn token_that_cannot_be_made_is_refused_on_the_page_it_came_from() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    for (field, value, why) in [
        ("name", " ", "Name must have"),
        ("scope", "admin", "Scope must be"),
        ("expires_in_days", "soon", "must be a number"),
        ("expires_in_days", "-1", "ExpiresInDays must be"),
    ] {
        let mut fields = CREATE.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        browser
            .act("/tokens", "/tokens", &fields)
            .await
            .leads_to("/tokens");
        let page = browser.open("/tokens").await;
        assert!(page.has(why), "{field}: {page:?}");
    }
    browser.submit("/tokens", CREATE).await.expect(403);
}

#[tokio::test]
async fn token_is_rotated_with_an_overlap_and_revoked_only_when_that_is_meant() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let old = secret(&browser.act("/tokens", "/tokens", CREATE).await.expect(200).text);
    let list = operator.get("/ops/v1/tokens").await.body;
    let tokens = list["tokens"].as_array().unwrap();
    let id = tokens.iter().find(|token| token["scope"] == "scim").unwrap()["id"]
        .as_str()
        .unwrap();
    let path = format!("/tokens/{id}");
    let rotated = [("overlap_seconds", "3600"), ("expires_in_days", "")];
    let page = browser
        .act(&path, &format!("{path}/rotate"), &rotated)
        .await
        .expect(200);
    let new = secret(&page.text);
    for secret in [&old, &new] {
        operator.with_secret(secret).get("/Users").await.expect(200);
    }
    let revoke = format!("{path}/revoke");
    browser.act(&path, &revoke, &[]).await.leads_to(&path);
    assert!(browser.open(&path).await.has("was not revoked"));
    browser
        .act(&path, &revoke, &[("confirm", "yes")])
        .await
        .leads_to("/tokens");
    assert!(browser.open("/tokens").await.has("Revoked"));
    devstack::wait::until("the revocation to take hold", devstack::wait::SOON, async || {
        operator.with_secret(&old).get("/Users").await.status == 401
    })
    .await
    .unwrap();
    operator.with_secret(&new).get("/Users").await.expect(200);
    assert!(
        !browser.open(&path).await.has(&revoke),
        "what is revoked cannot be revoked"
    );
    let stranger = app.client(app.tenant("other").await, "operator").await;
    let stranger = Browser::logged_in(&stranger).await;
    stranger.open(&path).await.expect(404);
    let csrf = stranger.open("/tokens").await.csrf();
    let refused = [("confirm", "yes"), ("csrf", csrf.as_str())];
    stranger.submit(&revoke, &refused).await.leads_to(&path);
}

#[tokio::test]
async fn audit_log_is_read_page_by_page() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    sqlx::query(
        "insert into audit (tenant_id, token_id, action, status)
         select $1, gen_random_uuid(), 'POST /ops/v1/runs', 202 from generate_series(1, 130)",
    )
    .bind(operator.tenant)
    .execute(&app.pool)
    .await
    .unwrap();
    let first = browser.open("/audit").await.expect(200);
    assert_eq!(first.text.matches("POST /ops/v1/runs").count(), 100);
    let next = first
        .text
        .split("/audit?cursor=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let rest = browser.open(&format!("/audit?cursor={next}")).await.expect(200);
    assert_eq!(rest.text.matches("POST /ops/v1/runs").count(), 30);
    browser.open("/audit?cursor=x").await.expect(400);
}
