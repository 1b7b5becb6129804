//! Webhooks: what is delivered, what is tried again, what is given up.

use crate::company::{Company, report, user};
use crate::process::{Worker, until};
use crate::receiver::{Received, Receiver, Reply};
use rollcall_shared::store::webhooks::deliveries::{self, Again};
use rollcall_shared::store::webhooks::turns;
use rollcall_shared::store::webhooks::{self, Wanted};
use rollcall_worker::failpoints::DELIVERY_FAILPOINT;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use tokio::net::TcpListener;
use uuid::Uuid;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const LOOPBACK: &[&str] = &["--webhooks-allow-loopback", "true"];
/// Nothing that was begun is left to be written down.
const AT_REST: &str = "select not exists (select from webhooks where lease is not null)";

/// A webhook told of everything from now on.
async fn webhook(company: &Company, url: &str) -> Uuid {
    webhook_for(company, url, &[]).await
}

async fn webhook_for(company: &Company, url: &str, types: &[&str]) -> Uuid {
    let id = Uuid::now_v7();
    let wanted = Wanted {
        url: url.to_owned(),
        description: String::new(),
        types: types.iter().map(|name| (*name).to_owned()).collect(),
        enabled: true,
    };
    let mut conn = company.pool.acquire().await.unwrap();
    webhooks::insert(&mut conn, company.tenant, id, &wanted, SECRET)
        .await
        .unwrap();
    id
}

