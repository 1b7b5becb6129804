//! Runs: starting, watching, cancelling, and what they found.

use super::Browser;
use crate::app::TestApp;
use devstack::wait;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

async fn only_run(app: &TestApp) -> Uuid {
    sqlx::query_scalar("select id from runs")
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn run_is_started_once_watched_and_cancelled() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("acme").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let page = browser.open("/runs").await.expect(200);
    assert!(
        page.has("There was no run yet.") && page.has("No run starts by itself."),
        "{page:?}"
    );

    let started = browser
        .act("/runs", "/runs", &[("scope", "full"), ("dry", "true")])
        .await;
    let id = only_run(&app).await;
    let path = format!("/runs/{id}");
    started.leads_to(&path);
    let page = browser.open(&path).await.expect(200);
    assert!(
        page.has("The run has begun.") && page.has("dry run") && page.has("planning"),
        "{page:?}"
    );
    browser
        .act("/runs", "/runs", &[("scope", "full"), ("dry", "true")])
        .await
        .leads_to(&path);
    assert!(browser.open(&path).await.has("under way already"));
    browser
        .act("/runs", "/runs", &[("scope", "world"), ("dry", "true")])
        .await
        .leads_to("/runs");
    assert!(browser.open("/runs").await.has("Scope must be"));

    let events = browser.request(Method::GET, &format!("{path}/events"));
    let mut stream = events.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    browser
        .act(&path, &format!("{path}/cancel"), &[])
        .await
        .leads_to(&path);
    sqlx::query("update runs set phase = 'done', finished_at = now(), report = $1")
        .bind(json!({ "checked": 0, "fields": {}, "seconds": 1.0, "keysPerSecond": 0.0 }))
        .execute(&app.pool)
        .await
        .unwrap();
    let followed = async {
        let mut told = String::new();
        while !told.contains("cancelled</span>") {
            told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
        }
        told
    };
    let told = tokio::time::timeout(wait::SOON, followed).await.unwrap();
    assert!(told.contains("event: run"), "{told}");
    browser
        .act("/runs", &format!("{path}/cancel"), &[])
        .await
        .leads_to(&path);
    assert!(browser.open("/runs").await.has("cancelled"));
}

#[tokio::test]
async fn report_of_a_dry_run_shows_drift_by_field_and_by_name() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("acme").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    browser
        .act("/runs", "/runs", &[("scope", "full"), ("dry", "true")])
        .await;
    let id = only_run(&app).await;
    let ada = Uuid::now_v7();
    let report = json!({ "checked": 1200, "unchanged": 1198, "differing": 2, "fields": { "start_date": 2, "login": 1 },
        "seconds": 2.0, "keysPerSecond": 600.0 });
    sqlx::query("update runs set phase = 'done', finished_at = now(), report = $1")
        .bind(&report)
        .execute(&app.pool)
        .await
        .unwrap();
    sqlx::query(
        "insert into people (tenant_id, id, resource_id, status, display_name, applied_mapping, applied_seq, created_at)
         values ($1, $2, $2, 'active', 'Ada', 1, 1, now())",
    )
    .bind(operator.tenant)
    .bind(ada)
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into run_samples (tenant_id, run_id, kind, subject_id, field, old, new)
         values ($1, $2, 'person', $3, 'start_date', '\"2024-01-01\"', 'null')",
    )
    .bind(operator.tenant)
    .bind(id)
    .bind(ada)
    .execute(&app.pool)
    .await
    .unwrap();
    let page = browser.open(&format!("/runs/{id}")).await.expect(200);
    for told in [
        "1,200",
        "start date",
        r#"<rect width="100""#,
        r#"<rect width="50""#,
        "2024-01-01",
    ] {
        assert!(page.has(told), "no {told}: {page:?}");
    }
    assert!(
        page.has(&format!(r#"<a href="/people/{ada}">Ada</a>"#)),
        "{page:?}"
    );

    let stranger = app.client(app.tenant("other").await, "operator").await;
    let stranger = Browser::logged_in(&stranger).await;
    stranger.open(&format!("/runs/{id}")).await.expect(404);
    stranger
        .act("/runs", &format!("/runs/{id}/cancel"), &[])
        .await
        .leads_to(&format!("/runs/{id}"));
    browser.open("/runs/nonsense").await.expect(404);
}

#[tokio::test]
async fn schedule_is_shown_with_its_next_firing_paused_and_resumed() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("acme").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let schedule = json!({ "name": "Every <night>", "cron": "30 2 * * *", "timeZone": "Europe/Berlin" });
    let schedule = operator.post("/ops/v1/schedules", schedule).await.expect(201);
    let page = browser.open("/runs").await.expect(200);
    assert!(
        page.has("Every &#60;night&#62;") && page.has("Europe/Berlin"),
        "{page:?}"
    );
    let path = format!("/runs/schedules/{}", schedule.id());
    let read = format!("/ops/v1/schedules/{}", schedule.id());
    for (paused, said) in [
        ("true", "The schedule is paused."),
        ("false", "The schedule fires again."),
    ] {
        browser
            .act("/runs", &path, &[("paused", paused)])
            .await
            .leads_to("/runs");
        assert!(browser.open("/runs").await.has(said));
        let now = operator.get(&read).await.expect(200).body;
        assert_eq!(now["paused"].to_string(), paused);
        assert_eq!(now["nextFiring"].is_null(), paused == "true");
    }
    let nobodys = format!("/runs/schedules/{}", Uuid::now_v7());
    browser
        .act("/runs", &nobodys, &[("paused", "true")])
        .await
        .leads_to("/runs");
    assert!(browser.open("/runs").await.has("There is no such schedule."));
}
