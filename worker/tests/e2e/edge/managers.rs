//! Who reports to whom, turned around.

use super::{ENTERPRISE, USER, address, dismiss, facts, founded, hire, hired, person, sent};
use crate::harness::{Options, Stack, Tenant, bulk, directory, patch};
use serde_json::{Value, json};

/// Whether the manager of each, given by id, is said to be part of a reporting cycle.
async fn in_a_cycle(tenant: &Tenant, ids: &[String]) -> Vec<bool> {
    let mut flags = vec![];
    for id in ids {
        let links = tenant
            .ops
            .get(&format!("/people/{id}/links"))
            .await
            .expect(200)
            .body;
        let links = links["links"].as_array().expect("links").clone();
        flags.push(
            links
                .iter()
                .any(|link| link["slot"] == "manager" && link["flag"] == "cycle"),
        );
    }
    flags
}

/// One reports to two, two to three, three to four.
async fn chain(tenant: &Tenant) -> Vec<String> {
    let mut ids = vec![];
    for (name, manager) in [
        ("one", Some("two")),
        ("two", Some("three")),
        ("three", Some("four")),
        ("four", None),
    ] {
        ids.push(hired(tenant, person(name, Some("Sales"), manager)).await);
    }
    ids
}

/// The same four with these lines.
fn with_lines(lines: &[&str]) -> Vec<String> {
    let mut facts = vec!["team department Sales".to_owned()];
    for name in ["one", "two", "three", "four"] {
        let login = address(name);
        facts.push(format!("person {login} active {login}"));
        facts.push(format!("member {login} of Sales by department"));
    }
    for line in lines {
        let (who, to) = line.split_once(' ').expect("two names");
        facts.push(format!("line {} to {}", address(who), address(to)));
    }
    facts.sort();
    facts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn person_who_becomes_manager_of_their_manager_passes_through_a_cycle_and_leaves_it() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("promoted").await;
    let ids = chain(&tenant).await;
    assert_eq!(
        facts(&mut stack, &tenant).await,
        with_lines(&["one two", "two three", "three four"])
    );
    let path = format!("{ENTERPRISE}:manager");
    // Every notation Entra has for it, by id.
    let steps = [
        (1, json!({ "op": "Replace", "path": path, "value": ids[0] })),
        (
            2,
            json!({ "op": "Add", "path": path, "value": [{ "value": ids[1] }] }),
        ),
        (
            3,
            json!({ "op": "Replace", "value": { path.clone(): { "value": ids[2] } } }),
        ),
    ];
    for (who, operation) in steps {
        let body = patch(json!([operation]));
        tenant
            .scim
            .patch(&format!("/Users/{}", ids[who]), &body)
            .await
            .expect(200);
        stack.converged(super::CATCH_UP).await;
        // Until somebody tells who leads the first, the two manage each other.
        assert_eq!(in_a_cycle(&tenant, &ids).await, [true, true, false, false]);
    }
    let top = patch(json!([{ "op": "Remove", "path": path }]));
    tenant
        .scim
        .patch(&format!("/Users/{}", ids[0]), &top)
        .await
        .expect(200);
    assert_eq!(
        facts(&mut stack, &tenant).await,
        with_lines(&["two one", "three two", "four three"])
    );
    assert_eq!(in_a_cycle(&tenant, &ids).await, [false; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chain_of_promotions_in_one_bulk_turns_the_chain_upside_down() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("upside-down").await;
    let ids = chain(&tenant).await;
    stack.converged(super::CATCH_UP).await;
    let mut operations = vec![];
    for (who, manager) in [(3, Some("three")), (1, Some("one")), (0, None), (2, Some("two"))] {
        let operation = match manager {
            Some(manager) => json!({ "op": "replace", "path": "manager", "value": address(manager) }),
            None => json!({ "op": "remove", "path": "manager" }),
        };
        operations.push(bulk::patch(&format!("/Users/{}", ids[who]), json!([operation])));
    }
    sent(&tenant, &operations, &["200"; 4]).await;
    assert_eq!(
        facts(&mut stack, &tenant).await,
        with_lines(&["two one", "three two", "four three"])
    );
    assert_eq!(in_a_cycle(&tenant, &ids).await, [false; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manager_deleted_and_created_in_one_bulk_with_the_same_external_id_keeps_every_report() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("recreated").await;
    let boss = hired(&tenant, person("boss", None, None)).await;
    for name in ["a", "b", "c"] {
        hired(&tenant, person(name, None, Some("boss"))).await;
    }
    let before = facts(&mut stack, &tenant).await;
    assert!(before.contains(&"line c@odd.example to boss@odd.example".to_owned()));
    let logins = directory::logins(&stack.db, tenant.id).await;
    sent(
        &tenant,
        &[dismiss(&boss), hire("boss", person("boss", None, None))],
        &["204", "201"],
    )
    .await;
    assert_eq!(facts(&mut stack, &tenant).await, before);
    assert_eq!(directory::logins(&stack.db, tenant.id).await, logins);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manager_deleted_and_created_as_somebody_else_inherits_no_report_until_named_again() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("replaced").await;
    // Without externalId nothing says that the second one is the first.
    let nameless = || json!({ "schemas": [USER], "userName": address("boss"), "title": "Head" });
    let boss = hired(&tenant, nameless()).await;
    let mut reports = vec![];
    for name in ["a", "b", "c"] {
        reports.push(hired(&tenant, person(name, None, Some("boss"))).await);
    }
    founded(&tenant, "Heads", &[&boss]).await;
    stack.converged(super::CATCH_UP).await;
    tenant
        .scim
        .call(reqwest::Method::DELETE, &format!("/Users/{boss}"), None)
        .await
        .expect(204);
    stack.converged(super::CATCH_UP).await;
    let successor = hired(&tenant, nameless()).await;
    assert_ne!(successor, boss);
    let with = |links: [&str; 3]| {
        let mut facts: Vec<String> = ["a", "b", "c"]
            .into_iter()
            .zip(links)
            .flat_map(|(name, link)| {
                let login = address(name);
                let link = link.replace("$", &login);
                [format!("person {login} active {login}"), link]
            })
            .collect();
        facts.extend(
            [
                "person boss@odd.example active Head",
                "person boss@odd.example deprovisioned Head",
                "team group Heads",
            ]
            .map(str::to_owned),
        );
        facts.sort();
        facts
    };
    let waits = "waiting $ for boss@odd.example deprovisioned";
    let line = "line $ to boss@odd.example";
    assert_eq!(facts(&mut stack, &tenant).await, with([waits; 3]));

    // Named again: by id in a PATCH, and by the same address in a document that changed otherwise.
    let by_id =
        patch(json!([{ "op": "Replace", "path": format!("{ENTERPRISE}:manager"), "value": successor }]));
    tenant
        .scim
        .patch(&format!("/Users/{}", reports[0]), &by_id)
        .await
        .expect(200);
    let mut again: Value = person("b", None, Some("boss"));
    again["displayName"] = json!("B");
    tenant
        .scim
        .call(
            reqwest::Method::PUT,
            &format!("/Users/{}", reports[1]),
            Some(&again),
        )
        .await
        .expect(200);
    assert_eq!(facts(&mut stack, &tenant).await, with([line, line, waits]));
    let led: Vec<String> = sqlx::query_scalar(
        "select distinct m.status from reporting_lines l
         join people m on m.tenant_id = l.tenant_id and m.id = l.manager_id where l.tenant_id = $1",
    )
    .bind(tenant.id)
    .fetch_all(&stack.db)
    .await
    .unwrap();
    assert_eq!(led, ["active"]);
}
