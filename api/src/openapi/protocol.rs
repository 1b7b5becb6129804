//! Bodies of the SCIM protocol. Resources are described by the same tables that validate them.

use super::common;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::scim::schema::{self, Attribute, Mutability, Returned, SchemaSet, Type};
use serde_json::{Map, Value, json};

/// By name, with the bodies of refusals.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = common::schemas();
    for kind in ResourceType::ALL {
        let name = kind.name();
        schemas.insert(name.to_owned(), represented(kind));
        schemas.insert(format!("New{name}"), asserted(kind));
        schemas.insert(format!("{name}List"), list(&reference(name)));
    }
    let any = json!({ "anyOf": ResourceType::ALL.map(|kind| reference(kind.name())) });
    schemas.insert("ResourceList".to_owned(), list(&any));
    schemas.extend(messages());
    schemas.extend(discovery());
    schemas
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Groups are served by the handlers of Users, and are described by their descriptions.
pub(super) fn of_groups(path: &str, item: &Value) -> (String, Value) {
    let told = |text: &str| text.replace("User", "Group");
    (told(path), renamed(item, &told))
}

fn renamed(value: &Value, told: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => told(text).into(),
        Value::Array(items) => items.iter().map(|item| renamed(item, told)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), renamed(value, told)))
                .collect()
        }
        other => other.clone(),
    }
}

/// A resource as it is read. Any of its attributes may be left out by what the client selects.
fn represented(kind: ResourceType) -> Value {
    let mut properties = Map::from_iter([
        ("schemas".to_owned(), texts("The URNs of the schemas it has.")),
        ("id".to_owned(), json!({ "type": "string", "format": "uuid" })),
        (
            "externalId".to_owned(),
            json!({ "type": "string", "description": "Its id at the client." }),
        ),
        ("meta".to_owned(), meta()),
    ]);
    let shown = |attribute: &&Attribute| {
        attribute.returned != Returned::Never && attribute.mutability != Mutability::WriteOnly
    };
    properties.extend(attributes(kind, &shown));
    json!({
        "type": "object",
        "description": schema::core(kind).description,
        "required": ["schemas", "id"],
        "properties": properties,
        // Extensions that the tenant's operators defined, or nobody did.
        "additionalProperties": true,
    })
}

/// A resource as a client sends it. Unknown attributes outside of extensions are ignored.
fn asserted(kind: ResourceType) -> Value {
    let mut properties = Map::from_iter([
        ("schemas".to_owned(), texts("The URNs of the schemas it has.")),
        (
            "externalId".to_owned(),
            json!({ "type": "string", "description": "Its id at the client." }),
        ),
    ]);
    let written = |attribute: &&Attribute| attribute.mutability != Mutability::ReadOnly;
    properties.extend(attributes(kind, &written));
    let required: Vec<&str> = schema::core(kind)
        .attributes
        .iter()
        .filter(|attribute| attribute.required && written(attribute))
        .map(|attribute| attribute.name)
        .collect();
    json!({
        "type": "object",
        "description": format!("{} As a client sends it.", schema::core(kind).description),
        "required": required,
        "properties": properties,
        "additionalProperties": true,
    })
}

fn attributes(kind: ResourceType, which: &impl Fn(&&Attribute) -> bool) -> Map<String, Value> {
    let extensions = SchemaSet::default().extensions(kind).map(|extension| {
        let properties = members(extension.attributes, which);
        let form = json!({
            "type": "object",
            "description": extension.description,
            "properties": properties,
            "additionalProperties": true,
        });
        (extension.id.to_owned(), form)
    });
    let mut all = members(schema::core(kind).attributes, which);
    all.extend(extensions);
    all
}

fn members(attributes: &'static [Attribute], which: &impl Fn(&&Attribute) -> bool) -> Map<String, Value> {
    let those = attributes.iter().filter(which);
    those
        .map(|attribute| (attribute.name.to_owned(), form(attribute, which)))
        .collect()
}

