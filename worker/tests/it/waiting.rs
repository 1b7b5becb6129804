//! Links that wait: when they are tried again, until when, and what ends the waiting.

use crate::company::{Company, ENTERPRISE, ROLLCALL, report, user};
use rollcall_shared::queue::LinksWork;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::feed;
use rollcall_shared::telemetry::{FoundBy, LinkSlot, Metrics};
use serde_json::json;
use std::sync::Arc;

/// Let the time of every waiting link have come, and claim them as the feeder does; answers how
/// many people and members are to be tried.
async fn claim_all(company: &Company) -> usize {
    company
        .execute("update waiters set next_attempt_at = now() - interval '1 second' where next_attempt_at is not null")
        .await;
    claim(company).await
}

async fn claim(company: &Company) -> usize {
    let mut conn = company.pool.acquire().await.unwrap();
    let work = feed::claim_waiters(&mut conn, 10_000).await.unwrap();
    work.into_values()
        .map(|work| match work {
            LinksWork::Retry { people, members } => people.len() + members.len(),
            LinksWork::Wake(_) => 0,
        })
        .sum()
}

/// Shortest and longest time until the next attempt, in seconds.
async fn delays(company: &Company) -> (f64, f64) {
    let of = |which: &str| {
        format!("select extract(epoch from {which}(next_attempt_at) - now())::float8 from waiters")
    };
    (company.scalar(&of("min")).await, company.scalar(&of("max")).await)
}

#[tokio::test]
async fn retries_come_after_one_second_doubling_to_ten_minutes_give_or_take_a_fifth() {
    let company = Company::new().await;
    let mut keys = vec![];
    for number in 0..100 {
        keys.push(
            company
                .put(&format!("r{number}"), report(&format!("r{number}"), "late"))
                .await,
        );
    }
    company.apply(&keys).await;
    let base = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600];
    for (attempts, base) in base.into_iter().enumerate() {
        if attempts > 0 {
            assert_eq!(claim_all(&company).await, 100);
            assert_eq!(claim(&company).await, 0, "a claimed link is not due again");
        }
        let tried: i32 = company.scalar("select min(attempts) from waiters").await;
        assert_eq!(tried as usize, attempts);
        let (base, (shortest, longest)) = (f64::from(base), delays(&company).await);
        // A little time has gone by since they were written.
        assert!(
            shortest > 0.8 * base - 3.0 && longest <= 1.2 * base,
            "{attempts}: {shortest} to {longest} for {base}"
        );
        // Of a hundred draws from 0.4 of the base, three quarters of that are sure to be between two.
        let spread = (longest - shortest) / base;
        assert!(spread > 0.3, "{attempts}: no jitter, {shortest} to {longest}");
    }
}

#[tokio::test]
async fn link_stale_after_thirty_days_is_tried_once_more_then_only_woken() {
    let company = Company::new().await;
    let keys = [
        company.put("r", report("r", "late")).await,
        company.put("young", report("young", "later")).await,
    ];
    company.apply(&keys).await;
    let age = "update waiters set since = now() - interval '29 days 23 hours' where reference = 'later';
        update waiters set since = now() - interval '30 days 1 minute' where reference = 'late'";
    company.execute(age).await;
    assert_eq!(claim_all(&company).await, 2, "stale: once more");
    assert_eq!(claim_all(&company).await, 1, "then no more");
    assert_eq!(
        company.links().await,
        ["r waits for late: missing", "young waits for later: missing"]
    );
    let key = company.put("m", user("late", json!({}))).await;
    company.apply(&[key]).await;
    assert_eq!(
        company.links().await,
        ["r -> late (1 0)", "young waits for later: missing"]
    );
}

