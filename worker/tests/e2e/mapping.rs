//! A mapping of a tenant's own, over HTTP with real processes.

use super::explain::{SOON, create, get};
use super::harness::{Options, Stack, within};
use serde_json::json;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn team_that_is_not_created_is_waited_for_until_an_operator_creates_it() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("withheld").await;
    let mapping = json!({
        "rules": [
            { "name": "login", "from": ["userName"], "to": { "field": "login" } },
            { "name": "office", "from": [format!("{ENTERPRISE}:department")], "to": { "team": "office" } },
        ],
        "teams": { "office": { "create": false } },
    });
    sqlx::query("insert into mappings (tenant_id, version, document) values ($1, 2, $2)")
        .bind(tenant.id)
        .bind(mapping)
        .execute(&stack.db)
        .await
        .unwrap();
    let user = json!({ "userName": "ann", "title": "Lead", ENTERPRISE: { "department": "Berlin" } });
    let (ann, receipt) = create(&tenant, user).await;
    stack.converged(SOON).await;

    let links = format!("/people/{ann}/links");
    let link = get(&tenant, &links).await["links"][0].clone();
    assert_eq!(
        (&link["slot"], &link["state"], &link["reason"], &link["key"]),
        (
            &json!("team"),
            &json!("waiting"),
            &json!("missing"),
            &json!("team:office:berlin")
        ),
        "{link}"
    );
    assert_eq!(
        link["team"],
        json!({ "id": null, "kind": "office", "name": "Berlin" })
    );
    assert_eq!(
        (&link["by"], &link["assertedBy"]["txn"]),
        (&json!("office"), &json!(receipt))
    );
    let told = get(&tenant, &format!("/receipts/{receipt}")).await;
    assert_eq!(told["operations"][0]["state"], "partly_applied", "{told}");
    assert_eq!(get(&tenant, "/waiting").await["waiting"][0]["people"], 1);

    let team = json!({ "kind": "office", "name": "BERLIN" });
    let team = tenant.ops.post("/teams", &team).await.expect(201);
    let linked = within(SOON, "the link is made", async || {
        let links = get(&tenant, &links).await;
        (links["links"][0]["state"] == "linked").then_some(links)
    })
    .await;
    let link = &linked["links"][0];
    assert_eq!(
        link["team"],
        json!({ "id": team.body["id"], "kind": "office", "name": "BERLIN" })
    );
    assert_eq!(link["by"], "office");
    let person = get(&tenant, &format!("/people/{ann}")).await;
    assert_eq!(person["person"]["login"], "ann");
    assert_eq!(person["person"]["position"], json!(null), "no rule fills it");
}
