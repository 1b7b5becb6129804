//! Schedules: what operators may ask for, and what they are shown.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const SCHEDULES: &str = "/ops/v1/schedules";
const SETTINGS: &str = "/ops/v1/settings";

fn nightly() -> Value {
    json!({ "name": "Nightly", "cron": "30 2 * * *", "timeZone": "Asia/Tokyo" })
}

fn path(schedule: &Answer) -> String {
    format!("{SCHEDULES}/{}", schedule.id())
}

/// A JSON merge patch.
async fn merge(client: &Client<'_>, path: &str, body: Value) -> Answer {
    send(client.request(Method::PATCH, path).json(&body)).await
}

async fn operator(app: &TestApp) -> Client<'_> {
    let tenant = app.tenant(&Uuid::new_v4().to_string()).await;
    app.client(tenant, "operator").await
}

#[tokio::test]
async fn schedule_shows_its_next_firing_on_the_clock_of_its_zone() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(SCHEDULES, nightly()).await.expect(201);
    assert_eq!(created.header("location"), path(&created));
    assert_eq!(created.header("etag"), r#"W/"1""#);
    let next = created.body["nextFiring"].as_str().unwrap();
    assert!(next.ends_with("T17:30:00Z"), "{next}");
    assert_eq!(created.body["lastFiring"], Value::Null);
    assert_eq!(
        (&created.body["scope"], &created.body["dryRun"]),
        (&json!("full"), &json!(false))
    );

    let found = operator.get(&path(&created)).await.expect(200);
    assert_eq!(
        (&found.body["name"], &found.body["ticks"]),
        (&json!("Nightly"), &json!([]))
    );
    let listed = operator.get(SCHEDULES).await.expect(200);
    assert_eq!(listed.body["schedules"], json!([created.body]));
}

#[tokio::test]
async fn schedule_without_a_zone_goes_by_that_of_the_settings() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    merge(&operator, SETTINGS, json!({ "timeZone": "Asia/Kolkata" }))
        .await
        .expect(200);
    let body = json!({ "name": "Noon", "cron": "0 12 * * *" });
    let created = operator.post(SCHEDULES, body).await.expect(201);
    assert_eq!(created.body["timeZone"], "Asia/Kolkata");
    let next = created.body["nextFiring"].as_str().unwrap();
    assert!(next.ends_with("T06:30:00Z"), "{next}");
}

