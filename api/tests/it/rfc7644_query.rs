//! RFC 7644 §3.4: retrieving one resource, lists, pages and `.search`.

use crate::app::{Client, TestApp, send};
use crate::rfc::{LIST_RESPONSE, get_with, names, refused, users};
use reqwest::Method;
use serde_json::{Value, json};

/// RFC 7644 §3.4.1: a GET of a resource that exists is 200 with the resource in the body.
/// RFC 7644 §3.4.1: a GET of a resource that does not exist is 404.
#[tokio::test]
async fn known_resource_is_200_and_an_unknown_one_404() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("bjensen").await;
    let read = client.get(&format!("/Users/{}", user.id())).await.expect(200);
    assert_eq!(read.header("content-type"), "application/scim+json");
    assert_eq!(read.header("location"), read.body["meta"]["location"]);
    assert_eq!(read.body, user.body);
    client
        .get(&format!("/Groups/{}", user.id()))
        .await
        .scim_error(404);
    let unknown = client.get("/Users/2819c223-7f76-453a-919d-413861904646").await;
    assert!(unknown.scim_error(404).contains("User"));
}

/// RFC 7644 §3.4.2: the answer to a query is 200 with a message of the schema ListResponse.
/// RFC 7644 §3.4.2: totalResults, startIndex and itemsPerPage are JSON numbers and Resources is an array of complete resources.
#[tokio::test]
async fn query_is_a_list_response_with_counts_and_resources() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("bjensen").await;
    client.user("jsmith").await;
    let list = client.get("/Users").await.expect(200);
    assert_eq!(list.header("content-type"), "application/scim+json");
    assert_eq!(list.body["schemas"], json!([LIST_RESPONSE]));
    assert_eq!(list.body["totalResults"], 2);
    assert_eq!(list.body["startIndex"], 1);
    assert_eq!(list.body["itemsPerPage"], 2);
    assert_eq!(list.body["Resources"][0], user.body);
}

/// RFC 7644 §3.4.2: a query that matches nothing is 200 with totalResults 0.
#[tokio::test]
async fn query_without_a_match_is_200_and_empty() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for query in [&[][..], &[("filter", r#"userName eq "nobody""#)]] {
        let list = get_with(&client, "/Users", query).await.expect(200);
        assert_eq!(list.body["totalResults"], 0);
        assert_eq!(list.body["itemsPerPage"], 0);
        assert_eq!(list.body["Resources"].as_array().map_or(0, Vec::len), 0);
    }
}

/// RFC 7644 §3.4.2.1: a query of the endpoint of a resource type returns resources of this type only.
/// RFC 7644 §3.4.2.1: a query of the server root includes the resources of all types.
/// RFC 7644 §3.4.2.1: a query of the root may be limited by a filter of meta.resourceType.
/// RFC 7644 §3.4.2.1: an attribute of the filter that a resource type does not have matches no resource of that type.
#[tokio::test]
async fn query_of_a_type_and_of_the_root() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    client.user("bjensen").await;
    client
        .post("/Groups", json!({ "displayName": "bjensen" }))
        .await
        .expect(201);
    assert_eq!(client.get("/Users").await.body["totalResults"], 1);
    assert_eq!(client.get("/Groups").await.body["totalResults"], 1);
    for (filter, kinds) in [
        (r#"id pr"#, vec!["User", "Group"]),
        (r#"meta.resourceType eq "Group""#, vec!["Group"]),
        (
            r#"(meta.resourceType eq "User") or (meta.resourceType eq "Group")"#,
            vec!["User", "Group"],
        ),
        (r#"userName eq "bjensen""#, vec!["User"]),
    ] {
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter });
        let found = client.post("/.search", body).await.expect(200);
        let resources = found.body["Resources"].as_array().unwrap();
        let kind = |resource: &Value| resource["meta"]["resourceType"].as_str().unwrap().to_owned();
        assert_eq!(resources.iter().map(kind).collect::<Vec<_>>(), kinds, "{filter}");
        assert_eq!(found.body["totalResults"], kinds.len());
    }
}

/// RFC 7644 §3.4.2.1: a query of the root by GET, which this service provider does not support, is 404 and never a part of the answer.
#[tokio::test]
async fn query_of_the_root_by_get_is_404() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for path in ["", "/"] {
        get_with(&client, path, &[("filter", "id pr")])
            .await
            .scim_error(404);
    }
}

async fn abcde(client: &Client<'_>) {
    for name in ["a", "b", "c", "d", "e"] {
        client.user(name).await;
    }
}

fn page(body: &Value) -> (i64, i64, i64, String) {
    let resources = body["Resources"].as_array().map_or(&[][..], Vec::as_slice);
    let names = resources.iter().map(|user| user["userName"].as_str().unwrap());
    let number = |name: &str| body[name].as_i64().unwrap();
    (
        number("totalResults"),
        number("startIndex"),
        number("itemsPerPage"),
        names.collect(),
    )
}

