//! Representations: what a client reads.

use super::schema::{ENTERPRISE_USER, ROLLCALL_USER};
use super::{Document, Member, Object, ResourceType, Selection, etag};
use crate::directory::fold;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// What the server knows about a resource (RFC 7643 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    pub id: Uuid,
    pub version: i64,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    /// The absolute URL; `$ref`s of groups and managers are formed from it.
    pub location: String,
}

/// What the read side adds to an asserted document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Derived {
    /// Of a User: the groups it is a member of.
    pub groups: Vec<GroupOf>,
    /// Of a User: reference as asserted, SCIM id and displayName of each resolved manager.
    pub managers: Vec<(String, Uuid, Option<String>)>,
}

/// A group that a User belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOf {
    pub id: Uuid,
    pub name: String,
    /// The group names the User, not only a group it is in.
    pub direct: bool,
}

/// The representation of a resource: `schemas`, `id`, the selected attributes, `meta`. The members
/// of a Group may be many and are rendered one by one, by [`render_member`].
///
/// `manager.value` is what the client asserted; `$ref` and `displayName` are added once the
/// reference is resolved.
pub fn render(
    kind: ResourceType,
    meta: &Meta,
    document: &Document,
    derived: &Derived,
    selection: &Selection,
) -> Value {
    let mut resource = Object::new();
    let mut schemas = vec![Value::from(kind.schema_urn())];
    let is_extension = |key: &&String| {
        key.get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
    };
    schemas.extend(
        document
            .0
            .keys()
            .filter(is_extension)
            .map(|urn| Value::from(urn.as_str())),
    );
    resource.insert("schemas".to_owned(), schemas.into());
    resource.insert("id".to_owned(), meta.id.to_string().into());
    for (key, value) in &document.0 {
        resource.insert(key.clone(), value.clone());
    }
    let base = base_of(&meta.location);
    if kind == ResourceType::User {
        add_managers(&mut resource, derived, base);
        if !derived.groups.is_empty() && selection.wants("groups") {
            let groups: Vec<Value> = derived.groups.iter().map(|of| group(base, of)).collect();
            resource.insert("groups".to_owned(), groups.into());
        }
    }
    resource.insert("meta".to_owned(), meta_value(kind, meta));
    Value::Object(selection.project(kind, resource))
}

fn meta_value(kind: ResourceType, meta: &Meta) -> Value {
    json!({
        "resourceType": kind.name(),
        "created": meta.created.to_rfc3339_opts(SecondsFormat::Micros, true),
        "lastModified": meta.modified.to_rfc3339_opts(SecondsFormat::Micros, true),
        "location": meta.location,
        "version": etag(meta.version),
    })
}

fn group(base: &str, GroupOf { id, name, direct }: &GroupOf) -> Value {
    let kind = if *direct { "direct" } else { "indirect" };
    json!({"value": id, "$ref": format!("{base}/Groups/{id}"), "display": name, "type": kind})
}

/// Say of a member that it is this group, where the client has not said what it is.
pub fn name_group(member: &mut Member, base: &str, id: Uuid) {
    let attributes = member.attributes.get_or_insert_default();
    for (name, value) in [
        ("type", "Group".to_owned()),
        ("$ref", format!("{base}/Groups/{id}")),
    ] {
        attributes.entry(name.to_owned()).or_insert_with(|| value.into());
    }
}

/// A member of a Group as asserted; `None` when nothing of it is selected.
pub fn render_member(member: Member, selection: &Selection) -> Option<Value> {
    let mut object = Object::from_iter([("value".to_owned(), Value::from(member.value))]);
    object.extend(member.attributes.into_iter().flatten());
    selection.project_member(Value::Object(object))
}

fn add_managers(resource: &mut Object, derived: &Derived, base: &str) {
    if derived.managers.is_empty() {
        return;
    }
    let add = |manager: &mut Value| {
        let Some(value) = manager.get("value").and_then(Value::as_str).map(fold) else {
            return;
        };
        let found = derived
            .managers
            .iter()
            .find(|(asserted, ..)| fold(asserted) == value);
        let (Some((_, id, name)), Some(manager)) = (found, manager.as_object_mut()) else {
            return;
        };
        manager.insert("$ref".to_owned(), format!("{base}/Users/{id}").into());
        if let Some(name) = name {
            manager.insert("displayName".to_owned(), name.as_str().into());
        }
    };
    if let Some(manager) = resource
        .get_mut(ENTERPRISE_USER)
        .and_then(|extension| extension.get_mut("manager"))
    {
        add(manager);
    }
    let additional = resource
        .get_mut(ROLLCALL_USER)
        .and_then(|extension| extension.get_mut("additionalManagers"));
    for manager in additional.and_then(Value::as_array_mut).into_iter().flatten() {
        add(manager);
    }
}

