//! The script that sends a roster.

use super::snippets;
use crate::harness::{Options, Stack};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const HRIS: &str = include_str!("../../../../docs/guides/connect-your-hris.md");
const HEADER: &str = "id,email,first,last,title,department,manager_email,left\n";

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
