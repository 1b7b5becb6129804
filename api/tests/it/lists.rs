//! Lists: by index, sorted, in the query string and as `.search` messages, and within limits.

use super::app::{Answer, Client, TestApp};
use serde_json::{Value, json};

pub(super) fn names(answer: &Answer) -> Vec<&str> {
    let resources = answer.body["Resources"].as_array().unwrap();
    resources
        .iter()
        .map(|resource| {
            let name = resource.get("userName").or_else(|| resource.get("displayName"));
            name.and_then(Value::as_str).unwrap()
        })
        .collect()
}

pub(super) async fn users(scim: &Client<'_>, names: &[&str]) {
    for name in names {
        scim.user(name).await;
    }
}

/// A `.search` message to this endpoint.
pub(super) async fn search(scim: &Client<'_>, endpoint: &str, mut message: Value) -> Answer {
    message["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
    scim.post(&format!("{endpoint}/.search"), message).await
}

#[track_caller]
pub(super) fn assert_refused(answer: &Answer, scim_type: &str) {
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
    for answer in futures::future::join_all(slow).await {
        let detail = answer.scim_error(400).to_owned();
        assert!(detail.contains("too long"), "{detail}");
        assert_eq!(answer.body["scimType"], "tooMany");
    }
    scim.get(&format!("/Users/{}", ada.id())).await.expect(200);
    scim.user("bert").await;
}
