//! What is applied, as it is applied. The worker's part is played by rows of history.

use super::Browser;
use crate::app::{Client, TestApp};
use devstack::wait;
use reqwest::Method;
use uuid::Uuid;

async fn operator<'a>(app: &'a TestApp, tenant: &str) -> Client<'a> {
    app.client(app.tenant(tenant).await, "operator").await
}

/// Somebody of this name came into a tenant's directory; answers the history's id.
async fn arrived(operator: &Client<'_>, name: &str) -> i64 {
    let insert = "with person as (
             insert into people (tenant_id, id, resource_id, status, display_name, applied_mapping, applied_seq)
             values ($1, $2, $2, 'active', $3, 0, 1) returning tenant_id, id)
         insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
         select tenant_id, 1, id, 1, 0, '{\"status\": [null, \"active\"], \"position\": [null, \"Secret agent\"]}' from person
         returning id";
    sqlx::query_scalar(insert)
        .bind(operator.tenant)
        .bind(Uuid::now_v7())
        .bind(name)
        .fetch_one(&operator.app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn live_tells_who_changed_escaped_and_no_values_and_nobody_of_another_tenant() {
    let app = TestApp::start().await;
    let (mine, other) = (operator(&app, "mine").await, operator(&app, "other").await);
    arrived(&mine, "<script>alert(1)</script>").await;
    arrived(&other, "Grace of the other").await;
    let page = Browser::logged_in(&mine).await.open("/live").await.expect(200);
    assert!(
        page.has("&#60;script&#62;alert(1)") && !page.has("<script>alert"),
        "{page:?}"
    );
    assert!(page.has("is new"), "{page:?}");
    assert!(!page.has("Grace") && !page.has("Secret agent"), "{page:?}");
}

#[tokio::test]
async fn live_without_changes_says_what_will_be_there() {
    let app = TestApp::start().await;
    let operator = operator(&app, "mine").await;
    let page = Browser::logged_in(&operator)
        .await
        .open("/live")
        .await
        .expect(200);
    assert!(page.has("Nothing was applied yet"), "{page:?}");
}

#[tokio::test]
async fn live_stream_tells_each_change_once_as_it_comes() {
    let app = TestApp::start().await;
    let operator = operator(&app, "mine").await;
    let browser = Browser::logged_in(&operator).await;
    let first = arrived(&operator, "Ada").await;
    let mut stream = browser
        .request(Method::GET, "/live/events")
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut told = String::new();
    let mut hear = async |wanted: &str| {
        let hearing = async {
            while !told.contains(wanted) {
                told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
            }
        };
        tokio::time::timeout(wait::SOON, hearing).await.unwrap();
        told.clone()
    };
    hear(&format!("change-{first}\"")).await;
    let second = arrived(&operator, "Grace").await;
    let third = arrived(&operator, "Edsger").await;
    let told = hear(&format!("change-{third}\"")).await;
    for id in [first, second, third] {
        assert_eq!(told.matches(&format!("id=\"change-{id}\"")).count(), 1, "{told}");
    }
    assert!(told.contains("event: changes"), "{told}");
}
