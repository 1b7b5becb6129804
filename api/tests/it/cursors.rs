//! Pages of lists by cursor (RFC 9865).

use super::app::{Client, TestApp};
use super::lists::{assert_refused, names, search, users};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// RFC 9865 §2: an empty cursor asks for the first page, and nextCursor for the one that follows.
/// RFC 9865 §2: nextCursor is there unless the page is the last.
/// RFC 9865 §3: a search message takes a cursor too.
#[tokio::test]
async fn cursor_walks_to_the_end_in_query_strings_and_search_messages() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    users(&scim, &["e", "d", "c", "b", "a"]).await;
    let first = scim.get("/Users?cursor&count=2").await.expect(200);
    assert_eq!(names(&first), ["e", "d"]);
    assert_eq!(
        (&first.body["totalResults"], &first.body["itemsPerPage"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(first.body.get("startIndex"), None);
    let next = first.body["nextCursor"].as_str().unwrap();
    assert!(
        next.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
        "{next}"
    );
    let second = scim
        .get(&format!("/Users?cursor={next}&count=2"))
        .await
        .expect(200);
    assert_eq!(names(&second), ["c", "b"]);
    // A cursor can be used again.
    assert_eq!(
        names(&scim.get(&format!("/Users?cursor={next}&count=2")).await),
        ["c", "b"]
    );
    let next = &second.body["nextCursor"];
    let last = search(&scim, "/Users", json!({"cursor": next, "count": 2}))
        .await
        .expect(200);
    assert_eq!(names(&last), ["a"]);
    assert_eq!(last.body.get("nextCursor"), None);
    assert_eq!(last.body["totalResults"], 5);
    let whole = search(&scim, "/Users", json!({"cursor": ""})).await.expect(200);
    assert_eq!((names(&whole).len(), whole.body.get("nextCursor")), (5, None));
    // A page that is full and the last one has no cursor either.
    let exactly = scim.get("/Users?cursor=&count=5").await.expect(200);
    assert_eq!((names(&exactly).len(), exactly.body.get("nextCursor")), (5, None));
    let total = scim.get("/Users?cursor=&count=0").await.expect(200);
    assert_eq!(
        (
            names(&total).len(),
            &total.body["totalResults"],
            total.body.get("nextCursor")
        ),
        (0, &json!(5), None)
    );
    // Nobody asks for a cursor by saying nothing: index stays the default.
    let null = search(&scim, "/Users", json!({"cursor": null, "startIndex": 2}))
        .await
        .expect(200);
    assert_eq!(null.body["startIndex"], 2);
}

/// RFC 9865 §2.2: pages by cursor are sorted as the query demands.
#[tokio::test]
async fn cursor_with_filter_and_order_walks_the_root() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    users(&scim, &["b", "d", "a", "x"]).await;
    for name in ["c", "e"] {
        let group = json!({"displayName": name, "externalId": name});
        scim.post("/Groups", group).await.expect(201);
    }
    let mut message = json!({
        "filter": "meta.version pr and not (id eq \"x\")", "sortBy": "meta.lastModified", "sortOrder": "descending",
        "count": 4, "cursor": "",
    });
    let first = search(&scim, "", message.clone()).await.expect(200);
    assert_eq!(names(&first), ["e", "c", "x", "a"]);
    message["cursor"] = first.body["nextCursor"].clone();
    let second = search(&scim, "", message.clone()).await.expect(200);
    assert_eq!(names(&second), ["d", "b"]);
    // The cursor of the root is none of a type.
    assert_refused(&search(&scim, "/Users", message).await, "invalidCursor");
}

/// RFC 9865 §2.1: a cursor that is invalid for the query is refused with invalidCursor, a wrong count with invalidCount.
/// RFC 9865 §5.2: a cursor gives nobody access who has none.
#[tokio::test]
async fn cursor_that_is_forged_or_of_another_query_or_tenant_is_refused() {
    let app = TestApp::start().await;
    let (scim, other) = (app.scim().await, app.scim().await);
    users(&scim, &["a", "b", "c"]).await;
    users(&other, &["x", "y", "z"]).await;
    let query = "/Users?filter=userName%20pr&sortBy=userName&count=1&cursor=";
    let first = scim.get(query).await.expect(200);
    let next = first.body["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(
        names(&scim.get(&format!("{query}{next}")).await.expect(200)),
        ["b"]
    );
    assert_refused(&other.get(&format!("{query}{next}")).await, "invalidCursor");
    for other_query in [
        "/Users?sortBy=userName&count=1&cursor=",
        "/Users?filter=active%20pr&sortBy=userName&count=1&cursor=",
        "/Users?filter=userName%20pr&count=1&cursor=",
        "/Users?filter=userName%20pr&sortBy=userName&sortOrder=descending&count=1&cursor=",
        "/Users?filter=userName%20pr&sortBy=userName&attributes=id&count=1&cursor=",
        "/Groups?filter=id%20pr&count=1&cursor=",
    ] {
        let answer = scim.get(&format!("{other_query}{next}")).await;
        assert_refused(&answer, "invalidCursor");
    }
    for forged in [
        "x",
        "AAAA",
        "%20",
        &next[1..],
        &format!("{next}A"),
        &next.to_lowercase(),
    ] {
        assert_refused(&scim.get(&format!("{query}{forged}")).await, "invalidCursor");
    }
    let counted = query.replace("count=1", "count=2");
    assert_refused(&scim.get(&format!("{counted}{next}")).await, "invalidCount");
    assert_refused(&scim.get("/Users?cursor=&count=two").await, "invalidCount");
    let uncounted = query.replace("&count=1", "");
    assert_eq!(
        names(&scim.get(&format!("{uncounted}{next}")).await.expect(200)),
        ["b"]
    );
    assert_refused(&scim.get("/Users?cursor=&startIndex=1").await, "invalidValue");
}

/// RFC 9865 §2.1: a cursor that was not used in time is refused with expiredCursor.
#[tokio::test]
async fn cursor_after_its_time_is_expired() {
    let app = TestApp::start_with(&["--cursor-seconds", "1"]).await;
    let scim = app.scim().await;
    users(&scim, &["a", "b"]).await;
    let config = scim.get("/ServiceProviderConfig").await;
    assert_eq!(config.body["pagination"]["cursorTimeout"], 1);
    let first = scim.get("/Users?cursor=&count=1").await.expect(200);
    let next = first.body["nextCursor"].as_str().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let expired = loop {
        let answer = scim.get(&format!("/Users?cursor={next}&count=1")).await;
        if answer.status != 200 || Instant::now() > deadline {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_refused(&expired, "expiredCursor");
}

/// The seal is the deployment's and not the process's.
#[tokio::test]
async fn cursor_of_one_process_is_read_by_another() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    users(&scim, &["a", "b"]).await;
    let first = scim.get("/Users?cursor=&count=1").await.expect(200);
    let next = first.body["nextCursor"].as_str().unwrap();
    let redis = devstack::TestRedis::new().unwrap();
    let flags = ["--redis-url", redis.url(), "--redis-prefix", redis.prefix()];
    let mut second = TestApp::start_on(app.database_url(), &flags).await;
    let elsewhere = Client {
        app: &second,
        tenant: scim.tenant,
        secret: scim.secret.clone(),
    };
    let page = elsewhere
        .get(&format!("/Users?cursor={next}&count=1"))
        .await
        .expect(200);
    assert_eq!(names(&page), ["b"]);
    second.stop().await;
}

/// Every resource that is there during the whole walk is read exactly once, while others come and go.
#[tokio::test]
async fn cursor_walk_while_resources_come_and_go_misses_nothing_and_repeats_nothing() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let mut stay = BTreeSet::new();
    let mut go = vec![];
    for number in 0..60 {
        let user = scim.user(&format!("user{number}")).await;
        match number % 3 {
            0 => go.push(user.id().to_owned()),
            _ => drop(stay.insert(user.id().to_owned())),
        }
    }
    let churn = async {
        for (number, id) in go.iter().enumerate() {
            scim.delete(&format!("/Users/{id}")).await.expect(204);
            scim.user(&format!("new{number}")).await;
        }
    };
    let walk = async {
        let mut read = vec![];
        let mut cursor = String::new();
        loop {
            let page = scim
                .get(&format!("/Users?count=3&attributes=id&cursor={cursor}"))
                .await
                .expect(200);
            let resources = page.body["Resources"].as_array().unwrap();
            read.extend(
                resources
                    .iter()
                    .map(|user| user["id"].as_str().unwrap().to_owned()),
            );
            match page.body.get("nextCursor") {
                Some(next) => cursor = next.as_str().unwrap().to_owned(),
                None => break read,
            }
        }
    };
    let ((), read) = tokio::join!(churn, walk);
    let once: BTreeSet<String> = read.iter().cloned().collect();
    assert_eq!(once.len(), read.len(), "read twice");
    assert_eq!(stay.difference(&once).collect::<Vec<_>>(), Vec::<&String>::new());
}
