use crate::company::{Company, ENTERPRISE, id, user};
use rollcall_shared::directory::Key;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::overview;
use serde_json::{Value, json};

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

fn of_department(name: &str, department: &str) -> Value {
    user(name, json!({ ENTERPRISE: { "department": department } }))
}

#[tokio::test]
async fn attribute_team_is_one_team_however_its_name_is_spelled() {
    let company = Company::new().await;
    let spellings = [
        "\u{dc}berbau Stra\u{df}e",
        "\u{fc}berbau strasse",
        "U\u{308}BERBAU STRASSE",
        "  \u{dc}berbau \t Stra\u{df}e ",
        "\u{dc}berbau\u{a0}Stra\u{df}e",
    ];
    let first = company.put("p0", of_department("p0", spellings[0])).await;
    company.apply(&[first]).await;
    let team = "select id::text || name || xmin::text || ctid::text from teams";
    let before: String = company.scalar(team).await;
    let mut keys = vec![];
    for (number, spelling) in spellings.iter().enumerate().skip(1) {
        let name = format!("p{number}");
        keys.push(company.put(&name, of_department(&name, spelling)).await);
    }
    company.apply(&keys).await;
    // Whoever was in it stays in it when their document spells it differently.
    let respelled = company.put("p0", of_department("p0", spellings[2])).await;
    company.apply(&[respelled]).await;
    assert_eq!(
        company.scalar::<String>(team).await,
        before,
        "one team, and nobody wrote it"
    );
    let members: i64 = company
        .scalar("select count(distinct person_id) from team_members where source = 'department'")
        .await;
    assert_eq!(members, 5);
    let moved: i64 = company
        .scalar("select count(*) from history where fields ? 'department'")
        .await;
    assert_eq!(moved, 5, "joined once each, moved never");
}

#[tokio::test]
async fn team_names_that_differ_in_more_than_case_and_spacing_are_different_teams() {
    let company = Company::new().await;
    let mut keys: Vec<Key> = vec![];
    for (number, name) in ["Sales", "Sales.", "S ales", "Säles", "Sale"].iter().enumerate() {
        let person = format!("p{number}");
        keys.push(company.put(&person, of_department(&person, name)).await);
    }
    // The same name of another attribute is another team.
    let division = user("d", json!({ ENTERPRISE: { "division": "Sales" } }));
    keys.push(company.put("d", division).await);
    company.apply(&keys).await;
    assert_eq!(company.scalar::<i64>("select count(*) from teams").await, 6);
}

#[tokio::test]
async fn team_whose_last_member_left_counts_no_more_and_is_the_same_when_somebody_joins() {
    let company = Company::new().await;
    let teams = async || {
        let mut conn = company.pool.acquire().await.unwrap();
        let counts = overview::counts(&mut conn, company.tenant).await.unwrap();
        (counts.teams, counts.memberships)
    };
    let keys = [
        company.put("a", of_department("a", "Sales")).await,
        company.put("b", of_department("b", "sales")).await,
        company.put_group("g", "Crew").await,
    ];
    company.apply(&keys).await;
    assert_eq!(teams().await, (2, 2));
    let id: uuid::Uuid = company
        .scalar("select id from teams where folded = 'sales'")
        .await;
    // One leaves by an attribute taken away, one by being deleted.
    let keys = [
        company.put("a", user("a", json!({}))).await,
        company.delete(ResourceType::User, "b").await,
    ];
    company.apply(&keys).await;
    assert_eq!(teams().await, (1, 0), "a group counts without members");
    let key = company.put("a", of_department("a", "SALES")).await;
    company.apply(&[key]).await;
    assert_eq!(teams().await, (2, 1));
    let again: uuid::Uuid = company
        .scalar("select team_id from team_members where source = 'department'")
        .await;
    assert_eq!(again, id);
    assert_eq!(company.links().await, ["a in department Sales"]);
}

#[tokio::test]
async fn person_who_moves_between_teams_leaves_the_one_and_joins_the_other_in_one_step() {
    let company = Company::new().await;
    let document = |department: &str, division: &str| {
        user(
            "a",
            json!({ ENTERPRISE: { "department": department, "division": division } }),
        )
    };
    let key = company.put("a", document("Sales", "North")).await;
    company.apply(&[key]).await;
    let since = "select since::text || xmin::text from team_members where source = 'division'";
    let before: String = company.scalar(since).await;
    let key = company.put("a", document("Legal", "north")).await;
    company.apply(&[key]).await;
    assert_eq!(
        company.links().await,
        ["a in department Legal", "a in division North"]
    );
    assert_eq!(
        company.scalar::<String>(since).await,
        before,
        "what stays is not touched"
    );
    let change: Value = company
        .scalar("select fields -> 'department' from history order by id desc limit 1")
        .await;
    let id_of = async |name: &str| -> uuid::Uuid {
        company
            .scalar(&format!("select id from teams where name = '{name}'"))
            .await
    };
    assert_eq!(change, json!([id_of("Sales").await, id_of("Legal").await]));
}

#[tokio::test]
async fn group_renamed_while_members_are_pending_has_the_new_name_and_the_members() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let company = Company::new().await;
        let key = company.put_group("g", "Crew").await;
        company.apply(&[key]).await;
        let team: uuid::Uuid = company.scalar("select id from teams").await;
        let keys = [
            company.set_member("g", "p", true).await,
            company.put_group("g", "Band").await,
            company.put("p", user("p", json!({}))).await,
        ];
        for place in order {
            company.apply(&[keys[place].clone()]).await;
        }
        assert_eq!(company.links().await, ["p in group Band"], "{order:?}");
        assert_eq!(company.scalar::<uuid::Uuid>("select id from teams").await, team);
        assert!(company.nothing_pending().await);
    }
}

#[tokio::test]
async fn group_deleted_and_created_again_under_its_name_is_a_new_team_without_members() {
    for together in [true, false] {
        let company = Company::new().await;
        let keys = [
            company.put("p", user("p", json!({}))).await,
            company.put_group("g", "Crew").await,
            company.set_member("g", "p", true).await,
        ];
        company.apply(&keys).await;
        let mut keys = vec![company.delete(ResourceType::Group, "g").await];
        if !together {
            company.apply(&keys).await;
            assert_eq!(company.links().await, Vec::<String>::new());
        }
        keys.push(company.put_group("again", "Crew").await);
        company.apply(&keys).await;
        assert_eq!(company.links().await, Vec::<String>::new(), "nobody is inherited");
        let teams: Vec<(bool, String)> = sqlx::query_as("select deleted, name from teams order by deleted")
            .fetch_all(&company.pool)
            .await
            .unwrap();
        assert_eq!(teams, [(false, "Crew".to_owned()), (true, "Crew".to_owned())]);
        let key = company.set_member("again", "p", true).await;
        company.apply(&[key]).await;
        assert_eq!(company.links().await, ["p in group Crew"]);
    }
}
