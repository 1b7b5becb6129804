//! Users that are read at the same time: each answer is what it is for one that is read alone.

use crate::app::{Client, TestApp};
use devstack::PrivatePostgres;
use devstack::wait::{self, SOON};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

/// As many requests as these tests like.
const UNLIMITED: [&str; 4] = ["--requests-per-second", "0", "--requests-in-flight", "4096"];

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// All of an answer that may not differ.
#[derive(Debug, PartialEq)]
struct Told {
    status: StatusCode,
    headers: Vec<Option<String>>,
    body: String,
}

async fn told(scim: &Client<'_>, path: &str, known: Option<&str>) -> Told {
    let request = scim.request(Method::GET, path);
    let request = match known {
        Some(tag) => request.header("if-none-match", tag),
        None => request,
    };
    let response = request.send().await.unwrap();
    let header = |name: &&str| {
        let value = response.headers().get(*name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    let names = [
        "etag",
        "location",
        "content-location",
        "content-type",
        "retry-after",
    ];
    Told {
        status: response.status(),
        headers: names.iter().map(header).collect(),
        body: response.text().await.unwrap(),
    }
}

fn filtered(filter: &str) -> String {
    let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("filter={encoded}")
}

/// A tenant with nested groups, managers, and somebody who is gone; answers the ids of all.
async fn company(scim: &Client<'_>, name: &str, users: usize) -> Vec<String> {
    let mut ids = vec![];
    for number in 0..users {
        let mut user = json!({"schemas": [USER, ENTERPRISE], "userName": format!("User{number}"),
            "externalId": format!("e-{name}-{number}")});
        if number > 0 {
            user[ENTERPRISE] = json!({"manager": {"value": format!("user{}", number / 3)}});
        }
        let user = scim.post("/Users", user).await.expect(201);
        ids.push(user.id().to_owned());
    }
    for (group, part) in ids.clone().chunks(5).enumerate() {
        let mut members: Vec<Value> = part.iter().map(|id| json!({"value": id})).collect();
        if group > 0 {
            members.push(json!({"value": ids[users + group - 1]}));
        }
        let group = json!({"schemas": [GROUP], "displayName": format!("{name} {group}"), "members": members});
        let group = scim.post("/Groups", group).await.expect(201);
        ids.push(group.id().to_owned());
    }
    let gone = json!({"schemas": [USER], "userName": "gone"});
    let gone = scim.post("/Users", gone).await.expect(201);
    scim.delete(&format!("/Users/{}", gone.id())).await.expect(204);
    ids.push(gone.id().to_owned());
    ids
}

/// Whoever reads a resource waits until this is rolled back.
async fn hold_up(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in [
        "begin",
        "lock table scim_resources, scim_keys in access exclusive mode",
    ] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    connection
}

/// Wait until a fetch waits for that.
async fn wait_for_held_up(app: &TestApp) {
    let waiting = "select count(*) from pg_stat_activity where datname = current_database()
         and wait_event_type = 'Lock' and query like '%scim_%'";
    wait::until("a fetch to be under way", SOON, async || {
        let waiting = sqlx::query_scalar::<_, i64>(waiting);
        waiting.fetch_one(&app.pool).await.unwrap() > 0
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn users_read_together_each_answer_as_one_read_alone() {
    let app = TestApp::start_with(&UNLIMITED).await;
    let (scim, other) = (app.scim().await, app.scim().await);
    let ids = company(&scim, "a", 30).await;
    let theirs = company(&other, "b", 10).await;
    let mut paths: Vec<(String, Option<&str>)> = vec![];
    for id in ids.iter().chain(&theirs) {
        paths.push((format!("/Users/{id}"), None));
        paths.push((format!("/Users/{id}?attributes=userName,groups"), None));
        paths.push((format!("/Users/{id}?excludedAttributes=groups"), None));
        paths.push((format!("/Users/{id}"), Some("W/\"1\"")));
        paths.push((format!("/Users/{id}?attributes=userName"), Some("W/\"1\"")));
        paths.push((format!("/Users/{id}?attributes=userName"), Some("W/\"9\"")));
    }
    for number in 0..12 {
        paths.push((format!("/Users/{}", uuid::Uuid::now_v7()), None));
        paths.push((format!("/Users/e-a-{number}"), None));
        for filter in [
            format!("userName eq \"uSER{number}\""),
            format!("externalId eq \"e-b-{number}\""),
            "userName eq \"gone\"".to_owned(),
        ] {
            paths.push((format!("/Users?{}", filtered(&filter)), None));
            paths.push((format!("/Users?attributes=groups&{}", filtered(&filter)), None));
        }
    }
    let everybody = [&scim, &other];
    let asked: Vec<_> = everybody
        .iter()
        .flat_map(|client| paths.iter().map(move |(path, known)| (*client, path, *known)))
        .collect();
    let mut alone = vec![];
    for (client, path, known) in &asked {
        alone.push(told(client, path, *known).await);
    }
    let statuses = alone.iter().map(|told| told.status.as_u16());
    let statuses: std::collections::BTreeSet<u16> = statuses.collect();
    assert_eq!(Vec::from_iter(statuses), [200, 304, 404]);

    let holder = hold_up(app.database_url()).await;
    let together = async {
        // Each of them twice.
        let both = asked.iter().chain(&asked);
        join_all(both.map(|(client, path, known)| told(client, path, *known))).await
    };
    let release = async {
        wait_for_held_up(&app).await;
        holder.close().await.unwrap();
    };
    let (together, ()) = tokio::join!(together, release);
    for (index, told) in together.iter().enumerate() {
        let index = index % asked.len();
        assert_eq!(*told, alone[index], "{}", asked[index].1);
    }
}

#[tokio::test]
async fn look_up_answers_byte_for_byte_what_a_search_does() {
    let app = TestApp::start_with(&UNLIMITED).await;
    let (tolerant, strict) = (app.scim().await, app.strict_scim().await);
    for scim in [&tolerant, &strict] {
        let ids = company(scim, "a", 8).await;
        // The same externalId from another source, and a tenant that has the same names.
        let second = app.token(scim.tenant, "scim").await;
        sqlx::query("update tokens set source = 'other' where secret_hash = sha256($1)")
            .bind(second.as_bytes())
            .execute(&app.pool)
            .await
            .unwrap();
        let again = json!({"schemas": [USER], "userName": "again", "externalId": "e-a-1"});
        scim.with_secret(&second).post("/Users", again).await.expect(201);
        let mut found = 0;
        for filter in [
            "userName eq \"user1\"".to_owned(),
            "USERNAME Eq \"USER7\"".to_owned(),
            "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"user2\"".to_owned(),
            "externalId eq \"e-a-1\"".to_owned(),
            "externalId eq \"E-A-1\"".to_owned(),
            "externalId eq 5".to_owned(),
            "userName eq \"gone\"".to_owned(),
            "userName eq \"nobody\"".to_owned(),
            "userName eq \"\"".to_owned(),
            "userName eq null".to_owned(),
            format!("externalId eq \"{}\"", ids[0]),
        ] {
            for further in [
                "",
                "&count=1",
                "&count=0",
                "&count=-3",
                "&startIndex=0",
                "&startIndex=2",
                "&startIndex=1&count=100000",
                "&attributes=userName,groups.display",
                "&excludedAttributes=meta,groups",
                "&sortBy=userName",
                "&attributes=manager",
            ] {
                let look_up = told(scim, &format!("/Users?{}{further}", filtered(&filter)), None).await;
                let search = format!("({filter}) or ({filter})");
                let search = told(scim, &format!("/Users?{}{further}", filtered(&search)), None).await;
                assert_eq!(look_up, search, "{filter} {further}");
                found += usize::from(look_up.body.contains("\"totalResults\":2"));
            }
        }
        assert!(found > 0);
        let message = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": "userName eq \"USER3\""});
        let message = scim.post("/Users/.search", message).await.expect(200);
        let query = scim.find("/Users", "userName eq \"USER3\"").await.expect(200);
        assert_eq!(message.body, query.body);
        assert_eq!(query.body["totalResults"], 1);
    }
}

#[tokio::test]
async fn user_read_after_its_write_is_acknowledged_is_as_written_however_many_read() {
    const CLIENTS: usize = 24;
    let app = TestApp::start_with(&UNLIMITED).await;
    let scim = app.scim().await;
    let shared = scim.user("shared").await;
    let writing = (0..CLIENTS).map(|client| {
        let (scim, shared) = (&scim, &shared);
        async move {
            let mut path = String::new();
            for round in 0..8 {
                let name = format!("c{client}-{round}");
                if path.is_empty() {
                    path = format!("/Users/{}", scim.user(&name).await.id());
                } else {
                    let rename = json!([{"op": "replace", "path": "userName", "value": name}]);
                    scim.patch(&path, rename).await;
                }
                let others = format!("/Users/{}", shared.id());
                let look_up = filtered(&format!("userName eq \"{name}\""));
                let look_up = format!("/Users?{look_up}");
                let (read, found, _) = tokio::join!(scim.get(&path), scim.get(&look_up), scim.get(&others));
                assert_eq!(read.expect(200).body["userName"], *name);
                let found = found.expect(200);
                assert_eq!(found.body["Resources"][0]["userName"], *name, "{found:?}");
            }
        }
    });
    join_all(writing).await;
}

#[tokio::test]
async fn read_whose_statement_is_refused_is_500_for_all_and_the_line_goes_on() {
    let app = TestApp::start_with(&UNLIMITED).await;
    let scim = app.scim().await;
    let ids = company(&scim, "a", 5).await;
    let rename = |from: &str, to: &str| format!("alter table {from} rename to {to}");
    let reading = |count: usize| {
        let (scim, ids) = (&scim, &ids);
        join_all((0..count).map(move |number| {
            let path = format!("/Users/{}?attributes=groups", ids[number % 5]);
            async move { scim.get(&path).await }
        }))
    };
    let there = sqlx::AssertSqlSafe(rename("scim_members", "away"));
    sqlx::query(there).execute(&app.pool).await.unwrap();
    for answer in reading(50).await {
        answer.scim_error(500);
    }
    let back = sqlx::AssertSqlSafe(rename("away", "scim_members"));
    sqlx::query(back).execute(&app.pool).await.unwrap();
    for answer in reading(50).await {
        answer.expect(200);
    }
}

#[tokio::test]
async fn read_whose_connection_is_cut_is_503_and_whoever_waits_in_line_is_answered() {
    let app = TestApp::start_with(&UNLIMITED).await;
    let scim = app.scim().await;
    let ids = company(&scim, "a", 10).await;
    let paths: Vec<String> = (0..400)
        .map(|number| format!("/Users/{}", ids[number % 10]))
        .collect();
    let holder = hold_up(app.database_url()).await;
    let reading = join_all(paths.iter().map(|path| told(&scim, path, None)));
    let cut = async {
        wait_for_held_up(&app).await;
        let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock' and query like '%scim_%'";
        let cut: i64 = sqlx::query_scalar(cut).fetch_one(&app.pool).await.unwrap();
        assert!(cut > 0);
        holder.close().await.unwrap();
    };
    let (answers, ()) = tokio::join!(reading, cut);
    let failed: Vec<&Told> = answers.iter().filter(|told| told.status != 200).collect();
    assert!(!failed.is_empty() && failed.len() < answers.len());
    for told in failed {
        assert_eq!(
            (told.status.as_u16(), told.headers[4].as_deref()),
            (503, Some("2"))
        );
    }
    scim.get(&paths[0]).await.expect(200);
}

#[tokio::test]
async fn read_while_postgres_is_down_is_503_for_all_and_answered_once_it_is_back() {
    let mut postgres = PrivatePostgres::start().await.unwrap();
    let pool = sqlx::PgPool::connect(&postgres.url()).await.unwrap();
    devstack::migrator().await.unwrap().run(&pool).await.unwrap();
    pool.close().await;
    let redis = devstack::TestRedis::new().unwrap();
    let redis = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let app = TestApp::start_on(&postgres.url(), &[&redis[..], &UNLIMITED].concat()).await;
    let scim = app.scim().await;
    let user = scim.user("ada").await;
    let path = format!("/Users/{}", user.id());
    let look_up = format!("/Users?{}", filtered("userName eq \"ada\""));
    app.pool.close().await;
    postgres.stop().await.unwrap();
    let reading = (0..100).flat_map(|_| [&path, &look_up]);
    for answer in join_all(reading.map(|path| scim.get(path))).await {
        answer.scim_error(503);
        assert_eq!(answer.header("retry-after"), "2");
    }
    postgres.restart().await.unwrap();
    for path in [&path, &look_up] {
        wait::until("Postgres to be seen again", SOON, async || {
            scim.get(path).await.status == 200
        })
        .await
        .unwrap();
    }
}