/// The SCIM root of a resource's URL: all but the endpoint and the id.
fn base_of(location: &str) -> &str {
    let mut parts = location.rsplitn(3, '/');
    parts.nth(2).unwrap_or("")
}

/// A page of a list (RFC 7644 §3.4.2): the numbers are JSON numbers.
pub fn list_response(resources: Vec<Value>, total: i64, start_index: i64) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "itemsPerPage": resources.len(),
        "startIndex": start_index,
        "Resources": resources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://example.com/scim/v2";

    fn rendered(kind: ResourceType, document: Value, derived: &Derived) -> Value {
        let id = Uuid::from_u128(7);
        let meta = Meta {
            id,
            version: 3,
            created: DateTime::UNIX_EPOCH,
            modified: DateTime::UNIX_EPOCH,
            location: format!("{BASE}{}/{id}", kind.endpoint()),
        };
        let document = Document(document.as_object().unwrap().clone());
        render(kind, &meta, &document, derived, &Selection::default())
    }

    #[test]
    fn render_user_has_schemas_of_its_extensions_meta_and_resolved_links() {
        let derived = Derived {
            groups: vec![GroupOf {
                id: Uuid::from_u128(9),
                name: "Sales".into(),
                direct: true,
            }],
            managers: vec![("BOSS@x.y".into(), Uuid::from_u128(8), Some("Boss".into()))],
        };
        let document = json!({
            "userName": "a",
            ENTERPRISE_USER: {"manager": {"value": "boss@x.y"}},
            ROLLCALL_USER: {"additionalManagers": [{"value": "nobody"}]},
        });
        let user = rendered(ResourceType::User, document, &derived);
        assert_eq!(
            user["schemas"],
            json!([ResourceType::User.schema_urn(), ENTERPRISE_USER, ROLLCALL_USER])
        );
        let manager = json!({
            "value": "boss@x.y", "displayName": "Boss", "$ref": format!("{BASE}/Users/{}", Uuid::from_u128(8)),
        });
        assert_eq!(user[ENTERPRISE_USER]["manager"], manager);
        assert_eq!(
            user[ROLLCALL_USER]["additionalManagers"],
            json!([{"value": "nobody"}])
        );
        assert_eq!(
            user["groups"][0]["$ref"],
            format!("{BASE}/Groups/{}", Uuid::from_u128(9))
        );
        assert_eq!(user["meta"]["version"], "W/\"3\"");
        assert_eq!(user["meta"]["created"], "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn render_member_shows_what_is_selected_as_asserted() {
        let member = |attributes: Option<&str>| {
            let member = Member {
                value: "a@x.y".into(),
                attributes: json!({"display": "A", "type": "User"}).as_object().cloned(),
            };
            render_member(
                member,
                &Selection::parse(Default::default(), attributes, None).unwrap(),
            )
        };
        assert_eq!(
            member(None),
            Some(json!({"value": "a@x.y", "display": "A", "type": "User"}))
        );
        assert_eq!(member(Some("members.value")), Some(json!({"value": "a@x.y"})));
        assert_eq!(member(Some("members.nothing")), None);
    }

    #[test]
    fn name_group_adds_what_the_client_has_not_said() {
        let id = Uuid::from_u128(7);
        let mut member = Member {
            value: id.to_string(),
            attributes: json!({"$ref": "../Groups/7"}).as_object().cloned(),
        };
        name_group(&mut member, BASE, id);
        let shown = render_member(member, &Selection::default());
        assert_eq!(
            shown,
            Some(json!({"value": id, "$ref": "../Groups/7", "type": "Group"}))
        );
        let mut member = Member {
            value: id.to_string(),
            attributes: None,
        };
        name_group(&mut member, BASE, id);
        let shown = render_member(member, &Selection::default()).unwrap();
        assert_eq!(shown["$ref"], format!("{BASE}/Groups/{id}"));
    }

    #[test]
    fn list_response_has_numbers_and_resources_even_when_empty() {
        let list = list_response(Vec::new(), 0, 1);
        assert_eq!(
            (&list["totalResults"], &list["Resources"]),
            (&json!(0), &json!([]))
        );
    }
}
