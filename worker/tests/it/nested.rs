//! Groups that are members of groups: kept as such, whatever came first.

use crate::company::{Company, id, user};
use rollcall_shared::directory::Key;
use rollcall_shared::scim::ResourceType;
use serde_json::{Value, json};
use std::time::Duration;

/// The value by which a member names the group called `name` in a test.
fn id_of(name: &str) -> String {
    id(name).to_string()
}

fn said_to_be_a_group() -> Option<Value> {
    Some(json!({ "type": "Group" }))
}

#[tokio::test]
async fn nested_group_in_any_order_of_outer_inner_and_member_is_part_of_the_outer_team() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let company = Company::new().await;
        let keys = [
            company.put_group("outer", "Outer").await,
            company.set_member("outer", &id_of("inner"), true).await,
            company.put_group("inner", "Inner").await,
        ];
        for place in order {
            company.apply(&[keys[place].clone()]).await;
        }
        assert_eq!(company.links().await, ["Inner is part of Outer"], "{order:?}");
        assert!(company.nothing_pending().await);
    }
}

#[tokio::test]
async fn members_of_a_nested_group_do_not_become_members_of_the_outer_team() {
    let company = Company::new().await;
    let keys = [
        company.put("p", user("p", json!({}))).await,
        company.put_group("inner", "Inner").await,
        company.set_member("inner", "p", true).await,
        company.put_group("outer", "Outer").await,
        company.set_member("outer", &id_of("inner"), true).await,
    ];
    company.apply(&keys).await;
    assert_eq!(
        company.links().await,
        ["Inner is part of Outer", "p in group Inner"]
    );
    let key = company.set_member("outer", &id_of("inner"), false).await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, ["p in group Inner"]);
}

#[tokio::test]
async fn group_accepted_after_the_outer_one_is_waited_for_and_wakes_it() {
    let company = Company::new().await;
    let keys = [
        company.put_group("outer", "Outer").await,
        company.set_member("outer", &id_of("inner"), true).await,
    ];
    company.apply(&keys).await;
    let waits = format!("Outer waits for {}: missing", id_of("inner"));
    assert_eq!(company.links().await, [waits]);
    let key = company.put_group("inner", "Inner").await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, ["Inner is part of Outer"]);
    assert!(company.nothing_pending().await);
}

#[tokio::test]
async fn deleted_inner_group_is_waited_for_and_another_of_its_name_inherits_nothing() {
    let company = Company::new().await;
    let keys = [
        company.put_group("outer", "Outer").await,
        company.put_group("inner", "Inner").await,
        company.set_member("outer", &id_of("inner"), true).await,
        company
            .set_member_as("outer", "Inner", said_to_be_a_group())
            .await,
    ];
    company.apply(&keys).await;
    let both = ["Inner is part of Outer", "Inner is part of Outer"];
    assert_eq!(company.links().await, both, "by its id and by its name");
    let gone = company.delete(ResourceType::Group, "inner").await;
    company.apply(&[gone]).await;
    let waits = [
        "Outer waits for Inner: deprovisioned".to_owned(),
        format!("Outer waits for {}: deprovisioned", id_of("inner")),
    ];
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(company.links().await), sorted(waits.to_vec()));
    let keys: i64 = company
        .scalar(&format!(
            "select count(*) from waiters where wait_key = 'team:{}'",
            company.team("inner").id()
        ))
        .await;
    assert_eq!(keys, 2);
    let again = company.put_group("again", "Inner").await;
    company.apply(&[again]).await;
    assert_eq!(sorted(company.links().await), sorted(waits.to_vec()));
    // Asserted again, the name means the new group.
    let said = Some(json!({ "type": "Group", "display": "the new one" }));
    let key = company.set_member_as("outer", "Inner", said).await;
    company.apply(&[key]).await;
    assert_eq!(
        sorted(company.links().await),
        sorted(vec!["Inner is part of Outer".to_owned(), waits[1].clone()])
    );
}

#[tokio::test]
async fn deleted_outer_group_has_no_parts_and_waits_for_none() {
    let company = Company::new().await;
    let keys = [
        company.put_group("outer", "Outer").await,
        company.put_group("inner", "Inner").await,
        company.set_member("outer", &id_of("inner"), true).await,
        company.set_member("outer", &id_of("nobody"), true).await,
    ];
    company.apply(&keys).await;
    assert_eq!(company.links().await.len(), 2);
    let gone = company.delete(ResourceType::Group, "outer").await;
    company.apply(&[gone]).await;
    assert_eq!(company.links().await, Vec::<String>::new());
    assert!(company.nothing_pending().await);
}

#[tokio::test]
async fn group_in_itself_and_groups_in_a_circle_are_kept_and_end() {
    let company = Company::new().await;
    let mut keys = vec![];
    for name in ["a", "b", "c"] {
        keys.push(company.put_group(name, name).await);
    }
    for (outer, inner) in [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")] {
        keys.push(company.set_member(outer, &id_of(inner), true).await);
    }
    let all_at_once = tokio::time::timeout(Duration::from_secs(60), company.apply(&keys));
    all_at_once.await.expect("a circle is not walked");
    let circle = [
        "a is part of a",
        "a is part of c",
        "b is part of a",
        "c is part of b",
    ];
    assert_eq!(company.links().await, circle);
    // The circle opens with one of its groups, and closes no more.
    let gone = company.delete(ResourceType::Group, "b").await;
    company.apply(&[gone]).await;
    let open = [
        "a is part of a".to_owned(),
        "a is part of c".to_owned(),
        format!("a waits for {}: deprovisioned", id_of("b")),
    ];
    assert_eq!(company.links().await, open);
    assert!(company.nothing_pending().await);
}

