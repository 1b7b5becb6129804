//! Values that cannot be projected: shown, tried again after a fix, settled by hand.

use super::{ROLLCALL, SOON, create, patch, person};
use crate::harness::{Options, Stack, Tenant, within};
use serde_json::{Value, json};

async fn rejections(tenant: &Tenant, query: &str) -> Vec<Value> {
    let body = tenant
        .ops
        .get(&format!("/rejections{query}"))
        .await
        .expect(200)
        .body;
    body["rejections"].as_array().unwrap().clone()
}

async fn counted(tenant: &Tenant) -> Value {
    tenant.ops.get("/overview").await.expect(200).body["backlog"]["rejections"].clone()
}

#[tokio::test]
async fn rejected_value_is_shown_blocks_nothing_and_is_applied_by_a_retry_after_the_fix() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("rejected").await;
    let sent = json!({ "userName": "ada", ROLLCALL: { "startDate": "soon", "birthday": "1815-12-10" } });
    let ada = create(&tenant, "/Users", sent).await;
    create(
        &tenant,
        "/Users",
        json!({ "userName": "bob", ROLLCALL: { "endDate": "never" } }),
    )
    .await;
    stack.converged(SOON).await;
    assert_eq!(counted(&tenant).await, 2);
    let of_ada = rejections(&tenant, &format!("?person={ada}")).await;
    assert_eq!(of_ada.len(), 1, "{of_ada:?}");
    let rejection = &of_ada[0];
    assert_eq!(
        (&rejection["rule"], &rejection["value"], &rejection["resourceId"]),
        (&json!("start_date"), &json!("soon"), &json!(ada))
    );
    assert!(
        rejection["reason"].as_str().unwrap().contains("startDate"),
        "{rejection}"
    );
    assert!(
        !rejection["reason"].as_str().unwrap().contains("soon"),
        "{rejection}"
    );
    assert_eq!(rejection["person"]["login"], "ada");
    let txn = rejection["assertedBy"]["txn"].as_str().unwrap().to_owned();
    let receipt = tenant.ops.get(&format!("/receipts/{txn}")).await.expect(200).body;
    assert_eq!(receipt["operations"][0]["state"], "partly_applied");
    assert_eq!(rejections(&tenant, "?rule=end_date").await.len(), 1);

    // Later changes of the same person go on.
    patch(
        &tenant,
        &format!("/Users/{ada}"),
        json!([{ "op": "add", "path": "title", "value": "Countess" }]),
    )
    .await;
    stack.converged(SOON).await;
    let shown = person(&tenant, &ada).await;
    assert_eq!(
        (
            &shown["person"]["position"],
            &shown["person"]["birthday"],
            &shown["person"]["startDate"]
        ),
        (&json!("Countess"), &json!("1815-12-10"), &Value::Null)
    );

    // Not fixed: it is tried, and stays.
    let retry = json!({ "ids": [rejection["id"]] });
    let answer = tenant
        .ops
        .post("/rejections/retry", &retry)
        .await
        .expect(200)
        .body;
    assert_eq!(answer, json!({ "retried": 1, "queued": true }));
    stack.converged(SOON).await;
    assert_eq!(rejections(&tenant, "").await.len(), 2);

    // As if what reads the values had been mended: the same documents, another projection.
    sqlx::raw_sql(
        "update scim_resources set document = replace(replace(document::text, '\"soon\"', '\"2026-01-01\"'),
             '\"never\"', '\"2027-01-01\"')::jsonb",
    )
    .execute(&stack.db)
    .await
    .unwrap();
    let stale = rejections(&tenant, &format!("?person={ada}")).await;
    assert!(
        stale[0].get("value").is_none(),
        "the document holds it no longer: {stale:?}"
    );
    let answer = tenant
        .ops
        .post("/rejections/retry", &json!({}))
        .await
        .expect(200)
        .body;
    assert_eq!(answer["retried"], 2);
    stack.converged(SOON).await;
    assert_eq!(rejections(&tenant, "").await, Vec::<Value>::new());
    assert_eq!(person(&tenant, &ada).await["person"]["startDate"], "2026-01-01");
    let receipt = tenant.ops.get(&format!("/receipts/{txn}")).await.expect(200).body;
    assert_ne!(receipt["operations"][0]["state"], "partly_applied", "{receipt}");
}

#[tokio::test]
async fn discarded_rejection_is_out_of_lists_and_counts_until_its_value_changes() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("discarded").await;
    let ada = create(
        &tenant,
        "/Users",
        json!({ "userName": "ada", ROLLCALL: { "startDate": "soon" } }),
    )
    .await;
    stack.converged(SOON).await;
    let id = rejections(&tenant, "").await[0]["id"].clone();
    let discard = json!({ "ids": [id], "note": "the source knows" });
    let answer = tenant
        .ops
        .post("/rejections/discard", &discard)
        .await
        .expect(200)
        .body;
    assert_eq!(answer["discarded"], 1);
    assert_eq!(rejections(&tenant, "").await, Vec::<Value>::new());
    assert_eq!(counted(&tenant).await, 0);
    let discarded = rejections(&tenant, "?discarded=true").await;
    assert_eq!(discarded[0]["discarded"]["note"], "the source knows");
    assert!(discarded[0]["discarded"]["at"].is_string() && discarded[0]["discarded"]["by"].is_string());

    // Another change, the same value: still settled.
    let path = format!("/Users/{ada}");
    patch(
        &tenant,
        &path,
        json!([{ "op": "add", "path": "title", "value": "Countess" }]),
    )
    .await;
    stack.converged(SOON).await;
    assert_eq!(counted(&tenant).await, 0);
    // Taken back, and settled again.
    let answer = tenant
        .ops
        .post("/rejections/restore", &json!({ "ids": [id] }))
        .await
        .expect(200)
        .body;
    assert_eq!(
        (answer["restored"].clone(), counted(&tenant).await),
        (json!(1), json!(1))
    );
    tenant.ops.post("/rejections/discard", &discard).await.expect(200);
    // Another value: a new rejection.
    let later = json!([{ "op": "replace", "path": format!("{ROLLCALL}:startDate"), "value": "later" }]);
    patch(&tenant, &path, later).await;
    within(SOON, "the other value is shown", async || {
        let shown = rejections(&tenant, "").await;
        (shown.len() == 1 && shown[0]["value"] == "later").then_some(())
    })
    .await;
    assert_eq!(rejections(&tenant, "?discarded=true").await, Vec::<Value>::new());
    stack.converged(SOON).await;
}
