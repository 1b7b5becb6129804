//! A crowd of writers whose transactions overlap, and one reader beside them.

use super::{Follower, change, pool, subject, take_xid};
use devstack::TestDatabase;
use devstack::wait::SOON;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Writers as workers are: their place taken at some time, several people locked in order, changes of
/// each, some rolled back; and a reader that never stops.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_skipped_or_reordered_while_many_write() {
    const WRITERS: u64 = 8;
    const ROUNDS: usize = 60;
    const PEOPLE: u128 = 6;
    let database = TestDatabase::create().await.unwrap();
    let pool = pool(&database).await;
    sqlx::query("create table locks (id uuid primary key)")
        .execute(&pool)
        .await
        .unwrap();
    for number in 1..=PEOPLE {
        sqlx::query("insert into locks values ($1)")
            .bind(subject(number))
            .execute(&pool)
            .await
            .unwrap();
    }
    let writing = Arc::new(AtomicBool::new(true));
    let told_so_far = Arc::new(AtomicUsize::new(0));
    let reading = {
        let (pool, writing, told_so_far) = (pool.clone(), Arc::clone(&writing), Arc::clone(&told_so_far));
        tokio::spawn(async move {
            let mut conn = pool.acquire().await.unwrap();
            let mut random = StdRng::seed_from_u64(99);
            let mut follower = Follower::default();
            let mut reads = 0;
            while writing.load(Ordering::Relaxed) {
                follower.read(&mut conn, random.random_range(1..5)).await;
                told_so_far.store(follower.rows.len(), Ordering::Relaxed);
                reads += 1;
            }
            (follower, reads)
        })
    };
    // A long transaction anywhere in the server, another test's too, holds the reader up: the writers
    // go on until it was at work beside them.
    let deadline = Instant::now() + SOON;
    let writers: Vec<_> = (0..WRITERS)
        .map(|seed| {
            let (pool, told_so_far) = (pool.clone(), Arc::clone(&told_so_far));
            tokio::spawn(async move {
                let mut random = StdRng::seed_from_u64(seed);
                let mut rounds = 0;
                while rounds < ROUNDS
                    || (told_so_far.load(Ordering::Relaxed) <= 100 && Instant::now() < deadline)
                {
                    rounds += 1;
                    let mut tx = pool.begin().await.unwrap();
                    if random.random_bool(0.5) {
                        take_xid(&mut tx).await;
                    }
                    let several = random.random_range(1..=3);
                    let people: BTreeSet<u128> =
                        (0..several).map(|_| random.random_range(1..=PEOPLE)).collect();
                    for number in &people {
                        sqlx::query("select from locks where id = $1 for no key update")
                            .bind(subject(*number))
                            .execute(&mut *tx)
                            .await
                            .unwrap();
                    }
                    for number in people {
                        change(&mut tx, subject(number)).await;
                    }
                    tokio::time::sleep(Duration::from_millis(random.random_range(0..4))).await;
                    match random.random_bool(0.9) {
                        true => tx.commit().await.unwrap(),
                        false => tx.rollback().await.unwrap(),
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    writing.store(false, Ordering::Relaxed);
    let (mut follower, reads) = reading.await.unwrap();
    let while_writing = follower.rows.len();
    let committed: i64 = sqlx::query_scalar("select count(*) from history")
        .fetch_one(&pool)
        .await
        .unwrap();
    let mut reader = pool.acquire().await.unwrap();
    follower
        .read_until(&mut reader, usize::try_from(committed).unwrap())
        .await;
    assert!(
        reads > 20 && while_writing > 100,
        "{while_writing} told in {reads} reads while others wrote"
    );
    let told = follower.told(&pool).await;
    assert_eq!(told.len(), usize::try_from(PEOPLE).unwrap());
    for (subject, numbers) in told {
        let all: Vec<i64> = (1..=i64::try_from(numbers.len()).unwrap()).collect();
        assert_eq!(numbers, all, "of {subject}");
    }
    assert_eq!(
        follower.rows.len(),
        usize::try_from(committed).unwrap(),
        "each row is told once"
    );
    // Otherwise nothing was proven.
    let overtaken: i64 = sqlx::query_scalar(
        "select count(*) from history a join history b on a.key_id = b.key_id and a.id < b.id
         where a.xmin::text::int8 > b.xmin::text::int8",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(overtaken > 0, "no transaction was overtaken by a later one");
}
