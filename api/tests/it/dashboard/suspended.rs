//! The dashboard of a suspended tenant: it is read and not changed, and says why.

use super::Browser;
use crate::app::TestApp;
use devstack::wait::{self, SOON};
use serde_json::Value;

/// What forms do.
const ACTIONS: [&str; 14] = [
    "/waiting/retry",
    "/runs",
    "/runs/schedules/{id}",
    "/runs/{id}/cancel",
    "/rejections",
    "/queue/live/pause",
    "/queue/live/resume",
    "/people/{id}/retry",
    "/people/{id}/erase",
    "/mapping/preview",
    "/mapping/previews/{id}/apply",
    "/tokens",
    "/tokens/{id}/rotate",
    "/tokens/{id}/revoke",
];
const SAID: &str = "The tenant is suspended: it can be read but not changed until an admin resumes it.";

#[tokio::test]
async fn suspended_tenant_is_shown_and_its_forms_are_refused_with_the_reason_until_it_is_resumed() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let admin = app.client(0, "admin").await;
    let user = scim.user("ada").await;
    let person: String =
        sqlx::query_scalar("select directory_id::text from scim_resources where id = $1::uuid")
            .bind(user.id())
            .fetch_one(&app.pool)
            .await
            .unwrap();
    let browser = Browser::logged_in(&operator).await;
    let csrf = browser.open("/queue").await.expect(200).csrf();
    let act = async |action: &str| {
        let path = action.replace("{id}", &person);
        browser
            .submit(&path, &[("csrf", &csrf), ("confirm", &person)])
            .await
    };
    let tenant = format!("/ops/v1/tenants/{}", scim.tenant);
    admin
        .post(&format!("{tenant}/suspend"), Value::Null)
        .await
        .expect(200);
    wait::until("the suspension to take hold", SOON, async || {
        act("/rejections").await.status == 403
    })
    .await
    .unwrap();

    for action in ACTIONS {
        let page = act(action).await.expect(403);
        assert!(
            page.has(SAID) && page.has("<h1>That is not allowed</h1>"),
            "{action}: {page:?}"
        );
    }
    let changed: Option<i64> = sqlx::query_scalar(
        "select (select count(*) from paused_lanes) + (select count(*) from runs)
              + (select count(*) from scim_resources where deleted_seq is not null)
              + (select count(*) from tokens where tenant_id = $1 and revoked_at is not null)",
    )
    .bind(scim.tenant)
    .fetch_one(&app.pool)
    .await
    .unwrap();
    assert_eq!(changed, Some(0));
    for page in ["/", "/queue", "/people", "/rejections", "/mapping", "/tokens"] {
        browser.open(page).await.expect(200);
    }
    // Nobody is locked in or out by it.
    let another = Browser::logged_in(&operator).await;
    another.act("/queue", "/logout", &[]).await.leads_to("/login");

    admin
        .post(&format!("{tenant}/resume"), Value::Null)
        .await
        .expect(200);
    wait::until("the tenant to be resumed", SOON, async || {
        act("/queue/live/pause").await.status == 303
    })
    .await
    .unwrap();
    assert!(browser.open("/queue").await.has("The lane live is paused"));
}
