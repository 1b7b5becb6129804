//! Waiting: what is missing, by how much it blocks, and trying again.

use super::Browser;
use crate::app::{Client, TestApp};
use uuid::Uuid;

/// A person who is in the directory.
async fn person(client: &Client<'_>, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into people (tenant_id, id, resource_id, status, display_name, applied_mapping, applied_seq, created_at)
         values ($1, $2, $2, 'active', $3, 1, 1, now())",
    )
    .bind(client.tenant)
    .bind(id)
    .bind(name)
    .execute(&client.app.pool)
    .await
    .unwrap();
    id
}

/// A link of theirs that waits.
async fn waits(client: &Client<'_>, person: Uuid, reference: &str, reason: &str) {
    sqlx::query(
        "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq, attempts,
             next_attempt_at)
         values ($1, $2, 1, '0', $3, $3, $4, 1, 3, now() + interval '1 hour')",
    )
    .bind(client.tenant)
    .bind(person)
    .bind(reference)
    .bind(reason)
    .execute(&client.app.pool)
    .await
    .unwrap();
}

/// References that are due now.
async fn due(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("select reference from waiters where next_attempt_at <= now() order by 1")
        .fetch_all(&app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn waiting_shows_what_blocks_most_first_with_who_waits_and_nothing_of_others() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("acme").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let empty = browser.open("/waiting").await.expect(200);
    assert!(empty.has("No link waits"), "{empty:?}");

    let ada = person(&operator, "<b>Ada</b>").await;
    let bob = person(&operator, "Bob").await;
    let eve = person(&operator, "Eve").await;
    waits(&operator, ada, "rare@example.com", "missing").await;
    waits(&operator, bob, "boss@example.com", "missing").await;
    waits(&operator, eve, "boss@example.com", "ambiguous").await;
    let other = app.client(app.tenant("other").await, "operator").await;
    let zoe = person(&other, "Zoe").await;
    waits(&other, zoe, "zanzibar", "missing").await;

    let page = browser.open("/waiting").await.expect(200);
    let place = |text: &str| {
        page.text
            .find(text)
            .unwrap_or_else(|| panic!("no {text}: {page:?}"))
    };
    assert!(place("boss@example.com") < place("rare@example.com"));
    assert!(
        page.has("&#60;b&#62;Ada&#60;/b&#62;") && !page.has("<b>Ada"),
        "{page:?}"
    );
    assert!(
        page.has(&format!(r#"<a href="/people/{bob}">Bob</a> lacks a manager"#)),
        "{page:?}"
    );
    assert!(page.has("tried 3 times"));
    sqlx::query("update waiters set attempts = 1 where reference = 'rare@example.com'")
        .execute(&app.pool)
        .await
        .unwrap();
    for path in ["/waiting".to_owned(), format!("/people/{ada}")] {
        let page = browser.open(&path).await.expect(200);
        assert!(page.has("tried 1 time,"), "{path}: {page:?}");
    }
    assert!(!page.has("zanzibar") && !page.has("Zoe"));
    let ambiguous = browser.open("/waiting?reason=ambiguous").await.expect(200);
    assert!(ambiguous.has("boss@example.com") && !ambiguous.has("rare@example.com"));
    browser.open("/waiting?page=9").await.expect(200);
}

#[tokio::test]
async fn waiting_links_are_tried_again_one_several_or_all() {
    let app = TestApp::start().await;
    let operator = app.client(app.tenant("acme").await, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    for reference in ["a", "b", "c", "d"] {
        let person = person(&operator, reference).await;
        waits(&operator, person, reference, "missing").await;
    }
    let retry = async |fields: &[(&str, &str)]| {
        browser
            .act("/waiting", "/waiting/retry", fields)
            .await
            .leads_to("/waiting");
        browser.open("/waiting").await.expect(200)
    };
    let page = retry(&[]).await;
    assert!(
        page.has("Nothing was chosen.") && due(&app).await.is_empty(),
        "{page:?}"
    );
    // The button of one counts, whatever else is chosen.
    let page = retry(&[("key", "b"), ("only", "a")]).await;
    assert!(page.has("1 link is tried again"), "{page:?}");
    assert_eq!(due(&app).await, ["a"]);
    let page = retry(&[("key", "b"), ("key", "c")]).await;
    assert!(page.has("2 links are tried again"), "{page:?}");
    assert_eq!(due(&app).await, ["a", "b", "c"]);
    retry(&[("all", "all")]).await;
    assert_eq!(due(&app).await, ["a", "b", "c", "d"]);
    let page = retry(&[("only", "nobody")]).await;
    assert!(page.has("Nothing waits for that any more."), "{page:?}");
    browser
        .submit("/waiting/retry", &[("all", "all")])
        .await
        .expect(403);
}
