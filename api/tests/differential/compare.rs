//! What of an answer is compared, without what the RFCs leave to the server.

use crate::app::Answer;
use crate::both::ENTERPRISE;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What came of a PATCH.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// 200 for any success: 200 or 204 is the server's choice (RFC 7644 §3.5.2).
    pub status: u16,
    pub scim_type: Option<String>,
    /// As read afterwards.
    pub document: Value,
    detail: String,
}

impl Outcome {
    pub(crate) fn of(answer: &Answer, document: Value) -> Outcome {
        Outcome {
            status: match answer.status.as_u16() {
                200 | 204 => 200,
                status => status,
            },
            scim_type: answer.body["scimType"].as_str().map(str::to_owned),
            document,
            detail: answer.body["detail"].to_string(),
        }
    }

    pub(crate) fn agrees(&self, other: &Outcome) -> bool {
        (self.status, &self.scim_type, &self.document) == (other.status, &other.scim_type, &other.document)
    }

    /// Whether both refuse and change nothing. Of several operations that are wrong, which one is
    /// named is the server's choice.
    pub(crate) fn refuses_like(&self, other: &Outcome) -> bool {
        (self.status, other.status) == (400, 400) && self.document == other.document
    }

    pub(crate) fn refused_as(&self, scim_type: &str) -> bool {
        self.status == 400 && self.scim_type.as_deref() == Some(scim_type)
    }

    pub(crate) fn done(&self) -> bool {
        self.status == 200
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scim_type = self.scim_type.as_deref().unwrap_or_default();
        match self.done() {
            true => write!(f, "{} {}", self.status, self.document),
            false => write!(f, "{} {scim_type} {} {}", self.status, self.detail, self.document),
        }
    }
}

/// What came of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    Names(BTreeSet<String>),
    Refused { status: u16, scim_type: String },
}

impl Found {
    pub(crate) fn refused(answer: &Answer) -> Found {
        Found::Refused {
            status: answer.status.as_u16(),
            scim_type: answer.body["scimType"].as_str().unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn names(&self) -> Option<&BTreeSet<String>> {
        match self {
            Found::Names(names) => Some(names),
            Found::Refused { .. } => None,
        }
    }
}

/// What tells the resources of a type apart: `userName`, or `displayName` of groups.
pub(crate) fn name_of(resource: &Value) -> String {
    let name = resource["userName"].as_str().or(resource["displayName"].as_str());
    name.expect("a resource has a name").to_owned()
}

/// A document without what its server owns or derives (`id`, `meta`, `schemas`, `groups`, the
/// URL and the name of what a value refers to), without unassigned values, in whatever form
/// they come (RFC 7643 §2.5), and with multi-valued attributes in one order (RFC 7643 §2.4).
pub(crate) fn normal(document: Value) -> Value {
    let Value::Object(mut document) = document else {
        panic!("no resource: {document}");
    };
    for key in ["id", "meta", "schemas", "groups"] {
        document.remove(key);
    }
    if let Some(Value::Array(members)) = document.get_mut("members") {
        for member in members.iter_mut().filter_map(Value::as_object_mut) {
            member.retain(|key, _| key == "value");
        }
    }
    let manager = document
        .get_mut(ENTERPRISE)
        .and_then(|extension| extension.get_mut("manager"));
    if let Some(manager) = manager.and_then(Value::as_object_mut) {
        manager.remove("$ref");
    }
    assigned(Value::Object(document)).unwrap_or(Value::Object(Map::new()))
}

fn assigned(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(values) => {
            let mut values: Vec<Value> = values.into_iter().filter_map(assigned).collect();
            values.sort_by_key(Value::to_string);
            (!values.is_empty()).then_some(Value::Array(values))
        }
        Value::Object(object) => {
            let object = object
                .into_iter()
                .filter_map(|(key, value)| Some((key, assigned(value)?)));
            // In one order, by which values are sorted.
            let object: BTreeMap<String, Value> = object.collect();
            (!object.is_empty()).then(|| Value::Object(object.into_iter().collect()))
        }
        value => Some(value),
    }
}
