//! Every page, in every look, with a company in it.

use super::SOON;
use super::axe::Axe;
use super::checks::faults;
use super::locator::{link, text};
use super::look::Look;
use super::up::Up;
use super::window::Window;
use crate::harness::{Scim, within};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeSet;

const PEOPLE: &str = "150";
const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";
/// More than there are kinds of pages: links that lead on and on end somewhere.
const MOST_PAGES: usize = 40;
/// The parts of the dashboard; the rest is found by following links.
const AT_LEAST: &[&str] = &[
    "/",
    "/live",
    "/waiting",
    "/runs",
    "/rejections",
    "/people",
    "/people/*",
    "/org",
    "/mapping",
    "/tokens",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_quiet_on_the_console_usable_by_keyboard_and_without_violations_in_every_look() {
    let up = Up::start().await;
    let axe = Axe::load();
    let window = &up.window;
    company(&up).await;
    busy_hour(&up).await;

    let mut problems = vec![];
    let mut check = async |path: &str| {
        window.open(path).await;
        for look in Look::ALL {
            look.apply(window.driver()).await;
            window
                .script("document.activeElement.blur(); scrollTo(0, 0)")
                .await;
            window
                .screenshot_of_page(&format!("{}-{}", file_name(path), look.name()))
                .await;
            let found = faults(window, &axe, look).await;
            problems.extend(
                found
                    .into_iter()
                    .map(|fault| format!("{path} ({look:?}): {fault}")),
            );
        }
    };
    check("/login").await;
    Look::Light.apply(window.driver()).await;
    window.log_in(up.variable("OPS_TOKEN")).await;
    window.sees(&text("All in step")).await;
    window.screenshot("readme-overview").await;
    troubles(&up).await;

    let mut known = BTreeSet::from([kind("/login")]);
    let mut open: Vec<String> = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        if !known.insert(kind(&path)) {
            continue;
        }
        assert!(known.len() <= MOST_PAGES, "pages lead on and on: {known:?}");
        check(&path).await;
        let mut links = links(window).await;
        links.reverse();
        open.extend(links);
    }

    println!("pages: {known:?}");
    for path in AT_LEAST {
        assert!(known.contains(*path), "no link leads to {path}: {known:?}");
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    Look::Light.apply(window.driver()).await;
    window.open("/people?q=grace.hopper").await;
    window.click(&link("grace.hopper@example.com")).await;
    window.sees(&text("waiting")).await;
    window.screenshot("readme-person").await;
    Look::Phone.apply(window.driver()).await;
    window.open("/waiting").await;
    window.screenshot("readme-waiting").await;
}

async fn company(up: &Up) {
    let bench = tokio::process::Command::new(up.programs.join("bench"))
        .args(["demo", "--people", PEOPLE, "--bulk-size", "10"])
        .envs(up.variables().iter().map(|(name, value)| (name, value)))
        .output();
    let bench = bench.await.unwrap();
    assert!(
        bench.status.success(),
        "{}",
        String::from_utf8_lossy(&bench.stdout)
    );
}

/// An hour as its workers would have sampled it: single writes all the time, and an import. The company is
/// some seconds old, its charts would show nothing.
async fn busy_hour(up: &Up) {
    let mut connection = PgConnection::connect(up.variable("DATABASE_URL")).await.unwrap();
    for statement in BUSY_HOUR {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
}

const BUSY_HOUR: &[&str] = &[
    "create temporary view hour as
     select date_bin('15 s', now(), 'epoch') - n * interval '15 s' as taken_at,
            greatest(0, sin(n / 9.0) + sin(n / 4.0) + 1) as mood, least(greatest(0, 168 - n), 30) as import,
            n between 120 and 160 as imports, n between 108 and 160 as applies
     from generate_series(2, 240) n",
    "insert into pace_samples (taken_at, accepted, applied)
     select taken_at, 15 * (12 * mood + case when imports then 38 * import else 0 end),
            15 * (14 * mood + case when applies then 30 * import else 0 end)
     from hour on conflict do nothing",
    "insert into queue_samples (taken_at, lane, ready, running, scheduled, dead, oldest_ready_seconds, finished_per_second)
     select taken_at, lane, case lane when 'live' then 2 * mood when 'bulk' then
                case when imports then 1.2 * import when applies then 12 else 0 end
            when 'links' then case when applies then 4 + mood else 0 end else 0 end, 0, 0, 0, 0, 0
     from hour cross join unnest(array['live', 'bulk', 'links', 'runs']) lane on conflict do nothing",
];

/// What pages tell of beside people: links that wait, a value that was rejected, a run.
async fn troubles(up: &Up) {
    let client = |name: &str| {
        let base = up.variable(&format!("{name}_URL")).to_owned();
        Scim::new(vec![base], up.variable(&format!("{name}_TOKEN")))
    };
    let (scim, ops) = (client("SCIM"), client("OPS"));
    for (name, sent) in [
        ("grace.hopper", json!({ "manager": "ada.lovelace@example.com" })),
        ("jean.bartik", json!({ "manager": "ada.lovelace@example.com" })),
        (
            "betty.holberton",
            json!({ EXTENSION: { "startDate": "next spring" } }),
        ),
    ] {
        let mut user = json!({ "userName": format!("{name}@example.com") });
        user.as_object_mut()
            .unwrap()
            .extend(sent.as_object().unwrap().clone());
        scim.post("/Users", &user).await.expect(201);
    }
    within(SOON, "everything is applied", async || {
        let backlog = ops.get("/overview").await.expect(200).body["backlog"].clone();
        (backlog["pendingChanges"] == 0 && backlog["rejections"] == 1).then_some(())
    })
    .await;
    let run = ops
        .post("/runs", &json!({ "scope": "full", "dryRun": true }))
        .await;
    let run = run.body["id"].as_str().expect("a run").to_owned();
    within(SOON, "the run is over", async || {
        let run = ops.get(&format!("/runs/{run}")).await.expect(200).body;
        (!run["finishedAt"].is_null()).then_some(())
    })
    .await;
}

/// Paths of the pages that the one open links to, in its order.
async fn links(window: &Window) -> Vec<String> {
    let found = window
        .script(
            "return [...document.querySelectorAll('a[href]:not([download])')]
                 .filter(a => a.origin === location.origin && !a.getAttribute('href').startsWith('#'))
                 .map(a => a.pathname + a.search)",
        )
        .await;
    let found = found.as_array().expect("a list").iter();
    found
        .filter_map(|link| link.as_str().map(str::to_owned))
        .collect()
}

/// The path with `*` for whatever names one of many: pages that differ only in these are of one kind.
fn kind(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts = path.split('/').map(|part| {
        let names_one =
            part.contains(|letter: char| letter.is_ascii_digit() || letter == ':' || letter == '@');
        if names_one { "*" } else { part }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// `/people/*` as `people-one`.
fn file_name(path: &str) -> String {
    let name = kind(path).trim_matches('/').replace('*', "one").replace('/', "-");
    if name.is_empty() {
        "overview".to_owned()
    } else {
        name
    }
}
