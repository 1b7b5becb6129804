//! What every page has in common, and the overview.

use super::Browser;
use crate::app::{Client, TestApp};
use reqwest::Method;
use reqwest::header::HeaderMap;
use std::collections::BTreeSet;

async fn operator<'a>(app: &'a TestApp, tenant: &str) -> Client<'a> {
    app.client(app.tenant(tenant).await, "operator").await
}

#[track_caller]
fn protected(headers: &HeaderMap) {
    let get = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    let policy: BTreeSet<&str> = get("content-security-policy").split("; ").collect();
    let wanted = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ];
    assert_eq!(policy, wanted.into());
    assert_eq!(get("x-content-type-options"), "nosniff");
    assert_eq!(get("referrer-policy"), "same-origin");
    assert_eq!(get("cache-control"), "no-store");
    assert_eq!(get("content-type"), "text/html; charset=utf-8");
}

#[tokio::test]
async fn every_page_is_protected_whatever_it_tells() {
    let app = TestApp::start().await;
    let operator = operator(&app, "acme").await;
    let browser = Browser::logged_in(&operator).await;
    let navigation = browser.open("/").await.expect(200);
    let sections = navigation
        .text
        .split("<nav")
        .nth(1)
        .unwrap()
        .split("</nav>")
        .next()
        .unwrap();
    let links: Vec<&str> = sections
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(links.contains(&"/"), "{links:?}");
    for path in links.into_iter().chain(["/login", "/login/link/x"]) {
        protected(&browser.open(path).await.expect(200).headers);
    }
    for (path, status) in [("/nowhere", 404), ("/people/nowhere/else/at/all", 404)] {
        let page = browser.open(path).await.expect(status);
        protected(&page.headers);
        assert!(page.has("Nothing is here"), "{page:?}");
    }
    protected(&browser.submit("/logout", &[]).await.expect(403).headers);
    protected(&browser.log_in("x").await.expect(401).headers);
    protected(
        &browser
            .send(browser.request(Method::DELETE, "/login"))
            .await
            .expect(405)
            .headers,
    );
}

#[tokio::test]
async fn no_page_is_shown_without_a_session() {
    let app = TestApp::start().await;
    let operator = operator(&app, "acme").await;
    let sections = Browser::logged_in(&operator).await.open("/").await.text;
    let sections = sections
        .split("<nav")
        .nth(1)
        .unwrap()
        .split("</nav>")
        .next()
        .unwrap();
    let stranger = Browser::new(&app);
    for path in sections
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        let answer = stranger.open(path).await.expect(303);
        let location = answer.headers["location"].to_str().unwrap();
        assert!(location.starts_with("/login"), "{path} leads to {location}");
    }
    stranger.submit("/logout", &[("csrf", "x")]).await.expect(401);
}

#[tokio::test]
async fn bearer_tokens_open_no_page_and_sessions_open_no_api() {
    let app = TestApp::start().await;
    let operator = operator(&app, "acme").await;
    let browser = Browser::logged_in(&operator).await;
    browser
        .send(browser.request(Method::GET, "/ops/v1/overview"))
        .await
        .expect(401);
    let stranger = Browser::new(&app);
    let request = stranger.request(Method::GET, "/").bearer_auth(&operator.secret);
    stranger.send(request).await.leads_to("/login");
}

#[tokio::test]
async fn unknown_paths_are_pages_for_browsers_only() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let page = browser.open("/nowhere").await.expect(404);
    assert!(page.has("<!DOCTYPE html>"));
    let problem = app.request(Method::GET, "/nowhere").send().await.unwrap();
    assert_eq!(problem.headers()["content-type"], "application/problem+json");
    let scim = browser.open("/scim/v3/Users").await.expect(404);
    assert_eq!(scim.headers["content-type"], "application/scim+json");
}

#[tokio::test]
async fn assets_are_kept_for_good_under_their_hash_and_checked_under_another() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let page = browser.open("/login").await.text;
    let addresses: Vec<&str> = page
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assert_eq!(addresses.len(), 3, "{addresses:?}");
    for address in addresses {
        let asset = browser.open(address).await.expect(200);
        assert!(!asset.text.is_empty());
        assert_eq!(
            asset.headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(asset.headers["x-content-type-options"], "nosniff");
        let etag = asset.headers["etag"].to_str().unwrap();
        let known = browser
            .request(Method::GET, address)
            .header("if-none-match", etag);
        assert!(browser.send(known).await.expect(304).text.is_empty());
        let name = address.rsplit('/').next().unwrap();
        let old = browser.open(&format!("/assets/0000/{name}")).await.expect(200);
        assert_eq!(old.headers["cache-control"], "no-cache");
        assert_eq!(old.text, asset.text);
    }
    browser.open("/assets/0000/other.css").await.expect(404);
}

#[tokio::test]
async fn pages_need_nothing_from_elsewhere_and_no_inline_script_or_style() {
    let app = TestApp::start().await;
    let operator = operator(&app, "acme").await;
    let browser = Browser::logged_in(&operator).await;
    for path in ["/", "/login", "/nowhere"] {
        let page = browser.open(path).await.text;
        assert!(!page.contains(" style=") && !page.contains("<style"), "{path}");
        assert!(
            !page.contains(" onclick=") && !page.contains("<script>"),
            "{path}"
        );
        let absolute = ["src=\"http", "href=\"http", "src=\"//", "href=\"//"];
        assert!(absolute.iter().all(|link| !page.contains(link)), "{path}");
    }
}

#[tokio::test]
async fn overview_tells_of_its_own_tenant_and_escapes_names() {
    let app = TestApp::start().await;
    let operator = operator(&app, "<script>alert(1)</script>").await;
    let scim = app.client(operator.tenant, "scim").await;
    for name in ["ada", "grace", "edsger"] {
        scim.user(name).await;
    }
    let page = Browser::logged_in(&operator).await.open("/").await.expect(200);
    assert!(
        page.has("&#60;script&#62;alert(1)") && !page.has("<script>alert"),
        "{page:?}"
    );
    assert!(page.has("3 of 3 have changes on their way"), "{page:?}");
    assert!(page.has("No worker runs"), "{page:?}");

    let other = app.client(app.tenant("other").await, "operator").await;
    let page = Browser::logged_in(&other).await.open("/").await.expect(200);
    assert!(page.has("of 0 that the sources know"), "{page:?}");
}

#[tokio::test]
async fn overview_draws_the_last_hour_and_says_in_words_what_is_drawn() {
    let app = TestApp::start().await;
    let operator = operator(&app, "acme").await;
    sqlx::raw_sql(
        "insert into queue_samples select now() - age, 'live', 7, 2, 1, 0, 3, 0.5
             from unnest(array['15 seconds', '30 seconds']::interval[]) age;
         insert into pace_samples values (now() - interval '30 seconds', 18000, 150),
                                         (now() - interval '15 seconds', 30, 3)",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    let page = Browser::logged_in(&operator).await.open("/").await.expect(200);
    for shown in [
        r#"aria-label="Jobs in the queues: live at most 10, last 10.""#,
        r#"aria-label="Per second: accepted at most 1,200, last 2.0; applied at most 10, last 0.2.""#,
        r#"<span class="dot two"></span>accepted <strong class="number">2.0</strong>, at most <span class="number">1,200</span>"#,
        r#"<span class="dot one"></span>applied <strong class="number">0.2</strong>, at most <span class="number">10</span>"#,
        r#"<span class="top">2,000</span>"#,
    ] {
        assert!(page.has(shown), "{shown} is not in {page:?}");
    }
}
