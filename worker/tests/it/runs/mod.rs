//! Runs: what differs is found, told by name, and put right, and nothing else is touched.

mod repairs;

use crate::company::{Company, ENTERPRISE, report, user};
use crate::process::Worker;
use rollcall_shared::directory::Key;
use rollcall_shared::store::runs::{self, NamedSample, Run, Scope};
use rollcall_worker::failpoints::RUN_FAILPOINTS;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);

/// Ada leads, Bob and Cyd report to her; Eve waits for somebody who never comes. All are in
/// departments, Bob and Cyd in the group Guild.
async fn company() -> Company {
    let company = Company::new().await;
    let member = |name: &str, manager: Option<&str>, department: &str| {
        let mut enterprise = json!({ "department": department });
        if let Some(manager) = manager {
            enterprise["manager"] = json!({ "value": manager });
        }
        user(
            name,
            json!({ "displayName": name.to_uppercase(), "title": "Smith", ENTERPRISE: enterprise }),
        )
    };
    let mut keys = vec![
        company.put("ada", member("ada", None, "Board")).await,
        company.put("bob", member("bob", Some("ada"), "Sales")).await,
        company.put("cyd", member("cyd", Some("ada"), "Sales")).await,
        company.put("eve", member("eve", Some("nobody"), "Sales")).await,
        company.put_group("guild", "Guild").await,
        company.put_group("choir", "Choir").await,
    ];
    keys.push(company.set_member("guild", "bob", true).await);
    keys.push(company.set_member("guild", "cyd", true).await);
    keys.push(company.set_member("choir", "eve", true).await);
    company.apply(&keys).await;
    assert!(company.nothing_pending().await);
    // Retries of their own would write to them at any moment.
    company.execute("update waiters set next_attempt_at = null").await;
    company
}

async fn start(company: &Company, scope: Scope, dry_run: bool) -> Uuid {
    let mut conn = company.pool.acquire().await.unwrap();
    runs::start(&mut conn, company.tenant, scope, dry_run)
        .await
        .unwrap()
        .0
}

async fn find(company: &Company, run: Uuid) -> Run {
    let mut conn = company.pool.acquire().await.unwrap();
    runs::find(&mut conn, company.tenant, run).await.unwrap().unwrap()
}

