//! Discovery documents (RFC 7644 §4). `base` is the URL of the SCIM root, without a trailing slash.

use super::event::ASYNC_RESPONSE;
use super::schema::{self, Attribute, Schema, SchemaSet, Type};
use super::{Limits, ResourceType, list_response};
use serde_json::{Value, json};

const SCHEMA_OF_SCHEMAS: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const SCHEMA_OF_RESOURCE_TYPES: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA_OF_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

/// `/ServiceProviderConfig` (RFC 7643 §5).
pub fn service_provider_config(base: &str, limits: &Limits, security_events: bool) -> Value {
    let mut config = json!({
        "schemas": [SCHEMA_OF_CONFIG],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": limits.bulk_operations,
            "maxPayloadSize": limits.bulk_payload_bytes,
        },
        "filter": {"supported": true, "maxResults": limits.results},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        // RFC 9865 §4
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.page,
            "maxPageSize": limits.results,
            "cursorTimeout": limits.cursor_seconds,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token with the scope scim, in the Authorization header (RFC 6750).",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    });
    if security_events {
        config["securityEvents"] = json!({
            "asyncRequest": "request",
            "eventUris": [ASYNC_RESPONSE],
        });
    }
    config
}

/// `/Schemas`
pub fn schemas(schemas: SchemaSet, base: &str) -> Value {
    let all: Vec<Value> = schemas
        .all()
        .map(|schema| schema_document(base, schema))
        .collect();
    let total = all.len() as i64;
    list_response(all, total, 1)
}

/// `/Schemas/{urn}`; `None` for a URN this server does not know.
pub fn schema(schemas: SchemaSet, base: &str, urn: &str) -> Option<Value> {
    schemas.by_urn(urn).map(|schema| schema_document(base, schema))
}

/// `/ResourceTypes`
pub fn resource_types(schemas: SchemaSet, base: &str) -> Value {
    let all: Vec<Value> = ResourceType::ALL
        .into_iter()
        .map(|kind| resource_type_document(schemas, base, kind))
        .collect();
    let total = all.len() as i64;
    list_response(all, total, 1)
}

/// `/ResourceTypes/{name}`; `None` for a name this server does not know.
pub fn resource_type(schemas: SchemaSet, base: &str, name: &str) -> Option<Value> {
    ResourceType::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .map(|kind| resource_type_document(schemas, base, kind))
}

fn schema_document(base: &str, schema: &Schema) -> Value {
    let mut document = schema_definition(schema);
    document["meta"] = json!({"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id)});
    document
}

/// A schema as RFC 7643 §7 represents it, without `meta`.
pub fn schema_definition(schema: &Schema) -> Value {
    json!({
        "schemas": [SCHEMA_OF_SCHEMAS],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": schema.attributes.iter().map(attribute_document).collect::<Vec<_>>(),
    })
}

fn attribute_document(attribute: &Attribute) -> Value {
    let mut document = json!({
        "name": attribute.name,
        "type": attribute.kind.name(),
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": attribute.mutability.name(),
        "returned": attribute.returned.name(),
    });
    if attribute.kind == Type::Complex {
        let sub_attributes: Vec<Value> = attribute.sub_attributes.iter().map(attribute_document).collect();
        document["subAttributes"] = sub_attributes.into();
    } else {
        document["caseExact"] = attribute.case_exact.into();
        document["uniqueness"] = attribute.uniqueness.name().into();
    }
    if !attribute.canonical_values.is_empty() {
        document["canonicalValues"] = json!(attribute.canonical_values);
    }
    if !attribute.reference_types.is_empty() {
        document["referenceTypes"] = json!(attribute.reference_types);
    }
    document
}

fn resource_type_document(schemas: SchemaSet, base: &str, kind: ResourceType) -> Value {
    let extensions: Vec<Value> = schemas
        .extensions(kind)
        .map(|extension| json!({"schema": extension.id, "required": false}))
        .collect();
    json!({
        "schemas": [SCHEMA_OF_RESOURCE_TYPES],
        "id": kind.name(),
        "name": kind.name(),
        "description": schema::core(kind).description,
        "endpoint": kind.endpoint(),
        "schema": kind.schema_urn(),
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", kind.name()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://example.com/scim/v2";

    #[test]
    fn schemas_lists_every_schema_with_its_location() {
        let list = schemas(SchemaSet::default(), BASE);
        assert_eq!(list["totalResults"], 4);
        for schema in list["Resources"].as_array().unwrap() {
            let id = schema["id"].as_str().unwrap();
            assert_eq!(schema["meta"]["location"], format!("{BASE}/Schemas/{id}"));
            assert_eq!(
                super::schema(SchemaSet::default(), BASE, id).as_ref(),
                Some(schema)
            );
        }
        assert_eq!(schema(SchemaSet::default(), BASE, "urn:example:other"), None);
    }

    #[test]
    fn schema_of_user_has_the_characteristics_of_the_table() {
        let user = schema(SchemaSet::default(), BASE, schema::USER).unwrap();
        let named = |name: &str| {
            let attributes = user["attributes"].as_array().unwrap();
            attributes
                .iter()
                .find(|attribute| attribute["name"] == name)
                .cloned()
                .unwrap()
        };
        assert_eq!(named("userName")["required"], true);
        assert_eq!(named("userName")["uniqueness"], "server");
        assert_eq!(named("groups")["mutability"], "readOnly");
        assert_eq!(named("password")["returned"], "never");
        assert_eq!(named("emails")["subAttributes"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn resource_types_name_their_extensions() {
        let user = resource_type(SchemaSet::default(), BASE, "User").unwrap();
        assert_eq!(user["endpoint"], "/Users");
        assert_eq!(user["schemaExtensions"][0]["schema"], schema::ENTERPRISE_USER);
        assert_eq!(resource_types(SchemaSet::default(), BASE)["totalResults"], 2);
        assert_eq!(resource_type(SchemaSet::default(), BASE, "Device"), None);
    }

    /// RFC 9865 §4: ServiceProviderConfig shows which pagination methods there are, the default one, the page sizes and how long a cursor can be used.
    #[test]
    fn service_provider_config_shows_the_limits_in_force() {
        let limits = Limits {
            bulk_operations: 7,
            bulk_payload_bytes: 8,
            results: 9,
            page: 6,
            cursor_seconds: 5,
        };
        let config = service_provider_config(BASE, &limits, true);
        assert_eq!(config["bulk"]["maxOperations"], 7);
        assert_eq!(config["bulk"]["maxPayloadSize"], 8);
        assert_eq!(config["filter"]["maxResults"], 9);
        let pagination = json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 6, "maxPageSize": 9, "cursorTimeout": 5,
        });
        assert_eq!(config["pagination"], pagination);
    }
}
