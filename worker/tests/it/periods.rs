//! The ledger and the history in periods: nobody notices that they are cut, and what is dropped is said to be.

use crate::company::{Company, id, user};
use devstack::wait::{self, SOON};
use rollcall_shared::directory::Key;
use rollcall_shared::store::erasure::{Cause, erase};
use rollcall_shared::store::follow::{self, Position};
use rollcall_shared::store::history::{self, Was, Window};
use rollcall_shared::store::periods::{self, Keeping, Round};
use rollcall_shared::store::receipts;
use serde_json::json;
use sqlx::Connection;
use std::time::Duration;
use uuid::Uuid;

const NOTHING_KEPT: Keeping = Keeping {
    kept: Some(Duration::ZERO),
    period: Duration::from_secs(3600),
};

async fn retitle(company: &Company, name: &str, title: &str) -> Key {
    let key = company.put(name, user(name, json!({ "title": title }))).await;
    company.apply(std::slice::from_ref(&key)).await;
    key
}

async fn drop_what_is_over(company: &Company) -> Round {
    periods::round(&company.pool, NOTHING_KEPT).await.unwrap()
}

async fn partitions(company: &Company) -> Vec<String> {
    let partitions = "select relname::text from pg_class where relispartition and relkind = 'r' order by 1";
    sqlx::query_scalar(partitions)
        .fetch_all(&company.pool)
        .await
        .unwrap()
}

/// The titles that somebody's history tells, the newest first.
async fn titles(company: &Company, person: Uuid) -> Vec<String> {
    let mut conn = company.pool.acquire().await.unwrap();
    let window = Window {
        before: None,
        field: Some("position"),
        since: None,
        until: None,
        limit: 100,
    };
    let page = history::page(&mut conn, company.tenant, person, &window)
        .await
        .unwrap();
    assert!(page.iter().all(|entry| entry.change.is_some()), "{page:?}");
    page.iter()
        .map(|entry| entry.fields["position"][1].as_str().unwrap().to_owned())
        .collect()
}

/// Read on until so much was told; other databases' transactions hold the end of the feed up.
async fn read_on(company: &Company, position: Position, entries: usize) -> Position {
    let mut conn = company.pool.acquire().await.unwrap();
    let mut page = None;
    wait::until("it is told", SOON, async || {
        let read = follow::read(&mut conn, company.tenant, position, 100)
            .await
            .unwrap();
        let all = read.entries.len() >= entries;
        page = Some(read);
        all
    })
    .await
    .unwrap();
    let page = page.unwrap();
    assert_eq!(page.entries.len(), entries, "{page:?}");
    page.position
}

async fn is_kept(company: &Company, position: Position) -> bool {
    let mut conn = company.pool.acquire().await.unwrap();
    follow::is_kept(&mut conn, company.tenant, position)
        .await
        .unwrap()
}

#[tokio::test]
async fn history_and_receipts_over_several_periods_are_told_as_if_they_were_one() {
    let company = Company::new().await;
    let ada = retitle(&company, "ada", "one").await.id();
    let accepted = company.put("bob", user("bob", json!({ "title": "new" }))).await;
    company.next_period().await;
    // Accepted before, applied after.
    company.apply(&[accepted]).await;
    retitle(&company, "ada", "two").await;
    company.next_period().await;
    retitle(&company, "ada", "three").await;
    assert_eq!(titles(&company, ada).await, ["three", "two", "one"]);
    let mut conn = company.pool.acquire().await.unwrap();
    let seqs: Vec<i64> = sqlx::query_scalar("select seq from changes order by seq")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    assert_eq!(seqs.iter().map(|seq| seq >> 40).collect::<Vec<_>>(), [0, 0, 1, 2]);
    let written = receipts::find(&mut conn, company.tenant, &seqs).await.unwrap();
    assert!(
        written.iter().all(|write| write.applied_at.is_some()),
        "{written:?}"
    );
    let second = written[2].applied_at.unwrap();
    let was = history::person_at(&mut conn, company.tenant, ada, second)
        .await
        .unwrap();
    let Some(Was::There(then)) = was else {
        panic!("{was:?}")
    };
    assert_eq!(then.fields["position"], "two");
    let end = read_on(&company, Position::default(), 4).await;
    assert!(is_kept(&company, end).await && is_kept(&company, Position::default()).await);
}

#[tokio::test]
async fn period_that_is_over_is_dropped_whole_and_what_it_told_is_said_to_be_gone() {
    let company = Company::new().await;
    let quiet = company.other_tenant().await;
    let ada = retitle(&company, "ada", "one").await.id();
    let first = read_on(&company, Position::default(), 1).await;
    retitle(&company, "ada", "two").await;
    let second = read_on(&company, first, 1).await;
    company.next_period().await;
    // Nobody has written in it: it goes with the one before.
    company.next_period().await;
    retitle(&company, "ada", "three").await;
    assert_eq!(
        drop_what_is_over(&company).await,
        Round {
            began: None,
            dropped: vec![0, 1]
        }
    );
    assert_eq!(partitions(&company).await, ["changes_p2", "history_p2"]);
    assert_eq!(titles(&company, ada).await, ["three"]);
    assert_eq!(
        company.scalar::<String>("select position from people").await,
        "three"
    );
    // Who had been told everything that was dropped goes on; who had not starts over.
    let kept = [Position::default(), first, second];
    let mut found = vec![];
    for position in kept {
        found.push(is_kept(&company, position).await);
    }
    assert_eq!(found, [false, false, true]);
    read_on(&company, second, 1).await;
    assert!(is_kept(&quiet, Position::default()).await);
    let mut conn = company.pool.acquire().await.unwrap();
    let since = periods::history_kept_since(&mut conn, company.tenant)
        .await
        .unwrap();
    let untouched = periods::history_kept_since(&mut conn, quiet.tenant)
        .await
        .unwrap();
    assert!(since.is_some() && untouched.is_none());
    assert!(periods::writes_kept_since(&mut conn).await.unwrap() > since);
    assert_eq!(drop_what_is_over(&company).await, Round::default());
}

