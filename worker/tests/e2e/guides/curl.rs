//! The first steps by hand.

use super::snippets;
use crate::harness::{Options, Stack, Tenant};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const CURL: &str = include_str!("../../../../docs/guides/curl.md");

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
