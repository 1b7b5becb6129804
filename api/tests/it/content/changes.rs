//! Following the directory over HTTP; what is told of what, and in which order, is shown in the tests of
//! the shared crate and the worker.

use crate::app::{Answer, Client, TestApp};
use devstack::wait::{self, SOON};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// People whose position changed, each in a transaction of its own.
async fn happen(app: &TestApp, tenant: i64, people: &[Uuid]) {
    for person in people {
        sqlx::query(
            r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
               values ($1, 1, $2, 1, 1, '{"position": ["secret", "value"]}')"#,
        )
        .bind(tenant)
        .bind(person)
        .execute(&app.pool)
        .await
        .unwrap();
    }
}

async fn start(reader: &Client<'_>) -> String {
    let answer = reader.get("/content/v1/changes?from=now").await.expect(200);
    assert_eq!(
        (&answer.body["changes"], &answer.body["more"]),
        (&json!([]), &json!(false))
    );
    assert_eq!(answer.header("cache-control"), "private, no-store");
    answer.body["cursor"].as_str().unwrap().to_owned()
}

async fn after(reader: &Client<'_>, cursor: &str, further: &str) -> Answer {
    reader
        .get(&format!("/content/v1/changes?cursor={cursor}{further}"))
        .await
}

/// All that is told from here on, page by page, once this person's change is.
async fn follow(reader: &Client<'_>, mut cursor: String, last: Uuid, limit: i64) -> (Vec<Value>, String) {
    let mut told = vec![];
    wait::until("everything is told", SOON, async || {
        loop {
            let page = after(reader, &cursor, &format!("&limit={limit}"))
                .await
                .expect(200);
            told.extend(page.body["changes"].as_array().unwrap().iter().cloned());
            cursor = page.body["cursor"].as_str().unwrap().to_owned();
            if page.body["more"] == false {
                return told
                    .last()
                    .is_some_and(|change| change["personId"] == json!(last));
            }
        }
    })
    .await
    .unwrap();
    (told, cursor)
}

#[tokio::test]
async fn changes_are_told_once_in_order_from_where_the_reader_began() {
    let app = TestApp::start().await;
    let tenant = app.tenant("followed").await;
    let reader = app.client(tenant, "content").await;
    let people: Vec<Uuid> = (0..7).map(|_| Uuid::now_v7()).collect();
    happen(&app, tenant, &people[..2]).await;
    let cursor = start(&reader).await;
    // Another transaction on the server may hold the beginning up: what it hides is told, not skipped.
    happen(&app, tenant, &people[2..]).await;
    let (told, end) = follow(&reader, cursor.clone(), people[6], 2).await;
    let ids: Vec<&Value> = told.iter().map(|change| &change["personId"]).collect();
    let expected: Vec<Value> = people.iter().map(|id| json!(id)).collect();
    assert!(expected.iter().collect::<Vec<_>>().ends_with(&ids), "{told:?}");
    let last = told.last().unwrap();
    assert_eq!(
        (&last["type"], &last["fields"]),
        (&json!("person.updated"), &json!(["position"]))
    );
    assert!(!json!(told).to_string().contains("secret"));
    // The same cursor tells the same again, in another process too.
    let other = TestApp::start_on(app.database_url(), &["--redis-url", "redis://127.0.0.1:1"]).await;
    let elsewhere = Client {
        app: &other,
        tenant,
        secret: reader.secret.clone(),
    };
    let (again, _) = follow(&elsewhere, cursor, people[6], 100).await;
    assert_eq!(again, told);
    let nothing = after(&elsewhere, &end, "").await.expect(200);
    assert_eq!(
        (&nothing.body["changes"], &nothing.body["more"]),
        (&json!([]), &json!(false))
    );
}

#[tokio::test]
async fn reader_who_waits_is_told_when_something_happens_and_not_kept_longer_than_asked() {
    let app = TestApp::start().await;
    let tenant = app.tenant("followed").await;
    let reader = app.client(tenant, "content").await;
    let cursor = start(&reader).await;
    let asked = Instant::now();
    let nothing = after(&reader, &cursor, "&wait=1").await.expect(200);
    assert_eq!(nothing.body["changes"], json!([]));
    assert!(asked.elapsed() >= Duration::from_secs(1));
    let person = [Uuid::now_v7()];
    let (answer, ()) = tokio::join!(after(&reader, &cursor, "&wait=30"), happen(&app, tenant, &person));
    let answer = answer.expect(200);
    assert_eq!(
        answer.body["changes"][0]["personId"],
        json!(person[0]),
        "{answer:?}"
    );
}

#[tokio::test]
async fn cursor_that_cannot_be_gone_on_from_is_gone_and_one_of_somebody_else_is_refused() {
    let app = TestApp::start().await;
    let tenant = app.tenant("followed").await;
    let reader = app.client(tenant, "content").await;
    let beginning = start(&reader).await;
    let person = Uuid::now_v7();
    happen(&app, tenant, &[person]).await;
    let (_, cursor) = follow(&reader, beginning.clone(), person, 10).await;
    after(&reader, &cursor, "").await.expect(200);
    let stranger = app.client(app.tenant("other").await, "content").await;
    for refused in [
        after(&stranger, &cursor, "").await,
        after(&reader, "AAAA", "").await,
        after(&reader, &cursor, "&from=now").await,
        reader.get("/content/v1/changes").await,
        reader.get("/content/v1/changes?from=beginning").await,
        after(&reader, &cursor, "&since=x").await,
        after(&reader, &cursor, "&wait=x").await,
    ] {
        refused.problem(400);
    }
    sqlx::query("delete from history")
        .execute(&app.pool)
        .await
        .unwrap();
    let gone = after(&reader, &cursor, "&wait=30").await;
    let detail = gone.problem(410);
    assert!(
        detail.contains("from=now") && detail.contains("/content/v1/people"),
        "{detail}"
    );
    // From the beginning there is nothing that could have been missed.
    after(&reader, &beginning, "").await.expect(200);
}
