//! RFC 7643 §5 to §7: the service provider's configuration, resource types and schemas.

use crate::app::TestApp;
use crate::rfc::{ENTERPRISE, GROUP, USER};
use serde_json::{Value, json};

/// RFC 7643 §5: the configuration says whether PATCH, bulk, filter, changePassword, sort and etag are supported, and the limits of bulk and filter.
/// RFC 7643 §5: each authentication scheme has type, name and description.
#[tokio::test]
async fn config_has_every_required_attribute() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200).body;
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        assert!(config[feature]["supported"].is_boolean(), "{feature}");
    }
    for supported in ["patch", "bulk", "filter", "etag"] {
        assert_eq!(config[supported]["supported"], true, "{supported}");
    }
    assert!(config["bulk"]["maxOperations"].is_u64() && config["bulk"]["maxPayloadSize"].is_u64());
    assert!(config["filter"]["maxResults"].is_u64());
    let schemes = config["authenticationSchemes"].as_array().unwrap();
    for name in ["type", "name", "description"] {
        assert!(schemes[0][name].is_string(), "{name}");
    }
    assert_eq!(schemes[0]["type"], "oauthbearertoken");
    assert_eq!(config["meta"]["resourceType"], "ServiceProviderConfig");
    let location = format!("{}/scim/v2/ServiceProviderConfig", app.url);
    assert_eq!(config["meta"]["location"], location);
}

/// RFC 7643 §5: changing a password is not supported and advertised so.
#[tokio::test]
async fn config_says_that_passwords_cannot_be_changed() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let config = client.get("/ServiceProviderConfig").await.expect(200).body;
    assert_eq!(config["changePassword"], json!({ "supported": false }));
}

/// RFC 7643 §6: each resource type has name, endpoint, schema and its extensions with whether they are required.
#[tokio::test]
async fn resource_types_have_endpoint_schema_and_extensions() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.get("/ResourceTypes/User").await.expect(200).body;
    assert_eq!(
        user["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:ResourceType"])
    );
    assert_eq!(
        (&user["id"], &user["name"], &user["endpoint"], &user["schema"]),
        (&json!("User"), &json!("User"), &json!("/Users"), &json!(USER))
    );
    let extensions = user["schemaExtensions"].as_array().unwrap();
    assert!(extensions.contains(&json!({ "schema": ENTERPRISE, "required": false })));
    let group = client.get("/ResourceTypes/Group").await.expect(200).body;
    assert_eq!(
        (&group["endpoint"], &group["schema"]),
        (&json!("/Groups"), &json!(GROUP))
    );
    for kind in [user, group] {
        let endpoint = kind["endpoint"].as_str().unwrap();
        client.get(endpoint).await.expect(200);
        let schemas = kind["schemaExtensions"].as_array().unwrap().iter();
        let schemas = schemas.map(|one| &one["schema"]).chain([&kind["schema"]]);
        for urn in schemas {
            let urn = urn.as_str().unwrap();
            client.get(&format!("/Schemas/{urn}")).await.expect(200);
        }
        assert_eq!(kind["meta"]["resourceType"], "ResourceType");
    }
}

fn check(attribute: &Value) {
    let name = &attribute["name"];
    let one_of = |characteristic: &str, values: &[&str]| {
        let value = attribute[characteristic].as_str().unwrap_or_default();
        assert!(values.contains(&value), "{name}: {characteristic} is {value}");
    };
    assert!(attribute["multiValued"].is_boolean() && attribute["required"].is_boolean());
    assert!(attribute["description"].is_string());
    one_of(
        "type",
        &[
            "string",
            "boolean",
            "decimal",
            "integer",
            "dateTime",
            "reference",
            "binary",
            "complex",
        ],
    );
    one_of("mutability", &["readOnly", "readWrite", "immutable", "writeOnly"]);
    one_of("returned", &["always", "never", "default", "request"]);
    match attribute["type"] == "complex" {
        true => attribute["subAttributes"]
            .as_array()
            .unwrap()
            .iter()
            .for_each(check),
        false => {
            one_of("uniqueness", &["none", "server", "global"]);
            assert!(attribute["caseExact"].is_boolean(), "{name}");
        }
    }
    if attribute["type"] == "reference" {
        assert!(
            !attribute["referenceTypes"].as_array().unwrap().is_empty(),
            "{name}"
        );
    }
}

/// RFC 7643 §7: each schema has id, name, description and attributes with every characteristic of the RFC.
/// RFC 7643 §2.2: each attribute has the characteristics required, caseExact, mutability, returned, uniqueness and type.
#[tokio::test]
async fn schemas_have_every_characteristic_of_every_attribute() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let schemas = client.get("/Schemas").await.expect(200).body;
    for schema in schemas["Resources"].as_array().unwrap() {
        assert_eq!(
            schema["schemas"],
            json!(["urn:ietf:params:scim:schemas:core:2.0:Schema"])
        );
        assert!(schema["id"].is_string() && schema["name"].is_string() && schema["description"].is_string());
        assert_eq!(schema["meta"]["resourceType"], "Schema");
        let attributes = schema["attributes"].as_array().unwrap();
        assert!(!attributes.is_empty());
        attributes.iter().for_each(check);
    }
}

/// RFC 7643 §8.7.1: the schemas advertise userName as required and unique, password as writeOnly and never returned, groups as readOnly and members' sub-attributes as immutable.
#[tokio::test]
async fn schemas_advertise_the_characteristics_of_the_rfc() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.get(&format!("/Schemas/{USER}")).await.expect(200).body;
    let group = client.get(&format!("/Schemas/{GROUP}")).await.expect(200).body;
    let find = |schema: &Value, name: &str| -> Value {
        let attributes = schema.get("attributes").or_else(|| schema.get("subAttributes"));
        let mut attributes = attributes.and_then(Value::as_array).unwrap().iter();
        attributes
            .find(|attribute| attribute["name"] == name)
            .unwrap()
            .clone()
    };
    let name = find(&user, "userName");
    assert_eq!(
        (&name["required"], &name["uniqueness"], &name["caseExact"]),
        (&json!(true), &json!("server"), &json!(false))
    );
    let password = find(&user, "password");
    assert_eq!(
        (&password["mutability"], &password["returned"]),
        (&json!("writeOnly"), &json!("never"))
    );
    assert_eq!(find(&user, "groups")["mutability"], "readOnly");
    assert_eq!(find(&user, "x509Certificates")["multiValued"], true);
    assert_eq!(find(&find(&user, "x509Certificates"), "value")["type"], "binary");
    assert_eq!(find(&find(&user, "emails"), "primary")["type"], "boolean");
    assert_eq!(
        find(&find(&user, "emails"), "type")["canonicalValues"],
        json!(["work", "home", "other"])
    );
    for name in ["value", "$ref", "type"] {
        assert_eq!(find(&find(&group, "members"), name)["mutability"], "immutable");
    }
}
