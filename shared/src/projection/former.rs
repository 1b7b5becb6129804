//! The projection as it was before there were mappings, written out: the default mapping must read
//! every document the same.

use super::{Document, Object, PersonFields};
use crate::directory::fold_name;
use crate::mapping::{boolean, date, get, text, web_address};
use crate::scim::schema::{ENTERPRISE_USER as ENTERPRISE, ROLLCALL_USER as ROLLCALL};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Rule and hash of a rejected value.
type Rejected = (&'static str, Vec<u8>);

#[derive(Debug, PartialEq)]
pub(super) struct Former {
    pub(super) active: Option<bool>,
    pub(super) fields: PersonFields,
    /// Kind and folded name.
    pub(super) teams: Vec<(&'static str, String, String)>,
    pub(super) manager: Option<String>,
    pub(super) additional: Vec<(i16, String)>,
    pub(super) rejections: Vec<Rejected>,
}

#[derive(Default)]
struct Reader {
    rejections: Vec<Rejected>,
}

impl Reader {
    fn take<T>(
        &mut self,
        rule: &'static str,
        value: Option<&Value>,
        read: fn(&Value) -> Result<Option<T>, &'static str>,
    ) -> Option<T> {
        let value = value?;
        read(value).unwrap_or_else(|_| {
            self.reject(rule, value);
            None
        })
    }

    fn reject(&mut self, rule: &'static str, value: &Value) {
        self.rejections
            .push((rule, Sha256::digest(value.to_string()).to_vec()));
    }
}

fn extension<'a>(document: &'a Object, urn: &str) -> Option<&'a Object> {
    get(document, urn).and_then(Value::as_object)
}

fn anywhere<'a>(document: &'a Object, name: &str) -> Option<&'a Value> {
    [ROLLCALL, ENTERPRISE]
        .into_iter()
        .filter_map(|urn| extension(document, urn))
        .chain(std::iter::once(document))
        .find_map(|object| get(object, name))
}

pub(super) fn project(document: &Document) -> Former {
    let teams = team_names(document);
    let document = &document.0;
    let mut reader = Reader::default();
    let enterprise = extension(document, ENTERPRISE);
    let name = get(document, "name").and_then(Value::as_object);
    let of_name = |part| name.and_then(|name| get(name, part));
    let (email, further_emails) = emails(&mut reader, get(document, "emails"));
    let photo = match get(document, "photos") {
        Some(Value::Array(photos)) => photos.first(),
        other => other,
    };
    let photo = photo.and_then(|photo| photo.as_object().map_or(Some(photo), |photo| get(photo, "value")));
    let active = match get(document, "active") {
        None => Some(true),
        sent => reader.take("status", sent, boolean),
    };
    let fields = PersonFields {
        login: reader.take("login", get(document, "userName"), text),
        email,
        further_emails,
        external_id: reader.take("external_id", get(document, "externalId"), text),
        employee_number: reader.take(
            "employee_number",
            enterprise.and_then(|enterprise| get(enterprise, "employeeNumber")),
            text,
        ),
        first_name: reader.take("first_name", of_name("givenName"), text),
        last_name: reader.take("last_name", of_name("familyName"), text),
        display_name: reader.take("display_name", get(document, "displayName"), text),
        position: reader.take("position", get(document, "title"), text),
        level: reader.take("level", anywhere(document, "level"), text),
        location: reader.take("location", anywhere(document, "location"), text),
        gender: reader.take("gender", anywhere(document, "gender"), text),
        start_date: reader.take("start_date", anywhere(document, "startDate"), date),
        end_date: reader.take("end_date", anywhere(document, "endDate"), date),
        birthday: reader.take("birthday", anywhere(document, "birthday"), date),
        employment_type: reader.take("employment_type", anywhere(document, "employmentType"), text),
        photo_url: reader.take("photo_url", photo, web_address),
        custom: custom(document),
    };
    let (manager, additional) = references(
        &mut reader,
        enterprise.and_then(|enterprise| get(enterprise, "manager")),
        extension(document, ROLLCALL).and_then(|rollcall| get(rollcall, "additionalManagers")),
    );
    Former {
        active,
        fields,
        teams,
        manager,
        additional,
        rejections: reader.rejections,
    }
}

fn team_names(document: &Document) -> Vec<(&'static str, String, String)> {
    let Some(enterprise) = document.0.get(ENTERPRISE) else {
        return Vec::new();
    };
    let attributes = [
        ("department", "department"),
        ("division", "division"),
        ("cost_center", "costCenter"),
    ];
    let named = attributes.into_iter().filter_map(|(kind, attribute)| {
        let name = enterprise.get(attribute)?.as_str()?.trim();
        (!name.is_empty()).then(|| (kind, fold_name(name), name.to_owned()))
    });
    named.collect()
}

