//! What one tenant has, another cannot see or touch.

use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn resource_of_another_tenant_is_as_good_as_none_on_every_route() {
    let app = TestApp::start().await;
    let owner = app.scim().await;
    let stranger = app.scim().await;
    let body = json!({ "userName": "jane", "externalId": "e-1" });
    let user = owner.post("/Users", body).await.expect(201);
    let group = owner
        .post("/Groups", json!({ "displayName": "Sales" }))
        .await
        .expect(201);
    for path in [
        format!("/Users/{}", user.id()),
        format!("/Groups/{}", group.id()),
        "/Users/e-1".to_owned(),
    ] {
        stranger.get(&path).await.scim_error(404);
        stranger.delete(&path).await.scim_error(404);
        stranger
            .put(&path, json!({ "userName": "x", "displayName": "x" }))
            .await
            .scim_error(404);
        let rename = json!([{ "op": "replace", "path": "displayName", "value": "x" }]);
        stranger.patch(&path, rename).await.scim_error(404);
    }
    for list in ["/Users", "/Groups", "/Users?filter=userName%20eq%20%22jane%22"] {
        assert_eq!(stranger.get(list).await.body["totalResults"], 0, "{list}");
    }
    assert_eq!(stranger.post("/.search", json!({})).await.body["totalResults"], 0);
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "DELETE", "path": format!("/Users/{}", user.id()) }],
    });
    assert_eq!(
        stranger.post("/Bulk", bulk).await.body["Operations"][0]["status"],
        "404"
    );
    stranger
        .get(&format!("/ops/v1/receipts/{}", user.txn()))
        .await
        .problem(404);
    // The same names are free for the other tenant.
    stranger
        .post("/Users", json!({ "userName": "jane", "externalId": "e-1" }))
        .await
        .expect(201);
    let overview = app
        .client(stranger.tenant, "operator")
        .await
        .get("/ops/v1/overview")
        .await;
    assert_eq!(overview.body["pace"]["acceptedLastMinute"], 1);
    owner.get(&format!("/Users/{}", user.id())).await.expect(200);
}
