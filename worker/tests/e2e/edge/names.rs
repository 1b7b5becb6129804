//! Names that change hands: links follow the persons, not the names.

use super::{ENTERPRISE, address, facts, founded, hired, person, sent};
use crate::harness::people::bulk_of_users;
use crate::harness::{Options, Stack, Tenant, bulk, directory, seed};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

const PEOPLE: usize = 2_000;
const REPORTS_EACH: usize = 8;
const A_REQUEST: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn domain_of_two_thousand_people_renamed_loses_no_link_and_doubles_nobody() {
    let mut random = StdRng::seed_from_u64(seed("domain"));
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("domain").await;
    let at = |number: usize, domain: &str| format!("p{number}@{domain}.example");
    let manager = |number: usize| number.checked_sub(1).map(|before| before / REPORTS_EACH);
    let roster: Vec<(String, Option<String>)> = (0..PEOPLE)
        .map(|number| {
            (
                at(number, "old"),
                manager(number).map(|manager| at(manager, "old")),
            )
        })
        .collect();
    let mut ids = vec![];
    for part in roster.chunks(A_REQUEST) {
        let answer = tenant.scim.post("/Bulk", &bulk_of_users(part)).await.expect(200);
        for operation in answer.body["Operations"].as_array().expect("Operations") {
            let location = operation["location"].as_str().expect("a location");
            ids.push(location.rsplit('/').next().expect("an id").to_owned());
        }
    }
    founded(
        &tenant,
        "Everybody",
        &ids.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    let before = facts(&mut stack, &tenant).await;
    let lines = before.iter().filter(|fact| fact.starts_with("line")).count();
    assert_eq!(lines, PEOPLE - 1);
    let logins = directory::logins(&stack.db, tenant.id).await;

    // In any order; every second one names the manager again, by the new address, which that
    // manager may not have yet.
    let mut operations: Vec<Value> = (0..PEOPLE)
        .map(|number| {
            let new = at(number, "new");
            let mut changes = vec![
                json!({ "op": "Replace", "path": "userName", "value": new }),
                json!({ "op": "Add", "path": "emails[type eq \"work\"].value", "value": new }),
            ];
            if let Some(manager) = manager(number).filter(|_| number % 2 == 1) {
                let value = at(manager, "new");
                changes.push(
                    json!({ "op": "Replace", "path": format!("{ENTERPRISE}:manager"), "value": value }),
                );
            }
            bulk::patch(&format!("/Users/{}", ids[number]), json!(changes))
        })
        .collect();
    operations.shuffle(&mut random);
    for part in operations.chunks(A_REQUEST) {
        sent(&tenant, part, &vec!["200"; part.len()]).await;
    }
    let renamed = |fact: &String| {
        let new = fact.replace("@old.", "@new.");
        match new.strip_prefix("person ") {
            // They had no e-mail before.
            Some(rest) => {
                let login = rest.split(' ').next().unwrap_or_default();
                format!("{new} {login}")
            }
            None => new,
        }
    };
    let mut expected: Vec<String> = before.iter().map(renamed).collect();
    expected.sort();
    let after = facts(&mut stack, &tenant).await;
    if after != expected {
        let wrong = after.iter().filter(|fact| !expected.contains(fact));
        let wrong: Vec<&String> = wrong.take(5).collect();
        panic!(
            "{} facts instead of {}, e.g. {wrong:?}",
            after.len(),
            expected.len()
        );
    }
    let renamed: Vec<String> = logins
        .values()
        .map(|login| login.replace("@old.", "@new."))
        .collect();
    let now = directory::logins(&stack.db, tenant.id).await;
    assert!(
        now.keys().eq(logins.keys()) && now.values().eq(renamed.iter()),
        "somebody is somebody else"
    );
    assert_eq!(found(&tenant, &at(7, "old")).await, json!(0));
    assert_eq!(found(&tenant, &at(7, "new")).await, json!(1));
}

/// How many users have this userName.
async fn found(tenant: &Tenant, name: &str) -> Value {
    let path = format!("/Users?filter=userName%20eq%20%22{name}%22");
    tenant.scim.get(&path).await.expect(200).body["totalResults"].clone()
}

/// Ann and Ben, each with a report who names them by address; ids of all four.
async fn two_teams(tenant: &Tenant) -> Vec<String> {
    let mut ids = vec![];
    for (name, manager) in [
        ("ann", None),
        ("ben", None),
        ("anns", Some("ann")),
        ("bens", Some("ben")),
    ] {
        ids.push(hired(tenant, person(name, None, manager)).await);
    }
    ids
}

/// The people given by name and e-mail, who reports to whom, and nothing else.
fn directory_of(people: &[(&str, &str)], lines: &[(&str, &str)]) -> Vec<String> {
    let people = people
        .iter()
        .map(|(login, email)| format!("person {} active {}", address(login), address(email)));
    let lines = lines
        .iter()
        .map(|(who, to)| format!("line {} to {}", address(who), address(to)));
    let mut facts: Vec<String> = people.chain(lines).collect();
    facts.sort();
    facts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_who_swap_addresses_in_one_bulk_keep_their_own_reports() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("swapped").await;
    let ids = two_teams(&tenant).await;
    stack.converged(super::CATCH_UP).await;
    let takes = |id: &str, name: &str| {
        let path = "emails[type eq \"work\"].value";
        let operation = json!({ "op": "Replace", "path": path, "value": address(name) });
        bulk::patch(&format!("/Users/{id}"), json!([operation]))
    };
    sent(
        &tenant,
        &[takes(&ids[0], "ben"), takes(&ids[1], "ann")],
        &["200"; 2],
    )
    .await;
    let mut people = vec![("ann", "ben"), ("ben", "ann"), ("anns", "anns"), ("bens", "bens")];
    let mut lines = vec![("anns", "ann"), ("bens", "ben")];
    assert_eq!(facts(&mut stack, &tenant).await, directory_of(&people, &lines));

    // userName comes before e-mail: whoever names ann@ now still means Ann.
    hired(&tenant, person("late", None, Some("ann"))).await;
    people.push(("late", "late"));
    lines.push(("late", "ann"));
    assert_eq!(facts(&mut stack, &tenant).await, directory_of(&people, &lines));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_who_swap_names_directly_are_refused_whole_and_with_a_name_between_succeed() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("renamed-across").await;
    let ids = two_teams(&tenant).await;
    stack.converged(super::CATCH_UP).await;
    let becomes = |id: &str, name: &str| {
        bulk::patch(
            &format!("/Users/{id}"),
            json!([
                { "op": "Replace", "path": "userName", "value": address(name) },
                { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": address(name) },
                { "op": "Add", "path": "title", "value": "Renamed" },
            ]),
        )
    };
    let people = [("ann", "ann"), ("ben", "ben"), ("anns", "anns"), ("bens", "bens")];
    let lines = [("anns", "ann"), ("bens", "ben")];
    let before = directory_of(&people, &lines);

    // Neither name is free when it is asked for; nothing of either operation is kept.
    for _ in 0..2 {
        let swap = [becomes(&ids[0], "ben"), becomes(&ids[1], "ann")];
        let refused = sent(&tenant, &swap, &["409"; 2]).await;
        for operation in refused["Operations"].as_array().expect("Operations") {
            assert_eq!(operation["response"]["scimType"], "uniqueness", "{operation}");
            let detail = operation["response"]["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("userName") && !detail.contains('@'), "{detail}");
        }
    }
    assert_eq!(facts(&mut stack, &tenant).await, before);

    let swap = [
        becomes(&ids[0], "between"),
        becomes(&ids[1], "ann"),
        becomes(&ids[0], "ben"),
    ];
    sent(&tenant, &swap, &["200"; 3]).await;
    let people = [("ben", "ben"), ("ann", "ann"), ("anns", "anns"), ("bens", "bens")];
    let mut expected = directory_of(&people, &[("anns", "ben"), ("bens", "ann")]);
    for fact in &mut expected {
        if fact.starts_with("person ann@") || fact.starts_with("person ben@") {
            fact.push_str(" Renamed");
        }
    }
    assert_eq!(facts(&mut stack, &tenant).await, expected);
}
