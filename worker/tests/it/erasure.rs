//! Erasing people while workers are at them, and because their retention time is over.

use crate::company::{Company, ENTERPRISE, id, user};
use crate::mapping::mapping;
use crate::process::Worker;
use rollcall_shared::directory::Key;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::erasure::{Cause, erase};
use serde_json::{Value, json};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use uuid::Uuid;

const TOKEN: Uuid = Uuid::from_u128(7);
const MARK: &str = "zqx";
const LOGIN: &str = "Zqx-Ada@example.com";

/// Accept Ada, somebody who reports to her, and a group with both.
async fn accept(company: &Company, title: &str) -> Vec<Key> {
    let document = user(
        LOGIN,
        json!({ "externalId": "Zqx-1", "title": format!("Zqx {title}") }),
    );
    let reports_to = json!({ "title": title, ENTERPRISE: { "manager": { "value": "zqx-ada@example.com" } } });
    vec![
        company.put("ada", document).await,
        company.put("bob", user("bob", reports_to)).await,
        company.put_group("crew", "Crew").await,
        company.set_member("crew", "zqx-ada@example.com", true).await,
        company.set_member("crew", "bob", true).await,
    ]
}

/// Apply whatever is pending, and wake whoever waits for it.
async fn settle(company: &Company) {
    let started = Instant::now();
    while !company.nothing_pending().await {
        assert!(started.elapsed() < Duration::from_secs(30), "it never settles");
        let rows: Vec<(i16, Uuid, String)> = sqlx::query_as("select key_kind, key_id, member from pending")
            .fetch_all(&company.pool)
            .await
            .unwrap();
        let keys: Vec<Key> = rows
            .into_iter()
            .filter_map(|(kind, id, member)| Key::from_columns(kind, id, member))
            .collect();
        company.apply(&keys).await;
        let left: Vec<i64> = sqlx::query_scalar("select id from wakes")
            .fetch_all(&company.pool)
            .await
            .unwrap();
        for wake in left {
            company.engine.wake_left(company.tenant, wake).await.unwrap();
        }
    }
}

fn left_over(company: &Company) -> Vec<String> {
    let dump = devstack::dump(company.database.url()).unwrap().to_lowercase();
    dump.lines()
        .filter(|line| line.contains(MARK))
        .map(str::to_owned)
        .collect()
}

async fn until(company: &Company, what: &str, sql: &str) {
    let started = Instant::now();
    while !company.scalar::<bool>(sql).await {
        assert!(started.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn expect_erased(company: &Company, case: &str) {
    settle(company).await;
    assert_eq!(left_over(company), Vec::<String>::new(), "{case}");
    assert_eq!(
        company.links().await,
        [
            "bob in group Crew".to_owned(),
            format!("bob waits for {}: deprovisioned", id("ada"))
        ],
        "{case}"
    );
    let status: String = company
        .scalar("select status from people where erased_at is not null and login is null")
        .await;
    assert_eq!(status, "deprovisioned", "{case}");
}

const PAUSED: &str = "select exists (select from pg_stat_activity where datname = current_database()
    and application_name = 'paused' and state = 'idle in transaction' and state_change < clock_timestamp() - interval '300 ms')";

/// Run it on a thread of its own, where a failpoint may block it and nobody else.
fn apart(work: impl AsyncFnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(work());
    })
}