async fn enable(company: &Company, id: Uuid) {
    let mut tx = company.pool.begin().await.unwrap();
    let found = webhooks::find(&mut tx, company.tenant, id)
        .await
        .unwrap()
        .unwrap();
    let wanted = Wanted {
        enabled: true,
        ..found.wanted
    };
    webhooks::update(&mut tx, company.tenant, id, &wanted)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Somebody new in the directory.
async fn hire(company: &Company, name: &str) {
    let key = company
        .put(name, user(name, json!({ "title": "Secret title" })))
        .await;
    company.apply(&[key]).await;
}

/// What a delivery tells, as `type id`.
fn told(received: &[Received]) -> Vec<String> {
    let text = |change: Value| {
        format!(
            "{} {}",
            change["type"].as_str().unwrap(),
            change["personId"].as_str().unwrap_or("-")
        )
    };
    received.iter().flat_map(Received::changes).map(text).collect()
}

fn created(company: &Company, name: &str) -> String {
    format!("person.created {}", company.person(name).id())
}

/// The only delivery in this state: attempts, status, error, seconds to the next attempt.
async fn only(company: &Company, state: &str) -> (i32, Option<i16>, Option<String>, Option<f64>) {
    sqlx::query_as(
        "select attempts, status, error, extract(epoch from next_attempt_at - now())::float8 from webhook_deliveries
         where state = $1",
    )
    .bind(state)
    .fetch_one(&company.pool)
    .await
    .unwrap()
}

/// Let what waits for its next attempt be due.
async fn time_passes(company: &Company) {
    company
        .execute("update webhook_deliveries set next_attempt_at = now() where state = 'pending'")
        .await;
}

fn tried(times: i32) -> String {
    format!(
        "select exists (select from webhook_deliveries where attempts = {times}) and not exists (select from webhooks where lease is not null)"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_delivered_signed_and_in_order_and_tell_ids_and_names_of_fields_only() {
    let company = Company::new().await;
    hire(&company, "before").await;
    // A transaction of anybody in this server may hold the feed up for a moment.
    let settled = "select bool_and(order_xid < pg_snapshot_xmin(pg_current_snapshot())) from history";
    until(&company, settled).await;
    let receiver = Receiver::start().await;
    webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    receiver.until(1).await;
    let key = company
        .put("ada", user("ada", json!({ "title": "Another secret title" })))
        .await;
    company.apply(&[key]).await;
    let received = receiver.until(2).await;
    worker.stop().await;

    let ada = company.person("ada").id().to_string();
    assert_eq!(
        told(&received),
        [created(&company, "ada"), format!("person.updated {ada}")]
    );
    assert_eq!(received[1].changes()[0]["fields"], json!(["position"]));
    for delivery in &received {
        assert_eq!(delivery.signed_with(SECRET), [true], "{delivery:?}");
        assert_eq!(delivery.json()["type"], "directory.changed");
        assert!(!delivery.body.contains("ecret"), "{}", delivery.body);
        let now: i64 = company.scalar("select extract(epoch from now())::int8").await;
        let sent: i64 = delivery.timestamp.parse().unwrap();
        assert!((now - 60..=now).contains(&sent), "{sent}, it is {now}");
    }
    assert_ne!(received[0].id, received[1].id);
    until(&company, AT_REST).await;
    let states: i64 = company
        .scalar("select count(*) from webhook_deliveries where state = 'delivered'")
        .await;
    assert_eq!(states, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_is_told_of_the_types_it_wants_only() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    webhook_for(&company, &receiver.url, &["person.manager_changed"]).await;
    // More than one read of the feed that concerns nobody.
    for number in 0..60 {
        hire(&company, &format!("p{number}")).await;
    }
    let key = company.put("r", report("r", "p7")).await;
    company.apply(&[key]).await;
    let worker = Worker::start(&company, LOOPBACK);
    let received = receiver.until(1).await;
    worker.stop().await;
    let report = company.person("r").id();
    assert_eq!(told(&received), [format!("person.manager_changed {report}")]);
    assert_eq!(received[0].changes()[0]["to"], json!([company.person("p7").id()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_that_fails_is_tried_again_under_its_id_and_later_ones_wait_for_it() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    receiver.answer(Reply::status(500));
    webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    receiver.until(1).await;
    until(&company, &tried(1)).await;
    hire(&company, "bob").await;
    let (attempts, status, error, wait) = only(&company, "pending").await;
    assert_eq!(
        (attempts, status, error.as_deref()),
        (1, Some(500), Some("status"))
    );
    assert!((3.0..=6.0).contains(&wait.unwrap()), "{wait:?}");
    time_passes(&company).await;
    until(&company, &tried(2)).await;
    let wait = only(&company, "pending").await.3.unwrap();
    assert!((28.0..=36.0).contains(&wait), "{wait}");
    receiver.answer(Reply::status(200));
    time_passes(&company).await;
    let received = receiver.until(4).await;
    worker.stop().await;
    let ids: Vec<&str> = received.iter().map(|delivery| delivery.id.as_str()).collect();
    assert_eq!((ids[1], ids[2]), (ids[0], ids[0]));
    assert_eq!(received[0].body, received[2].body);
    assert_eq!(
        told(&received[2..]),
        [created(&company, "ada"), created(&company, "bob")]
    );
    let failing: bool = company
        .scalar("select failing_since is not null from webhooks")
        .await;
    assert!(!failing, "a success ends it");
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_that_is_given_up_is_a_dead_letter_later_ones_go_on_and_it_can_be_sent_again() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    receiver.answer(Reply::status(400));
    let id = webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    until(&company, &tried(1)).await;
    // The last attempt of nine.
    company
        .execute("update webhook_deliveries set attempts = 8")
        .await;
    time_passes(&company).await;
    until(
        &company,
        "select exists (select from webhook_deliveries where state = 'dead')",
    )
    .await;
    assert_eq!(
        only(&company, "dead").await,
        (9, Some(400), Some("status".to_owned()), None)
    );
    receiver.answer(Reply::status(204));
    hire(&company, "bob").await;
    let received = receiver.until(3).await;
    assert_eq!(told(&received[2..]), [created(&company, "bob")]);

    let again = Again::DeadSince(company.scalar("select now() - interval '1 hour'").await);
    let mut tx = company.pool.begin().await.unwrap();
    let replayed = deliveries::replay(&mut tx, company.tenant, id, again)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(replayed, 1);
    let received = receiver.until(4).await;
    worker.stop().await;
    assert_eq!(
        (&received[3].id, &received[3].body),
        (&received[0].id, &received[0].body)
    );
    let left: i64 = company
        .scalar("select count(*) from webhook_deliveries where state <> 'delivered'")
        .await;
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_that_is_gone_is_told_nothing_more_until_it_is_enabled_again() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    receiver.answer(Reply::status(410));
    let id = webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    until(
        &company,
        "select exists (select from webhooks where disabled_reason = 'gone' and lease is null)",
    )
    .await;
    hire(&company, "bob").await;
    // A ping is sent all the same, once, and shows that it is still gone.
    let mut conn = company.pool.acquire().await.unwrap();
    let ping = rollcall_shared::webhooks::ping(company.scalar("select now()").await);
    deliveries::ping(&mut conn, company.tenant, id, &ping)
        .await
        .unwrap();
    let received = receiver.until(2).await;
    until(
        &company,
        "select exists (select from webhook_deliveries where kind = 'ping' and state = 'dead')",
    )
    .await;
    assert_eq!(received[1].json()["type"], "ping");
    receiver.answer(Reply::status(204));
    enable(&company, id).await;
    let received = receiver.until(4).await;
    worker.stop().await;
    assert_eq!(received[2].id, received[0].id, "nothing is lost");
    assert_eq!(
        told(&received[2..]),
        [created(&company, "ada"), created(&company, "bob")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_that_fails_for_days_is_disabled_with_the_reason() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    receiver.answer(Reply::status(503));
    let id = webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    company
        .execute("update webhooks set failing_since = now() - interval '4 days 23 hours'")
        .await;
    let worker = Worker::start(&company, LOOPBACK);
    until(&company, &tried(1)).await;
    let mut conn = company.pool.acquire().await.unwrap();
    let found = webhooks::find(&mut conn, company.tenant, id)
        .await
        .unwrap()
        .unwrap();
    assert!(found.wanted.enabled, "{found:?}");
    company
        .execute("update webhooks set failing_since = now() - interval '5 days 1 minute'")
        .await;
    time_passes(&company).await;
    until(&company, &tried(2)).await;
    worker.stop().await;
    let found = webhooks::find(&mut conn, company.tenant, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.wanted.enabled, found.disabled_reason.as_deref()),
        (false, Some("failing"))
    );
    assert_eq!((found.pending, found.dead), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_that_asks_for_time_gets_it() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    receiver.answer(Reply::Answer(429, vec![("retry-after", "3600".to_owned())]));
    webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    until(&company, &tried(1)).await;
    worker.stop().await;
    let (_, status, _, wait) = only(&company, "pending").await;
    assert_eq!(status, Some(429));
    assert!((3_590.0..=3_600.0).contains(&wait.unwrap()), "{wait:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_is_a_failure_and_not_followed() {
    let company = Company::new().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    receiver.answer(Reply::Answer(307, vec![("location", elsewhere.url.clone())]));
    webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    until(&company, &tried(1)).await;
    worker.stop().await;
    let (_, status, error, _) = only(&company, "pending").await;
    assert_eq!((status, error.as_deref()), (Some(307), Some("redirect")));
    assert!(elsewhere.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn name_that_leads_to_a_local_address_by_the_time_it_is_used_is_refused() {
    let company = Company::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // No request could store these: they stand for names that led elsewhere when they were stored.
    webhook(&company, &format!("https://localhost:{port}/")).await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, &[]);
    until(&company, &tried(1)).await;
    worker.stop().await;
    let (_, status, error, _) = only(&company, "pending").await;
    assert_eq!((status, error.as_deref()), (None, Some("forbidden_address")));
    let arrived = tokio::time::timeout(std::time::Duration::from_millis(50), listener.accept()).await;
    assert!(arrived.is_err(), "a connection was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_that_cannot_be_spoken_to_is_a_failure_of_its_class() {
    let company = Company::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    tokio::spawn(async move {
        // Hangs up on everybody.
        while let Ok((connection, _)) = listener.accept().await {
            drop(connection);
        }
    });
    let nobody = format!("http://127.0.0.1:{}/", devstack::free_port().unwrap());
    let mut expected = HashMap::new();
    for (url, class) in [
        (format!("https://{silent}/"), "tls"),
        (format!("http://{silent}/"), "no_answer"),
        (nobody, "connection"),
        ("https://nobody.invalid/".to_owned(), "unresolved_name"),
        ("http://nobody.invalid/".to_owned(), "forbidden_address"),
    ] {
        expected.insert(webhook(&company, &url).await, class.to_owned());
    }
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    until(
        &company,
        "select count(*) = 5 from webhook_deliveries where attempts = 1",
    )
    .await;
    worker.stop().await;
    let found: Vec<(Uuid, String)> = sqlx::query_as("select webhook_id, error from webhook_deliveries")
        .fetch_all(&company.pool)
        .await
        .unwrap();
    assert_eq!(found.into_iter().collect::<HashMap<_, _>>(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_workers_deliver_each_change_once_and_in_order() {
    let company = Company::new().await;
    let mut receivers = vec![];
    for _ in 0..4 {
        let receiver = Receiver::start().await;
        webhook(&company, &receiver.url).await;
        receivers.push(receiver);
    }
    let workers: Vec<Worker> = (0..3).map(|_| Worker::start(&company, LOOPBACK)).collect();
    let mut expected = vec![];
    for number in 0..120 {
        let name = format!("p{number}");
        hire(&company, &name).await;
        expected.push(created(&company, &name));
    }
    until(
        &company,
        "select sum(changes) >= 480 from webhook_deliveries where state = 'delivered'",
    )
    .await;
    for worker in workers {
        worker.stop().await;
    }
    for receiver in receivers {
        let received = receiver.received();
        assert_eq!(told(&received), expected);
        let ids: BTreeSet<&str> = received.iter().map(|delivery| delivery.id.as_str()).collect();
        assert_eq!(ids.len(), received.len(), "something was sent twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_that_does_not_answer_delays_nobody_else() {
    let company = Company::new().await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.answer(Reply::Hold);
    webhook(&company, &slow.url).await;
    webhook(&company, &quick.url).await;
    let worker = Worker::start(&company, LOOPBACK);
    hire(&company, "ada").await;
    slow.until(1).await;
    for name in ["bob", "cid", "dan"] {
        let before = quick.received().len();
        hire(&company, name).await;
        quick.until(before + 1).await;
    }
    assert_eq!(slow.received().len(), 1, "its answer is still waited for");
    slow.answer(Reply::status(204));
    let received = slow.until(2).await;
    worker.stop().await;
    let names = ["ada", "bob", "cid", "dan"].map(|name| created(&company, name));
    assert_eq!(told(&received), names, "what came meanwhile is one delivery");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_secret_signs_beside_the_new_one_until_it_ends() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    let id = webhook(&company, &receiver.url).await;
    let new = b"another secret of thirty-two byt";
    let mut conn = company.pool.acquire().await.unwrap();
    webhooks::rotate(&mut conn, company.tenant, id, new, 3_600)
        .await
        .unwrap();
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    let received = receiver.until(1).await;
    assert_eq!(received[0].signed_with(new), [true, false]);
    assert_eq!(received[0].signed_with(SECRET), [false, true]);
    company
        .execute("update webhooks set old_secret_ends = now()")
        .await;
    hire(&company, "bob").await;
    let received = receiver.until(2).await;
    worker.stop().await;
    assert_eq!(received[1].signed_with(new), [true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_whose_worker_dies_before_it_is_written_down_is_sent_again_under_its_id() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    webhook(&company, &receiver.url).await;
    hire(&company, "ada").await;
    let scenario = fail::FailScenario::setup();
    fail::cfg(DELIVERY_FAILPOINT, "1*return").unwrap();
    let worker = Worker::start(&company, LOOPBACK);
    receiver.until(1).await;
    until(&company, "select leased_until is not null from webhooks").await;
    // As if thirty seconds had passed.
    company.execute("update webhooks set leased_until = now()").await;
    let received = receiver.until(2).await;
    until(&company, AT_REST).await;
    worker.stop().await;
    let hits = rollcall_shared::failpoint::hits();
    assert_eq!(hits.get(DELIVERY_FAILPOINT), Some(&1));
    scenario.teardown();
    assert_eq!(
        (&received[0].id, &received[0].body),
        (&received[1].id, &received[1].body)
    );
    assert_eq!(only(&company, "delivered").await.0, 1);
}

#[tokio::test]
async fn worker_whose_lease_is_over_writes_nothing_down() {
    let company = Company::new().await;
    webhook(&company, "https://hooks.example/").await;
    hire(&company, "ada").await;
    let mut conn = company.pool.acquire().await.unwrap();
    let [late] = turns::claim(&mut conn, 10).await.unwrap()[..] else {
        panic!("one webhook is due")
    };
    assert!(
        turns::claim(&mut conn, 10).await.unwrap().is_empty(),
        "it is leased"
    );
    let Ok(turns::Next::Send(attempt)) = turns::next(&mut conn, &late).await else {
        panic!("somebody is new")
    };
    company.execute("update webhooks set leased_until = now()").await;
    let [other] = turns::claim(&mut conn, 10).await.unwrap()[..] else {
        panic!("the lease is over")
    };
    let delivered = turns::Outcome {
        status: Some(204),
        end: turns::End::Delivered,
    };
    let noted = turns::note(&mut conn, &late, &attempt, &delivered).await.unwrap();
    assert_eq!(noted, turns::Noted::Lost);
    assert!(matches!(
        turns::next(&mut conn, &late).await,
        Ok(turns::Next::Nothing)
    ));
    turns::release(&mut conn, &late).await.unwrap();
    let Ok(turns::Next::Send(again)) = turns::next(&mut conn, &other).await else {
        panic!("it is not written down")
    };
    assert_eq!((again.delivery, &again.body), (attempt.delivery, &attempt.body));
    let noted = turns::note(&mut conn, &other, &again, &delivered).await.unwrap();
    assert_eq!(noted, turns::Noted::Kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_kept_for_a_week_and_dead_letters_for_a_month() {
    let company = Company::new().await;
    let id = webhook(&company, "https://hooks.example/").await;
    let insert = format!(
        "insert into webhook_deliveries (tenant_id, webhook_id, id, kind, in_order, changes, changed_at, body, state,
             next_attempt_at, finished_at)
         select $tenant, '{id}', gen_random_uuid(), 'changes', true, 1, now(), days::text, state, null,
             now() - make_interval(days => days)
         from unnest(array['delivered', 'dead']) as state, unnest(array[6, 8, 29, 31]) as days"
    );
    company.execute(&insert).await;
    let worker = Worker::start(&company, &[]);
    until(&company, "select count(*) = 4 from webhook_deliveries").await;
    worker.stop().await;
    let kept: Vec<String> =
        sqlx::query_scalar("select state || ' ' || body from webhook_deliveries order by 1")
            .fetch_all(&company.pool)
            .await
            .unwrap();
    assert_eq!(kept, ["dead 29", "dead 6", "dead 8", "delivered 6"]);
}
