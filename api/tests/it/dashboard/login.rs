//! Who gets in, for how long, and how they get out.

use super::{Browser, filled};
use crate::app::{Client, TestApp};
use devstack::wait;
use reqwest::Method;
use std::process::Command;

async fn operator(app: &TestApp) -> Client<'_> {
    app.client(app.tenant("acme").await, "operator").await
}

async fn execute(app: &TestApp, statement: &'static str) {
    sqlx::query(statement).execute(&app.pool).await.unwrap();
}

fn login_link(app: &TestApp, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall-api"))
        .args(["login-link", "--tenant", "acme", "--public-url", &app.url])
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", app.database_url())
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[tokio::test]
async fn operator_token_logs_in_leads_back_to_the_page_asked_for_and_log_out_ends_it() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::new(&app);
    browser.open("/").await.leads_to("/login");
    browser
        .open("/?a=b&c")
        .await
        .leads_to("/login?next=%2F%3Fa%3Db%26c");
    let form = browser.open("/login?next=%2F%3Fa%3Db%26c").await.expect(200);
    assert!(form.has(r#"name="next" value="/?a=b&#38;c""#), "{form:?}");
    let fields = [("token", operator.secret.as_str()), ("next", "/?a=b&c")];
    browser.submit("/login", &fields).await.leads_to("/?a=b&c");
    let page = browser.open("/").await.expect(200);
    assert!(page.has("<strong>acme</strong>"), "{page:?}");
    assert!(!page.has(&operator.secret));

    let stolen = browser.cookies().clone();
    browser.act("/", "/logout", &[]).await.leads_to("/login");
    assert!(browser.cookies().is_empty());
    *browser.cookies() = stolen;
    browser.open("/").await.leads_to("/login");
}

#[tokio::test]
async fn login_leads_nowhere_but_to_our_own_pages() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::new(&app);
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example", ""] {
        let fields = [("token", operator.secret.as_str()), ("next", next)];
        browser.submit("/login", &fields).await.leads_to("/");
    }
}

#[tokio::test]
async fn session_cookie_is_out_of_reach_of_scripts_and_bound_to_the_host_over_https() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::new(&app);
    let cookie = |page: &super::browser::Page| page.headers["set-cookie"].to_str().unwrap().to_owned();

    let plain = cookie(&browser.log_in(&operator.secret).await);
    assert!(plain.starts_with("rollcall-session=rc_session_"), "{plain}");
    for wanted in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(plain.split("; ").any(|part| part == wanted), "{plain}");
    }
    assert!(!plain.contains("Secure") && !plain.contains("Domain"), "{plain}");

    let over_https = |method, path: &str| browser.request(method, path).header("x-forwarded-proto", "https");
    let request = filled(over_https(Method::POST, "/login"), &[("token", &operator.secret)]);
    let secure = cookie(&browser.send(request).await);
    assert!(secure.starts_with("__Host-rollcall-session="), "{secure}");
    assert!(secure.split("; ").any(|part| part == "Secure"), "{secure}");

    // A cookie that another host of the domain may have set does not count over https.
    browser.cookies().remove("__Host-rollcall-session");
    browser
        .send(over_https(Method::GET, "/"))
        .await
        .leads_to("/login");
    browser.open("/").await.expect(200);
}

#[tokio::test]
async fn wrong_expired_revoked_or_other_tokens_are_told_on_the_page() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::new(&app);
    let refused = async |token: &str, status| {
        let page = browser.log_in(token).await.expect(status);
        assert!(
            page.has(r#"role="alert""#) && page.has(r#"aria-invalid="true""#),
            "{page:?}"
        );
        assert!(token.is_empty() || !page.has(token), "the token comes back");
        page
    };
    assert!(
        refused("rc_operator_made_up", 401)
            .await
            .has("unknown, expired or revoked")
    );
    refused("", 401).await;
    let scim = app.token(operator.tenant, "scim").await;
    assert!(
        refused(&scim, 403)
            .await
            .has("has the scope scim; the dashboard needs operator")
    );
    let expired = app.token(operator.tenant, "operator").await;
    execute(
        &app,
        "update tokens set expires_at = now() where scope = 'operator'",
    )
    .await;
    refused(&expired, 401).await;
    execute(
        &app,
        "update tokens set expires_at = null, revoked_at = now() where scope = 'operator'",
    )
    .await;
    let revoked = &operator.secret;
    refused(revoked, 401).await;
    assert!(browser.cookies().is_empty());
}

