//! What the tools of the scim2 family from PyPI take.

use crate::app::{TestApp, send};
use reqwest::Method;
use rollcall_shared::scim::schema::ENTERPRISE_USER;
use serde_json::json;

#[tokio::test]
async fn scim2_is_not_shown_the_security_events_it_refuses_unless_its_token_is_strict() {
    let app = TestApp::start().await;
    for (client, user_agent, shown) in [
        (app.scim().await, "python-httpx2/2.16.2", false),
        (app.scim().await, "Okta SCIM Client 1.0.0", true),
        (app.strict_scim().await, "python-httpx2/2.16.2", true),
    ] {
        let request = client.request(Method::GET, "/ServiceProviderConfig");
        let config = send(request.header("user-agent", user_agent))
            .await
            .expect(200)
            .body;
        assert_eq!(config.get("securityEvents").is_some(), shown, "{user_agent}");
        assert_eq!(config["patch"]["supported"], true);
    }
}

#[tokio::test]
async fn scim2_extension_with_the_schemas_it_belongs_to_is_the_extension() {
    let app = TestApp::start().await;
    for client in [app.scim().await, app.strict_scim().await] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": uuid::Uuid::new_v4(),
        });
        let user = client.post("/Users", body).await.expect(201);
        let value = json!({"schemas": [ENTERPRISE_USER], "department": "Sales"});
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "add", "path": ENTERPRISE_USER, "value": value}],
        });
        let path = format!("/Users/{}", user.id());
        let patched = send(client.request(Method::PATCH, &path).json(&patch))
            .await
            .expect(200);
        assert_eq!(patched.body[ENTERPRISE_USER], json!({"department": "Sales"}));
    }
}
