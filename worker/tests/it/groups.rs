use crate::company::{Company, ENTERPRISE, id, user};
use rollcall_shared::scim::ResourceType;
use serde_json::json;

#[tokio::test]
async fn membership_in_any_order_of_member_group_and_person_is_the_same() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let company = Company::new().await;
        let group = company.put_group("g", "Crew").await;
        let member = company.set_member("g", &id("p").to_string(), true).await;
        let person = company.put("p", user("p", json!({}))).await;
        let keys = [group, member, person];
        for place in order {
            company.apply(&[keys[place].clone()]).await;
        }
        assert_eq!(company.links().await, ["p in group Crew"], "{order:?}");
        assert!(company.nothing_pending().await);
    }
}

#[tokio::test]
async fn member_who_is_not_there_yet_waits_and_leaves_with_the_assertion() {
    let company = Company::new().await;
    let keys = [
        company.put_group("g", "Crew").await,
        company.set_member("g", "P@example.com", true).await,
    ];
    company.apply(&keys).await;
    assert_eq!(company.links().await, ["Crew waits for P@example.com: missing"]);
    let person = company.put("p", user("p@example.com", json!({}))).await;
    company.apply(&[person]).await;
    assert_eq!(company.links().await, ["p@example.com in group Crew"]);
    let key = company.set_member("g", "p@EXAMPLE.com", false).await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, Vec::<String>::new());
}

#[tokio::test]
async fn deleted_member_waits_for_that_person_and_deleted_group_has_no_members() {
    let company = Company::new().await;
    let keys = [
        company.put_group("g", "Crew").await,
        company.set_member("g", "p", true).await,
        company.set_member("g", "nobody", true).await,
        company.put("p", user("p", json!({}))).await,
    ];
    company.apply(&keys).await;
    assert_eq!(
        company.links().await,
        ["Crew waits for nobody: missing", "p in group Crew"]
    );
    let key = company.delete(ResourceType::User, "p").await;
    company.apply(&[key]).await;
    assert_eq!(
        company.links().await,
        [
            "Crew waits for nobody: missing",
            "Crew waits for p: deprovisioned"
        ]
    );
    let key = company.delete(ResourceType::Group, "g").await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, Vec::<String>::new());
    let deleted: bool = company
        .scalar("select deleted from teams where kind = 'group'")
        .await;
    assert!(deleted);
}

#[tokio::test]
async fn renamed_group_keeps_its_team_and_deleted_unseen_group_leaves_a_deleted_team() {
    let company = Company::new().await;
    let key = company.put_group("g", "Crew").await;
    company.apply(&[key]).await;
    let key = company.put_group("g", "Band").await;
    company.apply(&[key]).await;
    company.put_group("h", "Brief").await;
    let key = company.delete(ResourceType::Group, "h").await;
    company.apply(&[key]).await;
    let teams: String = company
        .scalar("select string_agg(name || deleted, ' ' order by name) from teams")
        .await;
    assert_eq!(teams, "Bandfalse Brieftrue");
    let change: String = company
        .scalar("select fields::text from history where key_kind = 2 order by id offset 1 limit 1")
        .await;
    assert_eq!(change, r#"{"name": ["Crew", "Band"]}"#);
}

#[tokio::test]
async fn department_spelled_differently_is_one_team_and_a_change_moves_the_person() {
    let company = Company::new().await;
    let of = |name, department| user(name, json!({ENTERPRISE: {"department": department}}));
    let keys = [
        company.put("a", of("a", "Sales  EMEA")).await,
        company.put("b", of("b", "sales emea")).await,
    ];
    company.apply(&keys).await;
    assert_eq!(
        company.links().await,
        ["a in department Sales  EMEA", "b in department Sales  EMEA"]
    );
    let key = company.put("b", of("b", "Legal")).await;
    company.apply(&[key]).await;
    assert_eq!(
        company.links().await,
        ["a in department Sales  EMEA", "b in department Legal"]
    );
    let key = company.put("b", user("b", json!({}))).await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, ["a in department Sales  EMEA"]);
}
