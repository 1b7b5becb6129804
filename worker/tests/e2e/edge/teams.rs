//! Teams that merge and teams that are renamed under way.

use super::{ENTERPRISE, address, facts, founded, hired, person};
use crate::harness::{Options, Stack, directory, patch};
use serde_json::json;
use std::collections::BTreeSet;

/// People who join while the group is renamed.
const JOINING: usize = 120;
const CLIENTS: usize = 4;
const RENAMINGS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn department_merged_into_another_moves_its_people_and_leaves_its_team_empty() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("merged").await;
    let mut ids = vec![];
    for (name, department) in [
        ("ann", "Sales"),
        ("ben", "sales "),
        ("cyd", "Presales"),
        ("dan", "PRESALES"),
        ("eve", "presales"),
    ] {
        ids.push(hired(&tenant, person(name, Some(department), Some("ann"))).await);
    }
    let with = |departments: [&str; 5]| {
        let mut facts = vec![
            "team department Presales".to_owned(),
            "team department Sales".to_owned(),
        ];
        for (name, department) in ["ann", "ben", "cyd", "dan", "eve"].into_iter().zip(departments) {
            let (login, flag) = (address(name), if name == "ann" { " self" } else { "" });
            facts.push(format!("person {login} active {login}"));
            facts.push(format!("line {login} to ann@odd.example{flag}"));
            facts.push(format!("member {login} of {department} by department"));
        }
        facts.sort();
        facts
    };
    assert_eq!(
        facts(&mut stack, &tenant).await,
        with(["Sales", "Sales", "Presales", "Presales", "Presales"])
    );
    let teams = ids_of_teams(&stack, tenant.id).await;

    // By path, within a value, and by the name of the extension: all are what Entra may send.
    let department = format!("{ENTERPRISE}:department");
    for (id, operation) in ids[2..].iter().zip([
        json!({ "op": "Replace", "path": department, "value": "Sales" }),
        json!({ "op": "Add", "value": { department: "SALES" } }),
        json!({ "op": "Replace", "value": { ENTERPRISE: { "department": "Sales" } } }),
    ]) {
        let body = patch(json!([operation]));
        tenant
            .scim
            .patch(&format!("/Users/{id}"), &body)
            .await
            .expect(200);
    }
    assert_eq!(
        facts(&mut stack, &tenant).await,
        with(["Sales"; 5]),
        "everybody is in Sales once, under the name it was first given"
    );

    // Somebody who is late is no member of a second team of the old name.
    hired(&tenant, person("late", Some("Presales"), None)).await;
    let facts = facts(&mut stack, &tenant).await;
    assert!(facts.contains(&"member late@odd.example of Presales by department".to_owned()));
    assert_eq!(ids_of_teams(&stack, tenant.id).await, teams);
}

async fn ids_of_teams(stack: &Stack, tenant: i64) -> BTreeSet<uuid::Uuid> {
    sqlx::query_scalar("select id from teams where tenant_id = $1")
        .bind(tenant)
        .fetch_all(&stack.db)
        .await
        .unwrap()
        .into_iter()
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn group_renamed_while_members_are_added_has_its_last_name_and_each_member_once() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("renamed").await;
    let mut ids = vec![];
    for number in 0..JOINING {
        ids.push(hired(&tenant, person(&format!("p{number}"), None, None)).await);
    }
    let group = founded(&tenant, "Name 0", &[&ids[0]]).await;
    let path = format!("/Groups/{group}");
    let mut clients = vec![];
    for client in 0..CLIENTS {
        // Two clients each send everybody, in their own order: every member is added twice.
        let mut mine: Vec<String> = ids.iter().skip(client % 2).step_by(2).cloned().collect();
        if client >= CLIENTS / 2 {
            mine.reverse();
        }
        let (scim, path) = (tenant.scim.another(), path.clone());
        clients.push(tokio::spawn(async move {
            for id in mine {
                let add = patch(json!([{ "op": "Add", "path": "members", "value": [{ "value": id }] }]));
                scim.patch(&path, &add).await.expect(204);
            }
        }));
    }
    let (scim, renamed) = (tenant.scim.another(), path.clone());
    clients.push(tokio::spawn(async move {
        for number in 1..=RENAMINGS {
            // Without a path and with the id inside, as Okta does.
            let id = renamed.trim_start_matches("/Groups/");
            let value = json!({ "id": id, "displayName": format!("Name {number}") });
            let rename = patch(json!([{ "op": "replace", "value": value }]));
            let answer = scim.patch(&renamed, &rename).await;
            assert!(answer.status.is_success(), "{answer:?}");
        }
    }));
    for client in clients {
        client.await.expect("every write is accepted");
    }
    let name = format!("Name {RENAMINGS}");
    let mut expected = vec![format!("team group {name}")];
    for number in 0..JOINING {
        let login = address(&format!("p{number}"));
        expected.push(format!("person {login} active {login}"));
        expected.push(format!("member {login} of {name} by member"));
    }
    expected.sort();
    assert_eq!(facts(&mut stack, &tenant).await, expected);
    let read = tenant.scim.get(&path).await.expect(200).body;
    assert_eq!(read["displayName"], json!(name));
    assert_eq!(read["members"].as_array().map(Vec::len), Some(JOINING));
    assert_eq!(directory::logins(&stack.db, tenant.id).await.len(), JOINING);
}
