use crate::app::TestApp;
use devstack::TestDatabase;
use serde_json::json;

#[tokio::test]
async fn erasing_is_for_operators_of_the_tenant_and_for_people_there_are() {
    let app = TestApp::start().await;
    let (mine, other) = (app.scim().await, app.scim().await);
    let owner = app.client(mine.tenant, "operator").await;
    let stranger = app.client(other.tenant, "operator").await;
    let user = mine.user("ada@example.com").await;
    let group = mine
        .post("/Groups", json!({ "displayName": "Crew" }))
        .await
        .expect(201);
    let path = format!("/ops/v1/people/{}/data", user.id());
    mine.delete(&path).await.problem(403);
    stranger.delete(&path).await.problem(404);
    owner
        .delete(&format!("/ops/v1/people/{}/data", group.id()))
        .await
        .problem(404);
    owner.delete("/ops/v1/people/nobody/data").await.problem(404);
    mine.get(&format!("/Users/{}", user.id())).await.expect(200);
}

#[tokio::test]
async fn person_who_was_never_applied_is_erased_without_redis_and_can_come_as_somebody_new() {
    let database = TestDatabase::create().await.unwrap();
    let app = TestApp::start_on(database.url(), &["--redis-url", "redis://127.0.0.1:1"]).await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let body = json!({ "userName": "Ada@example.com", "externalId": "E-1" });
    let user = scim.post("/Users", body.clone()).await.expect(201);
    let path = format!("/ops/v1/people/{}/data", user.id());
    let erased = operator.delete(&path).await.expect(200).body;
    assert!(
        erased["erasedAt"].is_string() && erased["receipt"].is_string(),
        "{erased}"
    );
    assert_eq!(
        (&erased["references"], &erased["queued"]),
        (&json!(0), &json!(false))
    );
    scim.get(&format!("/Users/{}", user.id())).await.scim_error(404);
    scim.put(&format!("/Users/{}", user.id()), body.clone())
        .await
        .scim_error(404);
    assert_eq!(
        scim.find("/Users", "userName eq \"ada@example.com\"").await.body["totalResults"],
        0
    );
    assert_eq!(
        operator.get("/ops/v1/people?q=ada").await.body,
        json!({ "people": [] })
    );

    let shown = operator
        .get(&format!("/ops/v1/people/{}", user.id()))
        .await
        .expect(200)
        .body;
    assert_eq!(
        (
            &shown["person"]["status"],
            &shown["person"]["login"],
            &shown["person"]["erasedAt"]
        ),
        (&json!("deprovisioned"), &json!(null), &erased["erasedAt"])
    );
    let again = operator.delete(&path).await.expect(200).body;
    assert_eq!(
        (&again["erasedAt"], &again["receipt"]),
        (&erased["erasedAt"], &json!(null))
    );

    let back = scim.post("/Users", body).await.expect(201);
    let back = operator
        .get(&format!("/ops/v1/people/{}", back.id()))
        .await
        .expect(200)
        .body;
    assert_ne!(back["id"], shown["id"]);
}

#[tokio::test]
async fn document_that_named_the_erased_is_another_version_that_names_their_id() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let ada = scim.user("ada@example.com").await;
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let bob = json!({ "userName": "bob", ENTERPRISE: { "manager": "ADA@example.com" } });
    let bob = scim.post("/Users", bob).await.expect(201);
    let version = bob.header("etag").to_owned();
    let erased = operator
        .delete(&format!("/ops/v1/people/{}/data", ada.id()))
        .await
        .expect(200)
        .body;
    assert_eq!(erased["references"], 1);
    let now = scim.get(&format!("/Users/{}", bob.id())).await.expect(200);
    assert_eq!(now.body[ENTERPRISE]["manager"]["value"], ada.id());
    assert_ne!(now.header("etag"), version);
    // Who is told of changes is told of this one.
    let since = bob.body["meta"]["lastModified"].as_str().unwrap();
    let found = scim
        .find("/Users", &format!("meta.lastModified gt \"{since}\""))
        .await;
    assert_eq!(found.body["totalResults"], 1, "{found:?}");
    let receipt = format!("/ops/v1/receipts/{}", erased["receipt"].as_str().unwrap());
    let receipt = operator.get(&receipt).await.expect(200).body;
    let done: Vec<_> = receipt["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["operation"].as_str().unwrap(), one["attributes"].clone()))
        .collect();
    assert_eq!(
        done,
        [
            ("erase", json!([])),
            ("patch", json!([format!("{ENTERPRISE}:manager")]))
        ]
    );
}
