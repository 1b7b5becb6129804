//! Schedules and dates over HTTP, with real processes.

use super::harness::{Options, Stack, Tenant, within};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn get(tenant: &Tenant, path: &str) -> Value {
    tenant.ops.get(path).await.expect(200).body
}

#[tokio::test]
async fn schedule_missed_while_all_workers_were_down_fires_once_among_three() {
    let options = Options {
        workers: 3,
        ..Options::default()
    };
    let mut stack = Stack::start(options).await;
    let tenant = stack.tenant("punctual").await;
    let body = json!({ "name": "Hourly", "cron": "0 * * * *", "timeZone": "Europe/Berlin" });
    let created = tenant.ops.post("/schedules", &body).await.expect(201);
    let path = format!("/schedules/{}", created.id());
    for worker in &mut stack.workers {
        worker.kill();
    }
    sqlx::query("update schedules set next_tick = next_tick - interval '4 hours', due_at = due_at - interval '4 hours'")
        .execute(&stack.db)
        .await
        .unwrap();
    for worker in &mut stack.workers {
        worker.start();
    }
    stack.ready().await;
    let fired = within(SOON, "the schedule fires", async || {
        let schedule = get(&tenant, &path).await;
        schedule["lastFiring"].is_object().then_some(schedule)
    })
    .await;
    let last = &fired["lastFiring"];
    assert_eq!((&last["outcome"], &fired["ticks"][0]), (&json!("started"), last));
    let ticks = fired["ticks"].as_array().unwrap();
    assert!(
        ticks[1..].iter().all(|tick| tick["outcome"] == "skipped"),
        "{fired}"
    );
    assert!((3..=5).contains(&ticks.len()), "{fired}");
    assert!(fired["nextFiring"].is_string(), "{fired}");
    let run = format!("/runs/{}", last["runId"].as_str().unwrap());
    within(SOON, "the run ends", async || {
        (get(&tenant, &run).await["state"] == "finished").then_some(())
    })
    .await;
    assert_eq!(get(&tenant, "/runs").await["totalResults"], 1);
    stack.expect_alive();
}

#[tokio::test]
async fn schedule_that_is_due_fires_once_among_three_workers_and_a_paused_one_does_not() {
    let options = Options {
        workers: 3,
        ..Options::default()
    };
    let mut stack = Stack::start(options).await;
    let tenant = stack.tenant("due").await;
    let create = async |name: &str, paused: bool| {
        let body =
            json!({ "name": name, "cron": "0 3 * * *", "timeZone": "Europe/Berlin", "paused": paused });
        let created = tenant.ops.post("/schedules", &body).await.expect(201);
        format!("/schedules/{}", created.id())
    };
    let (due, paused) = (create("Nightly", false).await, create("Resting", true).await);
    sqlx::query("update schedules set next_tick = now(), due_at = now() where next_tick is not null")
        .execute(&stack.db)
        .await
        .unwrap();
    let fired = within(SOON, "the schedule fires", async || {
        let schedule = get(&tenant, &due).await;
        schedule["lastFiring"].is_object().then_some(schedule)
    })
    .await;
    let run = format!("/runs/{}", fired["lastFiring"]["runId"].as_str().unwrap());
    within(SOON, "the run ends", async || {
        (get(&tenant, &run).await["state"] == "finished").then_some(())
    })
    .await;
    assert_eq!(get(&tenant, &due).await["ticks"].as_array().unwrap().len(), 1);
    assert_eq!(get(&tenant, &paused).await["lastFiring"], json!(null));
    assert_eq!(get(&tenant, "/runs").await["totalResults"], 1);
    stack.expect_alive();
}

#[tokio::test]
async fn first_day_of_a_person_comes_earlier_where_the_day_begins_earlier() {
    let stack = Stack::start(Options::default()).await;
    // 26 hours apart: never the same day.
    let (east, west) = (stack.tenant("east").await, stack.tenant("west").await);
    let today = async || -> String {
        let today = "select (now() at time zone 'Pacific/Kiritimati')::date::text";
        sqlx::query_scalar(today).fetch_one(&stack.db).await.unwrap()
    };
    let mut day = today().await;
    for (tenant, zone) in [(&east, "Pacific/Kiritimati"), (&west, "Etc/GMT+12")] {
        let settings = json!({ "timeZone": zone, "datesDriveStatus": true });
        tenant.ops.patch("/settings", &settings).await.expect(200);
        let body = json!({ "userName": zone, ENTERPRISE: { "startDate": day } });
        tenant.scim.post("/Users", &body).await.expect(201);
    }
    within(
        SOON,
        "it is day in the east and not yet in the west",
        async || {
            let statuses = "select string_agg(login || ' ' || status, ', ' order by login) from people";
            let found: Option<String> = sqlx::query_scalar(statuses).fetch_one(&stack.db).await.ok()?;
            let expected = "Etc/GMT+12 deactivated, Pacific/Kiritimati active";
            let day_before = std::mem::replace(&mut day, today().await);
            // At the turn of the day it may be either.
            (found.as_deref() == Some(expected) || day_before != day).then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn person_is_active_from_the_first_day_to_the_last_where_the_tenant_is() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("dated").await;
    let settings = json!({ "timeZone": "Pacific/Kiritimati", "datesDriveStatus": true });
    tenant.ops.patch("/settings", &settings).await.expect(200);
    // The dates of a day are those of everywhere but for a few: far enough from both.
    for (name, start, end) in [
        ("now", "2000-01-01", "2999-12-31"),
        ("later", "2999-01-01", "2999-12-31"),
        ("past", "2000-01-01", "2001-01-01"),
    ] {
        let body = json!({ "userName": name, ENTERPRISE: { "startDate": start, "endDate": end } });
        tenant.scim.post("/Users", &body).await.expect(201);
    }
    stack.converged(SOON).await;
    let statuses = async |expected: &str| {
        within(SOON, expected, async || {
            let statuses = "select string_agg(login || ' ' || status, ', ' order by login) from people";
            let found: Option<String> = sqlx::query_scalar(statuses).fetch_one(&stack.db).await.ok()?;
            (found.as_deref() == Some(expected)).then_some(())
        })
        .await;
    };
    statuses("later deactivated, now active, past deactivated").await;
    tenant
        .ops
        .patch("/settings", &json!({ "datesDriveStatus": false }))
        .await
        .expect(200);
    statuses("later active, now active, past active").await;
}
