//! What changed, when and why, and how it was before: over HTTP with real processes.

use super::explain::{SOON, create, get};
use super::harness::{Options, Stack, Tenant, people, within};
use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The clock history goes by.
async fn now(stack: &Stack) -> String {
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

async fn replace(tenant: &Tenant, path: &str, attribute: &str, value: &str) {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": attribute, "value": value }],
    });
    assert!(tenant.scim.patch(path, &body).await.status.is_success());
}

/// Delete a resource; answers the receipt.
async fn delete(tenant: &Tenant, path: &str) -> String {
    let answer = tenant.scim.call(Method::DELETE, path, None).await.expect(204);
    answer.header("set-txn").unwrap().to_owned()
}

async fn history(tenant: &Tenant, path: &str) -> Vec<Value> {
    get(tenant, path).await["history"].as_array().unwrap().clone()
}

/// The only change of an entry.
fn change(entry: &Value) -> [&Value; 3] {
    let change = &entry["changes"][0];
    [&change["field"], &change["old"], &change["new"]]
}

fn ids(people: &Value) -> Vec<&str> {
    let people = people["people"].as_array().unwrap().iter();
    people.map(|person| person["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn history_of_a_person_tells_each_change_with_the_receipts_behind_it_and_how_they_were() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("history").await;
    let beginning = now(&stack).await;
    let (grace, asserted) = create(
        &tenant,
        json!({
            "userName": "grace", "title": "Clerk",
            ENTERPRISE: { "manager": { "value": "ada" }, "department": "Navy" },
        }),
    )
    .await;
    stack.converged(SOON).await;
    let alone = now(&stack).await;
    let mut ada = people::user("ada", None);
    ada["displayName"] = json!("Ada");
    let (ada, arrived) = create(&tenant, ada).await;
    stack.converged(SOON).await;
    let linked = now(&stack).await;
    replace(&tenant, &format!("/Users/{ada}"), "displayName", "Ada King").await;
    let group = json!({ "displayName": "Crew", "members": [{ "value": grace }] });
    let group = tenant.scim.post("/Groups", &group).await.expect(201).id();
    stack.converged(SOON).await;
    let full = now(&stack).await;
    replace(&tenant, &format!("/Groups/{group}"), "displayName", "Band").await;
    stack.converged(SOON).await;
    delete(&tenant, &format!("/Groups/{group}")).await;
    let left = delete(&tenant, &format!("/Users/{ada}")).await;
    stack.converged(SOON).await;

    // Every change, the newest first.
    let path = format!("/people/{grace}/history");
    let all = history(&tenant, &path).await;
    let told: Vec<(&Value, [&Value; 3])> = all[..4]
        .iter()
        .map(|entry| (&entry["cause"], change(entry)))
        .collect();
    // Two deletions at once are applied in whichever order.
    let link_last = told[0].0 == "link";
    let (link_ended, left_group) = if link_last { (0, 1) } else { (1, 0) };
    let ada_now = &told[link_ended].1[1];
    assert_eq!(
        (&ada_now["displayName"], &ada_now["login"]),
        (&json!("Ada King"), &json!("ada"))
    );
    let crew = &told[left_group].1[1];
    assert_eq!((&crew["kind"], &crew["name"]), (&json!("group"), &json!("Band")));
    let (link, apply, null) = (json!("link"), json!("apply"), json!(null));
    let (manager, groups) = (json!("manager"), json!("groups"));
    let mut expected = [
        (&apply, [&groups, *crew, &null]),
        (&link, [&manager, *ada_now, &null]),
        (&apply, [&groups, &null, *crew]),
        (&link, [&manager, &null, *ada_now]),
    ];
    if link_last {
        expected.swap(0, 1);
    }
    assert_eq!(told, expected);
    assert_eq!(all.len(), 5, "{all:#?}");
    let created = &all[4];
    let fields: Vec<&str> = created["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        ["login", "status", "position", "department"]
            .map(str::to_owned)
            .as_slice()
    );
    assert_eq!(created["changes"][3]["new"]["name"], "Navy");

    // What is behind it.
    assert_eq!(created["receipt"]["txn"], asserted.as_str());
    assert_eq!(created["receipt"]["token"]["source"], "default", "{created}");
    assert_eq!(
        (&created["mappingVersion"], &created["run"]),
        (&json!(1), &json!(null))
    );
    assert!(created.get("assertedBy").is_none());
    let by_arrival = &all[3];
    assert_eq!(by_arrival["receipt"]["txn"], arrived.as_str(), "{by_arrival}");
    assert_eq!(by_arrival["assertedBy"]["txn"], asserted.as_str());
    let by_leaving = all.iter().find(|entry| change(entry)[0] == "manager").unwrap();
    assert_eq!(by_leaving["receipt"]["txn"], left.as_str());

    // In pages, by field, by time.
    let mut paged = vec![];
    let mut cursor = String::new();
    loop {
        let page = get(&tenant, &format!("{path}?limit=2{cursor}")).await;
        paged.extend(page["history"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    for (field, entries) in [("manager", 2), ("groups", 2), ("position", 1), ("email", 0)] {
        let found = history(&tenant, &format!("{path}?field={field}")).await;
        assert_eq!(found.len(), entries, "{field}");
    }
    let between = history(&tenant, &format!("{path}?since={alone}&until={full}")).await;
    assert_eq!(between, all[2..4]);

    // As of a time, by the names of that time; on both paths.
    let then = get(&tenant, &format!("{path}?at={full}")).await;
    assert_eq!(then, get(&tenant, &format!("/people/{grace}?at={full}")).await);
    assert_eq!(then["person"]["position"], "Clerk");
    assert_eq!(then["manager"]["displayName"], "Ada King");
    let teams: Vec<(&Value, &Value)> = then["teams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|team| (&team["by"], &team["name"]))
        .collect();
    let mut teams: Vec<String> = teams
        .into_iter()
        .map(|(by, name)| format!("{by} {name}"))
        .collect();
    teams.sort();
    assert_eq!(teams, [r#""department" "Navy""#, r#""member" "Crew""#]);
    let then = get(&tenant, &format!("{path}?at={linked}")).await;
    assert_eq!(then["manager"]["displayName"], "Ada");
    assert_eq!(then["teams"].as_array().unwrap().len(), 1);
    let then = get(&tenant, &format!("{path}?at={alone}")).await;
    assert_eq!(then["manager"], json!(null));
    let unborn = tenant
        .ops
        .get(&format!("{path}?at={beginning}"))
        .await
        .expect(404)
        .body;
    assert!(
        unborn["detail"]
            .as_str()
            .unwrap()
            .contains("not in the directory yet"),
        "{unborn}"
    );

    // The reporting tree, then and now.
    let (grace_id, ada_id) = (
        get(&tenant, &format!("/people/{grace}")).await,
        get(&tenant, &format!("/people/{ada}")).await,
    );
    let (grace_id, ada_id) = (grace_id["id"].as_str().unwrap(), ada_id["id"].as_str().unwrap());
    let org = get(&tenant, &format!("/org?at={linked}&root={ada}")).await;
    assert_eq!(ids(&org), [ada_id, grace_id]);
    let depths: Vec<&Value> = org["people"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| &person["depth"])
        .collect();
    assert_eq!(depths, [0, 1]);
    assert_eq!(org["people"][1]["managerId"], ada_id);
    assert_eq!(org["people"][0]["displayName"], "Ada");
    assert_eq!(ids(&get(&tenant, &format!("/org?at={linked}")).await).len(), 2);
    let today = get(&tenant, "/org").await;
    assert_eq!(ids(&today), [grace_id]);
    assert_eq!(today["people"][0]["managerId"], json!(null));
    tenant.ops.get(&format!("/org?root={ada}")).await.expect(404);
    tenant
        .ops
        .get(&format!("/org?at={alone}&root={ada}"))
        .await
        .expect(404);

    // A team tells who joined and left, and what became of it.
    let told = history(&tenant, &format!("/teams/{group}/history")).await;
    let mut fields: Vec<&Value> = told.iter().map(|entry| change(entry)[0]).collect();
    fields.sort_by_key(|field| field.as_str().unwrap());
    assert_eq!(fields, ["deleted", "members", "members", "name", "name"]);
    let joined = told
        .iter()
        .find(|entry| change(entry)[0] == "members" && change(entry)[1].is_null())
        .unwrap();
    assert_eq!(change(joined)[2]["login"], "grace");
    let navy = get(&tenant, "/teams?q=nav").await;
    assert_eq!(navy["teams"][0]["members"], 1, "{navy}");
    let members = get(
        &tenant,
        &format!("/teams/{}/members", navy["teams"][0]["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        (
            &members["members"][0]["person"]["login"],
            &members["members"][0]["by"]
        ),
        (&json!("grace"), &json!(["department"]))
    );
    assert_eq!(get(&tenant, "/teams?kind=group").await["teams"], json!([]));
    assert_eq!(
        get(&tenant, "/teams?kind=group&deleted=true").await["teams"][0]["name"],
        "Band"
    );
}

#[tokio::test]
async fn what_a_run_put_right_is_told_with_the_run() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("repaired").await;
    let (grace, _) = create(&tenant, json!({ "userName": "grace", "title": "Clerk" })).await;
    stack.converged(SOON).await;
    sqlx::query("update people set position = 'Baron' where tenant_id = $1")
        .bind(tenant.id)
        .execute(&stack.db)
        .await
        .unwrap();
    let run = tenant
        .ops
        .post("/runs", &json!({ "scope": "full" }))
        .await
        .expect(202)
        .id();
    within(SOON, "the run ends", async || {
        (get(&tenant, &format!("/runs/{run}")).await["phase"] == "done").then_some(())
    })
    .await;
    let told = history(
        &tenant,
        &format!("/people/{grace}/history?field=position&limit=1"),
    )
    .await;
    assert_eq!(
        change(&told[0]),
        [&json!("position"), &json!("Baron"), &json!("Clerk")]
    );
    assert_eq!((&told[0]["cause"], &told[0]["run"]), (&json!("run"), &json!(run)));
}
