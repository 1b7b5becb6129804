//! Why is somebody's manager not there?

use super::checks::console;
use super::locator::{button, field, link, text};
use super::site::Site;
use crate::harness::Options;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reason_why_a_link_waits_is_found_and_the_link_is_there_when_the_manager_arrives() {
    let mut site = Site::entered("why", Options::default()).await;
    let grace = json!({ "userName": "grace@example.com", "manager": "ada@example.com" });
    site.tenant.scim.post("/Users", &grace).await.expect(201);
    site.stack.converged(super::SOON).await;
    let window = &site.window;

    // From what everybody waits for …
    window.click(&link("Waiting")).await;
    window.sees(&text("ada@example.com")).await;
    // … and from the person who lacks somebody.
    window.click(&link("People")).await;
    window.fill(&field("Name, login"), "grace").await;
    window.click(&button("Search")).await;
    window.click(&link("grace@example.com")).await;
    window.sees(&text("waiting").beside("ada@example.com")).await;
    window.screenshot("why").await;

    let ada = json!({ "userName": "ada@example.com" });
    site.tenant.scim.post("/Users", &ada).await.expect(201);
    window
        .reloads_until(&text("linked").beside("ada@example.com"))
        .await;
    window.click(&link("ada@example.com")).await;
    window.sees(&text("active").beside("ada@example.com")).await;
    window.click(&link("Waiting")).await;
    assert!(!window.source().await.contains("ada@example.com"));
    assert_eq!(console(window).await, [] as [&str; 0]);
}
