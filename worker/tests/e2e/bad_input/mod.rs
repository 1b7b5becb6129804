//! Bad input: each refusal names what is wrong, nothing is half-written, the rest is accepted.

mod bulk;

use crate::harness::people::{Company, expect_company, user};
use crate::harness::{Options, Reply, Stack, Tenant};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const CATCH_UP: Duration = Duration::from_secs(30);
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Fail unless `body` is a SCIM error (RFC 7644 §3.12) of this status that names `named`.
#[track_caller]
fn expect_error(body: &Value, status: u16, scim_type: Option<&str>, named: &str) {
    assert_eq!(body["schemas"], json!([ERROR]), "{body}");
    assert_eq!(body["status"], status.to_string(), "{body}");
    if let Some(scim_type) = scim_type {
        assert_eq!(body["scimType"], scim_type, "{body}");
    }
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(named), "{named:?} is not named: {body}");
}

/// How many resources the API has, and the changes it accepted.
async fn counted(stack: &Stack, tenant: &Tenant) -> (u64, u64, i64) {
    let total = async |endpoint: &str| {
        let list = tenant
            .scim
            .get(&format!("{endpoint}?count=0"))
            .await
            .expect(200)
            .body;
        list["totalResults"].as_u64().expect("totalResults is a number")
    };
    let changes = sqlx::query_scalar("select count(*) from changes where tenant_id = $1");
    let changes = changes.bind(tenant.id).fetch_one(&stack.db).await.unwrap();
    (total("/Users").await, total("/Groups").await, changes)
}

/// A request and the refusal it must get: method, path, body, status, scimType, what is named.
type Case<'a> = (Method, &'a str, Value, u16, Option<&'a str>, &'a str);

/// What is wrong with a user, and the attribute to be named.
fn wrong_users() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "displayName": "x" }), "userName"),
        (json!({ "userName": "" }), "userName"),
        (json!({ "userName": null }), "userName"),
        (json!({ "userName": 5 }), "userName"),
        (json!({ "userName": ["x", "y"] }), "userName"),
        (json!({ "userName": "x".repeat(600) }), "userName"),
        (
            json!({ "userName": "x", "displayName": "a\u{0}b" }),
            "displayName",
        ),
        (json!({ "userName": "x", "active": "perhaps" }), "active"),
        (json!({ "userName": "x", "name": "Ada" }), "name"),
        (
            json!({ "userName": "x", "name": { "givenName": { "a": 1 } } }),
            "givenName",
        ),
        (json!({ "userName": "x", "emails": 5 }), "emails"),
        (
            json!({ "userName": "x", "emails": [{ "value": { "a": 1 } }] }),
            "emails",
        ),
        (
            json!({ "userName": "x", "externalId": "y".repeat(600) }),
            "externalId",
        ),
        (
            json!({ "userName": "x", ENTERPRISE: { "department": { "a": 1 } } }),
            "department",
        ),
        (json!({ "userName": "x", ENTERPRISE: "text" }), "enterprise"),
    ]
}

/// What is wrong with a group.
fn wrong_groups() -> Vec<(Value, &'static str)> {
    vec![
        (json!({ "externalId": "g" }), "displayName"),
        (json!({ "displayName": "G", "members": 5 }), "members"),
        (
            json!({ "displayName": "G", "members": [{ "display": "without value" }] }),
            "members",
        ),
    ]
}

/// What is wrong with an operation of a PATCH.
fn wrong_operations() -> Vec<(Value, u16, Option<&'static str>, &'static str)> {
    vec![
        (
            json!({ "op": "replace", "path": "active", "value": "perhaps" }),
            400,
            None,
            "active",
        ),
        (
            json!({ "op": "replace", "path": "userName", "value": 7 }),
            400,
            None,
            "userName",
        ),
        (
            json!({ "op": "remove", "path": "userName" }),
            400,
            None,
            "userName",
        ),
        (json!({ "op": "shuffle", "path": "title" }), 400, None, "op"),
        (
            json!({ "op": "replace", "path": "emails[type eq", "value": "x" }),
            400,
            Some("invalidPath"),
            "",
        ),
        (json!({ "op": "remove" }), 400, Some("noTarget"), "path"),
        (
            json!({ "op": "replace", "path": "userName", "value": "BOB@bad.example" }),
            409,
            Some("uniqueness"),
            "userName",
        ),
    ]
}

