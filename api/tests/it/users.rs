use crate::app::{TestApp, send};
use reqwest::Method;
use serde_json::json;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn user_created_is_201_with_location_etag_and_receipt_and_reads_back() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": "Jane@example.com",
        "externalId": "e-1",
        "name": { "givenName": "Jané", "familyName": "Doe" },
        "password": "hunter2",
        "active": true,
        ENTERPRISE: { "department": "Sales", "manager": "boss@example.com" },
    });
    let created = client.post("/Users", body).await.expect(201);
    assert_eq!(created.header("content-type"), "application/scim+json");
    assert_eq!(created.header("etag"), r#"W/"1""#);
    assert!(uuid::Uuid::try_parse(created.txn()).is_ok());
    let location = format!("{}/scim/v2/Users/{}", app.url, created.id());
    assert_eq!(created.header("location"), location);
    assert_eq!(created.body["meta"]["location"], location);
    assert!(created.body.get("password").is_none());

    let read = client.get(&format!("/Users/{}", created.id())).await.expect(200);
    assert_eq!(read.body["userName"], "Jane@example.com");
    assert_eq!(read.body["name"]["givenName"], "Jané");
    assert_eq!(read.body[ENTERPRISE]["manager"]["value"], "boss@example.com");
    assert_eq!(read.header("etag"), r#"W/"1""#);
    let by_external_id = client.get("/Users/e-1").await.expect(200);
    assert_eq!(by_external_id.id(), created.id());
}

#[tokio::test]
async fn user_read_by_external_id_takes_any_characters_literally() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "userName": "jane", "externalId": r#"a "b" \/ü%_*"# });
    let created = client.post("/Users", body).await.expect(201);
    let read = client
        .get("/Users/a%20%22b%22%20%5C%2F%C3%BC%25_*")
        .await
        .expect(200);
    assert_eq!(read.id(), created.id());
    client.get("/Users/a%20%22b%22%20%25").await.scim_error(404);
    client
        .get("/Groups/a%20%22b%22%20%5C%2F%C3%BC%25_*")
        .await
        .scim_error(404);
}

#[tokio::test]
async fn user_taken_user_name_in_other_case_is_409_uniqueness() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("jane").await;
    let answer = client.post("/Users", json!({ "userName": "JANE" })).await;
    assert!(answer.scim_error(409).contains("userName"));
    assert_eq!(answer.body["scimType"], "uniqueness");
}

