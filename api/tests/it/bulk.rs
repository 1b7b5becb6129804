use crate::app::{Answer, Client, TestApp};
use devstack::wait::SOON;
use serde_json::{Value, json};

async fn bulk(client: &Client<'_>, fail_on_errors: Option<u32>, operations: Value) -> Answer {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    if let Some(limit) = fail_on_errors {
        body["failOnErrors"] = limit.into();
    }
    client.post("/Bulk", body).await
}

fn statuses(answer: &Answer) -> Vec<&str> {
    let operations = answer.body["Operations"].as_array().unwrap();
    operations
        .iter()
        .map(|operation| operation["status"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn bulk_bad_operations_among_good_fail_alone_and_say_why() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("taken").await;
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "a" } },
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": { "displayName": "no name" } },
        { "method": "POST", "path": "/Users", "bulkId": "c", "data": { "userName": "TAKEN" } },
        { "method": "FLY", "path": "/Users", "bulkId": "d", "data": {} },
        { "method": "DELETE", "path": format!("/Users/{}", uuid::Uuid::now_v7()) },
        { "method": "POST", "path": "/Users", "bulkId": "e", "data": { "userName": "e" } },
    ]);
    let answer = bulk(&client, None, operations).await.expect(200);
    assert_eq!(
        statuses(&answer),
        ["201", "400", "409", "400", "404", "201"],
        "{answer:?}"
    );
    let operations = &answer.body["Operations"];
    assert!(
        operations[0]["location"]
            .as_str()
            .unwrap()
            .contains("/scim/v2/Users/")
    );
    assert_eq!(operations[0]["version"], r#"W/"1""#);
    assert!(
        operations[1]["response"]["detail"]
            .as_str()
            .unwrap()
            .contains("userName")
    );
    assert!(operations[1].get("location").is_none());
    assert_eq!(operations[2]["response"]["scimType"], "uniqueness");
    assert_eq!(operations[3]["bulkId"], "d");
    assert!(!answer.txn().is_empty());
    assert_eq!(client.get("/Users").await.body["totalResults"], 3);
}

#[tokio::test]
async fn bulk_references_resolve_forward_backward_and_in_circles() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = |id: &str, manager: &str| {
        let enterprise = json!({ "manager": { "value": format!("bulkId:{manager}") } });
        json!({
            "method": "POST", "path": "/Users", "bulkId": id,
            "data": { "userName": id, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": enterprise },
        })
    };
    let operations = json!([
        { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "All", "members": [{ "value": "bulkId:a" }, { "value": "bulkId:b" }] } },
        user("a", "b"),
        user("b", "a"),
        { "method": "PATCH", "path": "/Users/bulkId:a", "data": { "Operations": [{ "op": "add", "path": "title", "value": "CEO" }] } },
    ]);
    let answer = bulk(&client, Some(1), operations).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "201", "201", "200"], "{answer:?}");
    let found = client.get("/Users?filter=userName%20eq%20%22a%22").await;
    let a = &found.body["Resources"][0];
    assert_eq!(a["title"], "CEO");
    let found = client.get("/Users?filter=userName%20eq%20%22b%22").await;
    let b = &found.body["Resources"][0];
    assert_eq!(
        b["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"]["value"],
        a["id"]
    );
    assert_eq!(b["groups"][0]["display"], "All");
}

#[tokio::test]
async fn bulk_fail_on_errors_reached_writes_nothing_more() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let post = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "userName": name } });
    let bad = json!({ "method": "POST", "path": "/Users", "bulkId": "bad", "data": {} });
    let answer = bulk(&client, Some(1), json!([post("a"), bad, post("b"), post("c")]))
        .await
        .expect(200);
    assert_eq!(statuses(&answer), ["201", "400"], "{answer:?}");
    assert_eq!(client.get("/Users").await.body["totalResults"], 1);
}

#[tokio::test]
async fn bulk_fail_on_errors_counts_refused_and_malformed_operations_alike() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("taken").await;
    let post = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "userName": name } });
    let bad = json!({ "method": "POST", "path": "/Users", "bulkId": "bad", "data": {} });
    let operations = json!([post("a"), bad, post("b"), post("taken"), post("c")]);
    let answer = bulk(&client, Some(2), operations).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "400", "201", "409"], "{answer:?}");
    assert_eq!(client.get("/Users").await.body["totalResults"], 3);
}

#[tokio::test]
async fn bulk_malformed_request_is_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.post("/Bulk", json!([])).await.scim_error(400);
    client
        .post("/Bulk", json!({ "Operations": "none" }))
        .await
        .scim_error(400);
    client.get("/Bulk").await.scim_error(405);
}

