//! The queue: what there is to do, who does it, and pausing.

use super::Browser;
use crate::app::TestApp;

#[tokio::test]
async fn queue_shows_every_lane_and_pauses_and_resumes_one() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    scim.user("ada").await;
    let page = browser.open("/queue").await.expect(200);
    for told in [
        "single writes",
        "imports",
        "retries of waiting links",
        "parts of runs",
    ] {
        assert!(page.has(told), "no {told}: {page:?}");
    }
    assert!(
        page.has("changes to apply") && page.has("No worker runs"),
        "{page:?}"
    );

    let pause = [("reason", "wrong <managers>")];
    browser
        .act("/queue", "/queue/bulk/pause", &pause)
        .await
        .leads_to("/queue");
    let page = browser.open("/queue").await.expect(200);
    assert!(
        page.has("The lane bulk is paused") && page.has("wrong &#60;managers&#62;"),
        "{page:?}"
    );
    assert!(page.has(r#"action="/queue/bulk/resume""#) && page.has(r#"action="/queue/live/pause""#));
    let told = operator.get("/ops/v1/overview").await.expect(200).body;
    assert_eq!(told["pausedLanes"]["bulk"]["reason"], "wrong <managers>");

    let long = "x".repeat(1_001);
    browser
        .act("/queue", "/queue/live/pause", &[("reason", &long)])
        .await
        .leads_to("/queue");
    assert!(browser.open("/queue").await.has("Reason must be"));
    browser
        .act("/queue", "/queue/bulk/resume", &[])
        .await
        .leads_to("/queue");
    assert!(browser.open("/queue").await.has("The lane bulk goes on."));
    browser.act("/queue", "/queue/fast/pause", &[]).await.expect(404);
    browser.submit("/queue/live/pause", &[]).await.expect(403);
}

#[tokio::test]
async fn queue_without_redis_says_so_and_can_still_be_paused() {
    let database = devstack::TestDatabase::create().await.unwrap();
    let nowhere = format!("redis://127.0.0.1:{}", devstack::free_port().unwrap());
    let app = TestApp::start_on(database.url(), &["--redis-url", &nowhere]).await;
    let operator = app.client(app.tenant("acme").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let page = browser.open("/queue").await.expect(200);
    assert!(page.has("Redis does not answer"), "{page:?}");
    browser
        .act("/queue", "/queue/live/pause", &[])
        .await
        .leads_to("/queue");
    assert!(browser.open("/queue").await.has("The lane live is paused"));
}