/// Whoever runs into `point` stops there until the other has got as far as it can; both orders of
/// a worker that applies and an erasure, with everything new and with everything there already.
async fn race(point: &str, known: bool) {
    let case = format!("{point}, {}", if known { "known" } else { "new" });
    let company = Arc::new(Company::new().await);
    let mut keys = accept(&company, "one").await;
    if known {
        company.apply(&keys).await;
        settle(&company).await;
        keys = accept(&company, "two").await;
    }
    let (ada, tenant) = (company.person("ada").id(), company.tenant);
    let erasing = point.starts_with("erasure::");
    let (of_worker, of_erasure) = if erasing {
        ("free", "paused")
    } else {
        ("paused", "free")
    };
    let of = Arc::clone(&company);
    let work = async move || {
        let engine = crate::company::engine(&of.another_pool(of_worker), &of.redis);
        engine.reconcile(tenant, &keys).await.unwrap();
    };
    let of = Arc::clone(&company);
    let erasure = async move || {
        let pool = of.another_pool(of_erasure);
        let erasure = erase(&pool, tenant, &[ada], Cause::Asked(TOKEN)).await.unwrap();
        assert_eq!(erasure.people, [ada]);
    };
    fail::cfg(point, "pause").unwrap();
    let (first, second) = if erasing {
        let first = apart(erasure);
        until(&company, "the erasure pauses", PAUSED).await;
        (first, apart(work))
    } else {
        let first = apart(work);
        until(&company, "the worker pauses", PAUSED).await;
        (first, apart(erasure))
    };
    let waits = "select exists (select from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock')";
    let started = Instant::now();
    while !second.is_finished() && !company.scalar::<bool>(waits).await {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{case}: neither done nor waiting"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fail::remove(point);
    while !(first.is_finished() && second.is_finished()) {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{case}: they never end"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    first.join().unwrap();
    second.join().unwrap();
    expect_erased(&company, &case).await;
}

#[tokio::test]
async fn job_under_way_with_the_values_of_the_erased_brings_none_back() {
    let scenario = fail::FailScenario::setup();
    for point in [
        "reconcile::locked",
        "reconcile::before_commit",
        "erasure::before_commit",
    ] {
        for known in [true, false] {
            race(point, known).await;
        }
    }
    scenario.teardown();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn person_erased_twice_at_once_is_erased_once_and_workers_go_on_meanwhile() {
    let company = Company::new().await;
    let keys = accept(&company, "one").await;
    company.apply(&keys).await;
    settle(&company).await;
    let ada = company.person("ada").id();
    let keys = accept(&company, "two").await;
    let other = company.another_engine().await;
    let asked = [ada];
    let erase = || erase(&company.pool, company.tenant, &asked, Cause::Asked(TOKEN));
    let backwards: Vec<Key> = keys.iter().rev().cloned().collect();
    let (one, two, three, four) = tokio::join!(
        erase(),
        erase(),
        company.engine.reconcile(company.tenant, &keys),
        other.reconcile(company.tenant, &backwards)
    );
    three.unwrap();
    four.unwrap();
    assert_eq!(one.unwrap().people.len() + two.unwrap().people.len(), 1);
    expect_erased(&company, "at once").await;
    let erasures: i64 = company
        .scalar("select count(*) from changes where operation = 'erase'")
        .await;
    assert_eq!(erasures, 1);
}

#[tokio::test]
async fn value_that_others_hold_too_stays_theirs_and_what_names_them_by_it() {
    let company = Company::new().await;
    let number = |name: &str| user(name, json!({ ENTERPRISE: { "employeeNumber": "zqx-42" } }));
    company.put("ada", number("zqx-ada")).await;
    let of_ada = json!({ ENTERPRISE: { "manager": { "value": "zqx-42" } } });
    company.put("early", user("early", of_ada.clone())).await;
    company.put("ada", user("zqx-ada", json!({}))).await;
    company.put("eve", number("eve")).await;
    company.put("late", user("late", of_ada)).await;
    settle(&company).await;
    assert_eq!(
        company.links().await,
        ["early -> zqx-ada (1 0)", "late -> eve (1 0)"]
    );
    let ada = company.person("ada").id();
    let erasure = erase(&company.pool, company.tenant, &[ada], Cause::Asked(TOKEN))
        .await
        .unwrap();
    assert_eq!(erasure.references, 1, "who meant Eve still does");
    settle(&company).await;
    assert_eq!(
        company.links().await,
        [
            format!("early waits for {}: deprovisioned", id("ada")),
            "late -> eve (1 0)".to_owned()
        ]
    );
    let left = left_over(&company);
    assert!(
        !left.is_empty()
            && left
                .iter()
                .all(|line| line.contains("zqx-42") && !line.contains("zqx-ada")),
        "{left:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_people_are_erased_when_their_retention_time_is_over() {
    let company = Company::new().await;
    let people = ["gone", "recent", "back", "here"];
    for name in people {
        company.put(name, user(&format!("zqx-{name}"), json!({}))).await;
    }
    settle(&company).await;
    for name in ["gone", "recent", "back"] {
        company.delete(ResourceType::User, name).await;
    }
    company.rehire("back", "again");
    company.put("again", user("zqx-again", json!({}))).await;
    settle(&company).await;
    let days = |name: &str, days: i32| {
        let id = id(name);
        format!("update scim_resources set modified_at = now() - interval '{days} days' where id = '{id}'")
    };
    for (name, age) in [("gone", 31), ("recent", 29), ("back", 31), ("here", 31)] {
        company.execute(&days(name, age)).await;
    }
    // Without a retention time everybody is kept.
    let worker = Worker::start(&company, &[]);
    until(
        &company,
        "the worker works",
        "select exists (select from pg_stat_activity where application_name <> '')
        or true",
    )
    .await;
    worker.stop().await;
    assert_eq!(
        company
            .scalar::<i64>("select count(*) from people where erased_at is not null")
            .await,
        0
    );

    company
        .execute("update tenants set settings = '{\"deprovisionedRetentionDays\": 30}' where id = $tenant")
        .await;
    let worker = Worker::start(&company, &[]);
    until(
        &company,
        "somebody is erased",
        "select exists (select from people where erased_at is not null)",
    )
    .await;
    worker.stop().await;
    settle(&company).await;
    let erased: Vec<Uuid> =
        sqlx::query_scalar("select id from people where erased_at is not null and erased_by is null")
            .fetch_all(&company.pool)
            .await
            .unwrap();
    assert_eq!(erased, [company.person("gone").id()]);
    let left = left_over(&company);
    for (name, stays) in [
        ("zqx-gone", false),
        ("zqx-recent", true),
        ("zqx-again", true),
        ("zqx-here", true),
    ] {
        assert_eq!(left.iter().any(|line| line.contains(name)), stays, "{name}");
    }
    // Found due, and back before it was their turn.
    let back = company.person("again").id();
    let erasure = erase(
        &company.pool,
        company.tenant,
        &[back],
        Cause::Retention { days: 30 },
    )
    .await
    .unwrap();
    assert!(erasure.people.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn person_whom_a_line_of_the_mappings_own_names_is_erased_there_too() {
    let company = Company::new().await;
    let hr = "urn:example:params:scim:schemas:extension:hr:2.0:User";
    let from = |attribute: &str| [format!("{hr}:{attribute}")];
    let rules = [
        json!({ "name": "manager", "from": from("mentor"), "to": { "line": "primary" } }),
        json!({
            "name": "additional_managers", "from": from("peers"), "to": { "line": "additional" },
            "transform": [{ "split": ";" }],
        }),
    ];
    company.map(mapping(&rules, &[])).await;
    let named = json!({ hr: {
        "mentor": { "value": " Zqx-Ada@Example.com", "since": "2020" },
        "peers": "carl; zqx-ada@example.com;",
    } });
    let keys = [
        company
            .put("ada", user(LOGIN, json!({ "externalId": "Zqx-1" })))
            .await,
        company.put("carl", user("carl", json!({}))).await,
        company.put("bob", user("bob", named)).await,
    ];
    company.apply(&keys).await;
    settle(&company).await;
    let links = company.links().await;
    assert!(links.iter().any(|link| link.contains("carl")), "{links:?}");
    let ada = company.directory(id("ada"));
    erase(&company.pool, company.tenant, &[ada], Cause::Asked(TOKEN))
        .await
        .unwrap();
    settle(&company).await;
    assert_eq!(left_over(&company), Vec::<String>::new());
    let document: Value = company
        .scalar("select document from scim_resources where document ->> 'userName' = 'bob'")
        .await;
    let ada = id("ada").to_string();
    let expected = json!({ "mentor": { "value": ada, "since": "2020" }, "peers": format!("carl;{ada};") });
    assert_eq!(document[hr], expected);
}
