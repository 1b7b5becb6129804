//! What is answered of times and writes that are not kept any more, and over the end of a period.

use crate::app::TestApp;
use rollcall_shared::store::periods::{self, Keeping};
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

async fn next_period(pool: &PgPool) {
    let keeping = Keeping {
        kept: None,
        period: Duration::ZERO,
    };
    assert!(periods::round(pool, keeping).await.unwrap().began.is_some());
}

async fn drop_what_is_over(pool: &PgPool) {
    let keeping = Keeping {
        kept: Some(Duration::ZERO),
        period: Duration::from_secs(3600),
    };
    assert_eq!(periods::round(pool, keeping).await.unwrap().dropped, [0]);
}

/// What a worker writes when it has applied all Users.
const APPLIED: &str = "
    with person as (
        insert into people (tenant_id, id, resource_id, status, login, applied_mapping, applied_seq)
        select tenant_id, directory_id, resource_id, 'active', 'jane', 1, seq from changes
        where tenant_id = $1 returning *)
    insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
    select tenant_id, 1, id, applied_seq, 1, '{\"status\": [null, \"active\"]}' from person";

#[tokio::test]
async fn receipt_and_time_of_a_dropped_period_are_gone_and_the_history_says_since_when_it_is_kept() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let operator = app.client(client.tenant, "operator").await;
    let early = client.user("jane").await;
    let applied = sqlx::query(APPLIED).bind(client.tenant);
    applied.execute(&app.pool).await.unwrap();
    let receipt = |txn: &str| format!("/ops/v1/receipts/{txn}");
    let person = format!("/ops/v1/people/{}", early.id());
    next_period(&app.pool).await;
    operator.get(&receipt(early.txn())).await.expect(200);
    let history = operator.get(&format!("{person}/history")).await.expect(200);
    assert_eq!(history.body["history"].as_array().unwrap().len(), 1);
    assert!(history.body.get("keptSince").is_none(), "{}", history.body);
    let late = client.user("late").await;
    drop_what_is_over(&app.pool).await;
    operator.get(&receipt(late.txn())).await.expect(200);
    operator
        .get(&receipt("00000000-0000-7000-8000-000000000000"))
        .await
        .problem(410);
    // Not one of ours: it tells no time.
    operator
        .get(&receipt("00000000-0000-4000-8000-000000000000"))
        .await
        .problem(404);
    operator
        .get(&receipt("ffffffff-ffff-7fff-bfff-ffffffffffff"))
        .await
        .problem(404);
    let history = operator.get(&format!("{person}/history")).await.expect(200);
    assert_eq!(history.body["history"], json!([]));
    let since = history.body["keptSince"].as_str().unwrap().to_owned();
    let before = "2020-01-01T00:00:00Z";
    for path in [
        format!("{person}?at={before}"),
        format!("{person}/history?at={before}"),
        format!("/ops/v1/org?at={before}"),
    ] {
        let answer = operator.get(&path).await;
        let detail = answer.problem(410);
        assert!(
            detail.starts_with("at: ") && detail.contains(&since[..19]),
            "{path}: {detail}"
        );
    }
    // Since then everything is known.
    let then = operator.get(&format!("{person}?at={since}")).await.expect(200);
    assert_eq!(then.body["person"]["login"], "jane");
}

#[tokio::test]
async fn users_and_receipts_by_time_are_found_on_both_sides_of_the_end_of_a_period() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let operator = app.client(client.tenant, "operator").await;
    let early = client.user("early").await;
    next_period(&app.pool).await;
    let late = client.user("late").await;
    let modified =
        |answer: &crate::app::Answer| answer.body["meta"]["lastModified"].as_str().unwrap().to_owned();
    let (first, second) = (modified(&early), modified(&late));
    for (filter, found) in [
        (format!(r#"meta.lastModified lt "{second}""#), vec![early.id()]),
        (format!(r#"meta.lastModified gt "{first}""#), vec![late.id()]),
        (
            format!(r#"meta.lastModified ge "{first}""#),
            vec![early.id(), late.id()],
        ),
    ] {
        let answer = client.find("/Users", &filter).await.expect(200);
        let ids: Vec<&str> = answer.body["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, found, "{filter}");
    }
    let listed = operator.get("/ops/v1/receipts").await.expect(200);
    let ids: Vec<&str> = listed.body["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|receipt| receipt["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [late.id(), early.id()]);
}
