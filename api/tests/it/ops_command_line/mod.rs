//! `rollcall-api ops …` against a server, as an operator uses it.

mod actions;
mod transport;

use crate::app::{Client, TestApp};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;
use tokio::process::Command;

/// A command that nobody configured.
fn ops(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall-api"));
    command
        .arg("ops")
        .args(arguments)
        .env_clear()
        .env("ROLLCALL_URL", url)
        .stdin(Stdio::null());
    command
}

#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn exits(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Each line of stdout as JSON.
    fn lines(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

async fn said(mut command: Command) -> Said {
    let output = command.output().await.unwrap();
    Said {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What this operator is told. The token is never part of it.
async fn told(operator: &Client<'_>, arguments: &[&str]) -> Said {
    let mut command = ops(&operator.app.url, arguments);
    command.env("ROLLCALL_TOKEN", &operator.secret);
    let said = said(command).await;
    assert!(!said.out.contains(&operator.secret) && !said.err.contains(&operator.secret));
    said
}

/// A snapshot without what differs from run to run.
macro_rules! assert_shown {
    ($text:expr) => {
        insta::with_settings!({ filters => [
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]                                "),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "[time]             "),
            (r" +\n", "\n"),
        ]}, { insta::assert_snapshot!($text) });
    };
}
use assert_shown;

/// Ada as a worker would write her, with a manager that is not there.
async fn ada(scim: &Client<'_>) -> String {
    let user = scim.user("ada@example.com").await;
    for statement in [
        "insert into people (tenant_id, id, resource_id, status, login, display_name, applied_mapping, applied_seq)
         select tenant_id, directory_id, id, 'active', document ->> 'userName', 'Ada Lovelace', 1, seq
         from scim_resources where tenant_id = $1 and id = $2::text::uuid",
        "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
         select tenant_id, id, 1, '0', 'Grace', 'grace', 'missing', applied_seq
         from people where tenant_id = $1 and resource_id = $2::text::uuid",
        "delete from pending where tenant_id = $1 and $2 is not null",
    ] {
        sqlx::query(statement)
            .bind(scim.tenant)
            .bind(user.id())
            .execute(&scim.app.pool)
            .await
            .unwrap();
    }
    user.txn().to_owned()
}

#[tokio::test]
async fn overview_tells_first_whether_all_is_well_and_prints_the_answer_for_machines() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    ada(&scim).await;
    let shown = told(&operator, &["overview"]).await.exits(0).out;
    let verdict = shown.lines().next().unwrap();
    assert!(
        verdict.starts_with("Attention: no worker is running; 1 link waiting, the oldest since "),
        "{verdict}"
    );
    assert!(shown.contains("directory.people.active"), "{shown}");
    let json = told(&operator, &["overview", "--json"]).await.exits(0);
    let answer = operator.get("/ops/v1/overview").await.expect(200).body;
    assert_eq!(json.lines()[0]["directory"], answer["directory"]);
    assert_eq!(
        json.lines()[0]["queues"]["reconcile-live"]["dead"],
        answer["queues"]["reconcile-live"]["dead"]
    );
}

#[tokio::test]
async fn person_receipt_and_waiting_links_are_explained_in_tables() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let receipt = ada(&scim).await;
    let person = told(&operator, &["person", "ada@"]).await.exits(0).out;
    let waiting = told(&operator, &["waiting"]).await.exits(0).out;
    let receipt = told(&operator, &["receipt", &receipt]).await.exits(0).out;
    assert_shown!(format!("{person}\n{waiting}\n{receipt}"));

    let machine = told(&operator, &["person", "ada@", "--json"])
        .await
        .exits(0)
        .lines();
    assert_eq!(machine[0]["person"]["displayName"], "Ada Lovelace");
    assert_eq!(machine[1]["links"][0]["state"], "waiting");

    let retried = told(&operator, &["waiting", "retry", "Grace"]).await.exits(0);
    assert_eq!(retried.out, "1 link tried again\n");
    let none = told(&operator, &["waiting", "retry", "nobody"]).await.exits(1);
    assert_eq!(none.err, "error: nothing waits for that\n");
    let every = told(&operator, &["waiting", "retry", "--all", "--json"])
        .await
        .exits(0);
    assert_eq!(every.lines()[0]["retried"], 1);
    told(&operator, &["waiting", "retry"]).await.exits(2);
}

#[tokio::test]
async fn receipts_are_listed_by_state_and_resource() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let receipt = ada(&scim).await;
    let bob = scim.user("bob@example.com").await;
    let all = told(&operator, &["receipt", "list", "--json"])
        .await
        .exits(0)
        .lines();
    let receipts: Vec<&str> = all.iter().map(|one| one["txn"].as_str().unwrap()).collect();
    assert_eq!(receipts, [bob.txn(), receipt.as_str()], "the newest first");
    let of_bob = told(
        &operator,
        &["receipt", "list", "--resource", bob.id(), "--state", "accepted"],
    )
    .await;
    let of_bob = of_bob.exits(0).out;
    assert_eq!(of_bob.lines().count(), 2, "{of_bob}");
    assert!(of_bob.contains(&format!("{}:0", bob.txn())), "{of_bob}");
    let none = told(
        &operator,
        &["receipt", "list", "--until", "2020-01-01T00:00:00+01:00"],
    )
    .await
    .exits(0);
    assert_eq!(
        (none.out.as_str(), none.err.as_str()),
        ("", "No such write was accepted.\n")
    );
    told(&operator, &["receipt", "list", "--since", "yesterday"])
        .await
        .exits(1);
    told(&operator, &["receipt"]).await.exits(2);
}

