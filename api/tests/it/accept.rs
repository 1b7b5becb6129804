//! The accept path's rules under concurrency.

use crate::app::{Client, TestApp, send};
use crate::gate::{Gate, in_flight, in_one_batch};
use devstack::wait::{SOON, until};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::time::Duration;

#[tokio::test]
async fn batch_with_duplicates_rejects_the_later_of_each_pair_and_nothing_else() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let requests = (0..20).map(|number| {
        let name = format!("user-{}", number / 2);
        (Method::POST, "/Users".to_owned(), json!({ "userName": name }))
    });
    let answers = in_one_batch(&client, requests.collect()).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [201, 409].repeat(10));
    for answer in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(answer.body["scimType"], "uniqueness");
    }
    let held: i64 =
        sqlx::query_scalar("select count(*) from scim_keys where attribute = 2 and value like 'user-%'")
            .fetch_one(&app.pool)
            .await
            .unwrap();
    assert_eq!(held, 10, "a rejected write left a claim behind");
}

#[tokio::test]
async fn two_patches_under_one_if_match_in_one_batch_are_200_then_412() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("grace").await;
    let path = format!("/Users/{}", user.id());
    let mut gate = Gate::close(&client).await;
    let first = tokio::spawn(send(
        client
            .request(Method::POST, "/Users")
            .json(&json!({ "userName": "opener" })),
    ));
    gate.occupied().await;
    let patches: Vec<_> = ["a", "b"]
        .map(|title| {
            let operations = json!({ "Operations": [{ "op": "replace", "path": "title", "value": title }] });
            let request = client
                .request(Method::PATCH, &path)
                .header("if-match", "W/\"1\"")
                .json(&operations);
            tokio::spawn(send(request))
        })
        .into_iter()
        .collect();
    until("both are in line", SOON, async || in_flight(&app).await >= 3)
        .await
        .unwrap();
    gate.open().await;
    first.await.unwrap();
    let mut statuses: Vec<u16> = join_all(patches)
        .await
        .into_iter()
        .map(|answer| answer.unwrap().status.as_u16())
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(client.get(&path).await.header("etag"), "W/\"2\"");
}

#[tokio::test]
async fn value_handed_over_within_one_batch_is_granted_to_the_later_write() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("old-name").await;
    let rename = json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "new-name" }] });
    let answers = in_one_batch(
        &client,
        vec![
            (Method::PATCH, format!("/Users/{}", user.id()), rename),
            (
                Method::POST,
                "/Users".to_owned(),
                json!({ "userName": "old-name" }),
            ),
            (
                Method::POST,
                "/Users".to_owned(),
                json!({ "userName": "new-name" }),
            ),
        ],
    )
    .await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [200, 201, 409]);
}

#[tokio::test]
async fn member_added_again_right_after_its_user_was_deleted_stays_asserted() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("gone").await;
    let member = json!([{ "value": user.id() }]);
    let group = json!({ "displayName": "crew", "members": member });
    let group = client.post("/Groups", group).await.expect(201);
    let path = format!("/Groups/{}", group.id());
    let add = json!([{ "value": user.id() }, { "value": "somebody@example.com" }]);
    let add = json!({ "Operations": [{ "op": "add", "path": "members", "value": add }] });
    let delete = (Method::DELETE, format!("/Users/{}", user.id()), Value::Null);
    let answers = in_one_batch(&client, vec![delete, (Method::PATCH, path.clone(), add)]).await;
    assert_eq!(
        answers
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect::<Vec<_>>(),
        [204, 204]
    );
    let members = client.get(&path).await.body["members"].as_array().map(Vec::len);
    assert_eq!(
        members,
        Some(2),
        "the later write lost a member to the earlier deletion"
    );
}

#[tokio::test]
async fn accept_while_a_worker_holds_the_directory_and_the_outbox_is_acknowledged_at_once() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("busy").await;
    let mut worker = PgConnection::connect(app.database_url()).await.unwrap();
    let mut held = worker.begin().await.unwrap();
    // All that a worker may lock, for as long as it likes.
    for table in [
        "pending",
        "people",
        "teams",
        "team_members",
        "team_parts",
        "reporting_lines",
        "waiters",
        "wakes",
        "history",
    ] {
        let all = sqlx::AssertSqlSafe(format!("select 1 from {table} for update"));
        sqlx::query(all).fetch_all(&mut *held).await.unwrap();
    }
    let path = format!("/Users/{}", user.id());
    let operations = json!([{ "op": "replace", "path": "title", "value": "still accepted" }]);
    let patched = tokio::time::timeout(Duration::from_secs(5), client.patch(&path, operations)).await;
    assert_eq!(patched.expect("accepting waited for a worker").status, 200);
    assert_eq!(client.delete(&path).await.status, 204);
    held.rollback().await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from pending")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(rows, 3, "one row per change and key");
}

#[tokio::test]
async fn snapshot_during_concurrent_accepts_of_two_processes_holds_a_prefix_of_the_changes() {
    let app = TestApp::start().await;
    let other = TestApp::start_on(app.database_url(), &["--redis-url", "redis://127.0.0.1:1"]).await;
    let client = app.scim().await;
    let writers = (0..8).map(|writer| {
        let (client, base) = (&client, if writer % 2 == 0 { &app.url } else { &other.url });
        async move {
            for number in 0..25 {
                let body = json!({ "userName": format!("u{writer}-{number}") });
                let request = app_request(client, base, &body);
                assert_eq!(send(request).await.status, 201);
            }
        }
    });
    let look = async {
        let mut seen: Vec<Vec<i64>> = vec![];
        while seen.last().map_or(0, Vec::len) < 200 {
            let seqs = sqlx::query_scalar("select seq from changes order by seq")
                .fetch_all(&app.pool)
                .await
                .unwrap();
            seen.push(seqs);
        }
        seen
    };
    let (_, seen) = tokio::join!(join_all(writers), look);
    let all = seen.last().unwrap();
    assert!(seen.len() > 3, "too few looks to tell");
    for seqs in &seen {
        assert_eq!(
            seqs[..],
            all[..seqs.len()],
            "a lower change became visible after a higher one"
        );
    }
}

