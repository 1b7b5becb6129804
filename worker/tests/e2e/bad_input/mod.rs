//! Bad input: each refusal names what is wrong, nothing is half-written, the rest is accepted.

mod bulk;

use crate::harness::people::{Company, expect_company, user};
use crate::harness::{Answer, Options, Reply, Stack, Tenant};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const CATCH_UP: Duration = Duration::from_secs(30);
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Fail unless `body` is a SCIM error (RFC 7644 §3.12) of this status that names `named`.
#[track_caller]
fn expect_error(body: &Value, status: u16, scim_type: Option<&str>, named: &str) {
    assert_eq!(
        body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
        "{body}"
    );
    assert_eq!(body["status"], status.to_string(), "{body}");
    if let Some(scim_type) = scim_type {
        assert_eq!(body["scimType"], scim_type, "{body}");
    }
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(named), "{named:?} is not named: {body}");
}

#[track_caller]
fn expect_refusal(answer: Answer, status: u16, scim_type: Option<&str>, named: &str) {
    expect_error(&answer.expect(status).body, status, scim_type, named);
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
        .expect(201)
        .id();
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
            (Method::PUT, &path),
            (Method::POST, "/Bulk"),
        ] {
            let Reply::Answer(answer) = scim.send_raw(method, path, Some(raw.into())).await else {
                panic!("no answer to {raw:?}")
            };
            expect_refusal(answer, 400, Some("invalidSyntax"), "");
        }
    }

    let wrong = [
        (json!({ "displayName": "x" }), "userName"),
        (json!({ "userName": "" }), "userName"),
        (json!({ "userName": null }), "userName"),
        (json!({ "userName": 5 }), "userName"),
        (json!({ "userName": ["x"] }), "userName"),
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
        (json!({ "userName": "x", ENTERPRISE: "text" }), ENTERPRISE),
    ];
    for (body, named) in &wrong {
        println!("POST {body}");
        expect_refusal(scim.post("/Users", body).await, 400, None, named);
        expect_refusal(scim.put(&path, body).await, 400, None, named);
    }
    for (body, named) in [
        (json!({ "externalId": "g" }), "displayName"),
        (json!({ "displayName": "G", "members": "x" }), "members"),
        (
            json!({ "displayName": "G", "members": [{ "display": "without value" }] }),
            "members",
        ),
    ] {
        expect_refusal(scim.post("/Groups", &body).await, 400, None, named);
    }

    // The first operation of each is fine; none of it may stay.
    let good = json!({ "op": "replace", "path": "title", "value": "Half-written" });
    for (operation, scim_type, named) in [
        (
            json!({ "op": "replace", "path": "active", "value": "perhaps" }),
            None,
            "active",
        ),
        (
            json!({ "op": "replace", "path": "userName", "value": 7 }),
            None,
            "userName",
        ),
        (json!({ "op": "remove", "path": "userName" }), None, "userName"),
        (json!({ "op": "shuffle", "path": "title" }), None, "op"),
        (
            json!({ "op": "replace", "path": "emails[type eq", "value": "x" }),
            Some("invalidPath"),
            "",
        ),
        (json!({ "op": "remove" }), Some("noTarget"), "path"),
        (
            json!({ "op": "replace", "path": "userName", "value": "BOB@bad.example" }),
            Some("uniqueness"),
            "userName",
        ),
    ] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [good, operation],
        });
        println!("PATCH {operation}");
        let status = if scim_type == Some("uniqueness") { 409 } else { 400 };
        expect_refusal(scim.patch(&path, &body).await, status, scim_type, named);
    }

    // A duplicate, in whatever case; its other unique values stay free.
    let mut twin = user("ADA@Bad.Example", None);
    twin["externalId"] = json!("a-2");
    expect_refusal(
        scim.post("/Users", &twin).await,
        409,
        Some("uniqueness"),
        "userName",
    );
    expect_refusal(
        scim.put(&format!("/Users/{bob}"), &twin).await,
        409,
        Some("uniqueness"),
        "userName",
    );
    let mut twin = user("twin@bad.example", None);
    twin["externalId"] = json!("a-1");
    expect_refusal(
        scim.post("/Users", &twin).await,
        409,
        Some("uniqueness"),
        "externalId",
    );

    for unknown in [NOBODY, "not-an-id", "%00", "..%2f..%2fUsers"] {
        for endpoint in ["/Users", "/Groups"] {
            let path = format!("{endpoint}/{unknown}");
            let body = match endpoint {
                "/Users" => user("unknown@bad.example", None),
                _ => json!({ "displayName": "Unknown" }),
            };
            let patch = json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "x" }] });
            println!("{path}");
            expect_refusal(scim.get(&path).await, 404, None, "");
            expect_refusal(scim.put(&path, &body).await, 404, None, "");
            expect_refusal(scim.patch(&path, &patch).await, 404, None, "");
            expect_refusal(scim.delete(&path).await, 404, None, "");
        }
    }
    expect_refusal(
        scim.get("/Users?filter=userName%20eq").await,
        400,
        Some("invalidFilter"),
        "",
    );
    expect_refusal(
        scim.get("/Users?filter=nosuch%20eq%20%22x%22").await,
        400,
        Some("invalidFilter"),
        "nosuch",
    );

    let mut large = user("large@bad.example", None);
    large["displayName"] = json!("x".repeat(2 * 1024 * 1024));
    expect_refusal(scim.post("/Users", &large).await, 413, None, "");
    expect_refusal(scim.put(&path, &large).await, 413, None, "");

    assert_eq!(
        counted(&stack, &tenant).await,
        before,
        "a refused write left something behind"
    );
    let read = scim.get(&path).await.expect(200);
    assert_eq!(
        read.body["meta"]["version"], ada.body["meta"]["version"],
        "nothing was half-written"
    );
    // What the refused twins asked for is free.
    let mut free = user("twin@bad.example", None);
    free["externalId"] = json!("a-2");
    scim.post("/Users", &free).await.expect(201);
    stack.converged(CATCH_UP).await;
    let company = ["ada@bad.example", "bob@bad.example", "twin@bad.example"];
    let company: Company = company.map(|name| (name.to_owned(), None)).into();
    expect_company(&stack.db, tenant.id, &company).await;
}
