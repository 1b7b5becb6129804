//! Tokens, made and ended.

use super::SOON;
use super::checks::console;
use super::locator::{button, field, link, named, text};
use super::site::Site;
use crate::harness::{Options, Scim, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_made_in_the_dashboard_works_until_it_is_revoked_there_and_so_does_a_session() {
    let site = Site::entered("tokens", Options::default()).await;
    let window = &site.window;

    window.click(&link("Tokens")).await;
    window.fill(&field("Name"), "Entra trial").await;
    window
        .choose(&field("For"), "scim: writing people and groups")
        .await;
    window.click(&button("Make it")).await;
    let secret = window.sees(&named("The secret")).await;
    let base = site.tenant.scim.credentials().0;
    let client = Scim::new(vec![base], &secret);
    client.get("/Users").await.expect(200);

    window.click(&link("I have it")).await;
    assert!(
        !window.source().await.contains(&secret),
        "the secret is shown again"
    );
    window.click(&link("Entra trial")).await;
    window.click(&field("Nobody needs it any more")).await;
    window.click(&button("Revoke")).await;
    window.sees(&text("revoked").beside("Entra trial")).await;
    within(SOON, "the revoked token is refused", async || {
        (client.get("/Users").await.status == 401).then_some(())
    })
    .await;

    // The token somebody is logged in with: the session ends with it, also on a page that is only looked at.
    let operator = site.operator_token();
    window.click(&link("Overview")).await;
    let tokens = site.tenant.ops.get("/tokens").await.expect(200).body;
    let own = tokens["tokens"].as_array().unwrap().iter().find(|token| {
        token["prefix"]
            .as_str()
            .is_some_and(|prefix| operator.starts_with(prefix))
    });
    let own = own.expect("the token is listed");
    let path = format!("/tokens/{}", own["id"].as_str().unwrap());
    let revoked = site.tenant.ops.call(reqwest::Method::DELETE, &path, None).await;
    assert!(revoked.status.is_success(), "{revoked:?}");
    window.arrives("/login").await;
    let said = console(window).await;
    assert!(said.iter().all(|line| line.contains("401")), "{said:?}");
}
