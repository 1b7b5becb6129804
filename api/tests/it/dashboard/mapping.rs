//! The mapping: read, edited, looked at, put in force.

use super::Browser;
use crate::app::{Client, TestApp};
use serde_json::{Value, json};
use uuid::Uuid;

/// The default without this rule.
async fn without(operator: &Client<'_>, rule: &str) -> Value {
    let mut mapping = operator.get("/ops/v1/mapping").await.expect(200).body["mapping"].clone();
    mapping["rules"]
        .as_array_mut()
        .unwrap()
        .retain(|other| other["name"] != rule);
    mapping
}

/// Where a page leads.
fn location(page: &super::browser::Page) -> String {
    assert_eq!(page.status, 303, "{page:?}");
    page.headers["location"].to_str().unwrap().to_owned()
}

/// End the run of a preview as its worker would: somebody's position goes.
async fn finish(app: &TestApp, preview: &str) {
    let id = preview.rsplit('/').next().unwrap();
    let report = json!({ "effect": {
        "checked": 40, "people": { "changed": 3, "deactivated": 0, "reactivated": 0, "valuesRemoved": 3 },
        "fields": { "position": 3 },
    }});
    sqlx::query(
        "update runs set phase = 'done', finished_at = now(), report = $2
         where id = (select run_id from mapping_previews where id = $1)",
    )
    .bind(Uuid::parse_str(id).unwrap())
    .bind(report)
    .execute(&app.pool)
    .await
    .unwrap();
}

async fn offer(browser: &Browser<'_>, mapping: &str, version: &str) -> super::browser::Page {
    let fields = [
        ("mapping", mapping),
        ("version", version),
        ("note", "No positions"),
    ];
    browser.act("/mapping", "/mapping/preview", &fields).await
}

#[tokio::test]
async fn mapping_in_force_is_a_table_and_a_text_to_change() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let page = Browser::logged_in(&operator)
        .await
        .open("/mapping")
        .await
        .expect(200);
    assert!(
        page.has("version 1") && page.has("teams of the kind cost center"),
        "{page:?}"
    );
    let text = page
        .text
        .split("<textarea")
        .nth(1)
        .unwrap()
        .split('>')
        .nth(1)
        .unwrap();
    let text = text.split("</textarea").next().unwrap().replace("&#34;", "\"");
    let typed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(typed, operator.get("/ops/v1/mapping").await.body["mapping"]);
}

#[tokio::test]
async fn mapping_that_cannot_be_is_shown_again_with_each_rule_and_reason() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let wrong = json!({ "rules": [{ "name": "x", "from": ["password"], "to": { "field": "position" } }] });
    let page = offer(&browser, &wrong.to_string(), "1").await.expect(400);
    assert!(
        page.has("<strong>x</strong>") && page.has("password") && page.has("No positions"),
        "{page:?}"
    );
    let page = offer(&browser, "{", "1").await.expect(400);
    assert!(page.has("This is no JSON: see line 1"), "{page:?}");
    let page = offer(&browser, &without(&operator, "position").await.to_string(), "7")
        .await
        .expect(412);
    assert!(page.has("another version of the mapping is in force"), "{page:?}");
    let versions = operator.get("/ops/v1/mapping/versions").await.body;
    assert_eq!(versions["totalResults"], 1);
}

#[tokio::test]
async fn change_of_the_mapping_is_looked_at_put_in_force_and_told_by_difference() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let changed = without(&operator, "position").await.to_string();
    let preview = location(&offer(&browser, &changed, "1").await);
    assert!(preview.starts_with("/mapping/previews/"), "{preview}");
    let page = browser.open(&preview).await.expect(200);
    assert!(
        page.has("Comparing everybody") && page.has("data-live=") && !page.has("Put it in force"),
        "{page:?}"
    );
    finish(&app, &preview).await;
    let page = browser.open(&preview).await.expect(200);
    assert!(
        page.has("values removed") && page.has("bar loss") && page.has("Put it in force"),
        "{page:?}"
    );

    browser
        .act(&preview, &format!("{preview}/apply"), &[])
        .await
        .leads_to("/mapping");
    let page = browser.open("/mapping").await.expect(200);
    assert!(
        page.has("Version 2 is in force") && page.has("No positions"),
        "{page:?}"
    );
    let versions = browser.open("/mapping/versions").await.expect(200);
    assert!(
        versions.has("/mapping/versions/2") && versions.has("/mapping/versions/1"),
        "{versions:?}"
    );
    let second = browser.open("/mapping/versions/2").await.expect(200);
    assert!(
        second.has("What it changed") && second.has("<strong>position</strong>") && second.has("gone"),
        "{second:?}"
    );
    let first = browser.open("/mapping/versions/1").await.expect(200);
    assert!(!first.has("What it changed"), "{first:?}");
    let again = browser.open("/mapping?from=1").await.expect(200);
    assert!(
        again.has("The editor holds version 1") && again.has("&#34;position&#34;"),
        "{again:?}"
    );
    browser.open("/mapping/versions/3").await.expect(404);

    // Applied already, and made for another version.
    browser
        .act("/mapping", &format!("{preview}/apply"), &[])
        .await
        .leads_to(&preview);
    let stale = browser.open(&preview).await.expect(200);
    assert!(stale.has("mapping") && stale.has("flash bad"), "{stale:?}");
}

#[tokio::test]
async fn preview_of_another_tenant_is_as_good_as_none() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let changed = without(&operator, "position").await.to_string();
    let preview = location(&offer(&browser, &changed, "1").await);
    let stranger = app.client(app.tenant("other").await, "operator").await;
    let stranger = Browser::logged_in(&stranger).await;
    stranger.open(&preview).await.expect(404);
    stranger.open(&format!("{preview}/events")).await.expect(404);
    stranger
        .act("/mapping", &format!("{preview}/apply"), &[])
        .await
        .expect(404);
}
