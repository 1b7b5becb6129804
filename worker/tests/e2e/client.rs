//! A client nobody here wrote: `scim2` from PyPI.

use crate::harness::{Options, Stack};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// For the directory to show what the client did.
const CATCH_UP: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scim2_client_creates_queries_modifies_and_deletes_a_user_and_a_group() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("scim2-client").await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/scim2-client");
    let (url, token) = tenant.scim.credentials();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(script)
            .env("SCIM_URL", url)
            .env("SCIM_TOKEN", token)
            .output()
    });
    let output = output
        .await
        .expect("the script runs")
        .expect("scripts/scim2-client starts");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(
        output.status.success(),
        "{said}\n{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        stack.log_tails()
    );
    stack.converged(CATCH_UP).await;
    let people: Vec<(String, String)> =
        sqlx::query_as("select login, status from people where tenant_id = $1")
            .bind(tenant.id)
            .fetch_all(&stack.db)
            .await
            .unwrap();
    assert!(
        people.iter().all(|(_, status)| status == "deprovisioned"),
        "{people:?}"
    );
    let teams: Vec<(String, bool)> =
        sqlx::query_as("select name, deleted from teams where tenant_id = $1 and kind = 'group'")
            .bind(tenant.id)
            .fetch_all(&stack.db)
            .await
            .unwrap();
    assert!(teams.iter().all(|(_, deleted)| *deleted), "{teams:?}");
}