fn form(attribute: &'static Attribute, which: &impl Fn(&&Attribute) -> bool) -> Value {
    let mut form = match attribute.kind {
        Type::String | Type::Reference => json!({ "type": "string" }),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Decimal => json!({ "type": "number" }),
        Type::Integer => json!({ "type": "integer" }),
        Type::DateTime => json!({ "type": "string", "format": "date-time" }),
        Type::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
        // What a client sends besides is kept.
        Type::Complex => {
            let properties = members(attribute.sub_attributes, which);
            json!({ "type": "object", "properties": properties, "additionalProperties": true })
        }
    };
    if !attribute.canonical_values.is_empty() {
        form["examples"] = json!(attribute.canonical_values);
    }
    if attribute.multi_valued {
        form = json!({ "type": "array", "items": form });
    }
    if !attribute.description.is_empty() {
        form["description"] = attribute.description.into();
    }
    if attribute.mutability == Mutability::ReadOnly {
        form["readOnly"] = true.into();
    }
    form
}

fn meta() -> Value {
    json!({
        "type": "object",
        "readOnly": true,
        "properties": {
            "resourceType": { "type": "string" },
            "created": { "type": "string", "format": "date-time" },
            "lastModified": { "type": "string", "format": "date-time" },
            "location": { "type": "string", "format": "uri" },
            "version": { "type": "string", "description": "As the `ETag` has it." },
        },
    })
}

fn texts(about: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": about })
}

fn list(of: &Value) -> Value {
    json!({
        "type": "object",
        "description": "A page of a list (RFC 7644 §3.4.2).",
        "required": ["schemas", "totalResults", "itemsPerPage", "Resources"],
        "properties": {
            "schemas": { "type": "array", "items": { "const": "urn:ietf:params:scim:api:messages:2.0:ListResponse" } },
            "totalResults": { "type": "integer" },
            "itemsPerPage": { "type": "integer" },
            "startIndex": { "type": "integer", "description": "Of a page by index." },
            "nextCursor": { "type": "string", "description": "Of a page by cursor that is not the last." },
            "Resources": { "type": "array", "items": of },
        },
    })
}

/// What is sent and answered beside resources.
fn messages() -> Map<String, Value> {
    let operation = json!({
        "type": "object",
        "required": ["method", "path"],
        "properties": {
            "method": { "type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"] },
            "path": { "type": "string", "description": "Such as `/Users`, or `/Users/{id}`; the id may be `bulkId:` and a bulkId." },
            "bulkId": { "type": "string", "description": "What other operations call the new resource." },
            "version": { "type": "string", "description": "The version that must be there." },
            "data": { "type": "object", "additionalProperties": true },
        },
    });
    let outcome = json!({
        "type": "object",
        "required": ["status"],
        "properties": {
            "method": { "type": "string" },
            "status": { "type": "string", "description": "The HTTP status the operation would have had alone, as a text." },
            "location": { "type": "string" },
            "version": { "type": "string" },
            "bulkId": { "type": "string" },
            "response": reference("ScimError"),
        },
    });
    let messages = json!({
        "PatchOp": {
            "type": "object",
            "description": "Changes of a resource, in order (RFC 7644 §3.5.2).",
            "required": ["schemas", "Operations"],
            "properties": {
                "schemas": { "type": "array", "items": { "const": "urn:ietf:params:scim:api:messages:2.0:PatchOp" } },
                "Operations": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 1000,
                    "items": {
                        "type": "object",
                        "required": ["op"],
                        "properties": {
                            "op": { "type": "string", "enum": ["add", "replace", "remove"] },
                            "path": { "type": "string", "description": "Such as `title`, or `emails[type eq \"work\"].value`." },
                            "value": {},
                        },
                    },
                },
            },
        },
        "SearchRequest": {
            "type": "object",
            "description": "A search whose parameters are no part of a URL (RFC 7644 §3.4.3).",
            "required": ["schemas"],
            "properties": {
                "schemas": { "type": "array", "items": { "const": "urn:ietf:params:scim:api:messages:2.0:SearchRequest" } },
                "filter": { "type": "string" },
                "sortBy": { "type": "string" },
                "sortOrder": { "type": "string", "enum": ["ascending", "descending"] },
                "attributes": { "type": "array", "items": { "type": "string" } },
                "excludedAttributes": { "type": "array", "items": { "type": "string" } },
                "startIndex": { "type": "integer" },
                "count": { "type": "integer" },
                "cursor": { "type": "string" },
            },
        },
        "BulkRequest": {
            "type": "object",
            "description": "Many writes in one request (RFC 7644 §3.7).",
            "required": ["schemas", "Operations"],
            "properties": {
                "schemas": { "type": "array", "items": { "const": "urn:ietf:params:scim:api:messages:2.0:BulkRequest" } },
                "failOnErrors": { "type": "integer", "description": "After so many errors nothing more is written." },
                "Operations": { "type": "array", "items": operation },
            },
        },
        "BulkResponse": {
            "type": "object",
            "description": "The outcome of each operation that was attempted.",
            "required": ["schemas", "Operations"],
            "properties": {
                "schemas": { "type": "array", "items": { "const": "urn:ietf:params:scim:api:messages:2.0:BulkResponse" } },
                "Operations": { "type": "array", "items": outcome },
            },
        },
        "KeySet": {
            "type": "object",
            "description": "Public keys (RFC 7517).",
            "required": ["keys"],
            "properties": {
                "keys": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["kty", "kid"],
                        "properties": { "kty": { "type": "string" }, "kid": { "type": "string" } },
                        "additionalProperties": true,
                    },
                },
            },
        },
        "SecurityEventTokens": {
            "type": "object",
            "description": "Completion events of several operations by their `jti` (RFC 8936 §2.4).",
            "required": ["sets"],
            "properties": { "sets": { "type": "object", "additionalProperties": { "type": "string" } } },
        },
    });
    members_of(messages)
}

