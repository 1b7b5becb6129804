//! The attributes, their values, and whole documents.

use crate::both::{ENTERPRISE, GROUP, PEOPLE, USER};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Group,
}

impl Kind {
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "/Users",
            Kind::Group => "/Groups",
        }
    }

    pub(crate) fn urn(self) -> &'static str {
        match self {
            Kind::User => USER,
            Kind::Group => GROUP,
        }
    }

    /// The attribute that names a resource.
    pub(crate) fn naming(self) -> &'static str {
        match self {
            Kind::User => "userName",
            Kind::Group => "displayName",
        }
    }

    /// The schemas whose attributes a document has.
    pub(crate) fn schemas_of(self, document: &Value) -> Vec<&'static str> {
        let extension = document.get(ENTERPRISE).map(|_| ENTERPRISE);
        std::iter::once(self.urn()).chain(extension).collect()
    }
}

/// Without letters between the upper and the lower case of ASCII: by which of both to compare
/// without case, and so where `_` sorts, is nowhere said.
const WORDS: &[&str] = &["Alpha", "alpha", "Beta", "beta max", "Ünit 7", "a\"b", "10"];
pub(super) const TEXTS: &[&str] = &[
    "displayName",
    "nickName",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
];
pub(super) const NAME: &[&str] = &[
    "formatted",
    "familyName",
    "givenName",
    "middleName",
    "honorificPrefix",
];
pub(super) const ENTERPRISE_TEXTS: &[&str] = &[
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
];
pub(super) const MULTI_VALUED: &[&str] = &["emails", "phoneNumbers", "ims", "photos", "addresses", "roles"];

pub(super) fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    *from.choose(rng).expect("a choice")
}

pub(super) fn text(rng: &mut StdRng) -> &'static str {
    pick(rng, WORDS)
}

pub(super) fn person(rng: &mut StdRng) -> String {
    format!("<person-{}>", rng.random_range(0..PEOPLE))
}

/// Its own each time: among the resources of a type it is unique to Rollcall.
pub(super) fn external_id(rng: &mut StdRng) -> Value {
    json!(format!("Ext-{}", rng.random::<u64>()))
}

/// The sub-attributes of a multi-valued attribute.
pub(super) fn subs(attribute: &str) -> &'static [&'static str] {
    match attribute {
        "addresses" => &["locality", "country", "type", "primary"],
        "members" => &["value"],
        _ => &["value", "type", "display", "primary"],
    }
}

pub(super) fn sub_value(rng: &mut StdRng, attribute: &str, sub: &str) -> Value {
    let emails = [
        "ada@example.com",
        "Ada@example.com",
        "bob@example.com",
        "eve@example.com",
    ];
    let photos = ["https://example.com/1.png", "https://example.com/2.png"];
    let phones = ["tel:+49-30-1", "tel:+49-30-2", "tel:+49-30-3"];
    match (attribute, sub) {
        (_, "primary") => json!(rng.random_bool(0.6)),
        ("emails", "value") => json!(pick(rng, &emails)),
        ("photos", "value") => json!(pick(rng, &photos)),
        ("phoneNumbers", "value") => json!(pick(rng, &phones)),
        ("members", "value") => json!(person(rng)),
        (_, "type") => {
            let types: &[&str] = match attribute {
                "ims" => &["xmpp", "skype"],
                "photos" => &["photo", "thumbnail"],
                _ => &["work", "home", "other"],
            };
            json!(pick(rng, types))
        }
        _ => json!(text(rng)),
    }
}

/// One value of a multi-valued attribute.
pub(super) fn element(rng: &mut StdRng, attribute: &str) -> Value {
    let subs = subs(attribute);
    let mut object = Map::new();
    object.insert(subs[0].to_owned(), sub_value(rng, attribute, subs[0]));
    for sub in &subs[1..] {
        let chance = if *sub == "primary" { 0.2 } else { 0.5 };
        if rng.random_bool(chance) {
            object.insert((*sub).to_owned(), sub_value(rng, attribute, sub));
        }
    }
    Value::Object(object)
}

/// A manager, perhaps with the URI of the person too.
pub(super) fn referring(rng: &mut StdRng) -> Value {
    let person = person(rng);
    match rng.random_bool(0.2) {
        true => json!({ "value": person, "$ref": format!("../Users/{person}") }),
        false => json!({ "value": person }),
    }
}

/// Values of a multi-valued attribute, at most one primary, none twice.
pub(super) fn elements(rng: &mut StdRng, attribute: &str) -> Value {
    let mut elements: Vec<Value> = Vec::new();
    for _ in 0..rng.random_range(1..=3) {
        let mut one = element(rng, attribute);
        let is_primary = |one: &Value| one["primary"] == true;
        if is_primary(&one) && elements.iter().any(is_primary) {
            one["primary"] = json!(false);
        }
        if elements
            .iter()
            .all(|other| other[subs(attribute)[0]] != one[subs(attribute)[0]])
        {
            elements.push(one);
        }
    }
    Value::Array(elements)
}

pub(super) fn object(rng: &mut StdRng, subs: &[&str]) -> Value {
    let count = rng.random_range(1..=3);
    let named = subs.choose_multiple(rng, count).copied().collect::<Vec<_>>();
    Value::Object(
        named
            .into_iter()
            .map(|sub| (sub.to_owned(), json!(text(rng))))
            .collect(),
    )
}

pub(super) fn enterprise(rng: &mut StdRng) -> Value {
    let mut values = object(rng, ENTERPRISE_TEXTS);
    if rng.random_bool(0.4) {
        values["manager"] = referring(rng);
    }
    values
}

/// Some attributes with values, as in a body or in the value of an operation without path.
pub(super) fn attributes(rng: &mut StdRng, kind: Kind, most: usize) -> Map<String, Value> {
    let mut values = Map::new();
    if kind == Kind::Group {
        if rng.random_bool(0.7) {
            values.insert("members".to_owned(), elements(rng, "members"));
        }
        if values.is_empty() || rng.random_bool(0.3) {
            values.insert("externalId".to_owned(), external_id(rng));
        }
        return values;
    }
    for _ in 0..rng.random_range(1..=most) {
        let (key, value) = match rng.random_range(0..11) {
            10 => ("externalId", external_id(rng)),
            0..3 => (pick(rng, TEXTS), json!(text(rng))),
            3 => ("active", json!(rng.random_bool(0.5))),
            4 => ("name", object(rng, NAME)),
            5 => (ENTERPRISE, enterprise(rng)),
            _ => {
                let attribute = pick(rng, MULTI_VALUED);
                (attribute, elements(rng, attribute))
            }
        };
        values.insert(key.to_owned(), value);
    }
    values
}

/// A whole resource of this name.
pub(crate) fn document(rng: &mut StdRng, kind: Kind, name: &str) -> Value {
    let mut values = attributes(rng, kind, 9);
    values.insert(kind.naming().to_owned(), json!(name));
    let mut document = Value::Object(values);
    document["schemas"] = json!(kind.schemas_of(&document));
    document
}