#[tokio::test]
async fn user_patched_is_200_with_a_new_version_and_unchanged_keeps_it() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    let path = format!("/Users/{}", user.id());
    let operations = json!([{ "op": "Replace", "path": "title", "value": "CEO" }]);
    let patched = client.patch(&path, operations.clone()).await.expect(200);
    assert_eq!(patched.body["title"], "CEO");
    assert_eq!(patched.header("etag"), r#"W/"2""#);
    assert_ne!(patched.txn(), user.txn());
    let again = client.patch(&path, operations).await.expect(200);
    assert_eq!(again.header("etag"), r#"W/"2""#);
    assert!(!again.txn().is_empty());
}

#[tokio::test]
async fn user_written_under_an_outdated_if_match_is_412() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    let path = format!("/Users/{}", user.id());
    let put = |tag: &str, title: &str| {
        let request = client.request(Method::PUT, &path).header("if-match", tag);
        send(request.json(&json!({ "userName": "jane", "title": title })))
    };
    put(r#"W/"1""#, "one").await.expect(200);
    put(r#"W/"1""#, "two").await.scim_error(412);
    put(r#""2""#, "three").await.expect(200);
    put("*", "four").await.expect(200);
    let delete = client
        .request(Method::DELETE, &path)
        .header("if-match", r#"W/"1""#);
    send(delete).await.scim_error(412);
    assert_eq!(client.get(&path).await.body["title"], "four");
}

#[tokio::test]
async fn user_read_with_its_version_is_304_only_without_derived_attributes() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    let get = |query: &str, tag: &str| {
        let path = format!("/Users/{}{query}", user.id());
        send(client.request(Method::GET, &path).header("if-none-match", tag))
    };
    let same = get("?attributes=userName", r#"W/"1""#).await.expect(304);
    assert_eq!(same.header("etag"), r#"W/"1""#);
    assert!(same.body.is_null());
    get("?attributes=userName", r#"W/"2""#).await.expect(200);
    // Groups are derived: they may have changed under this very version.
    get("", r#"W/"1""#).await.expect(200);
}

#[tokio::test]
async fn user_deleted_is_204_then_404_and_its_name_is_free() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("jane").await;
    let path = format!("/Users/{}", user.id());
    let deleted = client.delete(&path).await.expect(204);
    assert!(deleted.body.is_null() && !deleted.txn().is_empty());
    client.get(&path).await.scim_error(404);
    client.delete(&path).await.scim_error(404);
    client
        .patch(&path, json!([{ "op": "add", "path": "title", "value": "x" }]))
        .await
        .scim_error(404);
    client.user("jane").await;
}

#[tokio::test]
async fn user_replaced_keeps_active_when_absent() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client
        .post(
            "/Users",
            json!({ "userName": "jane", "active": false, "title": "x" }),
        )
        .await
        .expect(201);
    let path = format!("/Users/{}", user.id());
    let replaced = client.put(&path, json!({ "userName": "jane" })).await.expect(200);
    assert_eq!(replaced.body["active"], false);
    assert!(replaced.body.get("title").is_none());
}

#[tokio::test]
async fn list_pages_filters_and_counts_like_the_protocol() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for name in ["ann", "ben", "cid"] {
        client.user(name).await;
    }
    let all = client.get("/Users").await.expect(200);
    assert_eq!(all.body["totalResults"], 3);
    assert_eq!(all.body["startIndex"], 1);
    let page = client.get("/Users?startIndex=2&count=1").await.expect(200);
    assert_eq!(page.body["totalResults"], 3);
    assert_eq!(page.body["itemsPerPage"], 1);
    assert_eq!(page.body["Resources"][0]["userName"], "ben");
    let none = client.get("/Users?count=0").await.expect(200);
    assert_eq!(
        (&none.body["totalResults"], &none.body["itemsPerPage"]),
        (&json!(3), &json!(0))
    );
    let found = client
        .get("/Users?filter=userName%20eq%20%22BEN%22&attributes=userName")
        .await
        .expect(200);
    assert_eq!(found.body["totalResults"], 1);
    assert_eq!(found.body["Resources"][0]["userName"], "ben");
    let absent = client
        .get("/Users?filter=userName%20eq%20%22nobody%22")
        .await
        .expect(200);
    assert_eq!(absent.body["totalResults"], 0);
    assert_eq!(absent.body["Resources"], json!([]));
}

#[tokio::test]
async fn search_by_post_answers_like_the_list() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("ann").await;
    client.user("ben").await;
    client
        .post("/Groups", json!({ "displayName": "ann" }))
        .await
        .expect(201);
    let query = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName sw \"a\"",
        "attributes": ["userName"],
        "startIndex": 1,
        "count": 10,
    });
    let users = client.post("/Users/.search", query).await.expect(200);
    assert_eq!(users.body["totalResults"], 1);
    assert_eq!(users.body["Resources"][0]["userName"], "ann");
    let everything = client.post("/.search", json!({ "count": 2 })).await.expect(200);
    assert_eq!(everything.body["totalResults"], 3);
    assert_eq!(everything.body["itemsPerPage"], 2);
    let last = client
        .post("/.search", json!({ "startIndex": 3 }))
        .await
        .expect(200);
    assert_eq!(last.body["Resources"][0]["displayName"], "ann");
}

#[tokio::test]
async fn discovery_describes_the_server_and_me_is_501() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config.body["bulk"]["maxOperations"], 1000);
    assert_eq!(config.body["bulk"]["maxPayloadSize"], 10 * 1024 * 1024);
    client.get("/Schemas").await.expect(200);
    client
        .get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User")
        .await
        .expect(200);
    client.get("/Schemas/urn:nothing").await.scim_error(404);
    client.get("/ResourceTypes").await.expect(200);
    assert_eq!(
        client.get("/ResourceTypes/User").await.expect(200).body["endpoint"],
        "/Users"
    );
    client.get("/ResourceTypes/Nothing").await.scim_error(404);
    client.get("/Me").await.scim_error(501);
}
