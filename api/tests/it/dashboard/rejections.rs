//! Rejections: what cannot be used and why; retry, discard with a note, restore.

use super::Browser;
use crate::app::{Answer, Client, TestApp};
use serde_json::json;

/// Somebody of whom a value is rejected.
async fn rejected(scim: &Client<'_>, name: &str, rule: &str) -> Answer {
    let user = scim
        .post("/Users", json!({ "userName": name, "title": "<i>no</i>" }))
        .await
        .expect(201);
    sqlx::query(
        "insert into rejections (tenant_id, resource_id, rule, value_hash, reason, seq)
         select tenant_id, id, $2, sha256('\"<i>no</i>\"'), $2 || ' is not usable', seq from scim_resources
         where id = $1::uuid",
    )
    .bind(user.id())
    .bind(rule)
    .execute(&scim.app.pool)
    .await
    .unwrap();
    user
}

#[tokio::test]
async fn rejections_are_shown_with_reason_and_value_by_field_and_of_this_tenant_only() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let empty = browser.open("/rejections").await.expect(200);
    assert!(empty.has("Nothing is rejected"), "{empty:?}");
    rejected(&scim, "ada", "level").await;
    rejected(&scim, "bob", "birthday").await;
    rejected(&app.scim().await, "zanzibar", "level").await;
    let page = browser.open("/rejections").await.expect(200);
    assert!(
        page.has("level is not usable") && page.has("birthday is not usable"),
        "{page:?}"
    );
    assert!(
        page.has("&#60;i&#62;no&#60;/i&#62;") && !page.has("<i>no"),
        "{page:?}"
    );
    assert!(!page.has("zanzibar"));
    let one = browser.open("/rejections?rule=level").await.expect(200);
    assert!(
        one.has("level is not usable") && !one.has("birthday is not usable"),
        "{one:?}"
    );
    assert!(
        browser
            .open("/rejections?rule=none")
            .await
            .has("No rejection of this field.")
    );
    browser.open("/rejections?after=nonsense").await.expect(400);
}

#[tokio::test]
async fn rejections_are_retried_discarded_with_a_note_and_restored() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let ada = format!("{}:level", rejected(&scim, "ada", "level").await.id());
    let bob = format!("{}:level", rejected(&scim, "bob", "level").await.id());
    sqlx::query("delete from pending")
        .execute(&app.pool)
        .await
        .unwrap();
    let pending = async || -> i64 {
        let count = sqlx::query_scalar("select count(*) from pending");
        count.fetch_one(&app.pool).await.unwrap()
    };
    let act = async |fields: &[(&str, &str)]| {
        browser
            .act("/rejections", "/rejections", fields)
            .await
            .leads_to("/rejections");
        browser.open("/rejections").await.expect(200)
    };
    assert!(act(&[("action", "retry")]).await.has("Nothing was chosen."));
    assert!(
        act(&[("only", &ada)])
            .await
            .has("One person or team is applied again.")
    );
    assert_eq!(pending().await, 1);
    assert!(
        act(&[("action", "retry"), ("id", &ada), ("id", &bob)])
            .await
            .has("2 people and teams")
    );
    assert_eq!(pending().await, 2);
    assert!(act(&[("action", "retry-all")]).await.has("2 people and teams"));

    let refused = act(&[("action", "discard"), ("id", &ada), ("note", " ")]).await;
    assert!(refused.has("Note must say why"), "{refused:?}");
    let left = act(&[("action", "discard"), ("id", &ada), ("note", "known <and> fine")]).await;
    assert!(
        left.has("1 rejection was discarded.") && !left.has(&ada) && left.has(&bob),
        "{left:?}"
    );
    let discarded = browser.open("/rejections?discarded=true").await.expect(200);
    assert!(
        discarded.has("known &#60;and&#62; fine") && discarded.has(&ada),
        "{discarded:?}"
    );
    let path = "/rejections?discarded=true";
    browser
        .act(path, "/rejections", &[("action", "restore"), ("id", &ada)])
        .await
        .leads_to(path);
    assert!(browser.open("/rejections").await.has(&ada));
    // Whoever discards is in the audit log, without the note.
    let log = operator.get("/ops/v1/audit").await.expect(200).body;
    assert_eq!(log["actions"][0]["action"], "POST /rejections");
    assert!(!log.to_string().contains("fine"), "{log}");
}

#[tokio::test]
async fn rejections_of_a_person_are_on_their_page_which_leads_to_where_they_are_settled() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let ada = rejected(&scim, "ada", "level").await;
    let bob = rejected(&scim, "bob", "birthday").await;
    let person_of = async |user: &Answer| -> String {
        sqlx::query_scalar("select directory_id::text from scim_resources where id = $1::uuid")
            .bind(user.id())
            .fetch_one(&app.pool)
            .await
            .unwrap()
    };
    let (person, other) = (person_of(&ada).await, person_of(&bob).await);
    sqlx::query(
        "insert into rejections (tenant_id, resource_id, rule, value_hash, reason, seq)
         select tenant_id, resource_id, 'a&b', value_hash, '<b>is</b> no date', seq from rejections
         where resource_id = $1::uuid",
    )
    .bind(ada.id())
    .execute(&app.pool)
    .await
    .unwrap();
    let page = browser.open(&format!("/people/{person}")).await.expect(200);
    for shown in [
        "Rejected values",
        "level is not usable",
        "&#60;b&#62;is&#60;/b&#62; no date",
        &format!("href=\"/rejections?person={person}&#38;rule=level\""),
        &format!("href=\"/rejections?person={person}&#38;rule=a%26b\""),
    ] {
        assert!(page.has(shown), "{shown}: {page:?}");
    }
    assert!(!page.has("birthday is not usable"), "{page:?}");

    let one = browser
        .open(&format!("/rejections?person={person}&rule=a%26b"))
        .await
        .expect(200);
    assert!(
        one.has("no date")
            && !one.has("level is not usable")
            && one.has(&format!("href=\"/people/{person}\"")),
        "{one:?}"
    );
    let theirs = format!("/rejections?person={person}");
    let both = browser.open(&theirs).await.expect(200);
    assert!(
        both.has("no date") && both.has("level is not usable") && !both.has("birthday is not usable"),
        "{both:?}"
    );
    let discarded = format!("/rejections?discarded=true&#38;person={person}");
    assert!(both.has(&format!("href=\"{discarded}\"")), "{both:?}");

    for rule in ["level", "a&b"] {
        let id = format!("{}:{rule}", ada.id());
        browser
            .act(
                &theirs,
                "/rejections",
                &[("action", "discard"), ("id", &id), ("note", "known")],
            )
            .await
            .leads_to("/rejections");
    }
    let page = browser.open(&format!("/people/{person}")).await.expect(200);
    assert!(!page.has("Rejected values"), "{page:?}");
    assert!(browser.open(&theirs).await.has("Nothing of theirs is rejected."));
    let page = browser.open(&format!("/people/{other}")).await.expect(200);
    assert!(page.has("birthday is not usable"), "{page:?}");
    browser.open("/rejections?person=nobody").await.expect(404);
}
