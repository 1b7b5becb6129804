use crate::company::{Company, user};
use rollcall_shared::directory::Key;
use serde_json::json;

/// Postgres refuses this person.
const REFUSE: &str = "create function refuse() returns trigger language plpgsql as
    $$ begin if new.login = 'bad' then raise exception 'refused'; end if; return new; end $$;
    create trigger refuse before insert or update on people for each row execute function refuse();";

async fn company_with_poison() -> (Company, Vec<Key>) {
    let company = Company::new().await;
    company.execute(REFUSE).await;
    let mut keys = vec![];
    for name in ["a", "b", "bad", "c", "d"] {
        keys.push(company.put(name, user(name, json!({}))).await);
    }
    (company, keys)
}

#[tokio::test]
async fn key_that_cannot_be_applied_fails_alone_and_is_parked_in_the_end() {
    let (company, keys) = company_with_poison().await;
    let report = company
        .engine
        .reconcile_isolating(company.tenant, &keys)
        .await
        .unwrap();
    assert_eq!((report.applied, report.failed), (4, 1));
    let failure: String = company
        .scalar("select attempts || ' ' || error || ' ' || parked from key_failures")
        .await;
    assert_eq!(failure, "1 sqlstate P0001 false");
    let rests: bool = company
        .scalar("select due_at > now() + interval '1 second' from pending")
        .await;
    assert!(rests, "the feeder leaves it alone for a while");
    for _ in 0..4 {
        company
            .engine
            .reconcile_isolating(company.tenant, &keys)
            .await
            .unwrap();
    }
    let parked: bool = company
        .scalar("select due_at = 'infinity' and (select parked from key_failures) from pending")
        .await;
    assert!(parked);
    assert_eq!(
        company.engine.workable(company.tenant, &keys).await.unwrap(),
        [],
        "a job about it does nothing"
    );
}

#[tokio::test]
async fn parked_key_is_opened_again_by_its_next_change_and_forgiven_on_success() {
    let (company, keys) = company_with_poison().await;
    for _ in 0..5 {
        company
            .engine
            .reconcile_isolating(company.tenant, &keys)
            .await
            .unwrap();
    }
    let key = company.put("bad", user("good", json!({}))).await;
    assert_eq!(
        company
            .engine
            .workable(company.tenant, std::slice::from_ref(&key))
            .await
            .unwrap(),
        [(key.clone(), 5)]
    );
    let report = company
        .engine
        .reconcile_isolating(company.tenant, &[key])
        .await
        .unwrap();
    assert_eq!((report.applied, report.failed), (1, 0));
    assert!(company.nothing_pending().await);
    let failures: i64 = company.scalar("select count(*) from key_failures").await;
    assert_eq!(failures, 0);
}

#[tokio::test]
async fn fault_of_the_schema_is_no_fault_of_the_keys() {
    let (company, keys) = company_with_poison().await;
    company
        .execute("alter table history rename to history_away")
        .await;
    assert!(
        company
            .engine
            .reconcile_isolating(company.tenant, &keys)
            .await
            .is_err()
    );
    let failures: i64 = company.scalar("select count(*) from key_failures").await;
    assert_eq!(failures, 0);
}