/// The report, without what depends on the clock.
async fn finished(company: &Company, run: Uuid) -> Value {
    let started = Instant::now();
    loop {
        let found = find(company, run).await;
        if let Some(mut report) = found.report {
            let report_of = report.as_object_mut().unwrap();
            report_of.remove("seconds").unwrap();
            report_of.remove("keysPerSecond").unwrap();
            report_of.remove("peoplePerSecond").unwrap();
            return report;
        }
        assert!(started.elapsed() < PATIENCE, "the run does not end: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn run(company: &Company, scope: Scope, dry_run: bool) -> (Uuid, Value) {
    let run = start(company, scope, dry_run).await;
    let worker = Worker::start(company, &["--lease-seconds", "2"]);
    let report = finished(company, run).await;
    worker.stop().await;
    (run, report)
}

async fn samples(company: &Company, run: Uuid) -> Vec<NamedSample> {
    let mut conn = company.pool.acquire().await.unwrap();
    runs::samples(&mut conn, company.tenant, run, 100).await.unwrap()
}

/// Where each row of the directory lies, and which transaction wrote it.
async fn versions(company: &Company) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for (table, key) in [
        ("people", "id::text"),
        ("teams", "id::text"),
        ("team_members", "team_id::text || person_id || source"),
        ("team_parts", "team_id::text || part_id || source"),
        ("reporting_lines", "person_id::text || slot || ordinal"),
        ("waiters", "subject_id::text || slot || place"),
        ("rejections", "resource_id::text || rule"),
        ("history", "id::text"),
    ] {
        let sql = format!("select '{table} ' || {key}, xmin || ' ' || ctid::text from {table}");
        let rows: Vec<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .fetch_all(&company.pool)
            .await
            .unwrap();
        versions.extend(rows);
    }
    assert!(versions.len() > 10);
    versions
}

fn row(table: &str, key: impl std::fmt::Display) -> String {
    format!("{table} {key}")
}

/// What a foreign hand does to the directory.
async fn meddle(company: &Company) {
    let (bob, cyd, ada) = (
        company.person("bob").id(),
        company.person("cyd").id(),
        company.person("ada").id(),
    );
    let (guild, choir) = (company.team("guild").id(), company.team("choir").id());
    let eve = company.person("eve").id();
    let board = "(select id from teams where name = 'Board')";
    for sql in [
        format!("update people set position = 'Baron' where id = '{bob}'"),
        format!("delete from team_members where person_id = '{cyd}' and team_id = '{guild}'"),
        format!(
            "insert into team_members (tenant_id, team_id, person_id, source)
                 values ($tenant, '{choir}', '{ada}', 'member:by hand')"
        ),
        format!(
            "insert into team_members (tenant_id, team_id, person_id, source)
                 values ($tenant, {board}, '{bob}', 'by hand')"
        ),
        format!("update reporting_lines set manager_id = '{eve}' where person_id = '{cyd}'"),
        format!("update teams set name = 'Gang' where id = '{guild}'"),
        "update teams set name = 'Purchasing' where name = 'Sales'".to_owned(),
        "insert into people (tenant_id, id, resource_id, status, login, applied_mapping, applied_seq)
         values ($tenant, gen_random_uuid(), gen_random_uuid(), 'active', 'ghost', 1, 1)"
            .to_owned(),
        "insert into teams (tenant_id, id, kind, name, resource_id)
         values ($tenant, gen_random_uuid(), 'group', 'Ghosts', gen_random_uuid())"
            .to_owned(),
    ] {
        company.execute(&sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_run_over_an_unchanged_directory_writes_nothing_to_it() {
    let company = company().await;
    let before = versions(&company).await;
    for dry_run in [true, false] {
        let (_, report) = run(&company, Scope::Full, dry_run).await;
        let expected = json!({
            "checked": 4 + 2 + 3 + 2, "people": 4, "unchanged": 11, "inFlight": 0, "differing": 0, "fields": {},
            "linksResolved": 0, "stillWaiting": 1, "teamsCreated": 0, "teamsEmptied": 0, "rejected": 0, "failed": 0,
        });
        assert_eq!(report, expected);
        assert_eq!(versions(&company).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_tells_each_difference_by_name_and_changes_nothing() {
    let company = company().await;
    meddle(&company).await;
    let before = versions(&company).await;
    let (id, report) = run(&company, Scope::Full, true).await;
    assert_eq!(versions(&company).await, before);
    let fields = json!({
        "by hand": 1, "manager": 1, "members": 2, "position": 1, "status": 1, "team.deleted": 1, "team.name": 2,
    });
    assert_eq!(report["fields"], fields, "{report}");
    assert_eq!(report["differing"], 8, "{report}");
    assert_eq!(report["unchanged"], 4 + 1 + 2 + 1 + 3 + 2 - 8 + 1, "{report}");

    let mut told: Vec<String> = samples(&company, id)
        .await
        .into_iter()
        .map(|sample| {
            let value = |value: Option<Value>| value.unwrap_or_default().to_string();
            let name = sample.name.unwrap_or_default();
            format!(
                "{} {name} {} {} {}",
                sample.kind,
                sample.field,
                value(sample.old),
                value(sample.new)
            )
        })
        .collect();
    told.sort();
    let expected = [
        r#"line CYD manager "EVE" "ADA""#,
        r#"membership BOB by hand "Board" null"#,
        r#"membership Choir members "ADA" null"#,
        r#"membership Gang members null "CYD""#,
        r#"person BOB position "Baron" "Smith""#,
        r#"person ghost status "active" "deprovisioned""#,
        r#"team Gang team.name "Gang" "Guild""#,
        r#"team Ghosts team.deleted false true"#,
        r#"team Purchasing team.name "Purchasing" "Sales""#,
    ];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn run_of_a_person_or_a_team_leaves_the_rest_alone() {
    let company = company().await;
    meddle(&company).await;
    let bob = company.person("bob").id();
    let (_, report) = run(&company, Scope::Person(bob), false).await;
    assert_eq!(
        report["fields"],
        json!({ "by hand": 1, "position": 1 }),
        "{report}"
    );
    let guild = company.team("guild").id();
    let (_, report) = run(&company, Scope::Team(guild), false).await;
    assert_eq!(
        report["fields"],
        json!({ "members": 1, "team.name": 1 }),
        "{report}"
    );

    // Somebody taken out of a department by hand is found from what their document says.
    company
        .execute("delete from team_members where source = 'department'")
        .await;
    let sales: Uuid = company
        .scalar("select id from teams where name = 'Purchasing'")
        .await;
    let (_, report) = run(&company, Scope::Team(sales), false).await;
    let fields = json!({ "department": 3, "manager": 1, "team.name": 1 });
    assert_eq!(
        (&report["fields"], &report["checked"]),
        (&fields, &json!(4)),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_with_pending_changes_are_in_flight_and_no_drift() {
    let company = company().await;
    company.execute("update people set position = 'Baron'").await;
    company.put("bob", user("bob", json!({ "title": "Later" }))).await;
    company.execute("update pending set due_at = 'infinity'").await;
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(
        (&report["inFlight"], &report["differing"]),
        (&json!(1), &json!(3)),
        "{report}"
    );
    assert_eq!(report["fields"], json!({ "position": 3 }), "{report}");
    let bobs: String = company
        .scalar("select position from people where login = 'bob'")
        .await;
    assert_eq!(bobs, "Baron", "it is for the job of the pending change to write");
}

#[tokio::test(flavor = "multi_thread")]
async fn run_that_fails_once_at_every_place_reports_the_same_as_one_that_does_not() {
    let undisturbed = company().await;
    meddle(&undisturbed).await;
    let (_, expected) = run(&undisturbed, Scope::Full, false).await;

    let scenario = fail::FailScenario::setup();
    for name in RUN_FAILPOINTS {
        let company = company().await;
        meddle(&company).await;
        fail::cfg(*name, "1*return").unwrap();
        let (_, report) = run(&company, Scope::Full, false).await;
        assert_eq!(report, expected, "{name}");
        assert_eq!(company.links().await, undisturbed.links().await, "{name}");
        let fired = rollcall_shared::failpoint::hits();
        assert!(fired.contains_key(name), "{name} was never reached");
    }
    scenario.teardown();
}

#[tokio::test(flavor = "multi_thread")]
async fn second_start_of_a_scope_finds_the_first_until_it_is_done() {
    let company = company().await;
    let first = start(&company, Scope::Full, false).await;
    assert_eq!(start(&company, Scope::Full, false).await, first);
    assert_ne!(start(&company, Scope::Full, true).await, first);
    let bob = company.person("bob").id();
    assert_ne!(start(&company, Scope::Person(bob), false).await, first);
    let worker = Worker::start(&company, &[]);
    finished(&company, first).await;
    worker.stop().await;
    assert_ne!(start(&company, Scope::Full, false).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_run_reports_what_it_had_done() {
    let company = company().await;
    meddle(&company).await;
    let run = start(&company, Scope::Full, false).await;
    let mut conn = company.pool.acquire().await.unwrap();
    assert!(runs::cancel(&mut conn, company.tenant, run).await.unwrap());
    assert!(!runs::cancel(&mut conn, company.tenant, run).await.unwrap());
    let before = versions(&company).await;
    let worker = Worker::start(&company, &[]);
    let report = finished(&company, run).await;
    worker.stop().await;
    assert_eq!(report["checked"], 0, "{report}");
    assert!(find(&company, run).await.cancelled);
    assert_eq!(versions(&company).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn key_that_cannot_be_repaired_fails_alone() {
    let company = company().await;
    meddle(&company).await;
    let bob = company.person("bob").id();
    company
        .execute(&format!(
            "create function refuse() returns trigger language plpgsql as $$ begin
                 if new.id = '{bob}' then raise exception 'no' using errcode = '23514'; end if; return new; end $$;
             create trigger refuse before update on people for each row execute function refuse()"
        ))
        .await;
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(
        (&report["failed"], &report["differing"]),
        (&json!(1), &json!(7)),
        "{report}"
    );
    let ghosts: String = company
        .scalar("select status from people where login = 'ghost'")
        .await;
    assert_eq!(ghosts, "deprovisioned");
}

#[tokio::test(flavor = "multi_thread")]
async fn run_of_one_tenant_sees_nothing_of_another() {
    let company = company().await;
    let other = company.other_tenant().await;
    let key: Key = other.put("rex", report("rex", "ada")).await;
    other.apply(&[key]).await;
    other.execute("update waiters set next_attempt_at = null").await;
    other
        .execute("update people set position = 'Baron' where login = 'rex'")
        .await;
    let before = versions(&company).await;
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(
        (&report["checked"], &report["differing"]),
        (&json!(11), &json!(0)),
        "{report}"
    );
    assert_eq!(versions(&company).await, before);
}
