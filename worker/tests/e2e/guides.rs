//! What the guides tell people to run does what they say.

use super::harness::{Options, Stack, Tenant};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const HRIS: &str = include_str!("../../../docs/guides/connect-your-hris.md");
const CURL: &str = include_str!("../../../docs/guides/curl.md");
const HEADER: &str = "id,email,first,last,title,department,manager_email,left\n";

/// What a guide tells to run in this language, in its order.
fn snippets(guide: &'static str, language: &str) -> Vec<&'static str> {
    let begin = format!("\n```{language}\n");
    let rest = guide.split(begin.as_str()).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap()).collect()
}

fn send(folder: &Path, credentials: &(String, String), roster: &str) -> Output {
    let file = folder.join("roster.csv");
    std::fs::write(&file, format!("{HEADER}{roster}")).unwrap();
    let program = folder.join("send-roster.py");
    std::fs::write(&program, snippets(HRIS, "python")[0]).unwrap();
    let mut python = Command::new("python3");
    python.arg(program).arg(file);
    python
        .env("ROLLCALL_URL", &credentials.0)
        .env("ROLLCALL_TOKEN", &credentials.1);
    python.output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hris_script_of_the_guide_sends_a_roster_in_any_order_and_again_without_a_change() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("hris-guide").await;
    let credentials = tenant.scim.credentials();
    let folder = tempfile::tempdir().unwrap();
    let roster = "2,grace@example.com,Grace,Hopper,Admiral,Navy,ada@example.com,\n\
                  1,ada@example.com,Ada,Lovelace,Countess,Engines,,\n\
                  3,gone@example.com,Gone,Away,,Navy,,2020-01-01\n";
    let accepted = "select count(*) filter (where not unchanged) from changes where tenant_id = $1";
    for _ in 0..2 {
        let output = tokio::task::block_in_place(|| send(folder.path(), &credentials, roster));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{}", stack.log_tails());
        stack.converged(SOON).await;
        let people: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "select p.login, p.status, m.login from people p
             left join reporting_lines l on l.tenant_id = p.tenant_id and l.person_id = p.id
             left join people m on m.tenant_id = l.tenant_id and m.id = l.manager_id
             where p.tenant_id = $1 order by 1",
        )
        .bind(tenant.id)
        .fetch_all(&stack.db)
        .await
        .unwrap();
        let expected = [
            ("ada@example.com", "active", None),
            ("gone@example.com", "deactivated", None),
            ("grace@example.com", "active", Some("ada@example.com")),
        ];
        let expected = expected.map(|(login, status, manager)| {
            (login.to_owned(), status.to_owned(), manager.map(str::to_owned))
        });
        assert_eq!(people, expected);
        let changes: i64 = sqlx::query_scalar(accepted)
            .bind(tenant.id)
            .fetch_one(&stack.db)
            .await
            .unwrap();
        assert_eq!(changes, 3, "sent again, nothing changes");
    }

    let twice = "4,ada@example.com,Another,Ada,,,,\n";
    let output = tokio::task::block_in_place(|| send(folder.path(), &credentials, twice));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.starts_with("4 409 "), "{said}");
}

/// Runs a snippet of the curl guide as somebody does who has followed it so far: with its variables set, for this
/// tenant, and its functions known.
fn type_in(tenant: &Tenant, snippet: &str) -> Value {
    let [variables] = snippets(CURL, "sh")[..] else {
        panic!("the variables are set once")
    };
    let ((scim, scim_token), (_, ops_token)) = (tenant.scim.credentials(), tenant.ops.credentials());
    let server = scim.strip_suffix("/scim/v2").unwrap();
    let variables = variables
        .replace("https://rollcall.example.com", server)
        .replace("rc_scim_…", &scim_token)
        .replace("rc_operator_…", &ops_token);
    let functions = CURL.lines().filter(|line| line.contains("() { curl "));
    let functions: Vec<&str> = functions.collect();
    let typed = format!(
        "set -euo pipefail\n{variables}\n{}\n{snippet}",
        functions.join("\n")
    );
    let output = Command::new("bash").arg("-c").arg(typed).output().unwrap();
    let told = || String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{snippet}\n{}", told());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{snippet}\n{error}\n{output:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_guide_typed_in_snippet_by_snippet_shows_what_it_says() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("curl-guide").await;
    let [grace, waiting, ada_and_receipt, org] = snippets(CURL, "bash")[..] else {
        panic!("the guide has other snippets than this test knows")
    };
    let typed = |snippet| tokio::task::block_in_place(|| type_in(&tenant, snippet));
    let created = typed(grace);
    assert_eq!(created["userName"], "grace@example.com", "{created}");
    stack.converged(SOON).await;
    let waits = typed(waiting);
    assert_eq!(
        (&waits["totalResults"], &waits["waiting"][0]["reference"]),
        (&json!(1), &json!("ada@example.com")),
        "{waits}"
    );

    let receipt = typed(ada_and_receipt);
    let operation = &receipt["operations"][0];
    assert_eq!(
        (&operation["operation"], &operation["resourceType"]),
        (&json!("create"), &json!("User")),
        "{receipt}"
    );
    stack.converged(SOON).await;
    let org = typed(org);
    let people = org["people"].as_array().unwrap();
    let named = |name: &str| {
        people
            .iter()
            .find(|person| person["displayName"] == name)
            .unwrap()
    };
    let (ada, grace) = (named("Ada Lovelace"), named("Grace Hopper"));
    assert_eq!(grace["managerId"], ada["id"], "{org}");
    assert_eq!(typed(waiting)["totalResults"], 0);
}
