use super::*;
use crate::config::Config;
use crate::router::router;
use crate::state::AppState;
use clap::Parser as _;
use std::collections::{BTreeMap, BTreeSet};

#[derive(clap::Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// Method and path.
type Route = (String, String);

/// The routes of the API, as the router itself tells them: axum lists them in its debug form only.
fn routes() -> BTreeSet<Route> {
    let flags = [
        "test",
        "--database-url=postgres://localhost/none",
        "--redis-url=redis://localhost",
    ];
    let app = AppState::new(&Flags::parse_from(flags).config).unwrap();
    let told = format!("{:?}", router(app));
    let told = told.split("fallback_router").next().unwrap();
    let (methods, paths) = told.split_once("node: Node { paths: {").unwrap();
    let methods: BTreeMap<&str, &str> = methods
        .split("RouteId(")
        .skip(1)
        .map(|route| {
            let (id, route) = route.split_once(')').unwrap();
            let allowed = route.split_once("allow_header: Bytes(b\"");
            (
                id,
                allowed.map_or("", |(_, rest)| rest.split('"').next().unwrap()),
            )
        })
        .collect();
    let mut routes = BTreeSet::new();
    for path in paths.split("RouteId(").skip(1) {
        let (id, path) = path.split_once("): \"").unwrap();
        let path = path.split('"').next().unwrap();
        let methods = methods[id].split(',').filter(|method| *method != "HEAD");
        routes.extend(methods.map(|method| (method.to_owned(), path.to_owned())));
    }
    routes
}

fn described() -> BTreeSet<Route> {
    let paths = document()["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(|method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

/// Of the area under this root.
fn under(routes: &BTreeSet<Route>, root: &str) -> BTreeSet<Route> {
    let of_area = routes.iter().filter(|(_, path)| path.starts_with(root));
    of_area.cloned().collect()
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_of_a_route() {
    let (routes, described) = (routes(), described());
    for root in ["/scim/v2/", "/ops/v1/", "/content/v1/", "/.well-known/"] {
        assert_eq!(under(&routes, root), under(&described, root));
    }
    // The rest of the routes is the dashboard's, but for these.
    let gone: Vec<&Route> = described.difference(&routes).collect();
    assert_eq!(gone, Vec::<&Route>::new());
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"] {
        assert!(described.contains(&("GET".to_owned(), path.to_owned())), "{path}");
    }
}

#[tokio::test]
async fn scim_v1_has_the_routes_of_scim_v2() {
    let routes = routes();
    let as_v2 = |(method, path): Route| (method, path.replace("/scim/v1/", "/scim/v2/"));
    let v1: BTreeSet<Route> = under(&routes, "/scim/v1/").into_iter().map(as_v2).collect();
    assert!(!v1.is_empty());
    assert_eq!(v1, under(&routes, "/scim/v2/"));
}

fn operations() -> impl Iterator<Item = (String, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[test]
fn every_operation_has_a_name_a_summary_and_described_answers() {
    let mut ids = BTreeSet::new();
    for (route, operation) in operations() {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{route}");
        let summary = operation["summary"].as_str().unwrap();
        assert!(summary.len() > 3, "{route}: {summary}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["schema"].is_object(), "{route}: {parameter}");
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| !status.starts_with(['4', '5'])) || route.ends_with("/Me"));
        for (status, response) in responses {
            let told = response["description"].as_str().unwrap_or_default();
            assert!(
                response.get("$ref").is_some() || !told.is_empty(),
                "{route} {status}"
            );
        }
    }
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    fn check(value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(check),
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let place = reference.strip_prefix('#').unwrap();
                    assert!(document().pointer(place).is_some(), "{reference}");
                }
                members.values().for_each(check);
            }
            _ => {}
        }
    }
    check(document());
}

#[test]
fn operations_say_which_tokens_they_take() {
    let security = |route: &str| {
        let (_, operation) = operations().find(|(found, _)| found == route).unwrap();
        operation.get("security").cloned().unwrap_or_default()
    };
    assert_eq!(security("get /scim/v2/Users"), json!([{ "scimToken": [] }]));
    assert_eq!(
        security("get /ops/v1/people/{id}"),
        json!([{ "operatorToken": [] }])
    );
    let receipt = json!([{ "operatorToken": [] }, { "scimToken": [] }]);
    assert_eq!(security("get /ops/v1/receipts/{receipt}"), receipt);
    assert_eq!(security("get /healthz"), Value::Null);
}

#[test]
fn a_summary_is_the_beginning_of_the_comment() {
    let summary = |comment: &str| {
        let mut operation = json!({ "summary": comment });
        name(&mut operation);
        operation["summary"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        summary("`GET /x`: what there is, the newest\nfirst; with `at`, then."),
        "What there is, the newest first"
    );
    assert_eq!(summary("`GET /x?q=`: people."), "People");
    assert_eq!(summary("What 1.5 means."), "What 1.5 means");
}
