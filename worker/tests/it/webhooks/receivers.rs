//! Receivers that fail, ask for time, are gone, or are not to be reached.

use super::{LOOPBACK, created, enable, hire, only, time_passes, told, tried, webhook};
use crate::company::Company;
use crate::process::{Worker, until};
use crate::receiver::{Receiver, Reply};
use rollcall_shared::store::webhooks;
use rollcall_shared::store::webhooks::deliveries;
use std::collections::HashMap;
use tokio::net::TcpListener;
use uuid::Uuid;

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