#[tokio::test]
async fn revoked_token_ends_its_sessions_and_their_streams_within_seconds() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::logged_in(&operator).await;
    let request = browser
        .request(Method::GET, "/overview/events")
        .header("accept", "text/event-stream");
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut told = String::new();
    while !told.contains("event: figures") {
        told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    assert!(
        told.contains("All in step") || told.contains("No worker runs"),
        "{told}"
    );

    execute(&app, "update tokens set revoked_at = now()").await;
    browser.open("/").await.leads_to("/login");
    let rest = async {
        while let Some(chunk) = stream.chunk().await.unwrap() {
            told.push_str(&String::from_utf8_lossy(&chunk));
        }
        told
    };
    let told = tokio::time::timeout(wait::SOON, rest).await.unwrap();
    assert!(told.contains("event: gone"), "{told}");
    let again = browser.request(Method::GET, "/overview/events");
    browser
        .send(again.header("accept", "text/event-stream"))
        .await
        .expect(401);
}

#[tokio::test]
async fn session_ends_after_its_time_and_after_an_hour_without_use() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    for over in [
        "update sessions set expires_at = now()",
        "update sessions set seen_at = now() - interval '61 minutes'",
        "update tokens set expires_at = now()",
    ] {
        let browser = Browser::logged_in(&operator).await;
        browser.open("/").await.expect(200);
        execute(&app, over).await;
        browser.open("/").await.leads_to("/login");
    }
}

#[tokio::test]
async fn use_keeps_a_session_and_is_noted_for_its_token() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::logged_in(&operator).await;
    execute(
        &app,
        "update sessions set seen_at = now() - interval '59 minutes'",
    )
    .await;
    browser.open("/").await.expect(200);
    let (unseen, used): (f64, bool) = sqlx::query_as(
        "select extract(epoch from now() - seen_at)::float8, last_used_at > now() - interval '1 minute'
         from sessions s join tokens t on t.id = s.token_id",
    )
    .fetch_one(&app.pool)
    .await
    .unwrap();
    assert!(unseen < 60.0 && used, "seen {unseen} s ago, token used: {used}");
}

#[tokio::test]
async fn forms_of_other_sites_and_without_the_sessions_own_token_change_nothing() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::logged_in(&operator).await;
    let csrf = browser.open("/").await.csrf();
    let other = Browser::logged_in(&operator).await.open("/").await.csrf();
    assert_ne!(csrf, other, "two sessions share a token");

    browser.submit("/logout", &[]).await.expect(403);
    browser.submit("/logout", &[("csrf", &other)]).await.expect(403);
    let form = || filled(browser.request(Method::POST, "/logout"), &[("csrf", &csrf)]);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let page = browser.send(form().header(name, value)).await.expect(403);
        assert!(page.has("did not come from this page"), "{name}: {value}");
    }
    let login = filled(
        browser.request(Method::POST, "/login"),
        &[("token", &operator.secret)],
    );
    browser
        .send(login.header("sec-fetch-site", "cross-site"))
        .await
        .expect(403);

    browser.open("/").await.expect(200);
    browser
        .submit("/logout", &[("csrf", &csrf)])
        .await
        .leads_to("/login");
}

