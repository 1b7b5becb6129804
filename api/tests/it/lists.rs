//! Pages of lists: by index, by cursor, sorted, in the query string and as `.search` messages.

use super::app::{Answer, Client, TestApp};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

fn names(answer: &Answer) -> Vec<&str> {
    let resources = answer.body["Resources"].as_array().unwrap();
    resources
        .iter()
        .map(|resource| {
            let name = resource.get("userName").or_else(|| resource.get("displayName"));
            name.and_then(Value::as_str).unwrap()
        })
        .collect()
}

async fn users(scim: &Client<'_>, names: &[&str]) {
    for name in names {
        scim.user(name).await;
    }
}

/// A `.search` message to this endpoint.
async fn search(scim: &Client<'_>, endpoint: &str, mut message: Value) -> Answer {
    message["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
    scim.post(&format!("{endpoint}/.search"), message).await
}

#[track_caller]
fn assert_refused(answer: &Answer, scim_type: &str) {
    answer.scim_error(400);
    assert_eq!(answer.body["scimType"], scim_type, "{answer:?}");
}

/// RFC 7644 §3.4.2.4: a startIndex below 1 counts as 1.
/// RFC 7644 §3.4.2.4: a negative count counts as 0, and with 0 only the total is returned.
/// RFC 7644 §3.4.2.4: a page never has more resources than count; itemsPerPage says how many it has.
#[tokio::test]
async fn index_at_the_edges_is_what_the_rfc_says() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    users(&scim, &["a", "b", "c"]).await;
    for (query, found, start_index) in [
        ("", vec!["a", "b", "c"], 1),
        ("?startIndex=2&count=1", vec!["b"], 2),
        ("?startIndex=0", vec!["a", "b", "c"], 1),
        ("?startIndex=-7&count=2", vec!["a", "b"], 1),
        ("?count=0", vec![], 1),
        ("?count=-1", vec![], 1),
        ("?count=100000", vec!["a", "b", "c"], 1),
        ("?startIndex=4", vec![], 4),
        ("?startIndex=9223372036854775807&count=2", vec![], i64::MAX),
    ] {
        let page = scim.get(&format!("/Users{query}")).await.expect(200);
        assert_eq!(names(&page), found, "{query}");
        // As JSON numbers: Okta takes nothing else.
        assert_eq!(page.body["totalResults"], json!(3), "{query}");
        assert_eq!(page.body["startIndex"], json!(start_index), "{query}");
        assert_eq!(page.body["itemsPerPage"], json!(found.len()), "{query}");
        assert_eq!(page.body.get("nextCursor"), None, "{query}");
    }
    for query in ["startIndex=one", "count=1.5", "count=9223372036854775808"] {
        assert_refused(&scim.get(&format!("/Users?{query}")).await, "invalidValue");
    }
}

#[tokio::test]
async fn index_page_over_the_maximum_is_cut_to_it() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let config = scim.get("/ServiceProviderConfig").await;
    let most = config.body["filter"]["maxResults"].as_i64().unwrap();
    let create = "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source,
             created_seq, created_at, modified_at)
         select $1, gen_random_uuid(), 1, gen_random_uuid(), jsonb_build_object('userName', 'u' || n), 1, n, 'test', n,
             now(), now()
         from generate_series(1, $2) n";
    sqlx::query(create)
        .bind(scim.tenant)
        .bind(most + 1)
        .execute(&app.pool)
        .await
        .unwrap();
    for query in ["count=1000000", "cursor=&count=1000000"] {
        let page = scim
            .get(&format!("/Users?attributes=userName&{query}"))
            .await
            .expect(200);
        assert_eq!(page.body["itemsPerPage"], json!(most), "{query}");
        assert_eq!(page.body["totalResults"], json!(most + 1), "{query}");
    }
    let usual = scim.get("/Users?attributes=userName").await;
    assert_eq!(
        usual.body["itemsPerPage"],
        config.body["pagination"]["defaultPageSize"]
    );
}