#[tokio::test]
async fn paused_schedule_has_no_next_firing_until_it_is_resumed() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(SCHEDULES, nightly()).await.expect(201);
    let paused = merge(&operator, &path(&created), json!({ "paused": true }))
        .await
        .expect(200);
    assert_eq!(
        (&paused.body["paused"], &paused.body["nextFiring"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(paused.body["cron"], created.body["cron"], "the rest stays");
    let resumed = merge(&operator, &path(&created), json!({ "paused": false }))
        .await
        .expect(200);
    assert_eq!(resumed.body["nextFiring"], created.body["nextFiring"]);
}

#[tokio::test]
async fn schedule_is_changed_and_deleted_in_the_version_the_request_wants_only() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(SCHEDULES, nightly()).await.expect(201);
    let path = path(&created);
    let tagged = async |method: Method, tag: &str| {
        let request = operator.request(method, &path).header("if-match", tag);
        send(request.json(&json!({ "name": "Hourly", "cron": "@hourly" }))).await
    };
    tagged(Method::PUT, r#"W/"7""#).await.problem(412);
    let put = tagged(Method::PUT, r#"W/"1""#).await.expect(200);
    assert_eq!(
        (&put.body["name"], &put.body["timeZone"]),
        (&json!("Hourly"), &json!("UTC"))
    );
    assert_eq!(put.header("etag"), r#"W/"2""#);
    tagged(Method::DELETE, r#"W/"1""#).await.problem(412);
    tagged(Method::DELETE, r#"W/"2""#).await.expect(204);
    operator.get(&path).await.problem(404);
    operator.delete(&path).await.problem(404);
}

#[tokio::test]
async fn schedule_that_makes_no_sense_is_refused_by_the_name_of_the_attribute() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let created = operator.post(SCHEDULES, nightly()).await.expect(201);
    for (name, value) in [
        ("cron", json!("every day")),
        ("cron", json!("0 0 30 2 *")),
        ("cron", json!("* * * * * *")),
        ("cron", json!(5)),
        ("timeZone", json!("Mars/Olympus")),
        ("name", json!(" ")),
        ("name", json!("x".repeat(101))),
        ("scope", json!("everything")),
        ("scope", json!("dates")),
        ("scopeId", json!("nobody")),
        ("dryRun", json!("perhaps")),
        ("paused", json!(1)),
        ("unheardOf", json!(1)),
    ] {
        let mut body = nightly();
        body[name] = value;
        for answer in [
            operator.post(SCHEDULES, body.clone()).await,
            operator.put(&path(&created), body.clone()).await,
            merge(&operator, &path(&created), body.clone()).await,
        ] {
            let detail = answer.problem(400);
            assert!(
                detail.starts_with(name) && !detail.contains("Mars"),
                "{name}: {detail}"
            );
        }
    }
    operator
        .post(SCHEDULES, json!({ "name": "Never" }))
        .await
        .problem(400);
    operator.post(SCHEDULES, json!([])).await.problem(400);
    let team = json!({ "name": "Team", "cron": "@daily", "scope": "team", "scopeId": Uuid::nil() });
    operator.post(SCHEDULES, team).await.problem(400);
    let listed = operator.get(SCHEDULES).await.expect(200);
    assert_eq!(listed.body["schedules"], json!([created.body]));
}

#[tokio::test]
async fn schedule_of_a_team_is_kept_by_the_id_of_its_group() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let group = scim
        .post("/Groups", json!({ "displayName": "Guild" }))
        .await
        .expect(201);
    let operator = app.client(scim.tenant, "operator").await;
    let body = json!({
        "name": "Guild", "cron": "@daily", "scope": "team", "scopeId": group.id(), "dryRun": true,
    });
    let created = operator.post(SCHEDULES, body).await.expect(201);
    assert_eq!(
        (&created.body["scope"], &created.body["dryRun"]),
        (&json!("team"), &json!(true))
    );
    // Changed without naming the team again, it stays that team's.
    let changed = merge(&operator, &path(&created), json!({ "name": "The guild" }))
        .await
        .expect(200);
    assert_eq!(changed.body["scopeId"], created.body["scopeId"]);
}

#[tokio::test]
async fn schedules_of_another_tenant_are_not_there() {
    let app = TestApp::start().await;
    let theirs = operator(&app).await.post(SCHEDULES, nightly()).await.expect(201);
    let mine = operator(&app).await;
    mine.get(&path(&theirs)).await.problem(404);
    mine.put(&path(&theirs), nightly()).await.problem(404);
    merge(&mine, &path(&theirs), json!({ "paused": true }))
        .await
        .problem(404);
    mine.delete(&path(&theirs)).await.problem(404);
    mine.get(&format!("{SCHEDULES}/nonsense")).await.problem(404);
    assert_eq!(mine.get(SCHEDULES).await.expect(200).body["schedules"], json!([]));
    let scim = app.client(mine.tenant, "scim").await;
    scim.get(SCHEDULES).await.problem(403);
    scim.post(SCHEDULES, nightly()).await.problem(403);
}

#[tokio::test]
async fn tenant_has_at_most_a_hundred_schedules() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let insert = "insert into schedules (tenant_id, id, name, cron, time_zone, scope, dry_run, paused)
        select $1, gen_random_uuid(), 'x', '@daily', 'UTC', 'full', false, true from generate_series(1, 99)";
    sqlx::query(insert)
        .bind(operator.tenant)
        .execute(&app.pool)
        .await
        .unwrap();
    operator.post(SCHEDULES, nightly()).await.expect(201);
    operator.post(SCHEDULES, nightly()).await.problem(409);
}

#[tokio::test]
async fn dates_that_drive_the_status_are_a_schedule_that_follows_the_settings() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    merge(&operator, SETTINGS, json!({ "timeZone": "Asia/Tokyo" }))
        .await
        .expect(200);
    assert_eq!(
        operator.get(SCHEDULES).await.expect(200).body["schedules"],
        json!([])
    );

    merge(&operator, SETTINGS, json!({ "datesDriveStatus": true }))
        .await
        .expect(200);
    let listed = operator.get(SCHEDULES).await.expect(200);
    let dates = &listed.body["schedules"][0];
    assert_eq!(
        (&dates["scope"], &dates["timeZone"]),
        (&json!("dates"), &json!("Asia/Tokyo"))
    );
    assert!(dates["nextFiring"].is_string(), "looked at once now: {dates}");
    let path = format!("{SCHEDULES}/{}", dates["id"].as_str().unwrap());
    merge(&operator, &path, json!({ "paused": true }))
        .await
        .problem(409);
    operator.delete(&path).await.problem(409);

    // Another zone moves it; another setting does not.
    merge(&operator, SETTINGS, json!({ "timeZone": "UTC" }))
        .await
        .expect(200);
    let moved = operator.get(&path).await.expect(200);
    assert_eq!(
        (&moved.body["timeZone"], moved.header("etag")),
        (&json!("UTC"), r#"W/"2""#)
    );
    let days = json!({ "deprovisionedRetentionDays": 90 });
    merge(&operator, SETTINGS, days).await.expect(200);
    assert_eq!(operator.get(&path).await.expect(200).header("etag"), r#"W/"2""#);
    merge(&operator, SETTINGS, json!({ "datesDriveStatus": false }))
        .await
        .expect(200);
    assert_eq!(operator.get(&path).await.expect(200).body["paused"], true);
}