#[tokio::test]
async fn tenant_whose_history_is_all_dropped_is_followed_from_its_end() {
    let company = Company::new().await;
    let ada = retitle(&company, "ada", "one").await.id();
    let erased = company.other_tenant().await;
    let eve = retitle(&erased, "eve", "one").await.id();
    let lost = read_on(&erased, Position::default(), 1).await;
    erase(&erased.pool, erased.tenant, &[eve], Cause::Asked(Uuid::nil()))
        .await
        .unwrap();
    sqlx::query("update history set fields = '{}' where tenant_id = $1")
        .bind(erased.tenant.0)
        .execute(&erased.pool)
        .await
        .unwrap();
    company.next_period().await;
    drop_what_is_over(&company).await;
    let mut conn = company.pool.acquire().await.unwrap();
    let latest = follow::latest(&mut conn, company.tenant).await.unwrap();
    assert_ne!(latest, Position::default());
    assert!(is_kept(&company, latest).await);
    retitle(&company, "ada", "two").await;
    read_on(&company, latest, 1).await;
    assert_eq!(titles(&company, ada).await, ["two"]);
    // Of whom nothing that was told is left, no end is known: they start over.
    assert!(!is_kept(&erased, lost).await);
    let latest = follow::latest(&mut conn, erased.tenant).await.unwrap();
    assert!(is_kept(&erased, latest).await);
}

#[tokio::test]
async fn person_whose_history_is_in_several_periods_is_erased_from_all() {
    let company = Company::new().await;
    let ada = retitle(&company, "ada", "Zqx one").await.id();
    retitle(&company, "bob", "Kept one").await;
    company.next_period().await;
    retitle(&company, "ada", "Zqx two").await;
    retitle(&company, "bob", "Kept two").await;
    erase(&company.pool, company.tenant, &[ada], Cause::Asked(Uuid::nil()))
        .await
        .unwrap();
    let dump = devstack::dump(company.database.url()).unwrap();
    assert!(!dump.contains("Zqx"));
    let bob = company.directory(id("bob"));
    assert_eq!(titles(&company, bob).await, ["Kept two", "Kept one"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn period_that_several_begin_at_once_while_others_write_begins_once_and_loses_nothing() {
    let company = Company::new().await;
    let keeping = Keeping {
        kept: None,
        period: Duration::ZERO,
    };
    let cut = || periods::round(&company.pool, keeping);
    let write = async |name: &str| {
        for number in 0..20 {
            retitle(&company, name, &number.to_string()).await;
        }
    };
    let (one, two, three, (), ()) = tokio::join!(cut(), cut(), cut(), write("ada"), write("bob"));
    let began: Vec<i64> = [one, two, three]
        .into_iter()
        .filter_map(|round| round.unwrap().began)
        .collect();
    // One after the other they may begin several, of which each begins once.
    assert_eq!(
        began.len(),
        began.iter().collect::<std::collections::BTreeSet<_>>().len()
    );
    assert!(!began.is_empty());
    for name in ["ada", "bob"] {
        assert_eq!(titles(&company, company.directory(id(name))).await.len(), 20);
    }
}

#[tokio::test]
async fn period_that_was_cut_but_not_written_down_is_found_by_the_next_round() {
    let company = Company::new().await;
    let scenario = fail::FailScenario::setup();
    fail::cfg("periods::before_commit", "return").unwrap();
    let keeping = Keeping {
        kept: None,
        period: Duration::ZERO,
    };
    assert_eq!(
        periods::round(&company.pool, keeping).await.unwrap(),
        Round::default()
    );
    scenario.teardown();
    // What was set stays set, though the transaction did not commit.
    retitle(&company, "ada", "between").await;
    company.next_period().await;
    let ada = retitle(&company, "ada", "after").await.id();
    assert_eq!(titles(&company, ada).await, ["after", "between"]);
    let numbers: i64 = company
        .scalar("select count(distinct seq >> 40) from changes")
        .await;
    assert_eq!(numbers, 1);
}

#[tokio::test]
async fn period_that_somebody_reads_is_dropped_when_they_are_done() {
    let company = Company::new().await;
    retitle(&company, "ada", "one").await;
    company.next_period().await;
    let reading = company.another_pool("reading");
    let mut reader = reading.acquire().await.unwrap();
    let mut reads = reader.begin().await.unwrap();
    let count = "select count(*) from history";
    sqlx::query_scalar::<_, i64>(count)
        .fetch_one(&mut *reads)
        .await
        .unwrap();
    periods::round(&company.pool, NOTHING_KEPT).await.unwrap_err();
    // Nobody waits behind who waited.
    retitle(&company, "bob", "meanwhile").await;
    reads.rollback().await.unwrap();
    assert_eq!(drop_what_is_over(&company).await.dropped, [0]);
}
