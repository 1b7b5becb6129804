//! A whole roster, sent again every night.

use super::{CATCH_UP, ENTERPRISE, ROLLCALL, address, facts, person, sent};
use crate::harness::{Options, Stack, Tenant, bulk, directory};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const PEOPLE: usize = 300;
const DEPARTMENTS: usize = 12;
const GROUPS: usize = 3;

/// What the HR system has of a person. One has a manager nobody knows, one a date that is none.
fn on_record(number: usize) -> Value {
    let manager = match number {
        0 => None,
        13 => Some("nobody".to_owned()),
        number => Some(name((number - 1) / 8)),
    };
    let department = format!("Department {}", number % DEPARTMENTS);
    let mut body = person(&name(number), Some(&department), manager.as_deref());
    body["title"] = json!("Clerk");
    body[ROLLCALL] = json!({
        "startDate": if number == 17 { "someday" } else { "2020-01-31" },
        "additionalManagers": [{ "value": address(&name(PEOPLE - 1 - number)) }],
    });
    body
}

fn name(number: usize) -> String {
    format!("p{number}")
}

/// Ids of the users and of the groups.
struct Company {
    users: Vec<String>,
    groups: Vec<String>,
}

impl Company {
    /// Import everybody, and nobody knows who comes first.
    async fn import(tenant: &Tenant) -> Company {
        let posts: Vec<Value> = (0..PEOPLE)
            .rev()
            .map(|number| super::hire(&name(number), on_record(number)))
            .collect();
        let answer = sent(tenant, &posts, &vec!["201"; PEOPLE]).await;
        let mut users = ids(&answer);
        users.reverse();
        let posts: Vec<Value> = (0..GROUPS)
            .map(|group| {
                let data = group_of(&users, group);
                json!({ "method": "POST", "path": "/Groups", "bulkId": format!("g{group}"), "data": data })
            })
            .collect();
        let answer = sent(tenant, &posts, &["201"; GROUPS]).await;
        let groups = ids(&answer);
        Company { users, groups }
    }

    /// Every user and group as it is on record, with what `changes` makes of it.
    fn roster(&self, changes: impl Fn(usize, &mut Value)) -> Vec<Value> {
        let put = |path: String, data: Value| json!({ "method": "PUT", "path": path, "data": data });
        let users = self.users.iter().enumerate().map(|(number, id)| {
            let mut body = on_record(number);
            changes(number, &mut body);
            put(format!("/Users/{id}"), body)
        });
        let groups = self.groups.iter().enumerate();
        let groups = groups.map(|(group, id)| put(format!("/Groups/{id}"), group_of(&self.users, group)));
        users.chain(groups).collect()
    }
}

fn group_of(users: &[String], group: usize) -> Value {
    let members = users.iter().skip(group).step_by(GROUPS);
    let members: Vec<Value> = members.map(|id| json!({ "value": id })).collect();
    json!({ "displayName": format!("Group {group}"), "members": members })
}

fn ids(answer: &Value) -> Vec<String> {
    let operations = answer["Operations"].as_array().expect("Operations");
    let locations = operations.iter().map(|operation| operation["location"].as_str());
    locations
        .map(|location| location.and_then(|location| location.rsplit('/').next()))
        .map(|id| id.expect("a location").to_owned())
        .collect()
}