#[tokio::test]
async fn bulk_circle_that_claims_one_value_twice_is_refused_and_ends() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = |id: &str, manager: &str| {
        let enterprise = json!({ "manager": { "value": format!("bulkId:{manager}") } });
        json!({
            "method": "POST", "path": "/Users", "bulkId": id,
            "data": { "userName": "same", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": enterprise },
        })
    };
    let operations = json!([user("a", "b"), user("b", "a")]);
    let answered = tokio::time::timeout(SOON, bulk(&client, None, operations)).await;
    let answer = answered.expect("the request is answered").expect(200);
    assert_eq!(statuses(&answer), ["409", "409"], "{answer:?}");
    client.user("next").await;
}

#[tokio::test]
async fn bulk_reference_to_a_created_resource_stands_although_a_later_change_of_it_failed() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let patch = |operation: Value| json!({ "method": "PATCH", "path": "/Users/bulkId:a", "data": { "Operations": [operation] } });
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "a" } },
        patch(json!({ "op": "remove", "path": "userName" })),
        patch(json!({ "op": "fly" })),
        { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "All", "members": [{ "value": "bulkId:a" }] } },
    ]);
    let answer = bulk(&client, None, operations).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "400", "400", "201"], "{answer:?}");
}

#[tokio::test]
async fn bulk_of_two_operations_that_claim_one_value_the_first_wins() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    // The resource of the second operation has the lower id.
    let old = client.user("old").await;
    let rename = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "same" }] });
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "new", "data": { "userName": "same" } },
        { "method": "PATCH", "path": format!("/Users/{}", old.body["id"].as_str().unwrap()), "data": rename },
    ]);
    let answer = bulk(&client, None, operations).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "409"], "{answer:?}");
}

#[tokio::test]
async fn bulk_paths_hold_external_ids_as_single_requests_do() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let guid = "58342554-38d6-4ec8-948c-50044d0a33fd";
    for (name, external_id) in [
        ("anna", "ext-1"),
        ("bert", guid),
        ("carl", "ext/3"),
        ("dora", "ext-4"),
    ] {
        let body = json!({ "userName": name, "externalId": external_id });
        client.post("/Users", body).await.expect(201);
    }
    let group = json!({ "displayName": "Sales", "externalId": "ext-1" });
    client.post("/Groups", group).await.expect(201);
    let replace = |title: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "title", "value": title}],
        })
    };
    let operations = json!([
        { "method": "PATCH", "path": "/Users/ext-1", "data": replace("Lead") },
        { "method": "PATCH", "path": format!("/Users/{guid}"), "data": replace("Chief") },
        { "method": "PUT", "path": "/Users/ext-4", "data": { "userName": "dora", "externalId": "ext-4", "title": "New" } },
        { "method": "DELETE", "path": "/Groups/ext-1" },
        { "method": "DELETE", "path": "/Users/EXT-1" },
        { "method": "DELETE", "path": format!("/Users/{}", uuid::Uuid::now_v7()) },
    ]);
    let answer = bulk(&client, None, operations).await.expect(200);
    assert_eq!(
        statuses(&answer),
        ["200", "200", "200", "204", "404", "404"],
        "{answer:?}"
    );
    for (external_id, title) in [("ext-1", "Lead"), (guid, "Chief"), ("ext-4", "New")] {
        assert_eq!(
            client.get(&format!("/Users/{external_id}")).await.body["title"],
            title
        );
    }
    assert_eq!(client.get("/Groups").await.body["totalResults"], 0);
}

#[tokio::test]
async fn bulk_path_with_an_external_id_of_two_sources_or_from_a_strict_token_is_404() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let other = app.client(client.tenant, "scim").await;
    sqlx::query("update tokens set source = 'other' where secret_hash = sha256($1)")
        .bind(other.secret.as_bytes())
        .execute(&app.pool)
        .await
        .unwrap();
    for (client, name) in [(&client, "anna"), (&other, "bert")] {
        let body = json!({ "userName": name, "externalId": "shared" });
        client.post("/Users", body).await.expect(201);
    }
    let only = json!({ "userName": "carl", "externalId": "only" });
    client.post("/Users", only).await.expect(201);
    let delete = |external_id: &str| json!([{ "method": "DELETE", "path": format!("/Users/{external_id}") }]);
    let answer = bulk(&client, None, delete("shared")).await.expect(200);
    assert_eq!(statuses(&answer), ["404"], "{answer:?}");
    let strict = app.client(client.tenant, "scim").await;
    sqlx::query("update tokens set strict = true where tenant_id = $1")
        .bind(client.tenant)
        .execute(&app.pool)
        .await
        .unwrap();
    let answer = bulk(&strict, None, delete("only")).await.expect(200);
    assert_eq!(statuses(&answer), ["404"], "{answer:?}");
    assert_eq!(strict.get("/Users").await.body["totalResults"], 3);
}
