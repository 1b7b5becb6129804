//! RFC 7644 §3.4.2.2: filters.

use crate::app::{Client, TestApp};
use crate::rfc::{ENTERPRISE, get_with, refused, user_with, users};
use serde_json::json;

/// Four users among whom every example of the RFC has matches and others.
async fn people(client: &Client<'_>) {
    for body in [
        json!({
            "userName": "bjensen", "title": "Vice President", "userType": "Employee",
            "name": { "familyName": "Jensen" },
            "emails": [{ "type": "work", "value": "bjensen@example.com" }, { "type": "home", "value": "babs@example.org" }],
            ENTERPRISE: { "employeeNumber": "701984" },
        }),
        json!({
            "userName": "john", "userType": "Intern", "active": false,
            "name": { "familyName": "O'Malley" },
            "emails": [{ "type": "work", "value": "john@other.net" }, { "type": "home", "value": "john@example.com" }],
            "ims": [{ "type": "xmpp", "value": "john@foo.com" }],
        }),
        json!({ "userName": "JSmith", "title": "Clerk", "userType": "Employee", "active": true }),
        json!({ "userName": "zoe", "externalId": "Zoë-1", "profileUrl": "https://example.com/Zoe" }),
    ] {
        user_with(client, body).await;
    }
}

async fn finds(client: &Client<'_>, cases: &[(&str, &[&str])]) {
    for (filter, names) in cases {
        assert_eq!(users(client, filter).await, *names, "{filter}");
    }
}

const ALL: &[&str] = &["JSmith", "bjensen", "john", "zoe"];

