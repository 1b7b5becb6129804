//! Everything is killed, again and again, under load; nothing acknowledged may be missing
//! afterwards, and nothing may be applied that was never sent.

mod chaos;
mod company;
mod directory;
mod generate;
mod judge;
mod model;
mod tally;
mod traffic;
mod write;

use crate::harness::{Options, Stack, seed};
use company::{GROUPS_EACH, USERS_EACH, external_id};
use directory::Directory;
use generate::Generator;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tally::Tally;
use traffic::{Client, Shared};

const CLIENTS: usize = 12;
/// Writes that must have been under way.
const WRITES: u64 = 5_000;
/// `kill -9` of worker, API and Redis.
const KILLS: usize = 20;
/// For the directory to catch up once everything stays up.
const CATCH_UP: Duration = Duration::from_secs(90);
/// For the load to reach [`WRITES`], should the machine be slow.
const LOAD: Duration = Duration::from_secs(120);
/// Differences a failure shows.
const SHOWN: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directory_everything_killed_under_load_ends_as_acknowledged() {
    let mut random = StdRng::seed_from_u64(seed("crash"));
    let mut stack = Stack::start(Options {
        apis: 2,
        workers: 2,
        durable: true,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("crash").await;
    let shared = Shared::default();
    let started = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let source = StdRng::seed_from_u64(random.random());
            let generator = Generator::new(source, number, CLIENTS * USERS_EACH, shared.ids.clone());
            let client = Client::new(number, tenant.scim.another(), generator, shared.clone());
            tokio::spawn(client.run())
        })
        .collect();

    let damage = chaos::rage(&mut stack, &mut random).await;
    let sent = crate::harness::within_or(LOAD, async || {
        let sent = shared.sent.load(Ordering::Relaxed);
        let finished = clients.iter().any(|client| client.is_finished());
        (sent >= WRITES || finished).then_some(sent)
    })
    .await;
    shared.stop.store(true, Ordering::Relaxed);
    let mut finished = vec![];
    let mut tally = Tally::default();
    for client in clients {
        let client = client
            .await
            .unwrap_or_else(|_| panic!("a client failed, see above"));
        tally += client.tally;
        finished.push(client);
    }
    let load = started.elapsed();
    println!("crash: {damage:?}\ncrash: {tally:?} in {load:?}");
    assert!(
        sent.is_some_and(|sent| sent >= WRITES),
        "only {sent:?} writes in {load:?}"
    );
    assert!(
        damage.kills >= KILLS && damage.flushes > 0 && damage.postgres_crashes > 0,
        "{damage:?}"
    );

    stack.ready().await;
    let healed = Instant::now();
    stack.converged(CATCH_UP).await;
    println!("crash: caught up {:?} after the last write", healed.elapsed());

    let mut differences = vec![];
    let truth = judge::read_back(&tenant.scim, &finished, &shared.ids, &mut differences).await;
    let expected = truth.directory();
    let (actual, left) = Directory::read(&stack.db, tenant.id).await;
    differences.extend(expected.differences(&actual));
    for user in 0..CLIENTS * USERS_EACH {
        let (must, may) = truth.left(user);
        match left.contains(&external_id(user)) {
            true if !may => differences.push(format!("user {user} left without having been here")),
            false if must => differences.push(format!("user {user} left without a trace")),
            _ => {}
        }
    }
    println!(
        "crash: {} users, {} groups, {} memberships, {} lines, {} waiting links, {} who left; {} differences",
        expected.people.len(),
        expected.groups.len(),
        expected.memberships.len(),
        expected.lines.len(),
        expected.waiting.len(),
        left.len(),
        differences.len()
    );
    assert!(
        expected.people.len() > CLIENTS * USERS_EACH / 2 && !left.is_empty(),
        "the load was no load"
    );
    assert!(
        expected.groups.len() > CLIENTS * GROUPS_EACH / 2,
        "the load was no load"
    );
    expect_mixed(&tally);
    notices_everything(&expected, actual);
    assert!(
        differences.is_empty(),
        "{} differences:\n{}\n{}",
        differences.len(),
        differences[..differences.len().min(SHOWN)].join("\n"),
        stack.log_tails()
    );
}

/// Fail unless every kind of write was acknowledged many times.
fn expect_mixed(tally: &Tally) {
    let kinds = [tally.posts, tally.puts, tally.patches, tally.deletes];
    assert!(
        kinds.iter().all(|times| *times >= 50),
        "the load was one-sided: {tally:?}"
    );
    assert!(
        tally.bulk_requests >= 50 && tally.unknown >= 50,
        "the load was one-sided: {tally:?}"
    );
}

/// Fail unless the comparison sees each single thing that is missing or strange.
fn notices_everything(expected: &Directory, mut actual: Directory) {
    let before = expected.differences(&actual).len();
    let (name, mut person) = actual.people.pop_first().expect("people");
    assert_eq!(
        expected.differences(&actual).len(),
        before + 1,
        "a person is gone"
    );
    person.position = Some("nobody sent this".to_owned());
    actual.people.insert(name, person);
    assert_eq!(expected.differences(&actual).len(), before + 1, "a field differs");
    actual.memberships.pop_last().expect("memberships");
    assert_eq!(
        expected.differences(&actual).len(),
        before + 2,
        "a membership is gone"
    );
    let mut line = actual.lines.pop_first().expect("lines");
    assert_eq!(expected.differences(&actual).len(), before + 3, "a line is gone");
    line.slot = 3;
    actual.lines.insert(line);
    assert_eq!(expected.differences(&actual).len(), before + 4, "a line too many");
    actual.groups.pop_first().expect("groups");
    assert_eq!(expected.differences(&actual).len(), before + 5, "a team is gone");
}