#[tokio::test]
async fn waiting_since_is_kept_by_retries_and_begins_anew_with_another_assertion() {
    let company = Company::new().await;
    let key = company.put("r", report("r", "late")).await;
    company.apply(&[key]).await;
    company
        .execute("update waiters set since = now() - interval '5 days', attempts = 12")
        .await;
    let days = "select extract(day from now() - since)::int from waiters";
    company
        .engine
        .retry(company.tenant, &[company.person("r").id()], &[])
        .await
        .unwrap();
    assert_eq!(company.scalar::<i32>(days).await, 5);
    let key = company.put("r", report("r", "LATE")).await;
    company.apply(&[key]).await;
    assert_eq!(company.scalar::<i32>(days).await, 0);
    assert_eq!(company.scalar::<i32>("select attempts from waiters").await, 0);
}

/// id, externalId, userName, primary e-mail, other e-mail, employee number.
#[tokio::test]
async fn value_held_as_several_kinds_means_who_holds_it_as_the_first_of_them() {
    let company = Company::new().await;
    let value = crate::company::id("by id").to_string();
    let emails = |primary: &str, other: &str| json!({ "emails": [{ "value": primary, "primary": true }, { "value": other }] });
    let holders = [
        (
            "by number",
            user("number", json!({ ENTERPRISE: { "employeeNumber": value } })),
        ),
        ("by other", user("other", emails("somewhere@example.com", &value))),
        (
            "by primary",
            user("primary", emails(&value, "elsewhere@example.com")),
        ),
        ("by name", user(&value, json!({}))),
        ("by external", user("external", json!({ "externalId": value }))),
        ("by id", user("id", json!({}))),
    ];
    for (place, (name, document)) in holders.into_iter().enumerate() {
        let mut keys = vec![company.put(name, document).await];
        let asking = format!("asks {place}");
        keys.push(company.put(&asking, report(&asking, &value)).await);
        company.apply(&keys).await;
    }
    let expected = ["number", "other", "primary", value.as_str(), "external", "id"];
    let expected: Vec<String> = expected
        .iter()
        .enumerate()
        .map(|(place, login)| format!("asks {place} -> {login} (1 0)"))
        .collect();
    assert_eq!(company.links().await, expected);
}

#[tokio::test]
async fn bound_link_follows_the_person_through_new_addresses_names_and_numbers() {
    let company = Company::new().await;
    let boss = |name: &str, email: &str, number: &str| {
        user(
            name,
            json!({ "emails": [{ "value": email }], ENTERPRISE: { "employeeNumber": number } }),
        )
    };
    let additional = json!({ ROLLCALL: { "additionalManagers": ["m@example.com", "17", "boss"] } });
    let keys = [
        company.put("m", boss("boss", "m@example.com", "17")).await,
        company.put("r", report("r", "m@example.com")).await,
        company.put("a", user("a", additional)).await,
        company.put_group("g", "Crew").await,
        company.set_member("g", "m@example.com", true).await,
    ];
    company.apply(&keys).await;
    let links = |login: &str| {
        vec![
            format!("a -> {login} (2 0)"),
            format!("{login} in group Crew"),
            format!("r -> {login} (1 0)"),
        ]
    };
    let sorted = |mut rows: Vec<String>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(company.links().await), sorted(links("boss")));
    let renamed = company.put("m", boss("chief", "new@example.com", "18")).await;
    company.apply(&[renamed]).await;
    assert_eq!(sorted(company.links().await), sorted(links("chief")));
}

#[tokio::test]
async fn reporting_lines_in_a_circle_are_kept_and_applied_once() {
    let company = Company::new().await;
    let mut keys = vec![];
    for (name, manager) in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "d")] {
        keys.push(company.put(name, report(name, manager)).await);
    }
    company.apply(&keys).await;
    assert_eq!(
        company.links().await,
        ["a -> b (1 0)", "b -> c (1 0)", "c -> a (1 0)", "d -> d (1 0)"]
    );
    let flagged: String = company
        .scalar("select string_agg(p.login, ' ') from reporting_lines l join people p on p.id = l.person_id where flag = 'self'")
        .await;
    assert_eq!(flagged, "d");
    assert!(company.nothing_pending().await);
}

