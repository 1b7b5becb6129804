use crate::handlers::tests::{FIRST, Setup, hold, until};
use crate::limiter::Limiter;
use rollcall_shared::directory::KeyAttribute;
use rollcall_shared::projection::ENTERPRISE;
use rollcall_shared::queue::Outcome;
use serde_json::json;
use std::slice::from_ref;

const WAKES: &str = "select count(*) from wakes";
/// Who is parked looks again, after the job.
const NONE: &str = "select count(*) from (select where not exists (select from wakes)) none";
const BLOCKED: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'";

/// Five people, p1 to p5, of whom the named ones report to others.
async fn reporting(lines: &[(usize, usize)]) -> Setup {
    let setup = Setup::new(Limiter::new(0, 0)).await;
    let pool = &setup.context.pool;
    let claim = "insert into scim_keys (tenant_id, kind, attribute, value, source, folded, resource_id, directory_id,
            from_seq, is_unique)
        select 1, 1, $1, document ->> 'userName', '', document ->> 'userName', id, id, seq, true from scim_resources";
    let attribute = KeyAttribute::UserName as i16;
    sqlx::query(claim).bind(attribute).execute(pool).await.unwrap();
    for (person, manager) in lines {
        let manager = json!({ ENTERPRISE: { "manager": { "value": format!("p{manager}") } } });
        sqlx::query("update scim_resources set document = document || $2 where id = $1")
            .bind(setup.keys[person - 1].id())
            .bind(manager)
            .execute(pool)
            .await
            .unwrap();
    }
    setup
}

impl Setup {
    /// Apply somebody.
    async fn apply(&self, person: usize) {
        let outcome = self.handle(from_ref(&self.keys[person - 1]), FIRST).await;
        assert_eq!(outcome, Outcome::Done, "p{person}");
    }
}

#[tokio::test]
async fn arrival_that_takes_long_keeps_no_job_and_is_not_taken_for_one_that_a_dead_worker_left() {
    let setup = reporting(&[(1, 2)]).await;
    setup.apply(1).await;
    until(&setup, "nobody is woken", NONE).await;
    let held = hold(&setup, &setup.keys[0]).await;
    setup.apply(2).await;
    until(&setup, "the arrival waits for p1", BLOCKED).await;
    assert_eq!(setup.count(WAKES).await, 1);
    let told = "select count(*) from wakes, people p
        where p.login = 'p2' and wakes.created_at > p.created_at + interval '1 second'";
    until(&setup, "somebody says that it is at it", told).await;
    held.rollback().await.unwrap();
    setup.context.arrivals.finished().await;
    assert_eq!(setup.count(WAKES).await, 0);
    assert_eq!(setup.count("select count(*) from reporting_lines").await, 1);
}

#[tokio::test]
async fn arrivals_that_gathered_are_seen_to_one_by_one_where_one_of_them_is_refused() {
    let setup = reporting(&[(1, 2), (3, 4), (4, 5)]).await;
    for statement in [
        "create function refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end'"
            .to_owned(),
        format!(
            "create trigger refuse before insert on reporting_lines for each row
             when (new.person_id = '{}') execute function refuse()",
            setup.keys[2].id()
        ),
    ] {
        let statement = sqlx::AssertSqlSafe(statement);
        sqlx::query(statement).execute(&setup.context.pool).await.unwrap();
    }
    setup.apply(1).await;
    setup.apply(3).await;
    until(&setup, "nobody is woken", NONE).await;
    let held = hold(&setup, &setup.keys[0]).await;
    setup.apply(2).await;
    until(&setup, "the first arrival waits for p1", BLOCKED).await;
    setup.apply(4).await;
    setup.apply(5).await;
    held.rollback().await.unwrap();
    setup.context.arrivals.finished().await;
    let linked = "select count(*) from reporting_lines l join people p on p.id = l.person_id
        where p.login in ('p1', 'p4')";
    assert_eq!(setup.count(linked).await, 2);
    assert_eq!(
        setup.count(WAKES).await,
        1,
        "what is refused is left to the feeder"
    );
}