/// RFC 7644 §3.4.2.3: sortBy and sortOrder order a list.
/// RFC 7643 §5: ServiceProviderConfig says that lists can be sorted.
#[tokio::test]
async fn sorted_lists_in_query_strings_and_search_messages() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    users(&scim, &["Bert", "anna", "Carl"]).await;
    scim.post("/Groups", json!({"displayName": "Band"}))
        .await
        .expect(201);
    for (query, found) in [
        ("sortBy=userName", ["anna", "Bert", "Carl"]),
        ("sortby=USERNAME&sortorder=Descending", ["Carl", "Bert", "anna"]),
        (
            "sortBy=meta.created&sortOrder=ascending",
            ["Bert", "anna", "Carl"],
        ),
        ("sortOrder=descending", ["Bert", "anna", "Carl"]),
    ] {
        let page = scim.get(&format!("/Users?{query}")).await.expect(200);
        assert_eq!(names(&page), found, "{query}");
    }
    let by_name = json!({"sortBy": "userName", "sortOrder": "descending", "startIndex": 2, "count": 2});
    assert_eq!(
        names(&search(&scim, "/Users", by_name.clone()).await.expect(200)),
        ["Bert", "anna"]
    );
    let everything = search(&scim, "", json!({"sortBy": "userName"})).await.expect(200);
    assert_eq!(names(&everything), ["anna", "Bert", "Carl", "Band"]);
    assert_eq!(everything.body["totalResults"], 4);
    for query in [
        "sortBy=nonsense",
        "sortBy=name",
        "sortBy=a%20b",
        "sortBy=password",
    ] {
        assert_refused(&scim.get(&format!("/Users?{query}")).await, "invalidPath");
    }
    assert_refused(
        &scim.get("/Users?sortBy=userName&sortOrder=up").await,
        "invalidValue",
    );
    let config = scim.get("/ServiceProviderConfig").await;
    assert_eq!(config.body["sort"]["supported"], true);
}

/// RFC 7644 §3.4.3: a search of the server's root finds resources of every type, paged as one list.
/// RFC 7644 §3.4.3: attributes and excludedAttributes in a search message choose what is returned.
#[tokio::test]
async fn search_of_the_root_is_one_list() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let ada = scim.user("ada").await;
    let members = json!([{"value": ada.id()}]);
    scim.post("/Groups", json!({"displayName": "band", "members": members}))
        .await
        .expect(201);
    scim.user("bert").await;
    let found = search(
        &scim,
        "",
        json!({"startIndex": 2, "count": 2, "excludedAttributes": ["members"]}),
    );
    let found = found.await.expect(200);
    assert_eq!(names(&found), ["band", "bert"]);
    assert_eq!(
        (&found.body["totalResults"], &found.body["startIndex"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(found.body["Resources"][0].get("members"), None);
    let found = search(
        &scim,
        "",
        json!({"filter": "displayName eq \"band\"", "attributes": ["members.value"]}),
    );
    let found = found.await.expect(200);
    assert_eq!(found.body["Resources"][0]["members"], members);
    assert_eq!(found.body["Resources"][0].get("displayName"), None);
    let filtered = search(&scim, "", json!({"filter": "userName sw \"b\""})).await;
    assert_eq!(names(&filtered.expect(200)), ["bert"]);
    assert_refused(
        &search(&scim, "", json!({"filter": "nonsense pr"})).await,
        "invalidFilter",
    );
}

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

/// RFC 7644 §3.4.2.2: a filter that would take too much is refused with tooMany.
#[tokio::test]
async fn search_over_its_time_is_too_many_and_the_server_goes_on() {
    let app = TestApp::start_with(&["--search-timeout-milliseconds", "1"]).await;
    let scim = app.scim().await;
    let ada = scim.user("ada").await;
    let create = "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source,
             created_seq, created_at, modified_at)
         select $1, gen_random_uuid(), 1, gen_random_uuid(), jsonb_build_object('title', repeat('x', 1000) || n), 1, n,
             'test', 1000000 + n, now(), now()
         from generate_series(1, 3000) n";
    sqlx::query(create)
        .bind(scim.tenant)
        .execute(&app.pool)
        .await
        .unwrap();
    // More than there are connections for searches.
    let slow = (0..8).map(|_| scim.get("/Users?filter=title%20co%20%22y%22%20or%20title%20ew%20%22z%22"));
    for answer in futures_join(slow).await {
        let detail = answer.scim_error(400).to_owned();
        assert!(detail.contains("too long"), "{detail}");
        assert_eq!(answer.body["scimType"], "tooMany");
    }
    scim.get(&format!("/Users/{}", ada.id())).await.expect(200);
    scim.user("bert").await;
}

async fn futures_join(answers: impl Iterator<Item = impl Future<Output = Answer>>) -> Vec<Answer> {
    futures::future::join_all(answers).await
}
