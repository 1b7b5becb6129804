//! Handlers look for the parameters that are described, and for no others.

use super::document;
use crate::config::Config;
use crate::extract::noted::{self, Noted};
use crate::router::router;
use crate::state::AppState;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use clap::Parser as _;
use devstack::{TestDatabase, TestRedis};
use serde_json::Value;
use std::collections::BTreeSet;
use tower::ServiceExt as _;
use uuid::Uuid;

#[derive(clap::Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

const SECRET: &str = "rc_test_0123456789abcdef0123456789abcdef";
/// A tenant with a person, a team, a webhook, and a token for each area; admins' token is of the instance.
const TENANT: &str = "
    insert into tenants (id, name) overriding system value values (7, 'asked');
    insert into tokens (tenant_id, id, name, scope, source, secret_hash, prefix)
    select case scope when 'admin' then 0 else 7 end, gen_random_uuid(), scope, scope, 'test',
        sha256(('rc_test_0123456789abcdef0123456789abcdef' || scope)::bytea), 'rc_'
    from unnest(array['scim', 'operator', 'content', 'admin']) scope;
    insert into people (tenant_id, id, resource_id, status, login, applied_mapping, applied_seq)
    values (7, '00000000-0000-0000-0000-000000000001', gen_random_uuid(), 'active', 'ada', 1, 1);
    insert into teams (tenant_id, id, kind, folded, name)
    values (7, '00000000-0000-0000-0000-000000000002', 'department', 'engines', 'Engines');
    insert into webhooks (tenant_id, id, url, description, types, enabled, disabled_reason, secret, after_xid, after_id)
    values (7, '00000000-0000-0000-0000-000000000003', 'https://hooks.example/', '', '{}', true, null, '', 0, 0)";

/// A value that a parameter may have; an id is the person's.
fn sample(parameter: &Value) -> String {
    let schema = &parameter["schema"];
    let is = |kind: &str| schema["type"] == kind || schema["type"][0] == kind;
    match parameter["name"].as_str().unwrap() {
        "from" => "now".to_owned(),
        "at" | "since" | "until" | "updatedSince" => "2026-11-27T08:00:00Z".to_owned(),
        "root" | "q" | "search" => "ada".to_owned(),
        _ if is("integer") => "1".to_owned(),
        _ if is("boolean") => "true".to_owned(),
        _ => Uuid::from_u128(1).to_string(),
    }
}

/// The path with what there is in place of its parameters.
fn filled(path: &str) -> String {
    let mut before = "";
    let segments = path.split('/').map(|segment| {
        let thing = std::mem::replace(&mut before, segment);
        match (segment.starts_with('{'), thing) {
            (false, _) => segment.to_owned(),
            (true, "teams") => Uuid::from_u128(2).to_string(),
            (true, "webhooks") => Uuid::from_u128(3).to_string(),
            (true, "versions") => "1".to_owned(),
            (true, _) => Uuid::from_u128(1).to_string(),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The token that an operation takes.
fn token(path: &str, operation: &Value) -> String {
    let admins = path.starts_with("/ops/v1/tenants");
    let taken = operation["security"][0]
        .as_object()
        .and_then(|taken| taken.keys().next());
    let scope = match taken.map(String::as_str) {
        _ if admins => "admin",
        Some(taken) => taken.strip_suffix("Token").unwrap_or(taken),
        None => "",
    };
    format!("Bearer {SECRET}{scope}")
}

async fn ask(router: &Router, method: &str, uri: &str, token: &str, body: &str) -> (StatusCode, Noted) {
    let request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(uri)
        .header("authorization", token)
        .header("content-type", "application/json")
        .header("if-match", "*")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let (answer, noted) = noted::during(router.clone().oneshot(request)).await;
    (answer.unwrap().status(), noted)
}

/// What an operation looks for, whichever of its parameters is there.
async fn looked_for(router: &Router, path: &str, method: &str, operation: &Value) -> Noted {
    let token = token(path, operation);
    let mut uris = vec![filled(path)];
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap().replace("{key}", "shoe");
            uris.push(format!("{}?{name}={}", filled(path), sample(parameter)));
        }
    }
    // One that is refused as a whole is not looked at.
    let body = match path {
        "/ops/v1/mapping" => r#"{"mapping": {}}"#,
        _ => "{}",
    };
    let mut all = Noted::default();
    let mut carried_out = false;
    for uri in uris {
        let (status, noted) = ask(router, method, &uri, &token, body).await;
        let refused = [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::METHOD_NOT_ALLOWED,
        ];
        assert!(
            !refused.contains(&status) || !operation["security"].is_array(),
            "{method} {uri}: {status}"
        );
        carried_out |= status.is_success();
        all.by_itself |= noted.by_itself;
        all.allowed = noted.allowed.or(all.allowed);
        all.read.extend(noted.read);
    }
    let is_read = method == "get";
    assert!(
        !all.by_itself || !is_read || carried_out,
        "GET {path} never got to its end"
    );
    all
}

#[tokio::test]
async fn handlers_look_for_the_parameters_that_are_described_and_for_no_others() {
    let (database, redis) = (TestDatabase::create().await.unwrap(), TestRedis::new().unwrap());
    let pool = sqlx::PgPool::connect(database.url()).await.unwrap();
    sqlx::raw_sql(TENANT).execute(&pool).await.unwrap();
    let flags = Flags::parse_from([
        "test",
        "--database-url",
        database.url(),
        "--redis-url",
        redis.url(),
        "--redis-prefix",
        redis.prefix(),
        "--requests-per-second",
        "0",
    ]);
    let router = router(AppState::new(&flags.config).unwrap());
    let paths = document()["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (path, method, operation))
    });
    // What only reads comes first: it finds what others may take away.
    let mut operations: Vec<_> = operations.collect();
    operations.sort_by_key(|(_, method, _)| *method != "get");
    let mut by_themselves = 0;
    for (path, method, operation) in operations {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let described: BTreeSet<String> = parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let noted = looked_for(&router, path, method, operation).await;
        let unread: Vec<&String> = described.difference(&noted.read).collect();
        assert!(unread.is_empty(), "{method} {path} does not look for {unread:?}");
        // What takes all parameters of SCIM lists together may have no use for some.
        if noted.by_itself {
            assert_eq!(noted.read, described, "{method} {path}");
        }
        if let Some(allowed) = noted.allowed {
            assert_eq!(allowed, described, "{method} {path} refuses others");
        }
        by_themselves += usize::from(noted.by_itself);
    }
    assert!(by_themselves > 20, "only {by_themselves} were looked at");
}
