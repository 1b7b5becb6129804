//! Every change of the directory leaves a row of history that says why.

use crate::company::{Company, ENTERPRISE, ROLLCALL, id, report, user};
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::erasure::{Cause, erase};
use rollcall_shared::store::history;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// History since a row, as text: whose, why, what; people and teams by name.
async fn told_since(company: &Company, last: i64) -> Vec<String> {
    let names: Vec<(Uuid, String)> =
        sqlx::query_as("select id, login from people union all select id, name from teams")
            .fetch_all(&company.pool)
            .await
            .unwrap();
    let names: BTreeMap<String, String> = names
        .into_iter()
        .map(|(id, name)| (id.to_string(), name))
        .collect();
    let named = |text: &str| {
        names
            .iter()
            .fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    };
    let rows: Vec<(Uuid, String, Value)> = sqlx::query_as(
        "select key_id, cause, fields from history where id > $1 and fields <> '{}' order by id",
    )
    .bind(last)
    .fetch_all(&company.pool)
    .await
    .unwrap();
    rows.into_iter()
        .flat_map(|(key, cause, fields)| {
            let fields = fields.as_object().unwrap().clone();
            let links = fields
                .into_iter()
                .filter(|(field, _)| field != "login" && field != "status");
            let told = links.map(|(field, change)| named(&format!("{key} {cause} {field} {change}")));
            told.collect::<Vec<String>>()
        })
        .collect()
}

async fn last(company: &Company) -> i64 {
    company.scalar("select coalesce(max(id), 0) from history").await
}

#[tokio::test]
async fn link_settled_by_an_arrival_tells_who_asserted_it_and_what_brought_it() {
    let company = Company::new().await;
    let key = company.put("r", report("r", "boss")).await;
    company.apply(&[key]).await;
    let before = last(&company).await;
    let key = company.put("m", user("boss", json!({}))).await;
    company.apply(&[key]).await;
    assert_eq!(
        told_since(&company, before).await,
        [r#"r link manager [null,"boss"]"#]
    );
    let behind: String = company
        .scalar(
            "select (select string_agg(r.document ->> 'userName', ' ' order by r.seq) from scim_resources r
                     where r.seq in (h.seq, h.asserted_seq)) || (h.seq > h.asserted_seq)
             from history h where cause = 'link'",
        )
        .await;
    assert_eq!(behind, "r bosstrue");
}

