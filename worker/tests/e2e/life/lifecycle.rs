//! Deactivating, deleting and coming back.

use super::{ENTERPRISE, SOON, create, delete, links, patch, person, start_worker, stop_worker};
use crate::harness::{Options, Stack, Tenant};
use serde_json::{Value, json};

/// Ada in a department and a group, with a manager and a report; answers (Ada, the report).
async fn company(tenant: &Tenant) -> (String, String) {
    create(tenant, "/Users", json!({ "userName": "boss" })).await;
    let ada = create(tenant, "/Users", as_sent()).await;
    let bob = json!({ "userName": "bob", ENTERPRISE: { "manager": { "value": "ada@example.com" } } });
    let bob = create(tenant, "/Users", bob).await;
    create(
        tenant,
        "/Groups",
        json!({ "displayName": "Guild", "members": [{ "value": ada }] }),
    )
    .await;
    (ada, bob)
}

fn as_sent() -> Value {
    json!({
        "userName": "ada@example.com", "externalId": "E-1", "title": "Engineer",
        "emails": [{ "value": "ada@example.com", "primary": true }],
        ENTERPRISE: { "department": "Sales", "manager": { "value": "boss" } },
    })
}

/// How often a person's status changed, and every row of their history.
async fn history(stack: &Stack, person: &Value) -> (i64, i64) {
    let id: uuid::Uuid = person["id"].as_str().unwrap().parse().unwrap();
    sqlx::query_as(
        "select count(*) filter (where fields ? 'status'), count(*) from history where key_kind = 1 and key_id = $1",
    )
    .bind(id)
    .fetch_one(&stack.db)
    .await
    .unwrap()
}

#[tokio::test]
async fn deactivated_and_reactivated_person_keeps_id_history_and_links() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("deactivated").await;
    let (ada, bob) = company(&tenant).await;
    stack.converged(SOON).await;
    let before = person(&tenant, &ada).await;
    let (own, of_report) = (links(&tenant, &ada).await, links(&tenant, &bob).await);
    assert_eq!(
        own,
        ["manager linked boss", "team linked Guild", "team linked Sales"]
    );
    assert_eq!(of_report, ["manager linked ada@example.com"]);
    let lines = "select string_agg(person_id::text || manager_id || since, ' ' order by person_id) from reporting_lines";
    let since: String = sqlx::query_scalar(lines).fetch_one(&stack.db).await.unwrap();
    let path = format!("/Users/{ada}");
    for (active, status) in [("False", "deactivated"), ("True", "active")] {
        patch(
            &tenant,
            &path,
            json!([{ "op": "Replace", "path": "active", "value": active }]),
        )
        .await;
        stack.converged(SOON).await;
        let now = person(&tenant, &ada).await;
        assert_eq!(now["person"]["status"], status);
        assert_eq!(now["id"], before["id"]);
        assert_eq!(links(&tenant, &ada).await, own, "{status}");
        assert_eq!(links(&tenant, &bob).await, of_report, "{status}");
    }
    assert_eq!(
        since,
        sqlx::query_scalar::<_, String>(lines)
            .fetch_one(&stack.db)
            .await
            .unwrap(),
        "no line was ended and drawn again"
    );
    assert_eq!(history(&stack, &before).await.0, 3, "active, deactivated, active");
}

#[tokio::test]
async fn rehire_accepted_before_the_delete_is_applied_keeps_the_person_and_who_reports_to_them() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("rehired").await;
    let (ada, bob) = company(&tenant).await;
    stack.converged(SOON).await;
    let before = person(&tenant, &ada).await;
    let since = "select since::text from reporting_lines where reference = 'ada@example.com'";
    let line: String = sqlx::query_scalar(since).fetch_one(&stack.db).await.unwrap();

    stop_worker(&mut stack).await;
    delete(&tenant, &format!("/Users/{ada}")).await;
    let mut back = as_sent();
    back["title"] = json!("Director");
    let again = create(&tenant, "/Users", back).await;
    start_worker(&mut stack).await;
    stack.converged(SOON).await;

    let after = person(&tenant, &again).await;
    assert_ne!(again, ada);
    assert_eq!(after["id"], before["id"], "one person");
    assert_eq!(
        (&after["person"]["status"], &after["person"]["position"]),
        (&json!("active"), &json!("Director"))
    );
    assert_eq!(links(&tenant, &bob).await, ["manager linked ada@example.com"]);
    assert_eq!(
        line,
        sqlx::query_scalar::<_, String>(since)
            .fetch_one(&stack.db)
            .await
            .unwrap(),
        "the line was never ended"
    );
    assert_eq!(history(&stack, &before).await.0, 1, "never shown as gone");
    let people: i64 = sqlx::query_scalar("select count(*) from people")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(people, 3);
}

