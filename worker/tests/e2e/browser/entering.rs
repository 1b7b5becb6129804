//! Logging in and out.

use super::checks::console;
use super::locator::{button, field, text};
use super::site::Site;
use crate::harness::Options;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_logs_in_only_with_an_operator_token_and_out_again() {
    let site = Site::start("entering", Options::default()).await;
    let window = &site.window;

    window.open("/live").await;
    window.arrives("/login").await;
    let (_, scim_token) = site.tenant.scim.credentials();
    for refused in ["not-a-token", &scim_token] {
        window.fill(&field("Operator token"), refused).await;
        window.click(&button("Log in")).await;
        window.sees(&text("token")).await;
        window.arrives("/login").await;
        assert!(
            !window.source().await.contains(refused),
            "the page shows the token"
        );
    }
    // The browser itself remarks that the log-in was refused; no other word is said.
    let said = console(window).await;
    assert!(
        said.iter()
            .all(|line| line.contains("/login") && line.contains("status of 40")),
        "{said:?}"
    );

    window
        .fill(&field("Operator token"), &site.operator_token())
        .await;
    window.click(&button("Log in")).await;
    window.arrives("/live").await;
    window.click(&button("Log out")).await;
    window.arrives("/login").await;
    window.open("/live").await;
    window.arrives("/login").await;
    assert_eq!(console(window).await, [] as [&str; 0]);
}
