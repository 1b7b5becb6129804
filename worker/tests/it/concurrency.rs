//! The rules that keep concurrent workers from undoing or blocking each other.

use crate::company::{Company, ENTERPRISE, id, report, user};
use rollcall_shared::directory::Key;
use serde_json::json;
use std::time::Duration;

/// Wait until somebody waits for a lock another transaction holds.
pub(crate) async fn somebody_waits(company: &Company) {
    for _ in 0..500 {
        let waits: bool = company
            .scalar(
                "select exists (select from pg_stat_activity where datname = current_database()
                and wait_event_type = 'Lock')",
            )
            .await;
        if waits {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waited for a lock");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_worker_that_waited_for_the_lock_does_not_write_what_it_could_have_read_before() {
    let company = Company::new().await;
    let key = company.put("p", user("p", json!({"title": "one"}))).await;
    company.apply(std::slice::from_ref(&key)).await;
    company.put("p", user("p", json!({"title": "two"}))).await;
    // The slow worker comes to the person's row while somebody holds it …
    let mut holder = company.pool.begin().await.unwrap();
    sqlx::query("select from people for no key update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let slow = {
        let (engine, tenant, key) = (company.another_engine().await, company.tenant, key.clone());
        tokio::spawn(async move { engine.reconcile(tenant, &[key]).await.map(|done| done.keys) })
    };
    somebody_waits(&company).await;
    // … and in the meantime a newer document is accepted.
    company.put("p", user("p", json!({"title": "three"}))).await;
    holder.commit().await.unwrap();
    assert_eq!(slow.await.unwrap().unwrap(), 1);
    let title: String = company.scalar("select position from people").await;
    assert_eq!(title, "three", "what is read is read after the lock is held");
    assert!(company.nothing_pending().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_refer_to_each_other_are_applied_by_two_workers_without_a_deadlock() {
    let company = Company::new().await;
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let other = company.another_engine().await;
    for round in 0..8 {
        let mut keys: Vec<Key> = vec![];
        for (place, name) in names.iter().enumerate() {
            let manager = &names[(place * 7 + round + 1) % names.len()];
            keys.push(company.put(name, report(name, manager)).await);
        }
        let backwards: Vec<Key> = keys.iter().rev().cloned().collect();
        let (one, two) = tokio::join!(
            futures_of(&company.engine, company.tenant, &keys),
            futures_of(&other, company.tenant, &backwards)
        );
        assert!(one && two);
    }
    let lines: i64 = company.scalar("select count(*) from reporting_lines").await;
    assert_eq!(lines, 40);
    assert!(company.nothing_pending().await);
    assert_no_deadlock(&company).await;
}

async fn futures_of(
    engine: &rollcall_worker::reconcile::Engine,
    tenant: rollcall_shared::directory::TenantId,
    keys: &[Key],
) -> bool {
    for part in keys.chunks(8) {
        engine.reconcile(tenant, part).await.unwrap();
    }
    true
}

async fn assert_no_deadlock(company: &Company) {
    // The counters of a backend are published when it is idle, at the latest after a second.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let deadlocks: i64 = company
        .scalar("select deadlocks from pg_stat_database where datname = current_database()")
        .await;
    assert_eq!(deadlocks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_people_inserted_by_two_workers_at_once_are_each_applied_once_and_completely() {
    let company = Company::new().await;
    let other = company.another_engine().await;
    let mut keys: Vec<Key> = vec![];
    for number in 0..30 {
        let name = format!("p{number}");
        let document = user(
            &name,
            json!({ENTERPRISE: {"department": format!("D{}", number % 3),
            "manager": {"value": format!("p{}", (number + 1) % 30)}}}),
        );
        keys.push(company.put(&name, document).await);
    }
    let (one, two) = tokio::join!(
        company.engine.reconcile(company.tenant, &keys),
        other.reconcile(company.tenant, &keys)
    );
    assert_eq!(one.unwrap().keys + two.unwrap().keys, 30);
    let counts: String = company
        .scalar(
            "select (select count(*) from people) || ' ' || (select count(*) from reporting_lines) || ' '
            || (select count(*) from team_members) || ' ' || (select count(*) from history where cause = 'apply')",
        )
        .await;
    assert_eq!(counts, "30 30 30 30");
    assert_no_deadlock(&company).await;
}

#[tokio::test]
async fn row_of_an_existing_team_is_not_written_when_people_join() {
    let company = Company::new().await;
    let of = |name: &str| user(name, json!({ENTERPRISE: {"department": "Sales"}}));
    let key = company.put("a", of("a")).await;
    company.apply(&[key]).await;
    let row = "select xmin::text || ctid::text || updated_at from teams where name = 'Sales'";
    let before: String = company.scalar(row).await;
    let other = company.another_engine().await;
    for number in 0..5 {
        let name = format!("p{number}");
        let key = company.put(&name, of(&name)).await;
        other.reconcile(company.tenant, &[key]).await.unwrap();
    }
    assert_eq!(before, company.scalar::<String>(row).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_join_a_team_while_another_worker_is_in_the_middle_of_joining_it() {
    let company = Company::new().await;
    let of = |name: &str| user(name, json!({ENTERPRISE: {"department": "Sales"}}));
    let key = company.put("a", of("a")).await;
    company.apply(&[key]).await;
    // Another worker has joined somebody to the team and not yet committed.
    let mut open = company.pool.begin().await.unwrap();
    sqlx::query(
        "insert into team_members (tenant_id, team_id, person_id, source) select p.tenant_id, t.id, p.id, 'x'
        from teams t, people p",
    )
    .execute(&mut *open)
    .await
    .unwrap();
    let key = company.put("b", of("b")).await;
    tokio::time::timeout(Duration::from_secs(5), company.apply(&[key]))
        .await
        .expect("did not wait");
    open.rollback().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_one_group_set_by_two_workers_at_once_are_all_there() {
    let company = Company::new().await;
    let other = company.another_engine().await;
    let mut keys = vec![company.put_group("g", "Crew").await];
    for number in 0..30 {
        let name = format!("p{number}");
        keys.push(company.put(&name, user(&name, json!({}))).await);
        keys.push(company.set_member("g", &id(&name).to_string(), true).await);
    }
    let backwards: Vec<Key> = keys.iter().rev().cloned().collect();
    tokio::join!(
        futures_of(&company.engine, company.tenant, &keys),
        futures_of(&other, company.tenant, &backwards)
    );
    let members: i64 = company.scalar("select count(*) from team_members").await;
    assert_eq!(members, 30);
    assert!(company.nothing_pending().await);
    assert_no_deadlock(&company).await;
}

#[tokio::test]
async fn apply_that_loses_against_concurrent_transactions_is_run_again_and_fails_no_key() {
    let company = Company::new().await;
    // Loses a serialisation conflict, then a deadlock; a sequence does not roll back.
    company
        .execute(
            "create sequence tries;
             create function lose() returns trigger language plpgsql as $$ declare run bigint := nextval('tries'); begin
                 if run = 1 then raise exception 'lost' using errcode = '40001'; end if;
                 if run = 2 then raise exception 'lost' using errcode = '40P01'; end if;
                 return null; end $$;
             create trigger lose after insert on people for each statement execute function lose();",
        )
        .await;
    let key = company.put("p", user("p", json!({}))).await;
    let report = company
        .engine
        .reconcile_isolating(company.tenant, &[key])
        .await
        .unwrap();
    assert_eq!((report.applied, report.failed), (1, 0));
    let runs: i64 = company.scalar("select last_value from tries").await;
    assert_eq!(runs, 3);
    let failures: i64 = company.scalar("select count(*) from key_failures").await;
    assert_eq!(failures, 0, "losing is no failure of the key");
}
