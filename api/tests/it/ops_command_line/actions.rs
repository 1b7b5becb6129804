//! Commands that do something: pause a lane, start a run, make a token.

use super::{assert_shown, ops, told};
use crate::app::TestApp;
use serde_json::{Value, json};
use std::process::Stdio;

#[tokio::test]
async fn lane_is_paused_shown_as_such_and_resumed() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let paused = told(
        &operator,
        &["queue", "pause", "bulk", "--reason", "import gone wrong"],
    )
    .await
    .exits(0);
    assert_eq!(paused.out, "bulk: paused; workers follow within seconds\n");
    let shown = told(&operator, &["queue"]).await.exits(0).out;
    let bulk = shown.lines().find(|line| line.starts_with("bulk")).unwrap();
    assert!(bulk.contains("by test: import gone wrong"), "{shown}");
    assert!(shown.ends_with("workers alive  0\n"), "{shown}");
    told(&operator, &["queue", "resume", "bulk"]).await.exits(0);
    let lanes = told(&operator, &["queue", "--json"]).await.exits(0).lines();
    assert!(
        lanes[0]["lanes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|lane| lane["paused"].is_null())
    );
    told(&operator, &["queue", "pause", "nothing"]).await.exits(2);
}

#[tokio::test]
async fn run_is_started_followed_cancelled_and_judged_by_what_it_found() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let started = told(&operator, &["run", "start", "--dry-run"]).await.exits(0).out;
    let id = started.trim().to_owned();
    let end = async |report: Value| {
        // What its worker would do in the end.
        sqlx::query(
            "update runs set phase = 'done', finished_at = now(), report = $2 where id = $1::text::uuid",
        )
        .bind(&id)
        .bind(report)
        .execute(&app.pool)
        .await
        .unwrap();
    };
    let follow = ["run", "follow", &id, "--fail-on-drift"];
    let mut command = ops(&app.url, &follow);
    command
        .env("ROLLCALL_TOKEN", &operator.secret)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut follower = command.spawn().unwrap();
    let mut lines = tokio::io::BufReader::new(follower.stderr.take().unwrap());
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line)
        .await
        .unwrap();
    assert_eq!(line, "plan: 0 of 0 parts, 0 checked\n");
    end(json!({ "checked": 40, "unchanged": 37, "differing": 3, "failed": 0, "fields": { "display_name": 3 } })).await;
    let over = follower.wait_with_output().await.unwrap();
    assert_eq!(over.status.code(), Some(5));
    assert_shown!(String::from_utf8(over.stdout).unwrap());

    told(&operator, &["run", "follow", &id]).await.exits(0);
    end(json!({ "checked": 40, "differing": 0, "failed": 0 })).await;
    told(&operator, &follow).await.exits(0);
    end(json!({ "checked": 40, "differing": 3, "failed": 1 })).await;
    let failed = told(&operator, &follow).await.exits(1);
    assert_eq!(
        failed.err,
        "error: 1 person or team could not be compared or repaired\n"
    );
    let cancel = told(&operator, &["run", "cancel", &id]).await.exits(1);
    assert_eq!(
        cancel.err,
        "error: the run has compared everything already (409)\n"
    );

    let other = told(&operator, &["run", "start", "--json"])
        .await
        .exits(0)
        .lines();
    let other = other[0]["id"].as_str().unwrap();
    let cancelled = told(&operator, &["run", "cancel", other, "--json"])
        .await
        .exits(0)
        .lines();
    assert_eq!(cancelled[0]["cancelRequested"], true);
    told(&operator, &["run", "start", "--scope", "team"])
        .await
        .exits(2);
    let unknown = uuid::Uuid::new_v4().to_string();
    let unknown = told(&operator, &["run", "start", "--scope", "team", "--id", &unknown])
        .await
        .exits(1);
    assert_eq!(
        unknown.err,
        "error: id names nobody and no team of this tenant (400)\n"
    );
}

#[tokio::test]
async fn token_is_created_rotated_and_revoked_and_its_secret_is_alone_on_stdout() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    let create = [
        "token",
        "create",
        "--name",
        "Entra",
        "--scope",
        "scim",
        "--expires-in-days",
        "30",
    ];
    let created = told(&operator, &create).await.exits(0);
    let secret = created.out.trim();
    assert!(
        created.err.contains("the secret is not shown again"),
        "{created:?}"
    );
    operator.with_secret(secret).get("/Users").await.expect(200);
    let listed = told(&operator, &["token", "list", "--json"]).await.exits(0);
    assert!(!listed.out.contains(secret));
    let tokens = listed.lines();
    let entra = tokens.iter().find(|token| token["name"] == "Entra").unwrap();
    let id = entra["id"].as_str().unwrap();
    let rotated = told(&operator, &["token", "rotate", id, "--overlap", "600"])
        .await
        .exits(0);
    operator
        .with_secret(rotated.out.trim())
        .get("/Users")
        .await
        .expect(200);
    told(&operator, &["token", "revoke", id]).await.exits(0);
    let table = told(&operator, &["token", "list"]).await.exits(0);
    assert_eq!(
        table.out.lines().filter(|line| line.contains("Entra")).count(),
        2,
        "{table:?}"
    );
    let twice = told(&operator, &["token", "rotate", id]).await.exits(1);
    assert_eq!(twice.err.lines().count(), 1, "{twice:?}");
}