#[tokio::test]
async fn person_is_not_guessed_where_several_are_found() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    ada(&scim).await;
    scim.user("adam@example.com").await;
    sqlx::query(
        "insert into people (tenant_id, id, resource_id, status, login, applied_mapping, applied_seq)
         select tenant_id, directory_id, id, 'active', document ->> 'userName', 1, seq from scim_resources
         where tenant_id = $1 and document ->> 'userName' = 'adam@example.com'",
    )
    .bind(scim.tenant)
    .execute(&app.pool)
    .await
    .unwrap();
    let several = told(&operator, &["person", "ada"]).await.exits(1);
    assert_eq!(several.err, "error: 2 people are found by that; name one by id\n");
    assert_eq!(several.out.lines().count(), 3, "{several:?}");
    let nobody = told(&operator, &["person", "zoe"]).await.exits(1);
    assert_eq!(nobody.err, "error: nobody is found by that\n");
}

#[tokio::test]
async fn list_of_many_pages_is_whole_for_machines_and_cut_with_a_word_for_people() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    for statement in [
        "insert into audit (tenant_id, token_id, action, status)
         select $1, gen_random_uuid(), 'POST /ops/v1/runs', 202 from generate_series(1, 1203)",
        "insert into runs (tenant_id, id, scope, dry_run, phase, finished_at)
         select $1, gen_random_uuid(), 'full', true, 'done', now() from generate_series(1, 1203)",
    ] {
        sqlx::query(statement)
            .bind(operator.tenant)
            .execute(&app.pool)
            .await
            .unwrap();
    }
    for list in [&["audit"][..], &["run", "list"]] {
        let all = told(&operator, &[list, &["--json"]].concat())
            .await
            .exits(0)
            .lines();
        let once: BTreeSet<String> = all.iter().map(|item| item["id"].to_string()).collect();
        assert_eq!((all.len(), once.len()), (1203, 1203), "{list:?}");
        let table = told(&operator, list).await.exits(0);
        assert_eq!(table.out.lines().count(), 101, "{list:?}");
        assert_eq!(table.err, "the first 100; --limit 0 shows all\n");
        let all = told(&operator, &[list, &["--limit", "0"]].concat())
            .await
            .exits(0);
        assert_eq!((all.out.lines().count(), all.err.as_str()), (1204, ""));
        let few = told(&operator, &[list, &["--limit", "2", "--json"]].concat()).await;
        assert_eq!(few.exits(0).lines().len(), 2);
    }
    let schedules = told(&operator, &["schedules"]).await.exits(0);
    assert_eq!(
        (schedules.out.as_str(), schedules.err.as_str()),
        ("", "No schedule starts runs.\n")
    );
    assert_eq!(told(&operator, &["schedules", "--json"]).await.exits(0).out, "");
}

#[tokio::test]
async fn reader_that_has_seen_enough_is_no_failure() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("mine").await, "operator").await;
    sqlx::query(
        "insert into audit (tenant_id, token_id, action, status)
         select $1, gen_random_uuid(), 'POST /ops/v1/runs', 202 from generate_series(1, 2000)",
    )
    .bind(operator.tenant)
    .execute(&app.pool)
    .await
    .unwrap();
    let mut command = ops(&app.url, &["audit", "--json"]);
    command
        .env("ROLLCALL_TOKEN", &operator.secret)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[tokio::test]
async fn command_that_is_not_carried_out_says_why_in_one_line_and_by_its_exit_code() {
    let app = TestApp::start().await;
    let tenant = app.tenant("mine").await;
    let operator = app.client(tenant, "operator").await;
    let scim = app.client(tenant, "scim").await;
    let one_line = |said: Said, code: i32, part: &str| {
        let said = said.exits(code);
        assert!(said.out.is_empty() && said.err.lines().count() == 1, "{said:?}");
        assert!(
            said.err.starts_with("error: ") && said.err.contains(part),
            "{said:?}"
        );
    };
    one_line(said(ops(&app.url, &["overview"])).await, 2, "a token is needed");
    one_line(told(&scim, &["overview"]).await, 4, "(403)");
    one_line(
        told(&operator.with_secret("rc_operator_none"), &["overview"]).await,
        4,
        "(401)",
    );
    one_line(
        told(&operator, &["receipt", "none"]).await,
        1,
        "there is no such receipt (404)",
    );
    one_line(
        told(&operator, &["rejections", "--person", "../../tokens"]).await,
        1,
        "no such person",
    );
    let nobody = format!("http://127.0.0.1:{}", devstack::free_port().unwrap());
    one_line(
        told(&operator, &["overview", "--url", &nobody]).await,
        3,
        "cannot be reached",
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let named = ["overview", "--json", "--token-file", file.to_str().unwrap()];
    one_line(
        said(ops(&app.url, &named)).await,
        1,
        "the token cannot be read from",
    );
    std::fs::write(&file, format!("{}\n", operator.secret)).unwrap();
    said(ops(&app.url, &named)).await.exits(0);
    std::fs::write(&file, "two\nlines").unwrap();
    one_line(said(ops(&app.url, &named)).await, 2, "cannot be one");
    let help = said(ops(&app.url, &["--help"])).await.exits(0);
    assert!(
        help.out.contains("Exit codes:") && help.out.contains("Examples:"),
        "{help:?}"
    );
}
