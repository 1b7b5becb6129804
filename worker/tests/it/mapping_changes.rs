//! A mapping changes while there are people: what is rewritten, what waits, and who wins.

use crate::company::{Company, ENTERPRISE, user};
use crate::mapping::{HR, but, mapping};
use crate::runs::run;
use rollcall_shared::mapping::Mapping;
use rollcall_shared::store::runs::Scope;
use serde_json::{Value, json};

async fn company() -> Company {
    let company = Company::new().await;
    for (name, title) in [("ann", "Lead"), ("bob", "Smith"), ("cyd", "Smith")] {
        let document = user(name, json!({"title": title, ENTERPRISE: {"division": "North"}}));
        company.puts(name, document).await;
    }
    company
}

async fn rows(company: &Company) -> String {
    company
        .scalar("select string_agg(login || xmin::text || ctid::text, ' ' order by login) from people")
        .await
}

#[tokio::test]
async fn division_becomes_a_department_and_a_division_again() {
    let company = company().await;
    let before: String = company.scalar("select id::text from teams").await;
    let division = format!("{ENTERPRISE}:division");
    let department = json!({"name": "division", "from": [division], "to": {"team": "department"}});
    company.map(mapping(&[department], &[])).await;
    let (_, report) = run(&company, Scope::Full, false).await;
    let links: Vec<String> = ["ann", "bob", "cyd"]
        .map(|name| format!("{name} in department North"))
        .to_vec();
    assert_eq!(company.links().await, links, "{report}");
    assert_eq!(
        (&report["teamsCreated"], &report["teamsEmptied"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    let people = rows(&company).await;

    company.map(json!(Mapping::default_mapping())).await;
    run(&company, Scope::Full, false).await;
    let links: Vec<String> = ["ann", "bob", "cyd"]
        .map(|name| format!("{name} in division North"))
        .to_vec();
    assert_eq!(company.links().await, links);
    let after: String = company
        .scalar("select id::text from teams where kind = 'division'")
        .await;
    assert_eq!(before, after, "it is the same team again");
    assert_eq!(rows(&company).await, people, "memberships change no person");
}

#[tokio::test]
async fn new_version_writes_only_people_it_reads_otherwise() {
    let company = company().await;
    let before = rows(&company).await;
    let lead = json!({"values": {"Lead": "Leader"}});
    company
        .map(mapping(
            &[but("position", json!({"transform": [{"map": lead}]}))],
            &[],
        ))
        .await;
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(report["fields"], json!({"position": 1}), "{report}");
    let after = rows(&company).await;
    let (before, after): (Vec<&str>, Vec<&str>) = (before.split(' ').collect(), after.split(' ').collect());
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1..], after[1..], "nothing of the others is written");
    let versions: String = company
        .scalar("select string_agg(login || applied_mapping, ' ' order by login) from people")
        .await;
    assert_eq!(versions, "ann2 bob1 cyd1");
    let history: i32 = company
        .scalar("select mapping_version from history order by id desc limit 1")
        .await;
    assert_eq!(history, 2);
}

#[tokio::test]
async fn dry_run_of_a_new_version_writes_nothing() {
    let company = company().await;
    let before = rows(&company).await;
    let role = json!({"name": "role", "from": ["title"], "to": {"team": "role"}});
    company.map(mapping(&[role], &[])).await;
    let (_, report) = run(&company, Scope::Full, true).await;
    assert_eq!(report["teamsCreated"], 2, "{report}");
    assert_eq!(report["fields"]["role"], 3, "{report}");
    assert_eq!(rows(&company).await, before);
    let named: i64 = company
        .scalar("select count(*) from team_names where kind = 'role'")
        .await;
    assert_eq!(named, 0);
}

#[tokio::test]
async fn teams_named_by_documents_from_before_are_spelled_as_accepted_first() {
    for order in [["a", "b"], ["b", "a"]] {
        let company = Company::new().await;
        // People's ids are in the order of creation; which document is the older one is not.
        for name in ["a", "b"] {
            company.puts(name, user(name, json!({}))).await;
        }
        let spelled = |name: &str, title: &str| user(name, json!({ "title": title }));
        company.puts(order[0], spelled(order[0], "Night Watch")).await;
        company.puts(order[1], spelled(order[1], "NIGHT watch")).await;
        let role = json!({"name": "role", "from": ["title"], "to": {"team": "role"}});
        company.map(mapping(&[role], &[])).await;
        run(&company, Scope::Full, false).await;
        assert_eq!(
            company.links().await,
            ["a in role Night Watch", "b in role Night Watch"]
        );
    }
}

#[tokio::test]
async fn creation_switched_on_links_those_who_waited() {
    let company = Company::new().await;
    company.map(mapping(&[], &[("department", false)])).await;
    let document = user("ann", json!({ENTERPRISE: {"department": "Sales"}}));
    company.puts("ann", document).await;
    assert_eq!(company.links().await, ["ann waits for Sales: missing"]);
    // Where creation stays off, a run finds nothing amiss.
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(
        (&report["fields"], &report["stillWaiting"]),
        (&json!({}), &json!(1)),
        "{report}"
    );
    company.map(mapping(&[], &[("department", true)])).await;
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(company.links().await, ["ann in department Sales"], "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_that_waited_for_the_lock_goes_by_the_mapping_in_force_then() {
    let company = company().await;
    let key = company
        .put("bob", user("bob", json!({"title": "Smith", HR: {"job": "Cook"}})))
        .await;
    let mut holder = company.pool.begin().await.unwrap();
    sqlx::query("select from people for no key update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let slow = {
        let (engine, tenant) = (company.another_engine().await, company.tenant);
        tokio::spawn(async move { engine.reconcile(tenant, &[key]).await.map(|done| done.keys) })
    };
    crate::concurrency::somebody_waits(&company).await;
    let job = json!({"name": "position", "from": [format!("{HR}:job")], "to": {"field": "position"}});
    company.map(mapping(&[job], &[])).await;
    holder.commit().await.unwrap();
    assert_eq!(slow.await.unwrap().unwrap(), 1);
    assert_eq!(
        company.fields("bob", "position, applied_mapping").await,
        json!({"position": "Cook", "applied_mapping": 2})
    );
}

#[tokio::test]
async fn person_applied_by_a_newer_mapping_is_left_alone_and_stays_pending() {
    let company = company().await;
    company
        .execute("update people set applied_mapping = 9, position = 'Newer' where login = 'bob'")
        .await;
    let key = company.put("bob", user("bob", json!({"title": "Older"}))).await;
    company.apply(std::slice::from_ref(&key)).await;
    assert_eq!(
        company.fields("bob", "position, applied_mapping").await,
        json!({"position": "Newer", "applied_mapping": 9})
    );
    let left = company
        .engine
        .workable(company.tenant, std::slice::from_ref(&key))
        .await
        .unwrap();
    assert_eq!(left, [(key, 0)]);
}

#[tokio::test]
async fn mapping_of_a_newer_program_stops_nothing_but_the_applying() {
    let company = company().await;
    let unknown: Value = json!({"rules": [], "moods": {}});
    sqlx::query("insert into mappings (tenant_id, version, document) values ($1, 2, $2)")
        .bind(company.tenant.0)
        .bind(unknown)
        .execute(&company.pool)
        .await
        .unwrap();
    let before = rows(&company).await;
    let key = company.put("bob", user("bob", json!({"title": "New"}))).await;
    let error = company
        .engine
        .reconcile(company.tenant, std::slice::from_ref(&key))
        .await
        .unwrap_err();
    assert_eq!(error.remedy(), rollcall_worker::error::Remedy::Later);
    assert_eq!(error.class(), "mapping");
    assert_eq!(rows(&company).await, before);
    company.map(mapping(&[], &[])).await;
    company.apply(&[key]).await;
    assert_eq!(
        company.fields("bob", "position").await,
        json!({"position": "New"})
    );
}