/// How many links of a slot were found by this, and the seconds they waited in all.
fn found(metrics: &Arc<Metrics>, slot: LinkSlot, path: FoundBy) -> (u64, f64) {
    let text = metrics.encode();
    let labels = format!("{{slot=\"{}\",path=\"{}\"}} ", slot.name(), path.name());
    let figure = |name: &str| -> f64 {
        let line = format!("rollcall_link_resolution_seconds_{name}{labels}");
        let found = text.lines().find_map(|row| row.strip_prefix(&line));
        found.map_or(0.0, |figure| figure.parse().unwrap())
    };
    (figure("count") as u64, figure("sum"))
}

#[tokio::test]
async fn time_a_link_waited_is_told_by_slot_and_by_what_found_its_target() {
    let company = Company::new().await;
    let metrics = Arc::clone(&company.metrics);
    let keys = [
        company.put("r", report("r", "m")).await,
        company.put("s", report("s", "lost")).await,
        company.put("t", report("t", "nobody")).await,
        company.put_group("g", "Crew").await,
        company.set_member("g", "m", true).await,
    ];
    company.apply(&keys).await;
    company
        .execute("update waiters set since = now() - interval '3 hours'")
        .await;
    // What asserts something else has not waited for it.
    let key = company.put("t", report("t", "s")).await;
    company.apply(&[key]).await;
    let key = company.put("m", user("m", json!({}))).await;
    company.apply(&[key]).await;
    for slot in [LinkSlot::Manager, LinkSlot::Member] {
        let (count, seconds) = found(&metrics, slot, FoundBy::Arrival);
        assert_eq!(count, 1, "{}", slot.name());
        assert!((10_800.0..10_900.0).contains(&seconds), "{seconds}");
    }
    let waiting = "delete from reporting_lines where person_id = (select id from people where login = 's');
        delete from waiters;
        insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq, since)
        select $tenant, directory_id, 1, '0', 'lost', 'lost', 'missing', manager_seq, now() - interval '50 seconds'
        from scim_resources where document->>'userName' = 's'";
    let lost = company.put("l", user("lost", json!({}))).await;
    company.apply(&[lost]).await;
    assert_eq!(found(&metrics, LinkSlot::Manager, FoundBy::Arrival).0, 2);
    company.execute(waiting).await;
    let s = company.person("s");
    company
        .engine
        .retry(company.tenant, &[s.id()], &[])
        .await
        .unwrap();
    let (count, seconds) = found(&metrics, LinkSlot::Manager, FoundBy::Retry);
    assert_eq!(count, 1);
    assert!((50.0..100.0).contains(&seconds), "{seconds}");
    // The same change once more in the outbox: applying it finds the target.
    company.execute(waiting).await;
    company
        .execute(
            "insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
             select $tenant, 1, directory_id, seq, 1, now(), now() from scim_resources
             where document->>'userName' = 's'",
        )
        .await;
    company.apply(&[s]).await;
    assert_eq!(found(&metrics, LinkSlot::Manager, FoundBy::Apply).0, 1);
    assert_eq!(
        company.links().await,
        [
            "m in group Crew",
            "r -> m (1 0)",
            "s -> lost (1 0)",
            "t -> s (1 0)"
        ]
    );
}

#[tokio::test]
async fn member_who_leaves_and_comes_back_waits_as_themselves() {
    let company = Company::new().await;
    let keys = [
        company.put_group("g", "Crew").await,
        company.set_member("g", "p@example.com", true).await,
        company.put("p", user("p@example.com", json!({}))).await,
    ];
    company.apply(&keys).await;
    let gone = company.delete(ResourceType::User, "p").await;
    company.apply(&[gone]).await;
    // Somebody else with the address is not who was meant.
    let other = company.put("o", user("p@example.com", json!({}))).await;
    company.apply(&[other]).await;
    assert_eq!(
        company.links().await,
        ["Crew waits for p@example.com: deprovisioned"]
    );
    company.rehire("p", "p2");
    let back = company.put("p2", user("back@example.com", json!({}))).await;
    company.apply(&[back]).await;
    assert_eq!(company.links().await, ["back@example.com in group Crew"]);
}