#[tokio::test]
async fn member_said_to_be_a_group_by_type_or_reference_is_a_group_of_that_name_and_no_person() {
    for said in [
        json!({ "type": "group" }),
        json!({ "$ref": "https://idp.example.com/v2/Groups/7" }),
        json!({ "$ref": "../Groups/7", "display": "Crew" }),
    ] {
        let company = Company::new().await;
        let keys = [
            company.put("crew", user("crew", json!({}))).await,
            company.put_group("outer", "Outer").await,
            company.set_member_as("outer", "CREW", Some(said.clone())).await,
        ];
        company.apply(&keys).await;
        assert_eq!(company.links().await, ["Outer waits for CREW: missing"], "{said}");
        let key = company.put_group("inner", "Crew").await;
        company.apply(&[key]).await;
        assert_eq!(company.links().await, ["Crew is part of Outer"], "{said}");
    }
}

#[tokio::test]
async fn member_not_said_to_be_a_group_is_a_person_of_that_name_and_a_group_by_its_id_only() {
    let company = Company::new().await;
    let user_said = Some(json!({ "type": "User", "$ref": "../Groups/7" }));
    let keys = [
        company.put_group("inner", "Crew").await,
        company.put_group("outer", "Outer").await,
        company.set_member("outer", "crew", true).await,
        company.set_member_as("outer", &id_of("inner"), user_said).await,
    ];
    company.apply(&keys).await;
    assert_eq!(
        company.links().await,
        ["Crew is part of Outer", "Outer waits for crew: missing"]
    );
    let key = company.put("crew", user("crew", json!({}))).await;
    company.apply(&[key]).await;
    assert_eq!(
        company.links().await,
        ["Crew is part of Outer", "crew in group Outer"]
    );
    // What is said of a member later asserts it again.
    let key = company.set_member_as("outer", "crew", said_to_be_a_group()).await;
    company.apply(&[key]).await;
    assert_eq!(
        company.links().await,
        ["Crew is part of Outer", "Crew is part of Outer"]
    );
}

#[tokio::test]
async fn group_named_as_a_manager_is_nobody() {
    let company = Company::new().await;
    let keys = [
        company.put_group("g", "Crew").await,
        company.put("r", crate::company::report("r", &id_of("g"))).await,
    ];
    company.apply(&keys).await;
    let waits = format!("r waits for {}: missing", id_of("g"));
    assert_eq!(company.links().await, [waits]);
}

#[tokio::test]
async fn retry_and_arrival_of_a_dead_worker_settle_a_nested_group_nobody_woke() {
    let company = Company::new().await;
    let inner = id_of("inner");
    let member = company.set_member("outer", &inner, true).await;
    let keys = [
        company.put_group("outer", "Outer").await,
        company.put_group("inner", "Inner").await,
        member.clone(),
    ];
    company.apply(&keys).await;
    let (outer, part) = (company.team("outer").id(), company.team("inner").id());
    let lose = format!(
        "delete from team_parts;
         insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
         select $tenant, '{outer}', 3, '{inner}', '{inner}', 'team:{part}', 'not_applied', asserted_seq
         from scim_members"
    );
    company.execute(&lose).await;
    let Key::Member(team, value) = member else {
        panic!("a member's key")
    };
    company
        .engine
        .retry(company.tenant, &[], &[(team, value)])
        .await
        .unwrap();
    assert_eq!(company.links().await, ["Inner is part of Outer"]);
    company.execute(&lose).await;
    let wake =
        format!("insert into wakes (tenant_id, keys) values ($tenant, array['team:{part}']) returning id");
    let left: i64 = company.scalar(&wake).await;
    company.engine.wake_left(company.tenant, left).await.unwrap();
    assert_eq!(company.links().await, ["Inner is part of Outer"]);
    assert!(company.nothing_pending().await);
}

/// Each pair of workers meets at another moment; whatever happens, the later one sees the other.
#[tokio::test(flavor = "multi_thread")]
async fn inner_groups_deleted_while_others_are_nested_end_as_the_accept_order_says() {
    let company = Company::new().await;
    let other = company.another_engine().await;
    for round in 0..12 {
        let (outer, inner) = (format!("outer-{round}"), format!("inner-{round}"));
        let key = company.put_group(&inner, &inner).await;
        company.apply(&[key]).await;
        let nest = vec![
            company.put_group(&outer, &outer).await,
            company.set_member(&outer, &id_of(&inner), true).await,
        ];
        let gone = vec![company.delete(ResourceType::Group, &inner).await];
        let (one, two) = tokio::join!(
            company.engine.reconcile(company.tenant, &nest),
            other.reconcile(company.tenant, &gone)
        );
        assert_eq!(one.unwrap().keys + two.unwrap().keys, 3);
    }
    let rows = company.links().await;
    assert_eq!(rows.len(), 12, "{rows:?}");
    for row in &rows {
        assert!(row.ends_with(": deprovisioned"), "{row}");
    }
    assert!(company.nothing_pending().await);
}
