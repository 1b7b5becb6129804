//! Who gets in: the own tenant, and the right token.

use super::Company;
use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn directory_of_another_tenant_is_as_good_as_none() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    let reader = app.client(app.scim().await.tenant, "content").await;
    let (ada, ada_scim) = &company.ids["ada"];
    for key in [ada.as_str(), ada_scim, "E-1", "ada@example.com"] {
        for further in ["", "/managers", "/reports"] {
            let path = format!("/people/{key}{further}");
            reader.get(&format!("/content/v1{path}")).await.problem(404);
            company.get(&path).await.expect(200);
        }
    }
    for further in ["", "/members"] {
        let path = format!("/teams/{}{further}", company.sales);
        reader.get(&format!("/content/v1{path}")).await.problem(404);
        company.get(&path).await.expect(200);
    }
    let sales = &company.sales;
    for path in [
        "/people".to_owned(),
        "/people?search=ada".to_owned(),
        "/people?email=ada.mail@example.com".to_owned(),
        format!("/people?team={sales}"),
        format!("/people?manager={ada}"),
        "/people?teamKind=group".to_owned(),
        "/people?custom.Shoe%20size=1".to_owned(),
    ] {
        let list = reader.get(&format!("/content/v1{path}")).await.expect(200);
        assert_eq!(list.body["people"], json!([]), "{path}");
    }
    assert_eq!(reader.get("/content/v1/teams").await.body["teams"], json!([]));
}

#[tokio::test]
async fn wrong_token_is_told_which_one_is_needed_and_how_to_get_it() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let reader = app.client(scim.tenant, "content").await;
    let operator = app.client(scim.tenant, "operator").await;
    for (client, path, purpose, needed) in [
        (&scim, "/content/v1/people", "provisioning", "content"),
        (&operator, "/content/v1/changes?from=now", "running", "content"),
        (&reader, "/scim/v2/Users", "reading", "scim"),
        (&reader, "/ops/v1/people", "reading", "operator"),
        (&scim, "/ops/v1/people", "provisioning", "operator"),
    ] {
        let refused = client.get(path).await;
        let detail = match path.starts_with("/scim") {
            true => refused.scim_error(403),
            false => refused.problem(403),
        };
        for part in [purpose, &format!("--scope {needed}"), "POST /ops/v1/tokens"] {
            assert!(detail.contains(part), "{path}: {detail}");
        }
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.contains("insufficient_scope") && challenge.contains(&format!(r#"scope="{needed}""#)),
            "{challenge}"
        );
    }
    for (method, path) in [("POST", "/content/v1/people"), ("DELETE", "/content/v1/teams")] {
        let request = reader.request(method.parse().unwrap(), path);
        crate::app::send(request).await.problem(405);
    }
}