/// The address marked primary, else the first; and all others, in order, each once.
fn emails(reader: &mut Reader, sent: Option<&Value>) -> (Option<String>, Vec<String>) {
    let items = match sent {
        Some(Value::Array(items)) => items.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let mut rejected = false;
    let mut read: Vec<(bool, String)> = Vec::new();
    for item in items {
        let (value, primary) = match item.as_object() {
            Some(email) => (get(email, "value"), get(email, "primary")),
            None => (Some(item), None),
        };
        let primary = primary.is_some_and(|primary| boolean(primary) == Ok(Some(true)));
        match value.map(text) {
            Some(Ok(Some(address))) => read.push((primary, address)),
            Some(Err(_)) if !rejected => {
                rejected = true;
                reader.reject("emails", item);
            }
            _ => {}
        }
    }
    let first = read.iter().position(|(primary, _)| *primary).unwrap_or(0);
    let email = read.get(first).map(|(_, address)| address.clone());
    let mut further: Vec<String> = Vec::new();
    for (_, address) in read {
        if email.as_ref() != Some(&address) && !further.contains(&address) {
            further.push(address);
        }
    }
    (email, further)
}

fn references(
    reader: &mut Reader,
    manager: Option<&Value>,
    additional: Option<&Value>,
) -> (Option<String>, Vec<(i16, String)>) {
    let manager = manager
        .and_then(|manager| items(manager).first().copied())
        .and_then(|item| reference(reader, "manager", item));
    let mut places = Vec::new();
    let before = reader.rejections.len();
    for (place, item) in additional.map(items).unwrap_or_default().into_iter().enumerate() {
        let ordinal = i16::try_from(place).expect("few managers");
        if let Some(text) = reference(reader, "additional_managers", item) {
            places.push((ordinal, text));
        }
    }
    reader
        .rejections
        .truncate(reader.rejections.len().min(before + 1));
    (manager, places)
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        single => vec![single],
    }
}

fn reference(reader: &mut Reader, rule: &'static str, item: &Value) -> Option<String> {
    let value = match item {
        Value::Object(object) => get(object, "value")?,
        other => other,
    };
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        other => {
            reader.reject(rule, other);
            return None;
        }
    };
    if crate::directory::fold(&text).len() > super::MAX_REFERENCE_BYTES {
        reader.reject(rule, value);
        return None;
    }
    (!text.is_empty()).then_some(text)
}

/// Attributes of the core User schema and of every resource (RFC 7643 §3, §4.1).
const CORE: [&str; 26] = [
    "schemas",
    "id",
    "externalId",
    "meta",
    "userName",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "active",
    "password",
    "emails",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "entitlements",
    "roles",
    "x509Certificates",
    "members",
];
/// Taken from the enterprise extension only.
const OF_ENTERPRISE: [&str; 4] = ["employeeNumber", "department", "division", "costCenter"];
/// Taken from wherever they are sent.
const ANYWHERE: [&str; 9] = [
    "manager",
    "additionalManagers",
    "level",
    "location",
    "gender",
    "startDate",
    "endDate",
    "birthday",
    "employmentType",
];

/// Custom attributes: everything unmapped of every extension, then unknown attributes beside the
/// core ones. Of two with one key the first wins, in the order Rollcall's extension, enterprise,
/// the others by URN, top level.
fn custom(document: &Object) -> Object {
    let mut extensions: Vec<(&String, &Object)> = document
        .iter()
        .filter_map(|(key, value)| is_extension(key).then_some((key, value.as_object()?)))
        .collect();
    extensions.sort_by_key(|(urn, _)| {
        (
            !urn.eq_ignore_ascii_case(ROLLCALL),
            !urn.eq_ignore_ascii_case(ENTERPRISE),
            *urn,
        )
    });
    let mut custom = Object::new();
    let mut keep = |object: &Object, taken: &[&[&str]]| {
        for (key, value) in object {
            let mapped = taken
                .iter()
                .any(|names| names.iter().any(|name| name.eq_ignore_ascii_case(key)));
            if !mapped && !value.is_null() && !custom.contains_key(key) {
                custom.insert(key.clone(), value.clone());
            }
        }
    };
    for (urn, object) in extensions {
        if urn.eq_ignore_ascii_case(ROLLCALL) {
            keep(object, &[&ANYWHERE]);
        } else if urn.eq_ignore_ascii_case(ENTERPRISE) {
            keep(object, &[&ANYWHERE, &OF_ENTERPRISE]);
        } else {
            keep(object, &[]);
        }
    }
    let unknown: Object = document
        .iter()
        .filter(|(key, value)| !(is_extension(key) && value.is_object()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    keep(&unknown, &[&CORE, &ANYWHERE]);
    custom
}

fn is_extension(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}
