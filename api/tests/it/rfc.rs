//! What the tests of single statements of RFC 7643 and RFC 7644 share.

use crate::app::{Answer, Client, send};
use reqwest::{Method, Url};
use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// `GET path` with these query parameters.
pub(crate) async fn get_with(client: &Client<'_>, path: &str, query: &[(&str, &str)]) -> Answer {
    let url = Url::parse_with_params("http://x", query).unwrap();
    let path = format!("{path}?{}", url.query().unwrap_or_default());
    send(client.request(Method::GET, &path)).await
}

/// The names of the Users that match, sorted.
pub(crate) async fn users(client: &Client<'_>, filter: &str) -> Vec<String> {
    names(client, "/Users", filter).await
}

/// The names of the resources below an endpoint that match, sorted.
pub(crate) async fn names(client: &Client<'_>, endpoint: &str, filter: &str) -> Vec<String> {
    let answer = get_with(client, endpoint, &[("filter", filter)]).await;
    assert_eq!(answer.status, 200, "{filter}: {answer:?}");
    let resources = answer.body["Resources"].as_array().unwrap();
    assert_eq!(answer.body["totalResults"], resources.len(), "{filter}");
    let name = |resource: &Value| {
        let name = resource.get("userName").or_else(|| resource.get("displayName"));
        name.unwrap().as_str().unwrap().to_owned()
    };
    let mut names: Vec<String> = resources.iter().map(name).collect();
    names.sort();
    names
}

/// Assert that the answer is a SCIM error of this status and `scimType`; answers its detail.
#[track_caller]
pub(crate) fn refused<'a>(answer: &'a Answer, status: u16, scim_type: &str) -> &'a str {
    let detail = answer.scim_error(status);
    assert_eq!(answer.body["scimType"], scim_type, "{answer:?}");
    detail
}

/// A new User with these attributes; answers its path.
pub(crate) async fn user_with(client: &Client<'_>, body: Value) -> String {
    let created = client.post("/Users", body).await.expect(201);
    format!("/Users/{}", created.id())
}

/// A new Group with members of these values; answers its path.
pub(crate) async fn group_with(client: &Client<'_>, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|value| json!({ "value": value })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    let created = client.post("/Groups", body).await.expect(201);
    format!("/Groups/{}", created.id())
}

/// The values of a Group's members, sorted.
pub(crate) async fn members(client: &Client<'_>, group: &str) -> Vec<String> {
    let group = client.get(group).await.expect(200);
    let members = group.body["members"].as_array();
    let value = |member: &Value| member["value"].as_str().unwrap().to_owned();
    let mut values: Vec<String> = members.into_iter().flatten().map(value).collect();
    values.sort();
    values
}

/// One PATCH operation.
pub(crate) fn operation(op: &str, path: &str, value: Value) -> Value {
    json!([{ "op": op, "path": path, "value": value }])
}
