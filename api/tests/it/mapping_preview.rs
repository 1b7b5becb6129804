//! Previews of a change of the mapping, as far as the API decides about them: no worker runs here.

use crate::app::{Answer, Client, TestApp};
use crate::mapping::{MAPPING, loud, put};
use serde_json::{Value, json};
use uuid::Uuid;

const PREVIEW: &str = "/ops/v1/mapping/preview";

fn place(preview: &Answer) -> String {
    format!("{MAPPING}/previews/{}", preview.id())
}

fn query(preview: &Answer) -> String {
    format!("?preview={}", preview.id())
}

async fn execute(app: &TestApp, sql: &str, preview: &Answer) {
    let run = Uuid::parse_str(preview.body["run"].as_str().unwrap()).unwrap();
    let done = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .bind(run)
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
}

/// What its worker would do in the end.
async fn finish(app: &TestApp, preview: &Answer, effect: Value) {
    let report = json!({ "effect": effect });
    let sql =
        format!("update runs set phase = 'done', finished_at = now(), report = '{report}' where id = $1");
    execute(app, &sql, preview).await;
}

/// A finished preview of a mapping.
async fn previewed(app: &TestApp, operator: &Client<'_>, body: &Value, effect: Value) -> Answer {
    let preview = operator.post(PREVIEW, body.clone()).await.expect(202);
    finish(app, &preview, effect).await;
    preview
}

#[tokio::test]
async fn preview_that_takes_long_is_answered_with_its_place_and_changes_nothing() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let preview = operator.post(PREVIEW, loud(&operator).await).await.expect(202);
    assert_eq!(preview.header("location"), place(&preview));
    let shown = operator.get(&place(&preview)).await.expect(200).body;
    assert_eq!(
        (&shown["state"], &shown["baseVersion"], &shown["effect"]),
        (&json!("running"), &json!(1), &Value::Null)
    );
    assert_eq!(shown["progress"]["partsDone"], 0);
    assert!(shown.get("samples").is_none());
    let run = operator
        .get(&format!("/ops/v1/runs/{}", shown["run"].as_str().unwrap()))
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&run["scope"], &run["scopeId"], &run["dryRun"]),
        (&json!("preview"), &shown["id"], &json!(true))
    );
    assert_eq!(operator.get(MAPPING).await.header("etag"), r#"W/"1""#);

    finish(
        &app,
        &preview,
        json!({ "checked": 7, "people": { "changed": 3 } }),
    )
    .await;
    let ready = operator.get(&place(&preview)).await.expect(200).body;
    assert_eq!(
        (&ready["state"], &ready["effect"]["people"]["changed"]),
        (&json!("ready"), &json!(3))
    );
    assert_eq!(ready["effect"]["teams"], json!({ "created": 0, "emptied": 0 }));
    let none = json!({
        "people": [], "deactivations": [], "memberships": [], "lines": [], "teams": [], "waiting": [],
    });
    assert_eq!(ready["samples"], none);

    let other = app.client(app.tenant("other").await, "operator").await;
    other.get(&place(&preview)).await.problem(404);
    operator
        .get(&format!("{MAPPING}/previews/{}", Uuid::nil()))
        .await
        .problem(404);
    operator
        .get(&format!("{MAPPING}/previews/mine"))
        .await
        .problem(404);
}

