//! Who leaves and comes back.

use super::{address, dismiss, facts, founded, hire, hired, person, sent};
use crate::harness::{Options, Stack, directory};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rehired_person_is_the_same_under_another_name_with_their_reports_but_not_their_groups() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("rehired").await;
    let ada = hired(&tenant, person("ada", Some("Sales"), Some("top"))).await;
    let bob = hired(&tenant, person("bob", Some("Sales"), Some("ada"))).await;
    hired(&tenant, person("top", None, None)).await;
    founded(&tenant, "Guild", &[&ada, &bob]).await;
    let before = directory_of(
        &["active", "active"],
        &[
            "line ada@odd.example to top@odd.example",
            "line bob@odd.example to ada@odd.example",
            "member ada@odd.example of Guild by member",
            "member ada@odd.example of Sales by department",
        ],
    );
    assert_eq!(facts(&mut stack, &tenant).await, before);
    let logins = directory::logins(&stack.db, tenant.id).await;

    tenant
        .scim
        .call(reqwest::Method::DELETE, &format!("/Users/{ada}"), None)
        .await
        .expect(204);
    let gone = directory_of(
        &["deprovisioned", "active"],
        &["waiting bob@odd.example for ada@odd.example deprovisioned"],
    );
    assert_eq!(facts(&mut stack, &tenant).await, gone);

    // Married meanwhile, and in another department.
    let mut back = person("ada", Some("Board"), Some("top"));
    back["userName"] = json!(address("lovelace"));
    back["emails"] = json!([{ "value": address("lovelace"), "type": "work" }]);
    hired(&tenant, back).await;
    let returned = facts(&mut stack, &tenant).await;
    let mut expected: Vec<String> = directory_of(
        &["active", "active"],
        &[
            "line ada@odd.example to top@odd.example",
            "line bob@odd.example to ada@odd.example",
            "member ada@odd.example of Board by department",
            "team department Board",
        ],
    )
    .iter()
    .map(|fact| fact.replace("ada@", "lovelace@"))
    .collect();
    expected.sort();
    assert_eq!(returned, expected);
    let after = directory::logins(&stack.db, tenant.id).await;
    assert!(after.keys().eq(logins.keys()), "nobody is new: {after:?}");
}

/// Ada and Bob with these statuses; Bob in Sales and in the Guild; and what else there is.
fn directory_of(statuses: &[&str; 2], more: &[&str]) -> Vec<String> {
    let mut facts = vec![
        format!("person ada@odd.example {} ada@odd.example", statuses[0]),
        format!("person bob@odd.example {} bob@odd.example", statuses[1]),
        "person top@odd.example active top@odd.example".to_owned(),
        "member bob@odd.example of Guild by member".to_owned(),
        "member bob@odd.example of Sales by department".to_owned(),
        "team department Sales".to_owned(),
        "team group Guild".to_owned(),
    ];
    facts.extend(more.iter().map(|fact| (*fact).to_owned()));
    facts.sort();
    facts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_rehired_and_dismissed_again_and_again_in_one_bulk_are_there_once() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("turnover").await;
    let mut ids = vec![];
    for name in ["ada", "bob", "cyd"] {
        ids.push(hired(&tenant, person(name, Some("Sales"), Some("ada"))).await);
    }
    let before = facts(&mut stack, &tenant).await;
    let logins = directory::logins(&stack.db, tenant.id).await;
    let again = |name: &str, turn: &str| {
        hire(
            &format!("{name}-{turn}"),
            person(name, Some("Sales"), Some("ada")),
        )
    };
    let leaves = |name: &str, turn: &str| dismiss(&format!("bulkId:{name}-{turn}"));
    let operations = [
        dismiss(&ids[0]),
        dismiss(&ids[1]),
        again("ada", "first"),
        again("bob", "first"),
        leaves("ada", "first"),
        again("ada", "second"),
        leaves("bob", "first"),
    ];
    sent(
        &tenant,
        &operations,
        &["204", "204", "201", "201", "204", "201", "204"],
    )
    .await;
    let mut expected: Vec<String> = before
        .into_iter()
        .filter(|fact| !fact.starts_with("line bob") && !fact.starts_with("member bob"))
        .map(|fact| {
            fact.replace(
                "person bob@odd.example active",
                "person bob@odd.example deprovisioned",
            )
        })
        .collect();
    expected.sort();
    assert_eq!(facts(&mut stack, &tenant).await, expected);
    assert_eq!(directory::logins(&stack.db, tenant.id).await, logins);
}