/// Send every case and gather what was answered otherwise.
async fn refuse_all(tenant: &Tenant, cases: Vec<Case<'_>>) -> Vec<String> {
    let mut wrong = vec![];
    for (method, path, body, status, scim_type, named) in cases {
        let body = Some(&body).filter(|body| !body.is_null());
        let answer = tenant.scim.call(method.clone(), path, body).await;
        let told = answer.body["detail"].as_str().unwrap_or_default();
        let right = answer.status.as_u16() == status
            && answer.body["schemas"] == json!([ERROR])
            && answer.body["status"].as_str() == Some(answer.status.as_str())
            && scim_type.is_none_or(|scim_type| answer.body["scimType"] == scim_type)
            && told.to_lowercase().contains(&named.to_lowercase());
        if !right {
            let sent: String = body
                .map(Value::to_string)
                .unwrap_or_default()
                .chars()
                .take(200)
                .collect();
            wrong.push(format!(
                "{method} {path} {sent}: expected {status} {scim_type:?} naming {named:?}, got {} {}",
                answer.status, answer.body
            ));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_refused_by_name_and_leave_nothing_behind() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("bad-input").await;
    let scim = &tenant.scim;
    let mut ada = user("ada@bad.example", None);
    ada["externalId"] = json!("a-1");
    let ada = scim.post("/Users", &ada).await.expect(201);
    let path = format!("/Users/{}", ada.id());
    let bob = scim
        .post("/Users", &user("bob@bad.example", None))
        .await
        .expect(201);
    let bobs = format!("/Users/{}", bob.id());
    let before = counted(&stack, &tenant).await;

    for raw in [
        "{\"userName\": ",
        "",
        "[]",
        "\"text\"",
        "{\"userName\": \"\\ud800\"}",
        "nul\0",
    ] {
        for (method, path) in [
            (Method::POST, "/Users"),
            (Method::PUT, &*path),
            (Method::PATCH, &*path),
            (Method::POST, "/Bulk"),
        ] {
            let Reply::Answer(answer) = scim.send_raw(method.clone(), path, Some(raw.into())).await else {
                panic!("no answer to {raw:?}")
            };
            println!("{method} {path} {raw:?}");
            expect_error(&answer.expect(400).body, 400, Some("invalidSyntax"), "");
        }
    }

    let mut cases: Vec<Case<'_>> = vec![];
    for (body, named) in wrong_users() {
        cases.push((Method::POST, "/Users", body.clone(), 400, None, named));
        cases.push((Method::PUT, &path, body, 400, None, named));
    }
    for (body, named) in wrong_groups() {
        cases.push((Method::POST, "/Groups", body, 400, None, named));
    }
    // The first operation of each is fine; none of it may stay.
    let good = json!({ "op": "replace", "path": "title", "value": "Half-written" });
    for (operation, status, scim_type, named) in wrong_operations() {
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
        let body = json!({ "schemas": schemas, "Operations": [good, operation] });
        cases.push((Method::PATCH, &path, body, status, scim_type, named));
    }

    // A duplicate, in whatever case; its other unique values stay free.
    let mut twin = user("ADA@Bad.Example", None);
    twin["externalId"] = json!("a-2");
    cases.push((
        Method::POST,
        "/Users",
        twin.clone(),
        409,
        Some("uniqueness"),
        "userName",
    ));
    cases.push((Method::PUT, &bobs, twin, 409, Some("uniqueness"), "userName"));
    let mut twin = user("twin@bad.example", None);
    twin["externalId"] = json!("a-1");
    cases.push((
        Method::POST,
        "/Users",
        twin,
        409,
        Some("uniqueness"),
        "externalId",
    ));

    let unknown = [NOBODY, "not-an-id", "%00", "..%2f..%2fUsers"];
    let unknown: Vec<String> = ["/Users", "/Groups"]
        .iter()
        .flat_map(|endpoint| unknown.map(|id| format!("{endpoint}/{id}")))
        .collect();
    for path in &unknown {
        let mut body = user("unknown@bad.example", None);
        if path.starts_with("/Groups") {
            body = json!({ "displayName": "Unknown" });
        }
        let patch = json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "x" }] });
        cases.push((Method::GET, path, Value::Null, 404, None, ""));
        cases.push((Method::PUT, path, body, 404, None, ""));
        cases.push((Method::PATCH, path, patch, 404, None, ""));
        cases.push((Method::DELETE, path, Value::Null, 404, None, ""));
    }
    let filters = [
        ("/Users?filter=userName%20eq", ""),
        ("/Users?filter=nosuch%20eq%20%22x%22", "nosuch"),
    ];
    for (path, named) in filters {
        cases.push((Method::GET, path, Value::Null, 400, Some("invalidFilter"), named));
    }
    let mut large = user("large@bad.example", None);
    large["displayName"] = json!("x".repeat(2 * 1024 * 1024));
    cases.push((Method::POST, "/Users", large.clone(), 413, None, ""));
    cases.push((Method::PUT, &path, large, 413, None, ""));

    let sent = cases.len();
    let wrong = refuse_all(&tenant, cases).await;
    assert!(
        wrong.is_empty(),
        "{} of {sent} refusals are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let after = counted(&stack, &tenant).await;
    assert_eq!(after, before, "a refused write left something behind");
    let read = scim.get(&path).await.expect(200);
    assert_eq!(read.body["meta"], ada.body["meta"], "something was half-written");
    // What the refused twins asked for is free.
    let mut free = user("twin@bad.example", None);
    free["externalId"] = json!("a-2");
    scim.post("/Users", &free).await.expect(201);
    stack.converged(CATCH_UP).await;
    let company = ["ada@bad.example", "bob@bad.example", "twin@bad.example"];
    let company: Company = company.map(|name| (name.to_owned(), None)).into();
    expect_company(&stack.db, tenant.id, &company).await;
}
