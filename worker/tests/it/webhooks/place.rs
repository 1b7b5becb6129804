//! Webhooks whose place in the feed is gone.

use super::{LOOPBACK, created, enable, hire, told, webhook};
use crate::company::Company;
use crate::process::{Worker, until};
use crate::receiver::Receiver;
use rollcall_shared::store::webhooks::{self, place, turns};
use uuid::Uuid;

const LOST: &str = "select exists (select from webhooks where disabled_reason = 'lost' and lease is null)";

/// A webhook that was told of somebody.
async fn somewhere(company: &Company, url: &str) -> Uuid {
    hire(company, "before").await;
    let settled = "select bool_and(order_xid < pg_snapshot_xmin(pg_current_snapshot())) from history";
    until(company, settled).await;
    webhook(company, url).await
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_whose_place_is_gone_is_disabled_and_goes_on_from_the_latest_when_it_is_told_to() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    let id = somewhere(&company, &receiver.url).await;
    company.execute("delete from history").await;
    hire(&company, "ada").await;
    let worker = Worker::start(&company, LOOPBACK);
    until(&company, LOST).await;
    let mut conn = company.pool.acquire().await.unwrap();
    let found = webhooks::find(&mut conn, company.tenant, id)
        .await
        .unwrap()
        .unwrap();
    assert!(!found.wanted.enabled && !found.kept, "{found:?}");
    let settled = "select bool_and(order_xid < pg_snapshot_xmin(pg_current_snapshot())) from history";
    until(&company, settled).await;
    place::resume(&mut conn, company.tenant, id).await.unwrap();
    enable(&company, id).await;
    hire(&company, "bob").await;
    let received = receiver.until(1).await;
    worker.stop().await;
    assert_eq!(told(&received), [created(&company, "bob")]);
}

/// A dump restored into a younger server: what happens next is before what was told.
#[tokio::test(flavor = "multi_thread")]
async fn webhook_that_is_ahead_of_the_database_is_disabled_though_nothing_happens() {
    let company = Company::new().await;
    let receiver = Receiver::start().await;
    somewhere(&company, &receiver.url).await;
    company
        .execute(
            "with ahead as (
                 update history set order_xid = (pg_snapshot_xmax(pg_current_snapshot())::text::int8 + 1000000)::text::xid8
                 returning order_xid)
             update webhooks set after_xid = (select order_xid::text::int8 from ahead limit 1)",
        )
        .await;
    let worker = Worker::start(&company, LOOPBACK);
    until(&company, LOST).await;
    worker.stop().await;
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn place_that_goes_between_two_deliveries_is_not_jumped_over() {
    let company = Company::new().await;
    let id = somewhere(&company, "https://hooks.example/").await;
    let mut conn = company.pool.acquire().await.unwrap();
    assert_eq!(place::disable_lost(&mut conn).await.unwrap(), []);
    company.execute("delete from history").await;
    hire(&company, "ada").await;
    until(
        &company,
        "select bool_and(order_xid < pg_snapshot_xmin(pg_current_snapshot())) from history",
    )
    .await;
    let [lease] = turns::claim(&mut conn, 10).await.unwrap()[..] else {
        panic!("somebody is new")
    };
    assert!(matches!(
        turns::next(&mut conn, &lease).await,
        Ok(turns::Next::Lost)
    ));
    let found = webhooks::find(&mut conn, company.tenant, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.disabled_reason.as_deref(), Some("lost"));
    assert!(matches!(
        turns::next(&mut conn, &lease).await,
        Ok(turns::Next::Nothing)
    ));
    turns::release(&mut conn, &lease).await.unwrap();
    assert!(turns::claim(&mut conn, 10).await.unwrap().is_empty());
}
