//! Every answer that a test gets is held against the description of the API: its status, media type, headers
//! and body must be told there.

use crate::app::Answer;
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// The description, with schemas that allow no member they do not name. Clients are told to ignore those;
/// whoever adds one has to describe it.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = rollcall_api::openapi().clone();
    close(&mut document["components"]["schemas"]);
    document
});

fn close(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) {
                let closed = || Value::Bool(false);
                members.entry("additionalProperties").or_insert_with(closed);
            }
        }
        _ => {}
    }
}

/// Headers that mean something to clients.
const MEANINGFUL: [&str; 9] = [
    "etag",
    "location",
    "content-location",
    "set-txn",
    "retry-after",
    "www-authenticate",
    "preference-applied",
    "content-disposition",
    "x-request-id",
];

/// Assert that the description tells of this answer.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let Some((template, item)) = find(path) else {
        return;
    };
    let route = format!("{method} {template}");
    let Some(operation) = item.get(method.as_str().to_lowercase()) else {
        let refused = [401, 403, 404, 405, 429, 503].contains(&answer.status.as_u16());
        assert!(
            refused || method == Method::HEAD,
            "{route} is not described: {answer:?}"
        );
        return;
    };
    let status = answer.status.as_str();
    let response = &operation["responses"][status];
    assert!(
        response.is_object(),
        "{route} is not said to answer {status}: {answer:?}"
    );
    let response = resolved(response);
    for name in MEANINGFUL
        .iter()
        .filter(|name| answer.headers.contains_key(**name))
    {
        let told = response["headers"].as_object();
        let told = told.is_some_and(|told| told.keys().any(|header| header.eq_ignore_ascii_case(name)));
        assert!(told, "{route} {status} is not said to have the header {name}");
    }
    if answer.body.is_null() {
        return;
    }
    let media_type = answer.header("content-type");
    let content = &response["content"][media_type];
    assert!(
        content.is_object(),
        "{route} {status} is not said to be {media_type}: {response}"
    );
    if media_type.ends_with("json") {
        let faults = faults(
            &format!("{route} {status} {media_type}"),
            &content["schema"],
            &answer.body,
        );
        assert!(
            faults.is_empty(),
            "{route} {status} is described otherwise:\n{}\n{}",
            faults.join("\n"),
            answer.body
        );
    }
}

/// The path of the description that this one is an instance of; what is written out goes before parameters.
fn find(path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.replacen("/scim/v1/", "/scim/v2/", 1);
    let path: Vec<&str> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        let same =
            |(part, actual): (&&str, &&str)| part == actual || (part.starts_with('{') && !actual.is_empty());
        template.len() == path.len() && template.iter().zip(&path).all(same)
    };
    let found = paths.iter().filter(|(template, _)| fits(template));
    let found = found.min_by_key(|(template, _)| template.matches('{').count());
    found.map(|(template, item)| (template.as_str(), item))
}

fn resolved(value: &'static Value) -> &'static Value {
    let reference = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    reference.map_or(value, |place| DOCUMENT.pointer(place).unwrap())
}

/// Where the body is not as the schema has it.
fn faults(key: &str, schema: &Value, body: &Value) -> Vec<String> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Validator>>> = LazyLock::new(Mutex::default);
    let mut validators = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = validators.entry(key.to_owned()).or_insert_with(|| {
        let mut root = schema.as_object().cloned().unwrap_or_else(Map::new);
        root.insert(
            "components".to_owned(),
            json!({ "schemas": DOCUMENT["components"]["schemas"] }),
        );
        let options = jsonschema::options().should_validate_formats(true);
        options.build(&Value::Object(root)).unwrap()
    });
    let faults = validator.iter_errors(body);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

#[test]
fn a_member_that_is_not_described_is_a_fault() {
    let page = json!({ "actions": [], "nextCursor": null });
    let schema = json!({ "$ref": "#/components/schemas/Audit" });
    assert_eq!(faults("audit", &schema, &page), Vec::<String>::new());
    let mut more = page.clone();
    more["more"] = json!(1);
    assert_eq!(faults("audit", &schema, &more).len(), 1);
    assert_eq!(faults("audit", &schema, &json!({ "actions": [] })).len(), 1);
}

#[test]
fn a_path_is_found_by_what_is_written_out_first() {
    assert_eq!(
        find("/scim/v1/Users/.search").unwrap().0,
        "/scim/v2/Users/.search"
    );
    assert_eq!(find("/scim/v2/Groups/7").unwrap().0, "/scim/v2/Groups/{id}");
    assert_eq!(find("/ops/v1/nothing"), None);
}
