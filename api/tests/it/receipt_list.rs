//! The list of receipts, with the worker's part written straight into its tables.

use crate::app::{Answer, Client, TestApp};
use serde_json::{Value, json};

const RECEIPTS: &str = "/ops/v1/receipts";

/// Ids of the resources in a list.
fn ids(list: &Answer) -> Vec<&str> {
    let receipts = list.body["receipts"].as_array().unwrap();
    receipts
        .iter()
        .map(|entry| entry["id"].as_str().unwrap())
        .collect()
}

async fn listed(operator: &Client<'_>, query: &str) -> Answer {
    operator.get(&format!("{RECEIPTS}?{query}")).await.expect(200)
}

/// What a worker does to the books when it has applied everything up to this change.
async fn apply(client: &Client<'_>, write: &Answer) {
    for statement in [
        "insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
         select tenant_id, 1, directory_id, seq, 1, '{\"login\": [null, \"x\"]}' from changes
         where tenant_id = $1 and txn = $2::uuid",
        "delete from pending p using changes c
         where c.tenant_id = $1 and c.txn = $2::uuid
           and p.tenant_id = c.tenant_id and p.key_id = c.directory_id and p.seq <= c.seq",
    ] {
        sqlx::query(statement)
            .bind(client.tenant)
            .bind(write.txn())
            .execute(&client.app.pool)
            .await
            .unwrap();
    }
}

async fn execute(client: &Client<'_>, statement: &'static str, write: &Answer) {
    sqlx::query(statement)
        .bind(client.tenant)
        .bind(write.txn())
        .execute(&client.app.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn receipts_are_listed_newest_first_page_by_page_as_each_is_by_itself() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let operator = app.client(client.tenant, "operator").await;
    let mut written = vec![];
    for number in 0..5 {
        written.push(client.user(&format!("u{number}")).await);
    }
    app.scim().await.user("theirs").await;
    let (mut found, mut cursor, mut pages) = (vec![], String::new(), 0);
    loop {
        let page = listed(&operator, &format!("count=2&cursor={cursor}")).await;
        for entry in page.body["receipts"].as_array().unwrap() {
            let mut alone = client
                .get(&format!("{RECEIPTS}/{}", entry["txn"].as_str().unwrap()))
                .await
                .expect(200)
                .body["operations"][0]
                .clone();
            alone["txn"] = entry["txn"].clone();
            alone["token"] = entry["token"].clone();
            assert_eq!(entry, &alone);
            found.push(entry["id"].clone());
        }
        pages += 1;
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let newest_first: Vec<Value> = written.iter().rev().map(|write| json!(write.id())).collect();
    assert_eq!((found, pages), (newest_first, 3));
    client.get(RECEIPTS).await.problem(403);
}

#[tokio::test]
async fn receipts_are_found_by_each_state() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let operator = app.client(client.tenant, "operator").await;
    let waits = client.user("waits").await;
    let rejected = client.user("rejected").await;
    let early = client.user("twice").await;
    let path = format!("/Users/{}", early.id());
    let title = |title: &str| json!([{ "op": "replace", "path": "title", "value": title }]);
    let late = client.patch(&path, title("Head")).await;
    let same = client.patch(&path, title("Head")).await;
    let pending = client.user("pending").await;
    apply(&client, &waits).await;
    apply(&client, &rejected).await;
    apply(&client, &late).await;
    execute(
        &client,
        "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
         select tenant_id, directory_id, 1, '0', 'm', 'm', 'missing', seq from changes
         where tenant_id = $1 and txn = $2::uuid",
        &waits,
    )
    .await;
    execute(
        &client,
        "insert into rejections (tenant_id, resource_id, rule, value_hash, reason, seq)
         select tenant_id, resource_id, 'level', '', 'level is no number', seq from changes
         where tenant_id = $1 and txn = $2::uuid",
        &rejected,
    )
    .await;
    for (state, expected) in [
        ("accepted", vec![&pending]),
        ("unchanged", vec![&same]),
        ("applied", vec![&late]),
        ("superseded", vec![&early]),
        ("partly_applied", vec![&rejected, &waits]),
    ] {
        let list = listed(&operator, &format!("state={state}")).await;
        let receipts = list.body["receipts"].as_array().unwrap();
        let found: Vec<&Value> = receipts.iter().map(|entry| &entry["txn"]).collect();
        let expected: Vec<Value> = expected.iter().map(|write| json!(write.txn())).collect();
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{state}");
        assert!(receipts.iter().all(|entry| entry["state"] == state), "{list:?}");
    }
    let all = listed(&operator, "").await;
    assert_eq!(all.body["receipts"].as_array().unwrap().len(), 6);
    assert!(
        all.body["receipts"][4]["rejected"][0]["field"] == "level",
        "{all:?}"
    );
}

#[tokio::test]
async fn receipts_are_found_by_resource_time_and_token() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let operator = app.client(client.tenant, "operator").await;
    let other = client.with_secret(&app.token(client.tenant, "scim").await);
    let ada = client.user("ada").await;
    let bob = other.user("bob").await;
    let rename = json!([{ "op": "replace", "path": "title", "value": "x" }]);
    client.patch(&format!("/Users/{}", ada.id()), rename).await;
    for (write, at) in [(&ada, "2024-05-13T10:00:00Z"), (&bob, "2024-05-13T11:00:00Z")] {
        sqlx::query("update changes set accepted_at = $1::timestamptz where txn = $2::uuid")
            .bind(at)
            .bind(write.txn())
            .execute(&app.pool)
            .await
            .unwrap();
    }
    assert_eq!(
        ids(&listed(&operator, &format!("resource={}", ada.id())).await),
        [ada.id(), ada.id()]
    );
    let newest = listed(&operator, "count=1").await;
    let token = newest.body["receipts"][0]["token"].as_str().unwrap();
    assert_eq!(
        ids(&listed(&operator, &format!("token={token}")).await),
        [ada.id(), ada.id()]
    );
    let nobody = uuid::Uuid::now_v7();
    assert!(ids(&listed(&operator, &format!("token={nobody}")).await).is_empty());
    for (query, expected) in [
        ("until=2024-05-13T10:00:00Z", vec![]),
        ("until=2024-05-13T10:30:00Z", vec![ada.id()]),
        (
            "since=2024-05-13T10:30:00Z&until=2024-05-13T12:30:00%2B00:00",
            vec![bob.id()],
        ),
        ("since=2024-05-13T11:00:00Z", vec![ada.id(), bob.id()]),
        ("since=2099-01-01T00:00:00Z", vec![]),
        ("until=1970-01-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(ids(&listed(&operator, query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn list_of_receipts_refuses_what_it_cannot_read_by_name() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    for (query, named) in [
        ("state=done", "state"),
        ("resource=ada", "resource"),
        ("token=x", "token"),
        ("since=yesterday", "since"),
        ("until=5", "until"),
        ("count=many", "count"),
        ("cursor=x", "cursor"),
    ] {
        let refused = operator.get(&format!("{RECEIPTS}?{query}")).await;
        assert!(refused.problem(400).contains(named), "{query}");
    }
    let none = listed(&operator, "since=2024-01-01T00:00:00Z").await;
    assert_eq!(none.body, json!({ "receipts": [], "nextCursor": null }));
}
