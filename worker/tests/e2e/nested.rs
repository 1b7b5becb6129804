//! Groups in groups, over HTTP with real processes: what a client reads, and what an operator sees.

use super::explain::{SOON, create, get};
use super::harness::{Options, Stack, Tenant, people};
use reqwest::Method;
use serde_json::{Value, json};

/// Create a group of members as they are; answers its id.
async fn group(tenant: &Tenant, name: &str, members: Value) -> String {
    let body = json!({ "displayName": name, "members": members });
    tenant.scim.post("/Groups", &body).await.expect(201).id()
}

async fn add_member(tenant: &Tenant, group: &str, member: Value) {
    let add = json!({ "Operations": [{ "op": "add", "path": "members", "value": [member] }] });
    tenant
        .scim
        .patch(&format!("/Groups/{group}"), &add)
        .await
        .expect(204);
}

async fn scim(tenant: &Tenant, path: &str) -> Value {
    tenant.scim.get(path).await.expect(200).body
}

/// Names of the teams, with their flags.
fn told(nestings: &Value) -> Vec<(&str, Option<&str>)> {
    let nestings = nestings.as_array().unwrap().iter();
    nestings
        .map(|nesting| {
            let name = nesting["team"]["name"].as_str().unwrap();
            (name, nesting["flag"].as_str())
        })
        .collect()
}

#[tokio::test]
async fn group_in_a_group_is_read_back_as_one_and_its_members_belong_to_both() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("nested").await;
    let (ada, _) = create(&tenant, people::user("ada", None)).await;
    let inner = group(&tenant, "Inner", json!([{ "value": ada }])).await;
    let outer = group(&tenant, "Outer", json!([{ "value": inner, "display": "sent" }])).await;
    let top = group(&tenant, "Top", json!([{ "value": outer }, { "value": inner }])).await;
    stack.converged(SOON).await;

    let read = scim(&tenant, &format!("/Groups/{outer}")).await;
    let member = &read["members"][0];
    assert_eq!(member["value"], inner.as_str());
    assert_eq!(
        (&member["type"], &member["display"]),
        (&json!("Group"), &json!("sent"))
    );
    let reference = member["$ref"].as_str().unwrap();
    assert!(
        reference.ends_with(&format!("/scim/v2/Groups/{inner}")),
        "{reference}"
    );
    // A member that is a User is told as it was sent.
    let read = scim(&tenant, &format!("/Groups/{inner}")).await;
    assert_eq!(read["members"], json!([{ "value": ada }]));

    for (filter, expected) in [
        (format!("members.value eq \"{inner}\""), vec!["Outer", "Top"]),
        ("members[type eq \"Group\"]".to_owned(), vec!["Outer", "Top"]),
    ] {
        let list = tenant
            .scim
            .post("/Groups/.search", &json!({ "filter": filter }))
            .await
            .body;
        let names = list["Resources"].as_array().unwrap().iter();
        let names: Vec<_> = names
            .map(|group| group["displayName"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{filter}");
    }

    let user = scim(&tenant, &format!("/Users/{ada}")).await;
    let groups = user["groups"].as_array().unwrap().iter();
    let groups: Vec<_> = groups
        .map(|group| {
            (
                group["display"].as_str().unwrap(),
                group["type"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        groups,
        [("Inner", "direct"), ("Outer", "indirect"), ("Top", "indirect")]
    );
    for (filter, expected) in [
        (format!("groups.value eq \"{top}\""), 1),
        (format!("groups[value eq \"{top}\" and type eq \"direct\"]"), 0),
        (format!("groups[value eq \"{inner}\" and type eq \"direct\"]"), 1),
    ] {
        let list = tenant
            .scim
            .post("/Users/.search", &json!({ "filter": filter }))
            .await
            .body;
        assert_eq!(list["totalResults"], expected, "{filter}");
    }
    // The directory keeps the nesting and flattens nothing.
    let members: i64 = sqlx::query_scalar("select count(*) from team_members")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(members, 1);
}

#[tokio::test]
async fn nested_groups_are_explained_with_what_they_wait_for_and_with_their_circles() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("circles").await;
    // Two groups that are members of each other, in one request, the later one named first.
    let operation = |bulk_id: &str, name: &str, other: &str| {
        let members = json!([{ "type": "Group", "value": format!("bulkId:{other}") }]);
        json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id,
            "data": { "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members } })
    };
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [operation("a", "A", "b"), operation("b", "B", "a")],
    });
    let answer = tenant.scim.post("/Bulk", &bulk).await.expect(200).body;
    let ids: Vec<String> = answer["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let location = result["location"].as_str().unwrap();
            location.rsplit_once('/').unwrap().1.to_owned()
        })
        .collect();
    let (a, b) = (&ids[0], &ids[1]);
    add_member(&tenant, a, json!({ "value": a })).await;
    let below = group(&tenant, "Below", json!([])).await;
    add_member(&tenant, b, json!({ "value": below })).await;
    add_member(&tenant, b, json!({ "value": "Crew", "type": "Group" })).await;
    stack.converged(SOON).await;

    let links = get(&tenant, &format!("/teams/{a}/links")).await;
    assert_eq!(told(&links["parts"]), [("A", Some("self")), ("B", Some("cycle"))]);
    assert_eq!(told(&links["partOf"]), [("A", None), ("B", None)]);
    assert_eq!(links["inCycle"], true);
    assert!(links["parts"][0]["assertedBy"]["txn"].is_string(), "{links}");
    let links = get(&tenant, &format!("/teams/{b}/links")).await;
    assert_eq!(told(&links["parts"]), [("A", Some("cycle")), ("Below", None)]);
    let waiting = &links["waiting"][0];
    assert_eq!(
        (&waiting["reference"], &waiting["reason"]),
        (&json!("Crew"), &json!("missing"))
    );
    assert_eq!(waiting["namesGroup"], true);
    assert!(waiting["nearest"].is_null(), "no person is suggested for a group");
    let links = get(&tenant, &format!("/teams/{below}/links")).await;
    assert_eq!(
        (&links["inCycle"], told(&links["partOf"])),
        (&json!(false), vec![("B", None)])
    );
    // The directory's id says the same as the SCIM id.
    let team = links["id"].as_str().unwrap();
    assert_eq!(get(&tenant, &format!("/teams/{team}/links")).await, links);

    // The deleted group is waited for, by name, and the circle is open.
    tenant
        .scim
        .call(Method::DELETE, &format!("/Groups/{b}"), None)
        .await
        .expect(204);
    stack.converged(SOON).await;
    let links = get(&tenant, &format!("/teams/{a}/links")).await;
    assert_eq!(told(&links["parts"]), [("A", Some("self"))]);
    let waiting = &links["waiting"][0];
    assert_eq!(waiting["reason"], "deprovisioned");
    assert_eq!(waiting["waitsForTeam"]["name"], "B");
    assert_eq!(waiting["waitsForTeam"]["deleted"], true);
    let awaited = get(&tenant, "/waiting").await;
    assert_eq!(awaited["waiting"][0]["waitsForTeam"]["name"], "B", "{awaited}");
    assert_eq!(awaited["waiting"][0]["groups"], 1);

    for nobody in ["7", &uuid::Uuid::nil().to_string()] {
        tenant
            .ops
            .get(&format!("/teams/{nobody}/links"))
            .await
            .expect(404);
    }
    // Another tenant sees none of it.
    let stranger = stack.tenant("stranger").await;
    stranger.ops.get(&format!("/teams/{a}/links")).await.expect(404);
}