#[tokio::test]
async fn preview_is_refused_under_an_outdated_tag_and_beside_five_others() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let body = loud(&operator).await;
    let tagged = |tag: &'static str| {
        let request = operator
            .request(reqwest::Method::POST, PREVIEW)
            .header("if-match", tag);
        crate::app::send(request.json(&body))
    };
    tagged(r#"W/"2""#).await.problem(412);
    let previews = futures::future::join_all((0..5).map(|_| tagged(r#"W/"1""#))).await;
    for preview in &previews {
        assert_eq!(preview.status, 202, "{preview:?}");
    }
    let refused = tagged("*").await;
    refused.problem(429);
    assert!(!refused.header("retry-after").is_empty());
    finish(&app, &previews[0], json!({})).await;
    tagged("*").await.expect(202);
}

#[tokio::test]
async fn mapping_put_with_its_preview_is_in_force_at_once_when_nothing_was_accepted_since() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    scim.user("ada").await;
    let operator = app.client(scim.tenant, "operator").await;
    let body = loud(&operator).await;
    let preview = previewed(&app, &operator, &body, json!({})).await;
    // A tenant of its own does not count.
    app.scim().await.user("rex").await;
    let applied = put(&operator, &query(&preview), r#"W/"1""#, &body)
        .await
        .expect(200);
    assert_eq!(
        (&applied.body["version"], applied.header("etag")),
        (&json!(2), r#"W/"2""#)
    );
    assert!(applied.body["run"].is_string());
}

#[tokio::test]
async fn mapping_put_with_its_preview_is_looked_at_again_when_something_was_accepted_since() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let mut body = loud(&operator).await;
    body["note"] = "louder".into();
    let effect = json!({ "people": { "deactivated": 2 }, "teams": { "emptied": 1 } });
    let preview = previewed(&app, &operator, &body, effect).await;
    scim.user("ada").await;
    let check = put(&operator, &query(&preview), r#"W/"1""#, &body)
        .await
        .expect(202);
    assert_eq!(check.header("location"), place(&check));
    assert_ne!(check.id(), preview.id());
    assert_eq!(check.body["state"], "running");
    assert_eq!(operator.get(MAPPING).await.header("etag"), r#"W/"1""#);
    let kept: (Value, String) = sqlx::query_as("select at_most, note from mapping_previews where id = $1")
        .bind(Uuid::parse_str(check.id()).unwrap())
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let at_most = json!({
        "failed": 0, "peopleDeactivated": 2, "valuesRemoved": 0, "membershipsEnded": 0, "linesEnded": 0,
        "teamsEmptied": 1,
    });
    assert_eq!(kept, (at_most, "louder".to_owned()));

    // Its worker finds that more is taken away.
    let effect = json!({ "people": { "deactivated": 3 }, "teams": { "emptied": 1 } });
    finish(&app, &check, effect).await;
    let refused = operator.get(&place(&check)).await.expect(200).body;
    assert_eq!(refused["state"], "refused");
    let exceeded = json!([{ "loss": "peopleDeactivated", "previewed": 2, "now": 3 }]);
    assert_eq!(refused["exceeded"], exceeded);
    // The outcome of a change is no preview of another.
    put(&operator, &query(&check), r#"W/"1""#, &body)
        .await
        .problem(409);
}

#[tokio::test]
async fn mapping_put_with_its_preview_is_looked_at_again_when_dates_decide_otherwise_since() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let body = loud(&operator).await;
    let preview = previewed(&app, &operator, &body, json!({})).await;
    let dates = json!({ "datesDriveStatus": true });
    let settings = operator.request(reqwest::Method::PATCH, "/ops/v1/settings");
    crate::app::send(settings.json(&dates)).await.expect(200);
    let check = put(&operator, &query(&preview), r#"W/"1""#, &body)
        .await
        .expect(202);
    assert_eq!(check.body["state"], "running");
    assert_eq!(operator.get(MAPPING).await.header("etag"), r#"W/"1""#);

    // A preview of now is one, until the tenant's day is over.
    finish(&app, &check, json!({})).await;
    let preview = previewed(&app, &operator, &body, json!({})).await;
    let yesterday = "update mapping_previews set deciding_day = deciding_day - 1 where run_id = $1";
    execute(&app, yesterday, &preview).await;
    put(&operator, &query(&preview), r#"W/"1""#, &body)
        .await
        .expect(202);
    let preview = previewed(&app, &operator, &body, json!({})).await;
    put(&operator, &query(&preview), r#"W/"1""#, &body)
        .await
        .expect(200);
}

#[tokio::test]
async fn mapping_put_is_refused_for_whatever_it_would_take_away_beyond_its_preview() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let body = loud(&operator).await;
    let effects = |count: i64| {
        [
            ("failed", json!({ "failed": count })),
            ("peopleDeactivated", json!({ "people": { "deactivated": count } })),
            ("valuesRemoved", json!({ "people": { "valuesRemoved": count } })),
            ("membershipsEnded", json!({ "memberships": { "ended": count } })),
            ("linesEnded", json!({ "lines": { "ended": count } })),
            ("teamsEmptied", json!({ "teams": { "emptied": count } })),
        ]
    };
    for ((loss, previewed_effect), (_, now)) in effects(1).into_iter().zip(effects(2)) {
        let preview = previewed(&app, &operator, &body, previewed_effect).await;
        scim.user(loss).await;
        let check = put(&operator, &query(&preview), r#"W/"1""#, &body)
            .await
            .expect(202);
        finish(&app, &check, now).await;
        let refused = operator.get(&place(&check)).await.expect(200).body;
        let exceeded = json!([{ "loss": loss, "previewed": 1, "now": 2 }]);
        assert_eq!(
            (&refused["state"], &refused["exceeded"]),
            (&json!("refused"), &exceeded)
        );
    }
    assert_eq!(operator.get(MAPPING).await.header("etag"), r#"W/"1""#);
}

#[tokio::test]
async fn mapping_put_with_a_preview_of_something_else_is_refused() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let (default, body) = (
        operator.get(MAPPING).await.expect(200).body,
        loud(&operator).await,
    );
    let refused = |detail: &Answer, status: u16, word: &str| {
        let detail = detail.problem(status);
        assert!(detail.contains(word), "{detail}");
    };
    for (unknown, word) in [("x".to_owned(), "id"), (Uuid::nil().to_string(), "no preview")] {
        let answer = put(&operator, &format!("?preview={unknown}"), "*", &body).await;
        refused(&answer, 400, word);
    }
    let other = app.client(app.tenant("other").await, "operator").await;
    let theirs = previewed(&app, &other, &loud(&other).await, json!({})).await;
    refused(
        &put(&operator, &query(&theirs), "*", &body).await,
        400,
        "no preview",
    );

    let running = operator.post(PREVIEW, body.clone()).await.expect(202);
    refused(&put(&operator, &query(&running), "*", &body).await, 409, "end");
    execute(&app, "update runs set cancelled = true where id = $1", &running).await;
    finish(&app, &running, json!({})).await;
    refused(&put(&operator, &query(&running), "*", &body).await, 409, "end");

    // Reported by a worker that knows runs and no previews.
    let plain = operator.post(PREVIEW, body.clone()).await.expect(202);
    execute(
        &app,
        "update runs set phase = 'done', report = '{\"checked\": 1}' where id = $1",
        &plain,
    )
    .await;
    assert_eq!(operator.get(&place(&plain)).await.body["state"], "incomplete");
    refused(&put(&operator, &query(&plain), "*", &body).await, 409, "end");

    let old = previewed(&app, &operator, &body, json!({})).await;
    execute(
        &app,
        "update mapping_previews set expires_at = now() - interval '1 second' where run_id = $1",
        &old,
    )
    .await;
    assert_eq!(operator.get(&place(&old)).await.body["state"], "expired");
    refused(&put(&operator, &query(&old), "*", &body).await, 409, "too old");

    let preview = previewed(&app, &operator, &body, json!({})).await;
    let mut another = body.clone();
    another["mapping"]["rules"].as_array_mut().unwrap().pop();
    refused(
        &put(&operator, &query(&preview), "*", &another).await,
        409,
        "another mapping",
    );
    // In between somebody shouts and stops again: everything is as it was, and yet it moved.
    put(&operator, "", r#"W/"1""#, &body).await.expect(200);
    put(&operator, "", r#"W/"2""#, &default).await.expect(200);
    refused(
        &put(&operator, &query(&preview), r#"W/"1""#, &body).await,
        412,
        "version",
    );
    refused(
        &put(&operator, &query(&preview), r#"W/"3""#, &body).await,
        409,
        "changed after",
    );
    assert_eq!(operator.get(MAPPING).await.header("etag"), r#"W/"3""#);
}
