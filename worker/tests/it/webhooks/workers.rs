//! Several workers, workers that die, and what time does to secrets and deliveries.

use super::{AT_REST, LOOPBACK, SECRET, created, hire, only, told, webhook};
use crate::company::Company;
use crate::process::{Worker, until};
use crate::receiver::{Receiver, Reply};
use rollcall_shared::store::webhooks;
use rollcall_shared::store::webhooks::turns;
use rollcall_worker::failpoints::DELIVERY_FAILPOINT;
use std::collections::BTreeSet;

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