fn app_request(client: &Client<'_>, base: &str, body: &Value) -> reqwest::RequestBuilder {
    client
        .app
        .http
        .post(format!("{base}/scim/v2/Users"))
        .bearer_auth(&client.secret)
        .json(body)
}

#[tokio::test]
async fn batch_with_a_write_the_database_refuses_stores_all_the_others() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as $$ begin
             if new.document->>'userName' = 'poison' then raise exception 'refused'; end if; return new; end $$;
         create trigger refuse before insert on scim_resources for each row execute function refuse()",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    let names = ["a", "b", "poison", "c", "d"];
    let requests = names.map(|name| (Method::POST, "/Users".to_owned(), json!({ "userName": name })));
    let answers = in_one_batch(&client, requests.into()).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [201, 201, 500, 201, 201]);
    let left: i64 = sqlx::query_scalar("select count(*) from scim_keys where value = 'poison'")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(left, 0, "half a write was stored");
}

#[tokio::test]
async fn batch_that_loses_against_concurrent_transactions_is_run_again_and_stored_once() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    // Loses a serialisation conflict, then a deadlock; a sequence does not roll back.
    sqlx::raw_sql(
        "create sequence tries;
         create function lose() returns trigger language plpgsql as $$ declare run bigint := nextval('tries'); begin
             if run = 1 then raise exception 'lost' using errcode = '40001'; end if;
             if run = 2 then raise exception 'lost' using errcode = '40P01'; end if;
             return null; end $$;
         create trigger lose after insert on scim_resources for each statement execute function lose()",
    )
    .execute(&app.pool)
    .await
    .unwrap();
    client.user("persistent").await;
    let counts: (i64, i64, i64) = sqlx::query_as(
        "select (select last_value from tries), (select count(*) from scim_resources), (select count(*) from pending)",
    )
    .fetch_one(&app.pool)
    .await
    .unwrap();
    assert_eq!(counts, (3, 1, 1), "runs of the batch, resources, pending rows");
}

#[tokio::test]
async fn value_held_by_a_resource_whose_own_write_is_refused_is_refused_in_the_same_batch() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let holder = client.user("held").await;
    let batches = || async {
        let text = send(app.request(Method::GET, "/metrics")).await.body;
        let count = "rollcall_accept_batch_writes_count ";
        let line = text
            .as_str()
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix(count))
            .unwrap();
        line.parse::<u64>().unwrap()
    };
    let before = batches().await;
    let long = json!([{ "op": "replace", "path": "userName", "value": "x".repeat(600) }]);
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": long });
    let requests = vec![
        (Method::PATCH, format!("/Users/{}", holder.id()), patch),
        (Method::POST, "/Users".to_owned(), json!({ "userName": "held" })),
        (Method::POST, "/Users".to_owned(), json!({ "userName": "free" })),
    ];
    let answers = in_one_batch(&client, requests).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [400, 409, 201]);
    assert_eq!(batches().await - before, 2, "the one that opens, and this one");
}

#[tokio::test]
async fn creates_of_one_batch_are_each_the_person_whom_their_external_id_last_belonged_to() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = |name: &str, number: usize| json!({ "userName": format!("{name}{number}"), "externalId": format!("x-{number}") });
    let mut former = vec![];
    for number in 0..3 {
        let user = client.post("/Users", body("first", number)).await.expect(201);
        client.delete(&format!("/Users/{}", user.id())).await.expect(204);
        former.push(person(&app, user.id()).await);
    }
    let creates = (0..5).map(|number| (Method::POST, "/Users".to_owned(), body("again", number)));
    let answers = in_one_batch(&client, creates.collect()).await;
    let mut now = vec![];
    for answer in answers {
        now.push(person(&app, answer.expect(201).id()).await);
    }
    assert_eq!(now[..3], former, "who was here before");
    assert!(
        !former.contains(&now[3]) && !former.contains(&now[4]) && now[3] != now[4],
        "who is new"
    );
}

async fn person(app: &TestApp, id: &str) -> uuid::Uuid {
    sqlx::query_scalar("select directory_id from scim_resources where id = $1::uuid")
        .bind(id)
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn user_created_with_the_external_id_of_a_deleted_one_is_the_same_person_again() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = |name: &str| json!({ "userName": name, "externalId": "x-1" });
    let before = client.post("/Users", body("first")).await.expect(201);
    client
        .delete(&format!("/Users/{}", before.id()))
        .await
        .expect(204);
    let again = client.post("/Users", body("second")).await.expect(201);
    assert_ne!(before.id(), again.id());
    assert_eq!(person(&app, before.id()).await, person(&app, again.id()).await);
}

#[tokio::test]
async fn user_created_with_an_external_id_that_was_given_up_is_somebody_new() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let before = client
        .post("/Users", json!({ "userName": "first", "externalId": "x-1" }))
        .await
        .expect(201);
    let path = format!("/Users/{}", before.id());
    client
        .put(&path, json!({ "userName": "first", "externalId": "x-2" }))
        .await
        .expect(200);
    client.delete(&path).await.expect(204);
    let other = client
        .post("/Users", json!({ "userName": "second", "externalId": "x-1" }))
        .await
        .expect(201);
    assert_ne!(person(&app, before.id()).await, person(&app, other.id()).await);
}
