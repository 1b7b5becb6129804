//! What a pause holds back of waiting links and runs, and what it does not.

use crate::company::{Company, report, user};
use crate::process::{Worker, until};
use rollcall_shared::directory::WorkLane;
use rollcall_shared::store::runs::{self, Scope, steps};
use rollcall_shared::store::{feed, lanes};
use serde_json::json;
use uuid::Uuid;

async fn pause(company: &Company, lane: WorkLane) {
    let mut conn = company.pool.acquire().await.unwrap();
    assert!(
        lanes::pause(&mut conn, company.tenant, lane, Uuid::nil(), None)
            .await
            .unwrap()
    );
}

async fn resume(company: &Company, lane: WorkLane) {
    let mut conn = company.pool.acquire().await.unwrap();
    assert!(lanes::resume(&mut conn, company.tenant, lane).await.unwrap());
}

#[tokio::test]
async fn waiting_links_of_a_paused_tenant_are_not_due_and_use_no_attempt() {
    let company = Company::new().await;
    let other = company.other_tenant().await;
    for company in [&company, &other] {
        let key = company.put("r", report("r", "nobody")).await;
        company.apply(&[key]).await;
    }
    company
        .execute("update waiters set next_attempt_at = now()")
        .await;
    pause(&company, WorkLane::Links).await;
    let mut conn = company.pool.acquire().await.unwrap();
    assert!(
        feed::due(&mut conn).await.unwrap().waiters,
        "the other tenant's are due"
    );
    let claimed = feed::claim_waiters(&mut conn, 100).await.unwrap();
    assert_eq!(claimed.keys().copied().collect::<Vec<_>>(), [other.tenant]);
    assert!(!feed::due(&mut conn).await.unwrap().waiters);
    let attempts: i32 = company
        .scalar(&format!(
            "select attempts from waiters where tenant_id = {}",
            company.tenant
        ))
        .await;
    assert_eq!(attempts, 0);
    resume(&company, WorkLane::Links).await;
    assert!(feed::due(&mut conn).await.unwrap().waiters);
}

#[tokio::test(flavor = "multi_thread")]
async fn arrivals_wake_those_who_wait_while_retries_are_paused() {
    let company = Company::new().await;
    pause(&company, WorkLane::Links).await;
    company.put("r", report("r", "m")).await;
    company.execute("update pending set due_at = now()").await;
    let worker = Worker::start(&company, &[]);
    until(&company, "select count(*) = 1 from waiters").await;
    company.put("m", user("m", json!({}))).await;
    company.execute("update pending set due_at = now()").await;
    until(&company, "select count(*) = 1 from reporting_lines").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_of_a_paused_lane_waits_and_goes_on_when_it_is_resumed() {
    let company = Company::new().await;
    let key = company.put("a", user("a", json!({}))).await;
    company.apply(&[key]).await;
    pause(&company, WorkLane::Runs).await;
    let mut conn = company.pool.acquire().await.unwrap();
    let (run, _) = runs::start(&mut conn, company.tenant, Scope::Full, false)
        .await
        .unwrap();
    company.execute("update runs set due_at = now()").await;
    assert!(!steps::due(&mut conn).await.unwrap());
    assert!(steps::claim(&mut conn, 10).await.unwrap().is_empty());

    // A write shows that the worker works; the run, due before, is where it was.
    let worker = Worker::start(&company, &[]);
    company.put("b", user("b", json!({}))).await;
    company.execute("update pending set due_at = now()").await;
    until(&company, "select count(*) = 2 from people").await;
    let phase: String = company.scalar("select phase from runs").await;
    assert_eq!(phase, "plan");
    resume(&company, WorkLane::Runs).await;
    until(&company, "select phase = 'done' from runs").await;
    assert!(
        runs::find(&mut conn, company.tenant, run)
            .await
            .unwrap()
            .is_some()
    );
    worker.stop().await;
}

#[tokio::test]
async fn pause_and_resume_twice_change_nothing_the_second_time() {
    let company = Company::new().await;
    let mut conn = company.pool.acquire().await.unwrap();
    let token = Uuid::now_v7();
    let lane = WorkLane::Bulk;
    assert!(
        lanes::pause(&mut conn, company.tenant, lane, token, Some("first"))
            .await
            .unwrap()
    );
    assert!(
        !lanes::pause(&mut conn, company.tenant, lane, Uuid::nil(), Some("second"))
            .await
            .unwrap()
    );
    let paused = lanes::paused(&mut conn, company.tenant).await.unwrap();
    assert_eq!(paused.len(), 1);
    assert_eq!(
        (paused[0].token_id, paused[0].reason.as_deref()),
        (token, Some("first"))
    );
    resume(&company, lane).await;
    assert!(!lanes::resume(&mut conn, company.tenant, lane).await.unwrap());
}
