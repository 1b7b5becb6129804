//! RFC 7644 §4: what the service provider says of itself.

use crate::app::{TestApp, send};
use crate::rfc::{ENTERPRISE, GROUP, LIST_RESPONSE, USER, get_with};
use reqwest::Method;
use serde_json::json;

/// RFC 7644 §4: /ServiceProviderConfig answers one configuration.
/// RFC 7644 §4: /Schemas and /ResourceTypes answer lists, and each of their entries by id.
#[tokio::test]
async fn discovery_endpoints_answer_all_and_one() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(
        config.body["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"])
    );
    assert_eq!(config.header("content-type"), "application/scim+json");
    for (endpoint, ids) in [
        ("/Schemas", &[USER, GROUP, ENTERPRISE][..]),
        ("/ResourceTypes", &["User", "Group"]),
    ] {
        let list = client.get(endpoint).await.expect(200);
        assert_eq!(list.body["schemas"], json!([LIST_RESPONSE]));
        let resources = list.body["Resources"].as_array().unwrap();
        assert_eq!(list.body["totalResults"], resources.len());
        for id in ids {
            let listed = resources.iter().find(|resource| resource["id"] == *id).unwrap();
            let one = client.get(&format!("{endpoint}/{id}")).await.expect(200);
            assert_eq!(one.body, *listed);
            let location = listed["meta"]["location"].as_str().unwrap();
            let by_location = send(app.http.get(location).bearer_auth(&client.secret)).await;
            assert_eq!(by_location.expect(200).body, *listed);
        }
        client.get(&format!("{endpoint}/nonsense")).await.scim_error(404);
    }
}

/// RFC 7644 §4: a filter on a discovery endpoint is refused with 403, so that what is not filtered is never taken for the answer.
/// RFC 7644 §4: other query parameters are ignored by the discovery endpoints.
#[tokio::test]
async fn discovery_refuses_filters_and_ignores_pages_and_order() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for path in [
        "/ServiceProviderConfig",
        "/Schemas",
        "/ResourceTypes",
        "/ResourceTypes/User",
    ] {
        let answer = get_with(&client, path, &[("filter", "id pr")]).await;
        assert!(answer.scim_error(403).contains("filter"));
        let all = client.get(path).await.expect(200);
        let query = [
            ("startIndex", "2"),
            ("count", "1"),
            ("sortBy", "id"),
            ("attributes", "id"),
        ];
        assert_eq!(get_with(&client, path, &query).await.expect(200).body, all.body);
    }
}

/// RFC 7644 §4: the discovery endpoints are read-only.
#[tokio::test]
async fn discovery_is_read_only() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for path in ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes/User"] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            send(client.request(method, path).json(&json!({})))
                .await
                .scim_error(405);
        }
    }
}