#[tokio::test]
async fn link_whose_target_leaves_or_that_a_retry_finds_is_told() {
    let company = Company::new().await;
    let additional = json!([{ "value": "a" }, { "value": "b" }]);
    let keys = [
        company.put("a", user("a", json!({}))).await,
        company.put("b", user("b", json!({}))).await,
        company
            .put(
                "r",
                user("r", json!({ ROLLCALL: { "additionalManagers": additional } })),
            )
            .await,
    ];
    let before = last(&company).await;
    company.apply(&keys).await;
    assert_eq!(
        told_since(&company, before).await,
        [r#"r apply additional_managers [[],["a","b"]]"#]
    );
    let before = last(&company).await;
    let key = company.delete(ResourceType::User, "a").await;
    company.apply(&[key]).await;
    assert_eq!(
        told_since(&company, before).await,
        [r#"r link additional_managers [["a","b"],["b"]]"#]
    );
    // As if the wake-up had been lost: a retry finds the target.
    company
        .execute(
            "delete from reporting_lines;
             insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
             select $tenant, id, 2, '1', 'b', 'b', 'missing', 1 from people where login = 'r'",
        )
        .await;
    let before = last(&company).await;
    company
        .engine
        .retry(company.tenant, &[company.directory(id("r"))], &[])
        .await
        .unwrap();
    assert_eq!(
        told_since(&company, before).await,
        [r#"r link additional_managers [[],["b"]]"#]
    );
}

#[tokio::test]
async fn memberships_of_a_group_are_told_whatever_began_or_ended_them() {
    let company = Company::new().await;
    let before = last(&company).await;
    let keys = [
        company.put_group("g", "Crew").await,
        company.put("p", user("p", json!({}))).await,
        company.set_member("g", "p", true).await,
        company.set_member("g", "late", true).await,
        company.set_member("g", "short", true).await,
        company.put("short", user("short", json!({}))).await,
    ];
    company.apply(&keys).await;
    let late = company.put("late", user("late", json!({}))).await;
    company.apply(&[late]).await;
    let short = company.set_member("g", "short", false).await;
    company.apply(&[short]).await;
    let gone = company.delete(ResourceType::User, "late").await;
    company.apply(&[gone]).await;
    let group = company.delete(ResourceType::Group, "g").await;
    company.apply(&[group]).await;
    let mut told = told_since(&company, before).await;
    let first = told.drain(..3).collect::<std::collections::BTreeSet<String>>();
    assert_eq!(
        first.into_iter().collect::<Vec<_>>(),
        [
            r#"Crew apply members [null,"p"]"#,
            r#"Crew apply members [null,"short"]"#,
            r#"Crew apply name [null,"Crew"]"#,
        ]
    );
    assert_eq!(
        told,
        [
            r#"Crew link members [null,"late"]"#,
            r#"Crew apply members ["short",null]"#,
            r#"Crew link members ["late",null]"#,
            r#"Crew apply members ["p",null]"#,
            r#"Crew apply deleted [false,true]"#,
        ]
    );
    let covered: bool = company
        .scalar("select count(distinct seq) = 1 from history where id > (select max(id) - 2 from history)")
        .await;
    assert!(
        covered,
        "who leaves an emptied group leaves with the change that deleted it"
    );
}

#[tokio::test]
async fn member_key_applied_without_effect_leaves_a_row_for_its_receipt() {
    let company = Company::new().await;
    let keys = [
        company.put_group("g", "Crew").await,
        company.set_member("g", "nobody", true).await,
    ];
    company.apply(&keys).await;
    let row: String = company
        .scalar("select fields || cause || (person_id is null) from history where key_kind = 3")
        .await;
    assert_eq!(row, "{}applytrue");
}

#[tokio::test]
async fn rehired_person_and_moves_between_teams_are_told_with_both_sides() {
    let company = Company::new().await;
    let of = |department: &str| user("p", json!({ ENTERPRISE: { "department": department } }));
    let key = company.put("p", of("Sales")).await;
    company.apply(&[key]).await;
    company.delete(ResourceType::User, "p").await;
    company.rehire("p", "again");
    let before = last(&company).await;
    let key = company.put("again", of("Legal")).await;
    company.apply(&[key]).await;
    let resources = format!(r#"p apply resource_id ["{}","{}"]"#, id("p"), id("again"));
    assert_eq!(
        told_since(&company, before).await,
        [
            r#"Legal create name [null,"Legal"]"#.to_owned(),
            r#"p apply department ["Sales","Legal"]"#.to_owned(),
            resources
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn time_of_a_change_is_when_it_was_made_and_not_when_its_transaction_began() {
    let company = Company::new().await;
    let key = company.put("p", user("p", json!({}))).await;
    company.apply(std::slice::from_ref(&key)).await;
    company.put("p", user("p", json!({ "title": "later" }))).await;
    let mut holder = company.pool.begin().await.unwrap();
    sqlx::query("select from people for no key update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let slow = {
        let (engine, tenant) = (company.another_engine().await, company.tenant);
        tokio::spawn(async move { engine.reconcile(tenant, &[key]).await.map(|done| done.keys) })
    };
    devstack::wait::until("the worker waits for the row", devstack::wait::SOON, async || {
        let waits = "select exists (select from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock')";
        company.scalar(waits).await
    })
    .await
    .unwrap();
    let released: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&mut *holder)
        .await
        .unwrap();
    holder.commit().await.unwrap();
    assert_eq!(slow.await.unwrap().unwrap(), 1);
    let applied: chrono::DateTime<chrono::Utc> = company
        .scalar("select applied_at from history order by id desc limit 1")
        .await;
    assert!(
        applied > released,
        "{applied} is before the lock was free, {released}"
    );
}

#[tokio::test]
async fn nested_group_is_told_as_a_part_whatever_began_or_ended_it() {
    let company = Company::new().await;
    let keys = [
        company.put_group("outer", "Outer").await,
        company.set_member("outer", &id("inner").to_string(), true).await,
        company.put_group("other", "Other").await,
        company.set_member("outer", &id("other").to_string(), true).await,
    ];
    company.apply(&keys).await;
    let before = last(&company).await;
    let inner = company.put_group("inner", "Inner").await;
    company.apply(std::slice::from_ref(&inner)).await;
    company.delete(ResourceType::Group, "inner").await;
    company.apply(&[inner]).await;
    let outer = company.delete(ResourceType::Group, "outer").await;
    company.apply(&[outer]).await;
    let told = told_since(&company, before).await;
    let parts: Vec<&String> = told.iter().filter(|row| row.contains(" parts ")).collect();
    assert_eq!(
        parts,
        [
            r#"Outer link parts [null,"Inner"]"#,
            r#"Outer link parts ["Inner",null]"#,
            r#"Outer apply parts ["Other",null]"#,
        ]
    );
    let window = history::Window {
        before: None,
        field: Some("parts"),
        since: None,
        until: None,
        limit: 100,
    };
    let mut conn = company.pool.acquire().await.unwrap();
    let outer = company.team("outer").id();
    let page = history::page(&mut conn, company.tenant, outer, &window)
        .await
        .unwrap();
    assert_eq!(page.len(), 4, "each once: {page:#?}");
}

#[tokio::test]
async fn erased_person_had_a_status_and_a_manager_and_no_values() {
    let company = Company::new().await;
    let keys = [
        company.put("m", user("m", json!({}))).await,
        company.put("r", report("r", "m")).await,
    ];
    company.apply(&keys).await;
    let at: chrono::DateTime<chrono::Utc> = company.scalar("select clock_timestamp()").await;
    let (manager, person) = (company.person("m").id(), company.person("r").id());
    let erased = erase(
        &company.pool,
        company.tenant,
        &[person],
        Cause::Asked(Uuid::from_u128(7)),
    )
    .await;
    erased.unwrap();
    company.apply(&keys).await;
    let mut conn = company.pool.acquire().await.unwrap();
    let was = history::person_at(&mut conn, company.tenant, person, at)
        .await
        .unwrap();
    let Some(history::Was::There(then)) = was else {
        panic!("{was:?}")
    };
    assert_eq!(then.managers, [manager]);
    assert_eq!(
        (&then.fields["status"], &then.fields["login"]),
        (&json!("active"), &json!(null))
    );
    let (tree, _) = history::below(&mut conn, company.tenant, at, manager, 1, 10)
        .await
        .unwrap();
    assert_eq!(
        tree.iter().map(|report| report.id).collect::<Vec<_>>(),
        [manager, person]
    );
}
