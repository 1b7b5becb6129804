//! What must hold for any input whatever: of the fuzzer's (`fuzz/`, which includes this file) and
//! of the kept corpus, which the test beside this file replays. Each check panics when it does
//! not hold.

use rollcall_shared::mapping::Compiled;
use rollcall_shared::projection::project_person;
use rollcall_shared::scim::bulk::{self, BulkRequest, bulk_ids_referenced, replace_bulk_ids};
use rollcall_shared::scim::filter::{self, Filter};
use rollcall_shared::scim::{
    Body, Derived, Dialect, Document, Limits, Meta, Patch, Path, ResourceType, Rules, ScimError, ScimType,
    Selection, changed_attributes, keys, parse_resource, render, schema,
};
use serde_json::{Value, json};
use uuid::Uuid;

type Check = fn(&[u8]);

/// The checks by the name of their fuzz target and their folder of the corpus.
pub(crate) const CHECKS: [(&str, Check); 5] = [
    ("body", body),
    ("bulk", bulk),
    ("filter", filter),
    ("patch", patch),
    ("path", path),
];

fn every_rules() -> [Rules; 2] {
    [Dialect::Tolerant, Dialect::Strict].map(|dialect| Rules {
        dialect,
        ..Rules::default()
    })
}

fn is_refusal(error: &ScimError) {
    assert!(
        (400..500).contains(&error.status) && !error.detail.is_empty(),
        "{error:?}"
    );
}

/// A user with values of every type, for filters to be evaluated on.
fn somebody() -> Value {
    json!({
        "schemas": [schema::USER], "id": "2819c223", "userName": "BJensen", "externalId": "Ab", "active": true,
        "name": { "familyName": "Jensen", "givenName": "" }, "title": null, "nickName": "Ünit\u{301}",
        "emails": [{ "value": "b@work.example", "type": "work", "primary": true }, "plain", {}],
        "meta": { "created": "2024-01-01T10:00:00+01:00", "version": "W/\"1\"" }, "roles": [],
        schema::ENTERPRISE_USER: { "employeeNumber": "701984", "size": 5, "share": 0.5, "manager": { "value": "m" } },
    })
}

/// Filters: evaluation does not panic, and `not` is the opposite.
pub(crate) fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for rules in every_rules() {
        let parsed = match filter::parse(rules, text) {
            Ok(parsed) => parsed,
            Err(error) => {
                is_refusal(&error);
                assert!(error.scim_type.is_some());
                continue;
            }
        };
        let negated = filter::parse(rules, &format!("not ({text})"));
        for kind in ResourceType::ALL {
            let attributes = schema::core(kind).attributes;
            let holds = |filter: &Filter| filter.matches_as(rules, &somebody(), attributes);
            if let Ok(negated) = &negated {
                assert_ne!(holds(&parsed), holds(negated), "{text}");
            }
        }
        for value in [json!(null), json!([]), json!("text"), json!(5)] {
            parsed.matches(&value);
        }
    }
}

/// Paths: the canonical spelling of an attribute names the same attribute. (One behind a filter need
/// not exist without it: `urn:x:a[b pr].c`.)
pub(crate) fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for rules in every_rules() {
        match Path::parse(rules, text) {
            Ok(path) if path.filter.is_some() => {}
            Ok(path) => {
                let again = Path::parse(rules, &path.attribute.to_string());
                let again = again.map(|again| again.attribute);
                assert_eq!(again, Ok(path.attribute), "{text}");
            }
            Err(error) => is_refusal(&error),
        }
        if let Ok(selection) = Selection::parse(rules.schemas, Some(text), None) {
            selection.wants("members");
            represented(ResourceType::User, &document(&somebody()), &selection);
        }
    }
}

fn document(value: &Value) -> Document {
    Document(value.as_object().cloned().unwrap_or_default())
}

fn represented(kind: ResourceType, document: &Document, selection: &Selection) -> Value {
    let id = Uuid::from_u128(7);
    let meta = Meta {
        id,
        version: 3,
        created: chrono::DateTime::UNIX_EPOCH,
        modified: chrono::DateTime::UNIX_EPOCH,
        location: format!("https://example.com/scim/v2{}/{id}", kind.endpoint()),
    };
    render(kind, &meta, document, &Derived::default(), selection)
}