#[tokio::test]
async fn form_too_large_or_not_a_form_is_refused_on_a_page() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::logged_in(&operator).await;
    let large = "x".repeat(300 * 1024);
    browser.submit("/logout", &[("csrf", &large)]).await.expect(413);
    let json = browser
        .request(Method::POST, "/login")
        .json(&serde_json::json!({ "token": "x" }));
    let page = browser.send(json).await.expect(400);
    assert!(page.has("The form cannot be read"), "{page:?}");
}

#[tokio::test]
async fn attempts_to_log_in_are_limited_for_each_address() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let browser = Browser::new(&app);
    let attempt = async |token: &str, from: &str| {
        let request = browser
            .request(Method::POST, "/login")
            .header("x-forwarded-for", from);
        browser.send(filled(request, &[("token", token)])).await
    };
    let mut refused = None;
    for _ in 0..30 {
        let page = attempt("rc_operator_guess", "192.0.2.1, 192.0.2.7").await;
        if page.status == 429 {
            refused = Some(page);
            break;
        }
        page.expect(401);
    }
    let refused = refused.unwrap();
    assert!(refused.has("Too many attempts"), "{refused:?}");
    attempt(&operator.secret, "192.0.2.7").await.expect(429);
    attempt(&operator.secret, "192.0.2.8").await.leads_to("/");
}

#[tokio::test]
async fn login_link_logs_in_once_and_looking_at_it_does_not_use_it_up() {
    let app = TestApp::start().await;
    app.tenant("acme").await;
    let link = login_link(&app, &[]).unwrap();
    let path = link.strip_prefix(&app.url).unwrap();
    let secret = path.strip_prefix("/login/link/").unwrap();
    let (first, second) = (Browser::new(&app), Browser::new(&app));
    for _ in 0..2 {
        let page = first.open(path).await.expect(200);
        assert!(page.has(&format!(r#"name="link" value="{secret}""#)), "{page:?}");
    }
    first
        .submit("/login/link", &[("link", secret)])
        .await
        .leads_to("/");
    let page = first.open("/").await.expect(200);
    assert!(page.has("<strong>login link</strong>"), "{page:?}");
    let page = second
        .submit("/login/link", &[("link", secret)])
        .await
        .expect(401);
    assert!(page.has("was used already"), "{page:?}");

    execute(&app, "update tokens set revoked_at = now()").await;
    first.open("/").await.leads_to("/login");
}

#[tokio::test]
async fn login_link_is_over_after_five_minutes_and_needs_an_operator_token() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    app.token(operator.tenant, "scim").await;
    let ids = "select id::text from tokens where scope = $1";
    let id = async |scope: &str| -> String {
        sqlx::query_scalar(ids)
            .bind(scope)
            .fetch_one(&app.pool)
            .await
            .unwrap()
    };
    let refused = login_link(&app, &["--token", &id("scim").await]).unwrap_err();
    assert!(refused.contains("no valid operator token"), "{refused}");

    let link = login_link(&app, &["--token", &id("operator").await]).unwrap();
    let left: f64 =
        sqlx::query_scalar("select extract(epoch from expires_at - now())::float8 from login_links")
            .fetch_one(&app.pool)
            .await
            .unwrap();
    assert!((200.0..=300.0).contains(&left), "{left}");
    execute(&app, "update login_links set expires_at = now()").await;
    let (_, secret) = link.rsplit_once('/').unwrap();
    let browser = Browser::new(&app);
    browser
        .submit("/login/link", &[("link", secret)])
        .await
        .expect(401);
    assert!(browser.cookies().is_empty());
}

#[tokio::test]
async fn login_without_postgres_is_a_503_and_no_wrong_token() {
    let app = {
        let redis = devstack::TestRedis::new().unwrap();
        let redis = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
        TestApp::start_on("postgres://nobody@127.0.0.1:9/none", &redis).await
    };
    let browser = Browser::new(&app);
    browser.log_in("rc_operator_x").await.expect(503);
    browser.open("/login").await.expect(200);
    browser
        .cookies()
        .insert("rollcall-session".to_owned(), "rc_session_x".to_owned());
    browser.open("/").await.expect(503);
}