/// The imported company, with nothing that would write to the directory by itself.
async fn imported(stack: &mut Stack, tenant: &Tenant) -> Company {
    let company = Company::import(tenant).await;
    stack.converged(CATCH_UP).await;
    // Retries of what waits note in its row when they were.
    sqlx::query("update waiters set next_attempt_at = null")
        .execute(&stack.db)
        .await
        .unwrap();
    let facts = facts(stack, tenant).await;
    let count = |kind: &str| facts.iter().filter(|fact| fact.starts_with(kind)).count();
    assert_eq!(count("person"), PEOPLE);
    assert_eq!(count("team"), DEPARTMENTS + GROUPS);
    assert_eq!(count("member"), 2 * PEOPLE, "a department and a group each");
    assert_eq!(
        count("line"),
        2 * PEOPLE - 2,
        "two managers each, but for two people"
    );
    assert_eq!((count("waiting"), count("rejected")), (1, 1));
    company
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_roster_sent_again_unchanged_writes_nothing_to_the_directory() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("nightly").await;
    let company = imported(&mut stack, &tenant).await;
    let before = directory::versions(&stack.db, tenant.id).await;
    assert!(before.len() > 5 * PEOPLE, "{} rows", before.len());

    // As documents, and once more in the opposite order.
    let mut roster = company.roster(|_, _| {});
    for _ in 0..2 {
        sent(&tenant, &roster, &vec!["200"; PEOPLE + GROUPS]).await;
        roster.reverse();
    }
    // As changes, of which none is one.
    let changes: Vec<Value> = (0..PEOPLE)
        .map(|number| {
            let body = on_record(number);
            let operations = json!([
                { "op": "Replace", "path": "title", "value": body["title"] },
                { "op": "Replace", "value": { "active": "True", "userName": body["userName"] } },
            ]);
            bulk::patch(&format!("/Users/{}", company.users[number]), operations)
        })
        .collect();
    sent(&tenant, &changes, &vec!["200"; PEOPLE]).await;
    // By a client that does not know that everybody is here.
    let posts: Vec<Value> = (0..PEOPLE)
        .map(|number| super::hire(&name(number), on_record(number)))
        .collect();
    sent(&tenant, &posts, &vec!["409"; PEOPLE]).await;
    stack.converged(CATCH_UP).await;
    let after = directory::versions(&stack.db, tenant.id).await;
    let written: Vec<&String> = differing(&before, &after).into_iter().take(10).collect();
    assert!(written.is_empty(), "written: {written:?}");
}

/// The rows that are new, gone or written again.
fn differing<'a>(
    before: &'a BTreeMap<String, String>,
    after: &'a BTreeMap<String, String>,
) -> BTreeSet<&'a String> {
    before
        .keys()
        .chain(after.keys())
        .filter(|row| before.get(*row) != after.get(*row))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roster_with_one_percent_changed_writes_what_changed_and_nothing_else() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("changed").await;
    let company = imported(&mut stack, &tenant).await;
    let before = directory::versions(&stack.db, tenant.id).await;
    let old = facts(&mut stack, &tenant).await;
    // One gets a title, one moves, one is given to another manager.
    let roster = company.roster(|number, body| match number {
        7 => body["title"] = json!("Chief clerk"),
        150 => body[ENTERPRISE]["department"] = json!("Department 11"),
        299 => body[ENTERPRISE]["manager"] = json!(address("p1")),
        _ => {}
    });
    sent(&tenant, &roster, &vec!["200"; PEOPLE + GROUPS]).await;
    let new = facts(&mut stack, &tenant).await;
    let only_in = |these: &[String], those: &[String]| -> Vec<String> {
        these
            .iter()
            .filter(|fact| !those.contains(fact))
            .cloned()
            .collect()
    };
    assert_eq!(
        only_in(&new, &old),
        [
            "line p299@odd.example to p1@odd.example",
            "member p150@odd.example of Department 11 by department",
            "person p7@odd.example active p7@odd.example Chief clerk",
        ]
    );
    assert_eq!(only_in(&old, &new).len(), 3);

    let after = directory::versions(&stack.db, tenant.id).await;
    let mut written: BTreeMap<&str, usize> = BTreeMap::new();
    for row in differing(&before, &after) {
        *written
            .entry(row.split(' ').next().unwrap_or_default())
            .or_default() += 1;
    }
    let expected = [
        ("history", 3),
        // Which of somebody's changes was applied last is in their row.
        ("people", 3),
        // A document that changed asserts its references again: two lines of each, one of them elsewhere now.
        ("reporting_lines", 6),
        ("team_members", 2),
    ];
    assert_eq!(written, BTreeMap::from(expected));
    let changed: Vec<Uuid> = directory::logins(&stack.db, tenant.id)
        .await
        .into_iter()
        .filter(|(_, login)| [7, 150, 299].map(|number| address(&name(number))).contains(login))
        .map(|(id, _)| id)
        .collect();
    let of_others: Vec<&String> = differing(&before, &after)
        .into_iter()
        .filter(|row| !row.starts_with("history"))
        .filter(|row| !changed.iter().any(|person| row.contains(&person.to_string())))
        .collect();
    assert!(of_others.is_empty(), "written: {of_others:?}");
}
