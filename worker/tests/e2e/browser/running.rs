//! A run, from the button to its report.

use super::SOON;
use super::checks::console;
use super::locator::{button, field, figure, link, text};
use super::site::Site;
use crate::harness::Options;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_started_in_the_dashboard_is_seen_to_finish_and_tells_what_it_put_right() {
    let mut site = Site::entered("running", Options::default()).await;
    let ada = json!({ "userName": "ada@example.com", "title": "Countess" });
    site.tenant.scim.post("/Users", &ada).await.expect(201);
    site.stack.converged(SOON).await;
    sqlx::query("update people set position = 'Nobody' where tenant_id = $1")
        .bind(site.tenant.id)
        .execute(&site.stack.db)
        .await
        .unwrap();
    let window = &site.window;

    window.click(&link("Runs")).await;
    window.choose(&field("What to compare"), "Everything").await;
    window.click(&button("Start a run")).await;
    window.agree().await;
    // The page of the run, which nobody loads again.
    window.sees(&text("finished")).await;
    window.says(&figure("Differing"), "1").await;
    window.sees(&text("position")).await;
    window.screenshot("run").await;

    let position: Option<String> = sqlx::query_scalar("select position from people where tenant_id = $1")
        .bind(site.tenant.id)
        .fetch_one(&site.stack.db)
        .await
        .unwrap();
    assert_eq!(position.as_deref(), Some("Countess"));
    assert_eq!(console(window).await, [] as [&str; 0]);
}
