//! RFC 7644 §3.5.2.3: the operation replace.

use crate::app::{Client, TestApp};
use crate::rfc::{ENTERPRISE, group_with, members, operation, user_with};
use serde_json::{Value, json};

/// RFC 7644 §3.5.2.3: the example of the RFC replaces all members of a group.
#[tokio::test]
async fn patch_replace_example_of_members() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let group = group_with(&client, "Employees", &["other"]).await;
    let operations = json!([{
        "op": "replace",
        "path": "members",
        "value": [
            {
                "display": "Babs Jensen",
                "$ref": "https://example.com/v2/Users/2819c223...413861904646",
                "value": "2819c223-7f76-453a-919d-413861904646"
            },
            {
                "display": "James Smith",
                "$ref": "https://example.com/v2/Users/08e1d05d...473d93df9210",
                "value": "08e1d05d-121c-4561-8b96-473d93df9210"
            }
        ]
    }]);
    client.patch(&group, operations).await.expect(204);
    assert_eq!(
        members(&client, &group).await,
        [
            "08e1d05d-121c-4561-8b96-473d93df9210",
            "2819c223-7f76-453a-919d-413861904646"
        ]
    );
}

async fn with_addresses(client: &Client<'_>) -> String {
    let addresses = json!([
        { "type": "work", "streetAddress": "Old Street 1", "locality": "London", "primary": true },
        { "type": "home", "streetAddress": "456 Hollywood Blvd" },
    ]);
    user_with(client, json!({ "userName": "bjensen", "addresses": addresses })).await
}

/// RFC 7644 §3.5.2.3: the example of the RFC replaces the work address as a whole.
#[tokio::test]
async fn patch_replace_example_of_the_work_address() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = with_addresses(&client).await;
    let value = json!({
        "type": "work",
        "streetAddress": "911 Universal City Plaza",
        "locality": "Hollywood",
        "region": "CA",
        "postalCode": "91608",
        "country": "US",
        "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
        "primary": true
    });
    let operations = json!([{
        "op": "replace",
        "path": "addresses[type eq \"work\"]",
        "value": value,
    }]);
    let patched = client.patch(&user, operations).await.expect(200).body;
    assert_eq!(patched["addresses"][0], value);
    assert_eq!(patched["addresses"][1]["streetAddress"], "456 Hollywood Blvd");
}

/// RFC 7644 §3.5.2.3: the example of the RFC replaces one sub-attribute of the work address.
/// RFC 7644 §3.5.2.3: a value path with a sub-attribute replaces that sub-attribute of every value that matches.
#[tokio::test]
async fn patch_replace_example_of_a_street_address() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = with_addresses(&client).await;
    let operations = json!([{
        "op": "replace",
        "path": "addresses[type eq \"work\"].streetAddress",
        "value": "1010 Broadway Ave"
    }]);
    let patched = client.patch(&user, operations).await.expect(200).body;
    assert_eq!(
        patched["addresses"],
        json!([
            { "type": "work", "streetAddress": "1010 Broadway Ave", "locality": "London", "primary": true },
            { "type": "home", "streetAddress": "456 Hollywood Blvd" },
        ])
    );
    let every = r#"addresses[type eq "work" or type eq "home"].country"#;
    let patched = client
        .patch(&user, operation("replace", every, json!("US")))
        .await;
    let addresses = patched.expect(200).body["addresses"].take();
    let countries = addresses.as_array().unwrap().iter().map(|one| &one["country"]);
    assert!(countries.eq([&json!("US"), &json!("US")]));
}

/// RFC 7644 §3.5.2.3: the example of the RFC replaces several attributes without a path.
/// RFC 7644 §3.5.2.3: without a path the attributes named in the value are replaced, and the others stay.
#[tokio::test]
async fn patch_replace_example_without_path() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "userName": "bjensen", "title": "t", "nickName": "B", "emails": [{ "value": "old@example.com" }] });
    let user = user_with(&client, body).await;
    let operations = json!([{
        "op": "replace",
        "value": {
            "emails": [
                { "value": "bjensen@example.com", "type": "work", "primary": true },
                { "value": "babs@jensen.org", "type": "home" }
            ],
            "nickname": "Babs"
        }
    }]);
    let patched = client.patch(&user, operations.clone()).await.expect(200).body;
    assert_eq!(patched["emails"], operations[0]["value"]["emails"]);
    assert_eq!(patched["nickName"], "Babs");
    assert_eq!(patched["title"], "t");
}

/// RFC 7644 §3.5.2.3: the value of a single-valued attribute is replaced.
/// RFC 7644 §3.5.2.3: a multi-valued attribute without a filter has all its values replaced.
/// RFC 7644 §3.5.2.3: replacing an attribute that does not exist is an add.
/// RFC 7644 §3.5.2.3: the value for a complex attribute is a set of sub-attributes that replace those it has.
/// RFC 7644 §3.5.2.3: a filter that matches values has these replaced.
#[tokio::test]
async fn patch_replace_by_kind_of_target() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "userName": "a", "title": "old", "name": { "familyName": "F", "givenName": "G" },
        "emails": [{ "type": "work", "value": "a@example.com" }, { "type": "home", "value": "b@example.com" }],
    });
    let user = user_with(&client, body).await;
    let replace = async |path: &str, value: Value| {
        let answer = client.patch(&user, operation("replace", path, value)).await;
        answer.expect(200).body
    };
    assert_eq!(replace("title", json!("new")).await["title"], "new");
    assert_eq!(replace("nickName", json!("n")).await["nickName"], "n");
    let name = replace("name", json!({ "givenName": "H" })).await["name"].take();
    assert_eq!(name["givenName"], "H");
    let path = r#"emails[value eq "b@example.com"]"#;
    let one = json!({ "type": "home", "value": "c@example.com" });
    let body = replace(path, one.clone()).await;
    assert_eq!(
        body["emails"],
        json!([{ "type": "work", "value": "a@example.com" }, one])
    );
    let all = json!([{ "value": "d@example.com" }]);
    assert_eq!(replace("emails", all.clone()).await["emails"], all);
    let path = format!("{ENTERPRISE}:costCenter");
    assert_eq!(
        replace(&path, json!("7")).await[ENTERPRISE],
        json!({ "costCenter": "7" })
    );
}

/// RFC 7644 §3.5.2.3: a filter that matches no value of the attribute is 400 with scimType noTarget.
#[tokio::test]
async fn patch_replace_where_no_value_matches_is_400_no_target() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = with_addresses(&client).await;
    let before = client.get(&user).await.expect(200).body;
    for path in [
        r#"addresses[streetAddress co "nowhere"]"#,
        r#"addresses[type eq "work" and not (locality pr)].country"#,
        r#"emails[value eq "nobody@example.com"].type"#,
    ] {
        let value = match path.ends_with(']') {
            true => json!({ "country": "US" }),
            false => json!("US"),
        };
        let answer = client.patch(&user, operation("replace", path, value)).await;
        assert_eq!(answer.body["scimType"], "noTarget", "{path}: {answer:?}");
        answer.scim_error(400);
    }
    assert_eq!(client.get(&user).await.body, before);
}

/// RFC 7644 §3.5.2.3: replacing a value by the same changes neither the version nor the time of modification.
#[tokio::test]
async fn patch_replace_by_the_same_keeps_the_version() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = with_addresses(&client).await;
    let before = client.get(&user).await.expect(200).body;
    let operations = json!([
        { "op": "replace", "path": "addresses", "value": before["addresses"] },
        { "op": "replace", "value": { "userName": "bjensen" } },
    ]);
    assert_eq!(client.patch(&user, operations).await.expect(200).body, before);
}
