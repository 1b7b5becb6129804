//! Watching a directory catch up.

use super::SOON;
use super::checks::console;
use super::locator::{figure, text};
use super::site::Site;
use crate::harness::Options;
use crate::harness::people::bulk_of_users;

const PEOPLE: usize = 600;
/// So that there is something to be watched.
const APPLY_PER_SECOND: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn import_is_watched_from_the_first_write_until_all_is_in_step_without_a_reload() {
    let mut site = Site::entered(
        "watching",
        Options {
            environment: vec![("ROLLCALL_APPLY_PER_SECOND", APPLY_PER_SECOND.to_string())],
            ..Options::default()
        },
    )
    .await;
    site.window.sees(&text("All in step")).await;
    site.window.says(&figure("Active people"), "0").await;
    site.window.script("window.notReloaded = true").await;

    // Everybody before their manager, who is the next one.
    let name = |number: usize| format!("person-{number}@example.com");
    let people: Vec<_> = (0..PEOPLE)
        .map(|number| (name(number), (number + 1 < PEOPLE).then(|| name(number + 1))))
        .collect();
    for part in people.chunks(100) {
        site.tenant
            .scim
            .post("/Bulk", &bulk_of_users(part))
            .await
            .expect(200);
    }
    site.window.sees(&text("Catching up")).await;
    site.window.screenshot("catching-up").await;

    site.stack.converged(SOON).await;
    site.window.sees(&text("All in step")).await;
    site.window.says(&figure("Active people"), "600").await;
    site.window.says(&figure("Reporting lines"), "599").await;
    site.window.says(&figure("Links that wait"), "0").await;
    assert_eq!(site.window.script("return window.notReloaded").await, true);
    assert_eq!(console(&site.window).await, [] as [&str; 0]);
}
