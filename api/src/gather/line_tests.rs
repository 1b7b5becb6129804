use super::*;
use devstack::wait::{self, SOON};
use futures::future::join_all;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Semaphore, mpsc};

const TENANT: TenantId = TenantId(1);
const OTHER: TenantId = TenantId(2);
/// A question that makes its fetch panic, and one that makes it fail.
const PANIC: usize = usize::MAX;
const FAIL: usize = usize::MAX - 1;

/// Answers each number with it, once a fetch is let end.
struct Numbers {
    connections: Semaphore,
    /// Connecting fails so often.
    refusals: AtomicUsize,
    /// Tells of each fetch how much it was asked.
    begun: mpsc::UnboundedSender<usize>,
    may_end: Semaphore,
}

impl Source for Numbers {
    type Connection = ();
    type Asked = usize;
    type Answer = usize;

    async fn connect(&self) -> Result<(), StoreError> {
        self.connections.acquire().await.unwrap().forget();
        let refusal = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        refusal.map_or(Ok(()), |_| Err(StoreError::interrupted()))
    }

    async fn fetch(&self, (): (), _: TenantId, asked: &[usize]) -> Result<Vec<usize>, StoreError> {
        self.begun.send(asked.len()).unwrap();
        self.may_end.acquire().await.unwrap().forget();
        self.connections.add_permits(1);
        assert!(!asked.contains(&PANIC), "a question that panics");
        match asked.contains(&FAIL) {
            true => Err(StoreError::refused()),
            false => Ok(asked.to_vec()),
        }
    }
}

/// Lines over so many connections, and the sizes of the fetches that begin.
fn lines(connections: usize) -> (Arc<Lines<Numbers>>, mpsc::UnboundedReceiver<usize>) {
    let (begun, sizes) = mpsc::unbounded_channel();
    let numbers = Numbers {
        connections: Semaphore::new(connections),
        refusals: AtomicUsize::new(0),
        begun,
        may_end: Semaphore::new(0),
    };
    (Arc::new(Lines::new(numbers)), sizes)
}

type Answers = tokio::task::JoinHandle<Vec<Result<usize, GatherError>>>;

/// Ask, all at once.
fn ask(lines: &Arc<Lines<Numbers>>, tenant: TenantId, asked: Vec<usize>) -> Answers {
    let lines = Arc::clone(lines);
    tokio::spawn(async move {
        let asking = asked.into_iter().map(|asked| lines.ask(tenant, asked));
        join_all(asking).await
    })
}

/// Wait until so many are in line.
async fn in_line(lines: &Lines<Numbers>, expected: usize) {
    let length = || lines.tenants().get(&TENANT).map_or(0, |line| line.waiting.len());
    wait::until("all to be in line", SOON, async || length() == expected)
        .await
        .unwrap();
}

fn all_ok(answers: Vec<Result<usize, GatherError>>) -> Vec<usize> {
    answers.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn questions_that_come_while_all_fetches_are_under_way_are_answered_by_one_each_its_own() {
    let (lines, mut sizes) = lines(8);
    let first = ask(&lines, TENANT, vec![1]);
    assert_eq!(sizes.recv().await, Some(1));
    let second = ask(&lines, TENANT, vec![2]);
    assert_eq!(sizes.recv().await, Some(1));
    let waiting = ask(&lines, TENANT, (0..300).collect());
    in_line(&lines, 300).await;
    lines.source.may_end.add_permits(5);
    assert_eq!(all_ok(waiting.await.unwrap()), Vec::from_iter(0..300));
    assert_eq!(all_ok(first.await.unwrap()), [1]);
    assert_eq!(all_ok(second.await.unwrap()), [2]);
    for size in [BATCH, BATCH, 300 - 2 * BATCH] {
        assert_eq!(sizes.recv().await, Some(size));
    }
    assert!(lines.tenants().is_empty(), "a line that is over is forgotten");
}

#[tokio::test]
async fn tenant_whose_fetches_are_all_under_way_keeps_no_other_from_its_own() {
    let (lines, mut sizes) = lines(AT_ONCE + 1);
    let mut under_way = vec![];
    for number in 0..AT_ONCE {
        under_way.push(ask(&lines, TENANT, vec![number]));
        sizes.recv().await;
    }
    let waiting = ask(&lines, TENANT, vec![8]);
    in_line(&lines, 1).await;
    let theirs = ask(&lines, OTHER, vec![9]);
    assert_eq!(sizes.recv().await, Some(1));
    assert!(sizes.try_recv().is_err());
    lines.source.may_end.add_permits(AT_ONCE + 2);
    assert_eq!(all_ok(theirs.await.unwrap()), [9]);
    assert_eq!(all_ok(waiting.await.unwrap()), [8]);
}

#[tokio::test]
async fn fetch_that_fails_or_panics_is_told_to_all_it_was_for_and_the_line_goes_on() {
    for culprit in [FAIL, PANIC] {
        let (lines, mut sizes) = lines(1);
        let busy = ask(&lines, TENANT, vec![0]);
        assert_eq!(sizes.recv().await, Some(1));
        let victims = ask(&lines, TENANT, vec![1, culprit, 2]);
        in_line(&lines, 3).await;
        lines.source.may_end.add_permits(1);
        assert_eq!(all_ok(busy.await.unwrap()), [0]);
        assert_eq!(sizes.recv().await, Some(3));
        let after = ask(&lines, TENANT, vec![3]);
        in_line(&lines, 1).await;
        lines.source.may_end.add_permits(2);
        for answer in victims.await.unwrap() {
            match (culprit, answer) {
                (FAIL, Err(GatherError::Store(error))) => {
                    assert!(matches!(*error, StoreError::Statement(_)), "{error:?}");
                }
                (PANIC, Err(GatherError::Panicked)) => {}
                (_, answer) => panic!("{culprit}: {answer:?}"),
            }
        }
        assert_eq!(all_ok(after.await.unwrap()), [3]);
        assert!(lines.tenants().is_empty());
    }
}

#[tokio::test]
async fn connection_that_is_not_there_fails_all_who_wait_and_nobody_after() {
    let (lines, mut sizes) = lines(0);
    lines.source.refusals.store(1, Ordering::SeqCst);
    let waiting = ask(&lines, TENANT, (0..2 * BATCH).collect());
    in_line(&lines, 2 * BATCH).await;
    lines.source.connections.add_permits(2);
    for answer in waiting.await.unwrap() {
        let Err(GatherError::Store(error)) = answer else {
            panic!("{answer:?}");
        };
        assert!(matches!(*error, StoreError::Unavailable(_)), "{error:?}");
    }
    lines.source.may_end.add_permits(1);
    assert_eq!(lines.ask(TENANT, 5).await.unwrap(), 5);
    assert_eq!(sizes.recv().await, Some(1));
}

#[tokio::test]
async fn question_that_is_given_up_is_not_fetched_and_others_are() {
    let (lines, mut sizes) = lines(0);
    let given_up = ask(&lines, TENANT, vec![1, 2]);
    in_line(&lines, 2).await;
    let kept = ask(&lines, TENANT, vec![3]);
    in_line(&lines, 3).await;
    given_up.abort();
    assert!(given_up.await.is_err());
    lines.source.connections.add_permits(1);
    lines.source.may_end.add_permits(1);
    assert_eq!(all_ok(kept.await.unwrap()), [3]);
    assert_eq!(sizes.recv().await, Some(1));
}
