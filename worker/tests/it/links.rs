use crate::company::{Company, ENTERPRISE, ROLLCALL, id, report, user};
use rollcall_shared::scim::ResourceType;
use serde_json::json;

#[tokio::test]
async fn manager_line_in_any_order_of_arrival_is_the_same() {
    for together in [true, false] {
        for report_first in [true, false] {
            let company = Company::new().await;
            let mut keys = vec![
                company.put("r", report("r", "boss@example.com")).await,
                company
                    .put("m", user("m", json!({"emails": [{"value": "Boss@example.com"}]})))
                    .await,
            ];
            if !report_first {
                keys.reverse();
            }
            if together {
                company.apply(&keys).await;
            } else {
                for key in keys {
                    company.apply(&[key]).await;
                }
            }
            assert_eq!(
                company.links().await,
                ["r -> m (1 0)"],
                "together {together}, first {report_first}"
            );
            assert!(company.nothing_pending().await);
        }
    }
}

#[tokio::test]
async fn reference_whose_target_is_accepted_later_waits_and_is_woken_by_the_arrival() {
    let company = Company::new().await;
    let key = company.put("r", report("r", "boss")).await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, ["r waits for boss: missing"]);
    let key = company.put("m", user("m", json!({"externalId": "boss"}))).await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, ["r -> m (1 0)"]);
}

#[tokio::test]
async fn line_to_a_deleted_person_waits_for_that_person_until_the_rehire() {
    let company = Company::new().await;
    let keys = [
        company.put("r", report("r", "boss")).await,
        company.put("m", user("boss", json!({}))).await,
    ];
    company.apply(&keys).await;
    let gone = company.delete(ResourceType::User, "m").await;
    company.apply(&[gone]).await;
    assert_eq!(company.links().await, ["r waits for boss: deprovisioned"]);
    // Somebody else gets the name: nobody inherits the reports of who had it before.
    let other = company
        .put("other", user("boss", json!({"title": "other"})))
        .await;
    company.apply(&[other]).await;
    assert_eq!(company.links().await, ["r waits for boss: deprovisioned"]);
    company.rehire("m", "m2");
    let back = company.put("m2", user("boss2", json!({}))).await;
    company.apply(&[back]).await;
    assert_eq!(company.links().await, ["r -> boss2 (1 0)"]);
}

#[tokio::test]
async fn recycled_email_leaves_old_links_and_serves_new_ones() {
    let company = Company::new().await;
    let mail = |name| user(name, json!({"emails": [{"value": "boss@example.com"}]}));
    let keys = [
        company.put("m1", mail("m1")).await,
        company.put("r1", report("r1", "boss@example.com")).await,
    ];
    company.apply(&keys).await;
    let keys = [
        company.put("m1", user("m1", json!({}))).await,
        company.put("m2", mail("m2")).await,
        company.put("r2", report("r2", "boss@example.com")).await,
    ];
    company.apply(&keys).await;
    assert_eq!(company.links().await, ["r1 -> m1 (1 0)", "r2 -> m2 (1 0)"]);
    // Asserted again, the reference means the new holder.
    let key = company.put("r1", report("r1", "BOSS@example.com")).await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, ["r1 -> m2 (1 0)", "r2 -> m2 (1 0)"]);
}

#[tokio::test]
async fn ambiguous_reference_waits_and_binds_when_one_holder_lets_go() {
    let company = Company::new().await;
    let number = |name| user(name, json!({ENTERPRISE: {"employeeNumber": "7"}}));
    let keys = [
        company.put("a", number("a")).await,
        company.put("b", number("b")).await,
        company.put("r", report("r", "7")).await,
    ];
    company.apply(&keys).await;
    assert_eq!(company.links().await, ["r waits for 7: ambiguous"]);
    let key = company.put("a", user("a", json!({}))).await;
    company.apply(&[key]).await;
    assert_eq!(company.links().await, ["r -> b (1 0)"]);
}

#[tokio::test]
async fn additional_managers_are_linked_in_order_once_each_and_self_is_flagged() {
    let company = Company::new().await;
    let additional = json!([{"value": "a"}, {"value": "late"}, {"value": "A"}, {"value": "r"}]);
    let keys = [
        company.put("a", user("a", json!({}))).await,
        company
            .put(
                "r",
                user("r", json!({ROLLCALL: {"additionalManagers": additional}})),
            )
            .await,
    ];
    company.apply(&keys).await;
    assert_eq!(
        company.links().await,
        ["r -> a (2 0)", "r -> r (2 3)", "r waits for late: missing"]
    );
    let flags: String = company
        .scalar("select string_agg(ordinal || coalesce(flag, ''), ' ' order by ordinal) from reporting_lines")
        .await;
    assert_eq!(flags, "0 3self");
    let key = company.put("late", user("late", json!({}))).await;
    company.apply(&[key]).await;
    assert_eq!(
        company.links().await,
        ["r -> a (2 0)", "r -> late (2 1)", "r -> r (2 3)"]
    );
}

#[tokio::test]
async fn deleted_person_loses_own_links_and_memberships_whether_or_not_the_creation_was_seen() {
    for seen in [true, false] {
        let company = Company::new().await;
        let document = user(
            "r",
            json!({ENTERPRISE: {"department": "Sales", "manager": {"value": "m"}}}),
        );
        let keys = [
            company.put("m", user("m", json!({}))).await,
            company.put("r", document).await,
        ];
        if seen {
            company.apply(&keys).await;
            assert_eq!(company.links().await, ["r -> m (1 0)", "r in department Sales"]);
        }
        company.delete(ResourceType::User, "r").await;
        company.apply(&keys).await;
        assert_eq!(company.links().await, Vec::<String>::new(), "seen {seen}");
        let status: String = company
            .scalar("select status from people where login = 'r'")
            .await;
        assert_eq!(status, "deprovisioned");
    }
}

#[tokio::test]
async fn retry_settles_a_link_nobody_woke_and_arrival_of_a_dead_worker_is_taken_over() {
    let company = Company::new().await;
    let keys = [
        company.put("r", report("r", "m")).await,
        company.put("m", user("m", json!({}))).await,
    ];
    company.apply(&keys).await;
    // As if the wake-up had been lost: the link waits although its target is there.
    let lose = "delete from reporting_lines;
        insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
        select $tenant, id, 1, '0', 'm', 'm', 'missing', 1 from people where login = 'r'";
    company.execute(lose).await;
    company
        .engine
        .retry(company.tenant, &[company.directory(id("r"))], &[])
        .await
        .unwrap();
    assert_eq!(company.links().await, ["r -> m (1 0)"]);
    company.execute(lose).await;
    let left: i64 = company
        .scalar("insert into wakes (tenant_id, keys) values ($tenant, array['m']) returning id")
        .await;
    company.engine.wake_left(company.tenant, left).await.unwrap();
    assert_eq!(company.links().await, ["r -> m (1 0)"]);
    assert!(company.nothing_pending().await);
}