/// What the server says it can do (RFC 7643 §5 to §7).
fn discovery() -> Map<String, Value> {
    let supported = json!({ "type": "object", "required": ["supported"], "properties": { "supported": { "type": "boolean" } }, "additionalProperties": true });
    let configuration = json!({
        "type": "object",
        "required": ["schemas", "patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes"],
        "properties": {
            "schemas": texts(""),
            "patch": supported, "bulk": supported, "filter": supported,
            "changePassword": supported, "sort": supported, "etag": supported,
            "pagination": { "type": "object", "additionalProperties": true, "description": "RFC 9865 §4." },
            "securityEvents": { "type": "object", "additionalProperties": true, "description": "RFC 9967 §4." },
            "authenticationSchemes": { "type": "array", "items": { "type": "object", "additionalProperties": true } },
            "meta": meta(),
        },
    });
    let attribute = json!({
        "type": "object",
        "required": ["name", "type", "multiValued", "description", "required", "mutability", "returned"],
        "properties": {
            "name": { "type": "string" },
            "type": { "type": "string", "enum": Type::ALL.map(Type::name) },
            "multiValued": { "type": "boolean" },
            "description": { "type": "string" },
            "required": { "type": "boolean" },
            "caseExact": { "type": "boolean" },
            "mutability": { "type": "string", "enum": Mutability::ALL.map(Mutability::name) },
            "returned": { "type": "string", "enum": Returned::ALL.map(Returned::name) },
            "uniqueness": { "type": "string", "enum": ["none", "server", "global"] },
            "canonicalValues": texts("Suggested values; others are accepted."),
            "referenceTypes": texts("What a reference leads to."),
            "subAttributes": { "type": "array", "items": reference("SchemaAttribute") },
        },
    });
    let definition = json!({
        "type": "object",
        "required": ["schemas", "id", "name", "attributes", "meta"],
        "properties": {
            "schemas": texts(""),
            "id": { "type": "string", "description": "Its URN." },
            "name": { "type": "string" },
            "description": { "type": "string" },
            "attributes": { "type": "array", "items": reference("SchemaAttribute") },
            "meta": meta(),
        },
    });
    let resource_type = json!({
        "type": "object",
        "required": ["schemas", "id", "name", "endpoint", "schema", "meta"],
        "properties": {
            "schemas": texts(""),
            "id": { "type": "string" },
            "name": { "type": "string" },
            "description": { "type": "string" },
            "endpoint": { "type": "string" },
            "schema": { "type": "string" },
            "schemaExtensions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["schema", "required"],
                    "properties": { "schema": { "type": "string" }, "required": { "type": "boolean" } },
                },
            },
            "meta": meta(),
        },
    });
    members_of(json!({
        "ServiceProviderConfig": configuration,
        "SchemaAttribute": attribute,
        "Schema": definition,
        "SchemaList": list(&reference("Schema")),
        "ResourceType": resource_type,
        "ResourceTypeList": list(&reference("ResourceType")),
    }))
}

fn members_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
