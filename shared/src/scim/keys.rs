//! The values a resource can be found or referred to by.

use super::schema::ENTERPRISE_USER;
use super::validate::bounded;
use super::{Document, ResourceType, ScimError};
use crate::directory::{KeyAttribute, fold};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

/// One value a resource holds (`scim_keys`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    pub attribute: KeyAttribute,
    /// Normalised by the attribute's own rules.
    pub value: String,
    /// Folded whatever the attribute: what references match.
    pub folded: String,
    /// At most one live resource of the tenant may hold it.
    pub unique: bool,
    /// The uniqueness is per source (`externalId`).
    pub namespaced: bool,
}

/// The values of a document, without the resource's id; at most one per (attribute, value).
///
/// # Errors
/// 400 `invalidValue` naming the attribute for a value over 512 bytes normalised.
pub fn keys(kind: ResourceType, document: &Document) -> Result<Vec<KeyValue>, ScimError> {
    let mut keys = Vec::with_capacity(6);
    let text = |name: &str| document.0.get(name).and_then(Value::as_str);
    push(
        &mut keys,
        KeyAttribute::ExternalId,
        "externalId",
        text("externalId"),
    )?;
    if kind == ResourceType::Group {
        push(
            &mut keys,
            KeyAttribute::DisplayName,
            "displayName",
            text("displayName"),
        )?;
        return Ok(keys);
    }
    push(&mut keys, KeyAttribute::UserName, "userName", text("userName"))?;
    let primary = primary_email(document);
    push(&mut keys, KeyAttribute::PrimaryEmail, "emails.value", primary)?;
    for email in emails(document) {
        let is_primary = primary.is_some_and(|primary| fold(primary) == fold(email));
        if !is_primary {
            push(&mut keys, KeyAttribute::OtherEmail, "emails.value", Some(email))?;
        }
    }
    let enterprise = document.0.get(ENTERPRISE_USER);
    let number = enterprise
        .and_then(|enterprise| enterprise.get("employeeNumber"))
        .and_then(Value::as_str);
    push(&mut keys, KeyAttribute::EmployeeNumber, "employeeNumber", number)?;
    Ok(keys)
}

fn push(
    keys: &mut Vec<KeyValue>,
    attribute: KeyAttribute,
    label: &str,
    value: Option<&str>,
) -> Result<(), ScimError> {
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
        return Ok(());
    };
    let normalised = normalise(attribute, value);
    let folded = fold(value);
    bounded(label, &normalised)?;
    bounded(label, &folded)?;
    if keys
        .iter()
        .any(|key| key.attribute == attribute && key.value == normalised)
    {
        return Ok(());
    }
    keys.push(KeyValue {
        attribute,
        value: normalised,
        folded,
        unique: matches!(
            attribute,
            KeyAttribute::ExternalId | KeyAttribute::UserName | KeyAttribute::DisplayName
        ),
        namespaced: attribute == KeyAttribute::ExternalId,
    });
    Ok(())
}

/// `scim_keys.value` of a value: externalId is compared exactly, everything else without case.
pub fn normalise(attribute: KeyAttribute, value: &str) -> String {
    match attribute {
        KeyAttribute::ExternalId => value.nfc().collect(),
        _ => fold(value),
    }
}

fn emails(document: &Document) -> impl Iterator<Item = &str> {
    let emails = document.0.get("emails").and_then(Value::as_array);
    emails
        .into_iter()
        .flatten()
        .filter_map(|email| email.get("value")?.as_str())
}

/// The address a User is written to: the one marked primary, else the first of type `work`,
/// else the first.
pub fn primary_email(document: &Document) -> Option<&str> {
    let emails = document.0.get("emails").and_then(Value::as_array)?;
    let is_work = |email: &Value| {
        let kind = email.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let with_value = || {
        emails.iter().filter(|email| {
            let text = email.get("value").and_then(Value::as_str);
            text.is_some_and(|text| !text.trim().is_empty())
        })
    };
    let chosen = with_value()
        .find(|email| email.get("primary") == Some(&Value::Bool(true)))
        .or_else(|| with_value().find(|email| is_work(email)))
        .or_else(|| with_value().next())?;
    chosen.get("value")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(value: Value) -> Document {
        Document(value.as_object().unwrap().clone())
    }

    #[test]
    fn keys_of_a_user_in_their_normal_forms() {
        let user = document(json!({
            "userName": " Zoe\u{308}@X.y ", "externalId": "Ab", "emails": [
                {"value": "other@x.y"}, {"value": "Main@x.y", "primary": true}, {"value": "MAIN@x.y"}, {"value": " "}],
            ENTERPRISE_USER: {"employeeNumber": "E1"},
        }));
        let keys = keys(ResourceType::User, &user).unwrap();
        let seen: Vec<_> = keys
            .iter()
            .map(|key| (key.attribute, key.value.as_str(), key.folded.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (KeyAttribute::ExternalId, "Ab", "ab"),
                (KeyAttribute::UserName, "zoë@x.y", "zoë@x.y"),
                (KeyAttribute::PrimaryEmail, "main@x.y", "main@x.y"),
                (KeyAttribute::OtherEmail, "other@x.y", "other@x.y"),
                (KeyAttribute::EmployeeNumber, "e1", "e1"),
            ]
        );
        let unique: Vec<_> = keys
            .iter()
            .filter(|key| key.unique)
            .map(|key| key.attribute)
            .collect();
        assert_eq!(unique, [KeyAttribute::ExternalId, KeyAttribute::UserName]);
        assert!(
            keys.iter()
                .all(|key| key.namespaced == (key.attribute == KeyAttribute::ExternalId))
        );
    }

    #[test]
    fn keys_value_too_long_names_the_attribute() {
        let user = document(json!({"userName": "a", "externalId": "x".repeat(513)}));
        assert!(
            keys(ResourceType::User, &user)
                .unwrap_err()
                .detail
                .contains("externalId")
        );
        let group = document(json!({"displayName": "ü".repeat(257)}));
        assert!(
            keys(ResourceType::Group, &group)
                .unwrap_err()
                .detail
                .contains("displayName")
        );
        let exactly = document(json!({"displayName": "ü".repeat(256)}));
        assert_eq!(keys(ResourceType::Group, &exactly).unwrap().len(), 1);
    }

    #[test]
    fn primary_email_prefers_primary_then_work_then_the_first() {
        let of = |emails| primary_email(&document(json!({ "emails": emails }))).map(str::to_owned);
        let (a, work) = (json!({"value": "a"}), json!({"value": "w", "type": "Work"}));
        assert_eq!(
            of(json!([a, work, {"value": "p", "primary": true}])).as_deref(),
            Some("p")
        );
        assert_eq!(of(json!([a, work])).as_deref(), Some("w"));
        assert_eq!(of(json!([a])).as_deref(), Some("a"));
        assert_eq!(of(json!([{"type": "work"}])), None);
    }
}