#[tokio::test]
async fn deleted_person_waits_for_and_gets_their_own_links_and_history_on_return() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("returned").await;
    let (ada, bob) = company(&tenant).await;
    stack.converged(SOON).await;
    let before = person(&tenant, &ada).await;
    let rows = history(&stack, &before).await.1;
    delete(&tenant, &format!("/Users/{ada}")).await;
    stack.converged(SOON).await;
    let gone = person(&tenant, &ada).await;
    assert_eq!(
        (&gone["person"]["status"], &gone["person"]["position"]),
        (&json!("deprovisioned"), &json!("Engineer")),
        "kept for history"
    );
    assert_eq!(links(&tenant, &bob).await, ["manager waiting deprovisioned"]);
    tenant.scim.get(&format!("/Users/{ada}")).await.expect(404);

    let again = create(&tenant, "/Users", as_sent()).await;
    stack.converged(SOON).await;
    let after = person(&tenant, &again).await;
    assert_eq!(after["id"], before["id"]);
    assert_eq!(links(&tenant, &bob).await, ["manager linked ada@example.com"]);
    assert_eq!(
        links(&tenant, &again).await,
        ["manager linked boss", "team linked Sales"],
        "a group has whom it names: the deleted User left it"
    );
    assert!(history(&stack, &before).await.1 > rows, "the history goes on");
}

#[tokio::test]
async fn recycled_address_of_a_new_external_id_is_a_new_person_who_inherits_nothing() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("recycled").await;
    let (ada, bob) = company(&tenant).await;
    let by_address = json!({ "displayName": "Crew", "members": [{ "value": "ada@example.com" }] });
    create(&tenant, "/Groups", by_address).await;
    stack.converged(SOON).await;
    let before = person(&tenant, &ada).await;
    delete(&tenant, &format!("/Users/{ada}")).await;
    stack.converged(SOON).await;

    let mut other = as_sent();
    other["externalId"] = json!("E-2");
    other.as_object_mut().unwrap().remove(ENTERPRISE);
    let other = create(&tenant, "/Users", other).await;
    stack.converged(SOON).await;
    let new = person(&tenant, &other).await;
    assert_ne!(new["id"], before["id"]);
    assert_eq!(
        links(&tenant, &other).await,
        Vec::<String>::new(),
        "no manager, no team"
    );
    assert_eq!(links(&tenant, &bob).await, ["manager waiting deprovisioned"]);
    assert_eq!(history(&stack, &new).await.1, 1, "a history of their own");
    assert_eq!(person(&tenant, &ada).await["person"]["status"], "deprovisioned");
}

#[tokio::test]
async fn renamed_person_is_the_same_with_their_links_whatever_of_their_names_changed() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("renamed").await;
    let (ada, bob) = company(&tenant).await;
    stack.converged(SOON).await;
    let before = person(&tenant, &ada).await;
    let renamed = json!([
        { "op": "replace", "path": "userName", "value": "lovelace@example.com" },
        { "op": "replace", "path": "emails[primary eq true].value", "value": "lovelace@example.com" },
    ]);
    patch(&tenant, &format!("/Users/{ada}"), renamed).await;
    stack.converged(SOON).await;
    let after = person(&tenant, &ada).await;
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["person"]["email"], "lovelace@example.com");
    assert_eq!(
        links(&tenant, &bob).await,
        ["manager linked lovelace@example.com"]
    );
    // As another User of the same externalId.
    delete(&tenant, &format!("/Users/{ada}")).await;
    let again = json!({ "userName": "countess", "externalId": "E-1" });
    let again = create(&tenant, "/Users", again).await;
    stack.converged(SOON).await;
    assert_eq!(person(&tenant, &again).await["id"], before["id"]);
    assert_eq!(links(&tenant, &bob).await, ["manager linked countess"]);
}