/// RFC 7644 §3.4.2.4: startIndex is 1-based and the answer has the resources from there on.
/// RFC 7644 §3.4.2.4: a startIndex below 1 is read as 1.
/// RFC 7644 §3.4.2.4: no more than count resources are returned.
/// RFC 7644 §3.4.2.4: a negative count is read as 0.
/// RFC 7644 §3.4.2.4: count 0 returns no resource but totalResults.
/// RFC 7644 §3.4.2.4: totalResults is the number of all matches, itemsPerPage that of this page, and startIndex is echoed.
/// RFC 7644 §3.4.2.4: a page behind the end is empty.
#[tokio::test]
async fn pages_by_index_with_every_edge_case() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    abcde(&client).await;
    for (start, count, wanted) in [
        ("1", "2", (5, 1, 2, "ab")),
        ("3", "2", (5, 3, 2, "cd")),
        ("5", "2", (5, 5, 1, "e")),
        ("6", "2", (5, 6, 0, "")),
        ("100", "2", (5, 100, 0, "")),
        ("0", "2", (5, 1, 2, "ab")),
        ("-3", "2", (5, 1, 2, "ab")),
        ("1", "0", (5, 1, 0, "")),
        ("1", "-1", (5, 1, 0, "")),
        ("2", "1000000", (5, 2, 4, "bcde")),
    ] {
        let query = [("startIndex", start), ("count", count)];
        let list = get_with(&client, "/Users", &query).await.expect(200);
        let (total, from, per_page, names) = page(&list.body);
        assert_eq!((total, from, per_page, &*names), wanted, "{query:?}");
        let message =
            json!({ "startIndex": start.parse::<i64>().unwrap(), "count": count.parse::<i64>().unwrap() });
        let searched = client.post("/Users/.search", message).await.expect(200);
        assert_eq!(page(&searched.body), page(&list.body));
    }
}

/// RFC 7644 §3.4.2.4: the service provider may return fewer resources than count asks for, up to the maximum it advertises.
/// RFC 7643 §5: filter.maxResults of the service provider configuration is the largest number of resources in an answer.
#[tokio::test]
async fn page_larger_than_advertised_is_cut() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config.body["filter"]["maxResults"], 1000);
    for from in [0, 1_000] {
        let post = |name: i32| json!({ "method": "POST", "path": "/Users", "bulkId": name.to_string(), "data": { "userName": name.to_string() } });
        let operations: Vec<Value> = (from..(from + 1_000).min(1_005)).map(post).collect();
        client
            .post("/Bulk", json!({ "Operations": operations }))
            .await
            .expect(200);
    }
    let list = client.get("/Users?count=5000&attributes=id").await.expect(200);
    assert_eq!(list.body["itemsPerPage"], 1000);
    assert_eq!(list.body["totalResults"], 1005);
}

/// RFC 7644 §3.4.2.4: startIndex and count that are no integers are refused with 400.
#[tokio::test]
async fn page_by_what_is_no_number_is_400_naming_the_parameter() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for (name, value) in [("startIndex", "one"), ("count", "1.5"), ("count", "ten")] {
        let answer = get_with(&client, "/Users", &[(name, value)]).await;
        assert!(refused(&answer, 400, "invalidValue").contains(name));
        let answer = client.post("/Users/.search", json!({ name: value })).await;
        assert!(refused(&answer, 400, "invalidValue").contains(name));
    }
}

/// RFC 7644 §3.4.3: a query may be a POST of a SearchRequest to an endpoint extended by .search, and has the answer of the GET.
/// RFC 7644 §3.4.3: a SearchRequest has attributes, excludedAttributes, filter, startIndex and count with the meaning of the parameters of the same names.
#[tokio::test]
async fn search_by_post_answers_like_the_get() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    abcde(&client).await;
    let filter = r#"userName ge "b""#;
    let query = [
        ("filter", filter),
        ("attributes", "userName,meta.created"),
        ("startIndex", "2"),
        ("count", "2"),
    ];
    let got = get_with(&client, "/Users", &query).await.expect(200);
    let message = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "attributes": ["userName", "meta.created"],
        "filter": filter,
        "startIndex": 2,
        "count": 2,
    });
    let searched = client.post("/Users/.search", message).await.expect(200);
    assert_eq!(searched.body, got.body);
    assert_eq!(page(&got.body), (4, 2, 2, "cd".to_owned()));
    let message = json!({ "filter": filter, "excludedAttributes": ["userName"] });
    let searched = client.post("/Users/.search", message).await.expect(200);
    assert!(searched.body["Resources"][0].get("userName").is_none());
    assert_eq!(searched.body["totalResults"], 4);
}

/// RFC 7644 §3.4.3: a search request that cannot be read is refused with 400, and .search takes POST only.
#[tokio::test]
async fn search_malformed_is_400() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for path in ["/Users/.search", "/Groups/.search", "/.search"] {
        refused(&client.post(path, json!([])).await, 400, "invalidSyntax");
        refused(
            &client.post(path, json!({ "filter": 5 })).await,
            400,
            "invalidValue",
        );
        refused(
            &client.post(path, json!({ "filter": "userName eq" })).await,
            400,
            "invalidFilter",
        );
        let put = client.request(Method::PUT, path).json(&json!({}));
        assert!(!send(put).await.status.is_success());
    }
}

/// RFC 7644 §3.4.2: a filter of Groups finds them by displayName and by the values of their members.
#[tokio::test]
async fn query_of_groups_by_name_and_member() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("bjensen").await;
    for (name, members) in [("Sales", json!([{ "value": user.id() }])), ("Empty", json!([]))] {
        let body = json!({ "displayName": name, "members": members });
        client.post("/Groups", body).await.expect(201);
    }
    let member = format!(r#"members.value eq "{}""#, user.id());
    assert_eq!(names(&client, "/Groups", &member).await, ["Sales"]);
    let element = format!(r#"members[value eq "{}"]"#, user.id());
    assert_eq!(names(&client, "/Groups", &element).await, ["Sales"]);
    assert_eq!(names(&client, "/Groups", "not (members pr)").await, ["Empty"]);
    assert_eq!(
        names(&client, "/Groups", r#"displayName eq "sales""#).await,
        ["Sales"]
    );
    assert_eq!(users(&client, r#"groups.display eq "Sales""#).await, ["bjensen"]);
}