/// A document that was accepted is one that is accepted again, as it is read, and stays what it is.
fn is_canonical(rules: Rules, kind: ResourceType, document: &Document) {
    let read = represented(kind, document, &Selection::default());
    match parse_resource(rules, kind, read) {
        Ok(again) => assert_eq!(&*again.document, document),
        Err(error) => panic!("{error} for {document:?}"),
    }
    changed_attributes(None, document);
    project_person(&Compiled::default_mapping(), document);
    if let Err(error) = keys(kind, document) {
        is_refusal(&error);
    }
}

fn accepted(rules: Rules, kind: ResourceType, body: &Value) -> Option<Body> {
    match parse_resource(rules, kind, body.clone()) {
        Ok(body) => Some(body),
        Err(error) => {
            is_refusal(&error);
            None
        }
    }
}

/// Bodies of POST and PUT: what is accepted reads back as itself.
pub(crate) fn body(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    for rules in every_rules() {
        for kind in ResourceType::ALL {
            if let Some(body) = accepted(rules, kind, &value) {
                is_canonical(rules, kind, &body.document);
            }
        }
    }
}

/// A resource and a PATCH of it, one JSON value after the other: a refusal leaves the resource as
/// it was, success is canonical, and repeating a replacement or removal changes nothing more.
pub(crate) fn patch(data: &[u8]) {
    let mut values = serde_json::Deserializer::from_slice(data).into_iter::<Value>();
    let (Some(Ok(resource)), Some(Ok(request))) = (values.next(), values.next()) else {
        return;
    };
    for rules in every_rules() {
        for kind in ResourceType::ALL {
            let Some(current) = accepted(rules, kind, &resource) else {
                continue;
            };
            let parsed = match Patch::parse(rules, kind, request.clone()) {
                Ok(parsed) => parsed,
                Err(error) => {
                    is_refusal(&error);
                    continue;
                }
            };
            parsed.only_members();
            parsed.value_count();
            let before = current.document.clone();
            let result = parsed.apply(&current.document);
            assert_eq!(current.document, before);
            match result {
                Err(error) => {
                    is_refusal(&error);
                    assert_ne!(error.scim_type, Some(ScimType::Uniqueness));
                }
                Ok(patched) => {
                    is_canonical(rules, kind, &patched.document);
                    if repeatable(&request)
                        && let Ok(again) = parsed.apply(&patched.document)
                    {
                        assert_eq!(again.document, patched.document, "{request}");
                    }
                }
            }
        }
    }
}

/// One replacement or removal. A filter may select by what the operation changes, so that the same
/// request means something else the second time.
fn repeatable(request: &Value) -> bool {
    let operations = request.get("Operations").and_then(Value::as_array);
    let Some([operation]) = operations.map(Vec::as_slice) else {
        return false;
    };
    let op = operation.get("op").and_then(Value::as_str).unwrap_or_default();
    ["replace", "remove"].contains(&op) && !has_filter(operation)
}

fn has_filter(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('['),
        Value::Array(values) => values.iter().any(has_filter),
        Value::Object(object) => object
            .iter()
            .any(|(key, value)| key.contains('[') || has_filter(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Bulk requests: references are found where they are replaced, and nowhere else.
pub(crate) fn bulk(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    for dialect in [Dialect::Tolerant, Dialect::Strict] {
        match bulk::parse(dialect, value.clone(), &Limits::default()) {
            Ok(request) => references_are_replaced(request),
            Err(error) => is_refusal(&error),
        }
    }
}

fn references_are_replaced(request: BulkRequest) {
    for operation in request.operations {
        let operation = match operation {
            Ok(operation) => operation,
            Err(bad) => {
                is_refusal(&bad.error);
                continue;
            }
        };
        let Some(data) = operation.data else {
            continue;
        };
        let named = bulk_ids_referenced(&data);
        let mut same = data.clone();
        replace_bulk_ids(&mut same, &|_| None);
        assert_eq!(same, data);
        let mut resolved = data.clone();
        replace_bulk_ids(&mut resolved, &|_| Some(Uuid::from_u128(5)));
        assert_eq!(named.is_empty(), resolved == data, "{data}");
        assert!(bulk_ids_referenced(&resolved).is_empty(), "{data}");
    }
}
