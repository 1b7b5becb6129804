//! Webhooks: what is delivered, what is tried again, what is given up.

mod place;
mod receivers;
mod tls;
mod workers;

use crate::company::{Company, report, user};
use crate::process::{Worker, until};
use crate::receiver::{Received, Receiver, Reply};
use rollcall_shared::store::webhooks;
use rollcall_shared::store::webhooks::deliveries::Again;
use rollcall_shared::store::webhooks::{Wanted, deliveries};
use serde_json::{Value, json};
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
