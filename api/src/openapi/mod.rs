//! The description of the API (OpenAPI 3.1), made from its routes. A handler says in its `utoipa::path`
//! attribute what is its own; what its area, its path and its method imply is added here.

mod common;
pub(crate) mod form;
mod parameters;
mod protocol;

pub(crate) use form::described;
pub(crate) use parameters::{
    At, Cursor, Download, HistoryWindow, IfMatch, Limit, Preconditions, Prefer, SearchParameters, Selected,
};

use crate::auth::Scope;
use crate::routes::{AREAS, Area};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The description of all routes that a token can reach, and of those that need none.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
    &DOCUMENT
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

const ABOUT: &str = "\
Rollcall keeps a company's people directory in step with its identity provider. SCIM clients write under \
`/scim/v2`, in any order; operators look after the service under `/ops/v1`; applications read the directory \
under `/content/v1`.\n\n\
Every answer has an `X-Request-Id`, which the log has too. What is refused says why and names attributes, \
never values: under `/scim` as a SCIM error (RFC 7644 §3.12), elsewhere as problem details (RFC 9457). A method \
that an endpoint does not take is a 405. Clients must ignore members of answers that they do not know.\n\n\
Lists of the operator API come in pages. Where there is a `nextCursor`, the next page is asked for with `cursor`, \
and it is null on the last one; where there is a `startIndex`, it counts from 1.";

fn build() -> Value {
    let mut paths = Map::new();
    let mut schemas = protocol::schemas();
    for area in AREAS {
        let described = json!((area.routes)().into_openapi());
        if let Some(Value::Object(found)) = described.pointer("/components/schemas") {
            schemas.extend(found.clone());
        }
        for (path, item) in described["paths"].as_object().into_iter().flatten() {
            let path = format!("{}{path}", area.root);
            let item = complete(&path, item, area);
            if path.starts_with("/scim/v2/Users") {
                let (path, item) = protocol::of_groups(&path, &item);
                paths.insert(path, item);
            }
            paths.insert(path, item);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rollcall",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": AREAS
            .iter()
            .filter(|area| !area.about.is_empty())
            .map(|area| json!({ "name": area.name, "description": area.about }))
            .collect::<Vec<Value>>(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": common::responses(),
            "headers": common::headers(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn security_schemes() -> Map<String, Value> {
    let scheme = |(scope, about): (Scope, &str)| {
        let scheme = json!({ "type": "http", "scheme": "bearer", "description": about });
        (scheme_of(scope), scheme)
    };
    [
        (Scope::Scim, "A token with the scope `scim`: provisioning. It belongs to one tenant and one source, and writes and reads what that tenant's directory is made from."),
        (Scope::Operator, "A token with the scope `operator`: running the service for one tenant."),
        (Scope::Admin, "A token with the scope `admin`: managing the tenants of the instance."),
        (Scope::Content, "A token with the scope `content`: reading one tenant's directory."),
    ]
    .into_iter()
    .map(scheme)
    .collect()
}

fn scheme_of(scope: Scope) -> String {
    format!("{}Token", scope.name())
}

/// The operations of a path with what they need not say themselves.
fn complete(path: &str, item: &Value, area: &Area) -> Value {
    let mut item = item.clone();
    for method in METHODS {
        let Some(operation) = item.get_mut(method) else {
            continue;
        };
        operation["tags"] = json!([area.name]);
        operation["operationId"] = operation_id(method, path).into();
        name(operation);
        add_path_parameters(operation, path);
        if !area.scopes.is_empty() && operation.get("security").is_none() {
            let scopes = area.scopes.iter();
            operation["security"] = scopes.map(|scope| json!({ scheme_of(*scope): [] })).collect();
        }
        common::add_responses(operation, path, area);
    }
    item
}

/// `GET /ops/v1/people/{id}/links` is `getOpsPeopleByIdLinks`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path
        .split(['/', '.', '-', '_'])
        .filter(|word| !matches!(*word, "" | "v1" | "v2"));
    words.fold(method.to_owned(), |mut id, word| {
        let word = match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
            Some(parameter) => {
                id.push_str("By");
                parameter
            }
            None => word,
        };
        let mut letters = word.chars();
        id.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        id.extend(letters);
        id
    })
}

/// The comment above a handler, which names the route and goes on in the same sentence, is the description;
/// its beginning is the summary.
fn name(operation: &mut Value) {
    let text = |member: &str| operation[member].as_str().unwrap_or_default().replace('\n', " ");
    let comment = format!(
        "{}\n\n{}",
        text("summary"),
        operation["description"].as_str().unwrap_or_default()
    );
    let comment = comment.trim();
    let comment = match comment.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        Some((_, rest)) => rest.trim_start_matches([':', ',', ' ']),
        None => comment,
    };
    let comment = capitalised(comment);
    // A full stop inside a name or number ends nothing.
    let ends = |(at, mark): &(usize, &str)| *mark == "\n" || comment[at + 1..].starts_with([' ', '\n']);
    let mut marks = comment.match_indices([';', '.', ':', '\n']);
    let end = marks
        .find(ends)
        .map_or(comment.trim_end_matches('.').len(), |(at, _)| at);
    operation["summary"] = comment[..end].replace('`', "").into();
    operation["description"] = comment.into();
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// A path says itself which parameters it has.
fn add_path_parameters(operation: &mut Value, path: &str) {
    let mut parameters: Vec<Value> = operation["parameters"].as_array().cloned().unwrap_or_default();
    let is_named = |parameters: &[Value], name: &str| {
        parameters
            .iter()
            .any(|parameter| parameter["in"] == "path" && parameter["name"] == name)
    };
    for name in path
        .split('/')
        .filter_map(|word| word.strip_prefix('{')?.strip_suffix('}'))
    {
        if !is_named(&parameters, name) {
            let schema = json!({ "type": "string" });
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
}

#[cfg(test)]
mod asked_tests;
#[cfg(test)]
mod tests;