/// RFC 7644 §3.4.2.2: every example filter of the RFC finds what it describes.
#[tokio::test]
async fn filter_examples_of_the_rfc_find_what_they_describe() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    people(&client).await;
    finds(
        &client,
        &[
            (r#"userName eq "bjensen""#, &["bjensen"]),
            (r#"name.familyName co "O'Malley""#, &["john"]),
            (r#"userName sw "J""#, &["JSmith", "john"]),
            (
                r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
                &["JSmith", "john"],
            ),
            ("title pr", &["JSmith", "bjensen"]),
            (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, ALL),
            (r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, ALL),
            (r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, &[]),
            (r#"meta.lastModified le "2011-05-13T04:42:34Z""#, &[]),
            (r#"title pr and userType eq "Employee""#, &["JSmith", "bjensen"]),
            (
                r#"title pr or userType eq "Intern""#,
                &["JSmith", "bjensen", "john"],
            ),
            (
                r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
                &["bjensen"],
            ),
            (
                r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
                &["bjensen"],
            ),
            (
                r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
                &["zoe"],
            ),
            (
                r#"userType eq "Employee" and (emails.type eq "work")"#,
                &["bjensen"],
            ),
            (
                r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
                &["bjensen"],
            ),
            (
                r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
                &["bjensen", "john"],
            ),
        ],
    )
    .await;
}

/// RFC 7644 §3.4.2.2: eq matches the identical value.
/// RFC 7644 §3.4.2.2: ne matches a value that is not identical, and a resource without the attribute.
/// RFC 7644 §3.4.2.2: co matches a value that has the whole operator value within it.
/// RFC 7644 §3.4.2.2: sw matches a value that begins with the operator value.
/// RFC 7644 §3.4.2.2: ew matches a value that ends with the operator value.
/// RFC 7644 §3.4.2.2: pr matches an attribute with a non-empty value, and a complex one with a non-empty node.
/// RFC 7644 §3.4.2.2: gt, ge, lt and le compare strings by their order.
#[tokio::test]
async fn filter_every_operator_on_text() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    people(&client).await;
    finds(
        &client,
        &[
            (r#"title eq "Clerk""#, &["JSmith"]),
            (r#"title eq "Cler""#, &[]),
            (r#"title ne "Clerk""#, &["bjensen", "john", "zoe"]),
            (r#"title co "e""#, &["JSmith", "bjensen"]),
            (r#"title co "%""#, &[]),
            (r#"userName co "_""#, &[]),
            (r#"title sw "Vice ""#, &["bjensen"]),
            (r#"title ew "president""#, &["bjensen"]),
            (r#"title ew "vice""#, &[]),
            ("name pr", &["bjensen", "john"]),
            ("name.givenName pr", &[]),
            ("emails pr", &["bjensen", "john"]),
            (r#"userName gt "john""#, &["JSmith", "zoe"]),
            (r#"userName ge "john""#, &["JSmith", "john", "zoe"]),
            (r#"userName lt "john""#, &["bjensen"]),
            (r#"userName le "john""#, &["bjensen", "john"]),
            ("title eq null", &["john", "zoe"]),
            ("title ne null", &["JSmith", "bjensen"]),
        ],
    )
    .await;
}

/// RFC 7644 §3.4.2.2: attribute names and operators in a filter are case-insensitive.
/// RFC 7644 §3.4.2.2: strings compare without case unless the attribute is caseExact.
/// RFC 7643 §2.2: an attribute with caseExact true is compared with regard to case, others without.
#[tokio::test]
async fn filter_case_of_names_operators_and_values() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    people(&client).await;
    finds(
        &client,
        &[
            (r#"userName Eq "john""#, &["john"]),
            (r#"Username eq "john""#, &["john"]),
            (r#"USERNAME EQ "JOHN" AND NOT (TITLE PR)"#, &["john"]),
            (r#"userName eq "jsmith""#, &["JSmith"]),
            (r#"NAME.FAMILYNAME eq "JENSEN""#, &["bjensen"]),
            (r#"externalId eq "Zoë-1""#, &["zoe"]),
            (r#"externalId eq "zoë-1""#, &[]),
            (r#"profileUrl eq "https://example.com/Zoe""#, &["zoe"]),
            (r#"meta.resourceType eq "user""#, &[]),
        ],
    )
    .await;
}

/// RFC 7644 §3.4.2.2: grouping binds first, then not, then and, then or.
#[tokio::test]
async fn filter_precedence_of_logical_operators() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    people(&client).await;
    finds(
        &client,
        &[
            (
                r#"userName eq "zoe" or userName eq "john" and title pr"#,
                &["zoe"],
            ),
            (r#"(userName eq "zoe" or userName eq "john") and title pr"#, &[]),
            (
                r#"title pr and userName eq "JSmith" or userName eq "zoe""#,
                &["JSmith", "zoe"],
            ),
            (r#"not (title pr) and userName sw "j""#, &["john"]),
            (
                r#"not (title pr and userName sw "j")"#,
                &["bjensen", "john", "zoe"],
            ),
            (r#"not (not (title pr))"#, &["JSmith", "bjensen"]),
        ],
    )
    .await;
}

/// RFC 7644 §3.4.2.2: a filter of a multi-valued attribute matches when any of its values does.
/// RFC 7644 §3.4.2.2: in a complex filter in square brackets one value must satisfy the whole expression.
/// RFC 7644 §3.4.2.2: a multi-valued complex attribute without a sub-attribute is compared by its values, as in the examples of the RFC.
#[tokio::test]
async fn filter_multi_valued_any_value_and_value_paths() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    people(&client).await;
    finds(
        &client,
        &[
            (r#"emails.type eq "home""#, &["bjensen", "john"]),
            (
                r#"emails.type eq "work" and emails.value co "example.com""#,
                &["bjensen", "john"],
            ),
            (
                r#"emails[type eq "work" and value co "example.com"]"#,
                &["bjensen"],
            ),
            (r#"emails[not (type eq "work")]"#, &["bjensen", "john"]),
            (
                r#"emails[type eq "home" and (value ew ".org" or value ew ".net")]"#,
                &["bjensen"],
            ),
            (r#"emails eq "john@other.net""#, &["john"]),
            (r#"not (emails[type eq "work"])"#, &["JSmith", "zoe"]),
            (r#"emails[primary eq true]"#, &[]),
        ],
    )
    .await;
}

/// RFC 7644 §3.4.2.2: booleans compare with true and false.
/// RFC 7644 §3.4.2.2: gt, ge, lt and le of a boolean are refused with 400 invalidFilter.
#[tokio::test]
async fn filter_booleans_compare_and_have_no_order() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    people(&client).await;
    finds(
        &client,
        &[
            ("active eq true", &["JSmith"]),
            ("active eq false", &["john"]),
            ("active ne true", &["bjensen", "john", "zoe"]),
        ],
    )
    .await;
    for operator in ["gt", "ge", "lt", "le"] {
        let answer = get_with(
            &client,
            "/Users",
            &[("filter", &format!("active {operator} true"))],
        )
        .await;
        assert!(refused(&answer, 400, "invalidFilter").contains("active"));
    }
}

/// RFC 7644 §3.4.2.2: dateTime values compare chronologically, whatever time zone they are written in.
#[tokio::test]
async fn filter_dates_compare_as_instants() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("a").await;
    let created = user.body["meta"]["created"].as_str().unwrap();
    let elsewhere = chrono::DateTime::parse_from_rfc3339(created)
        .unwrap()
        .with_timezone(&chrono::FixedOffset::east_opt(5 * 3600).unwrap());
    let elsewhere = elsewhere.to_rfc3339();
    for (filter, names) in [
        (format!(r#"meta.created eq "{elsewhere}""#), &["a"][..]),
        (format!(r#"meta.created ge "{elsewhere}""#), &["a"]),
        (format!(r#"meta.created le "{created}""#), &["a"]),
        (format!(r#"meta.created gt "{elsewhere}""#), &[]),
        (format!(r#"meta.created ne "{elsewhere}""#), &[]),
    ] {
        assert_eq!(users(&client, &filter).await, names, "{filter}");
    }
}

/// RFC 7644 §3.4.2.2: attributes of an extension are filtered by their URN-qualified names.
/// RFC 7644 §3.10: the URN of a schema is compared without case.
#[tokio::test]
async fn filter_attributes_of_extensions_by_urn() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    people(&client).await;
    let number = format!(r#"{ENTERPRISE}:employeeNumber eq "701984""#);
    assert_eq!(users(&client, &number).await, ["bjensen"]);
    let shouted = format!(
        r#"{}:EMPLOYEENUMBER eq "701984""#,
        ENTERPRISE.to_uppercase().replace("URN", "urn")
    );
    assert_eq!(users(&client, &shouted).await, ["bjensen"]);
    assert_eq!(
        users(&client, &format!("{ENTERPRISE}:employeeNumber pr")).await,
        ["bjensen"]
    );
}
