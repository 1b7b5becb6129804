//! Receipts, with the worker's part written straight into its tables.

use crate::app::{Answer, Client, TestApp};
use serde_json::{Value, json};

async fn receipt(client: &Client<'_>, txn: &str) -> Value {
    client
        .get(&format!("/ops/v1/receipts/{txn}"))
        .await
        .expect(200)
        .body
}

/// What a worker does to the books when it has applied everything up to this change.
async fn apply(client: &Client<'_>, write: &Answer, fields: Value) {
    let mut transaction = client.app.pool.begin().await.unwrap();
    sqlx::query(
        "insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
         select tenant_id, 1, directory_id, seq, 1, $3 from changes where tenant_id = $1 and txn = $2::uuid",
    )
    .bind(client.tenant)
    .bind(write.txn())
    .bind(fields)
    .execute(&mut *transaction)
    .await
    .unwrap();
    let delete = "delete from pending p using changes c
         where c.tenant_id = $1 and c.txn = $2::uuid
           and p.tenant_id = c.tenant_id and p.key_id = c.directory_id and p.seq <= c.seq";
    sqlx::query(delete)
        .bind(client.tenant)
        .bind(write.txn())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn receipt_of_a_write_goes_from_accepted_to_applied() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    let before = receipt(&client, user.txn()).await;
    assert_eq!(before["totalResults"], 1);
    let operation = &before["operations"][0];
    assert_eq!(operation["state"], "accepted");
    assert_eq!(operation["operation"], "create");
    assert_eq!(operation["resourceType"], "User");
    assert_eq!(operation["id"], user.id());
    assert_eq!(operation["attributes"], json!(["userName"]));
    assert_eq!(operation["pendingKeys"], 1);

    apply(
        &client,
        &user,
        json!({ "login": [null, "jane"], "display_name": [null, "Jane"] }),
    )
    .await;
    let after = receipt(&client, &format!("{}:0", user.txn())).await;
    let operation = &after["operations"][0];
    assert_eq!(operation["state"], "applied");
    assert_eq!(operation["appliedFields"], json!(["display_name", "login"]));
    assert!(operation["appliedAt"].is_string());
    assert!(!after.to_string().contains("Jane"), "{after}");
    let operator = app.client(client.tenant, "operator").await;
    assert_eq!(
        receipt(&operator, user.txn()).await["operations"],
        after["operations"]
    );
    client
        .get(&format!("/ops/v1/receipts/{}:1", user.txn()))
        .await
        .problem(404);
}

#[tokio::test]
async fn receipt_of_a_write_applied_with_a_later_one_is_superseded() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    let path = format!("/Users/{}", user.id());
    let title = |title: &str| json!([{ "op": "replace", "path": "title", "value": title }]);
    let first = client.patch(&path, title("one")).await.expect(200);
    let second = client.patch(&path, title("two")).await.expect(200);
    let third = client.patch(&path, title("two")).await.expect(200);
    apply(&client, &second, json!({ "position": [null, "two"] })).await;
    let superseded = &receipt(&client, first.txn()).await["operations"][0];
    assert_eq!(superseded["state"], "superseded");
    assert_eq!(superseded["appliedWith"]["txn"], second.txn());
    assert_eq!(
        receipt(&client, second.txn()).await["operations"][0]["state"],
        "applied"
    );
    assert_eq!(
        receipt(&client, third.txn()).await["operations"][0]["state"],
        "unchanged"
    );
}

#[tokio::test]
async fn receipt_with_waiting_link_or_rejection_is_partly_applied_and_says_why() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    apply(&client, &user, json!({})).await;
    sqlx::query(
        "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
         select tenant_id, directory_id, 1, '0', 'boss', 'boss', 'missing', seq from changes where tenant_id = $1",
    )
    .bind(client.tenant)
    .execute(&app.pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into rejections (tenant_id, resource_id, rule, value_hash, reason, seq)
         select tenant_id, resource_id, 'start_date', '', 'startDate is not an ISO 8601 date', seq
         from changes where tenant_id = $1",
    )
    .bind(client.tenant)
    .execute(&app.pool)
    .await
    .unwrap();
    let operation = &receipt(&client, user.txn()).await["operations"][0];
    assert_eq!(operation["state"], "partly_applied");
    assert_eq!(operation["waiting"][0]["slot"], "manager");
    assert_eq!(operation["waiting"][0]["reference"], "boss");
    assert_eq!(operation["waiting"][0]["reason"], "missing");
    assert_eq!(operation["rejected"][0]["field"], "start_date");
    let operator = app.client(client.tenant, "operator").await;
    let overview = operator.get("/ops/v1/overview").await.expect(200).body;
    assert_eq!(overview["backlog"]["waiters"]["manager"], 1);
    assert_eq!(overview["backlog"]["rejections"], 1);
    assert_eq!(overview["pace"]["appliedLastMinute"], 1);
    assert!(
        overview["pace"]["acknowledgedToAppliedSeconds"]["p99"]
            .as_f64()
            .unwrap()
            >= 0.0
    );
}

#[tokio::test]
async fn receipt_of_a_bulk_request_lists_its_operations_in_pages() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let post = |n: u8| json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": { "userName": n.to_string() } });
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": (0..5).map(post).collect::<Vec<_>>(),
    });
    let bulk = client.post("/Bulk", body).await.expect(200);
    let page = receipt(&client, &format!("{}?startIndex=3&count=2", bulk.txn())).await;
    assert_eq!(page["totalResults"], 5);
    assert_eq!(page["itemsPerPage"], 2);
    assert_eq!(page["operations"][0]["index"], 2);
    let one = receipt(&client, &format!("{}:4", bulk.txn())).await;
    assert_eq!(one["operations"][0]["index"], 4);
}
