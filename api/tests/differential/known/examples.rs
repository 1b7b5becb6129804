//! Each known difference on the smallest example: what Rollcall does, and that it is still one.

use super::{
    ALREADY_CONTAINED, ANY_VALUE_DIFFERS, COMPLEX_WITHOUT_SUB_ATTRIBUTE, EXTENSION_UNASSIGNED,
    EXTERNAL_ID_IN_USE, FILTERS, MOST, NOTHING_TO_REMOVE, PATCHES, PRIMARY_OF_SEVERAL,
    SELECTED_VALUES_REPLACED, SUB_ATTRIBUTE_OF_NOTHING, of_filter, of_patch,
};
use crate::both::{Both, ENTERPRISE, TAKEN, USER};
use crate::compare::Outcome;
use crate::generate::Leaf;
use crate::unlimited;
use serde_json::{Value, json};

/// Patch a user of these attributes on both: the difference is the known one of this name.
/// Answers what Rollcall made of it.
async fn patched(name: &str, attributes: Value, operation: Value) -> Outcome {
    let app = unlimited().await;
    let both = Both::start(&app).await;
    let mut document = json!({ "schemas": [USER], "userName": "anna" });
    document
        .as_object_mut()
        .unwrap()
        .extend(attributes.as_object().unwrap().clone());
    let twin = both.create("/Users", &document).await.unwrap();
    let (before, _) = both.read(&twin).await;
    let (ours, theirs) = both.patch(&twin, std::slice::from_ref(&operation)).await;
    assert!(!ours.agrees(&theirs), "no difference any more: {ours}");
    assert_eq!(
        of_patch(&before, &operation, &ours, &theirs),
        Some(name),
        "{ours}\n{theirs}"
    );
    ours
}

/// RFC 7644 §3.12: a path whose filter yields no match is 400 `noTarget`, to remove by too.
#[tokio::test]
async fn remove_by_a_filter_that_matches_nothing_is_no_target() {
    let operation = json!({ "op": "remove", "path": "roles[value eq \"b\"]" });
    let ours = patched(NOTHING_TO_REMOVE, json!({ "roles": [{"value": "a"}] }), operation).await;
    assert!(ours.refused_as("noTarget"));
    assert_eq!(ours.document["roles"], json!([{"value": "a"}]));
}

/// RFC 7644 §3.5.2.3: a replace of a sub-attribute of an attribute that has no value adds it.
#[tokio::test]
async fn replace_of_a_sub_attribute_of_an_attribute_without_values_adds_it() {
    let operation = json!({ "op": "replace", "path": "roles.value", "value": "a" });
    let ours = patched(SUB_ATTRIBUTE_OF_NOTHING, json!({}), operation).await;
    assert_eq!(ours.document["roles"], json!([{"value": "a"}]));
}

/// RFC 7644 §3.5.2.3: a replace by a value path replaces the whole of every value it matches.
#[tokio::test]
async fn replace_of_selected_values_leaves_nothing_of_them() {
    let roles = json!({ "roles": [{"value": "a", "type": "work", "display": "A"}, {"value": "b"}] });
    let operation = json!({ "op": "replace", "path": "roles[value eq \"a\"]", "value": {"value": "c"} });
    let ours = patched(SELECTED_VALUES_REPLACED, roles, operation).await;
    assert_eq!(ours.document["roles"], json!([{"value": "b"}, {"value": "c"}]));
}

/// RFC 7644 §3.5.2.1: adding a value changes nothing when a value that is there says all of it.
#[tokio::test]
async fn add_of_a_value_that_another_says_already_changes_nothing() {
    let roles = json!([{"value": "a", "type": "work"}]);
    let operation = json!({ "op": "add", "path": "roles", "value": [{"value": "a"}] });
    let ours = patched(ALREADY_CONTAINED, json!({ "roles": roles }), operation).await;
    assert_eq!(ours.document["roles"], roles);
}

/// RFC 7644 §3.5.2: a value that is made primary takes it from the others, also from those the same operation selects.
#[tokio::test]
async fn primary_set_on_several_selected_values_stays_on_one() {
    let roles = json!({ "roles": [{"value": "a"}, {"value": "b"}] });
    let operation = json!({ "op": "add", "path": "roles[value pr].primary", "value": true });
    let ours = patched(PRIMARY_OF_SEVERAL, roles, operation).await;
    let expected = json!([{"primary": false, "value": "a"}, {"primary": true, "value": "b"}]);
    assert_eq!(ours.document["roles"], expected);
}

/// RFC 7643 §2.5: null is no value, so that an extension replaced by null is unassigned.
#[tokio::test]
async fn replace_of_an_extension_by_null_unassigns_it() {
    let extended = json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: {"department": "Sales"} });
    let operation = json!({ "op": "replace", "path": ENTERPRISE, "value": null });
    let ours = patched(EXTENSION_UNASSIGNED, extended, operation).await;
    assert!(ours.done() && ours.document.get(ENTERPRISE).is_none());
}

/// RFC 7644 §3.4.2.2: a comparison with a multi-valued attribute matches when any of its values does, by `ne` too.
#[tokio::test]
async fn ne_on_a_multi_valued_attribute_matches_when_any_value_differs() {
    let app = unlimited().await;
    let both = Both::start(&app).await;
    for (name, roles) in [
        ("both", json!([{"value": "a"}, {"value": "b"}])),
        ("one", json!([{"value": "a"}])),
    ] {
        let document = json!({ "schemas": [USER], "userName": name, "title": "x", "roles": roles });
        both.create("/Users", &document).await.unwrap();
    }
    let leaf = Leaf {
        text: "roles.value ne \"a\"".to_owned(),
        operator: "ne",
        multi_valued: true,
    };
    let (ours, theirs) = both.find("/Users", &leaf.text).await;
    assert_ne!(ours, theirs, "no difference any more");
    assert_eq!(of_filter(&leaf, &ours, &theirs), Some(ANY_VALUE_DIFFERS));
    assert!(ours.names().unwrap().contains("both") && !ours.names().unwrap().contains("one"));
}

/// RFC 7644 §3.12: an externalId that another resource of the type has is 409 `uniqueness`.
#[tokio::test]
async fn external_id_in_use_is_uniqueness() {
    let operation = json!({ "op": "add", "path": "externalId", "value": TAKEN });
    let ours = patched(EXTERNAL_ID_IN_USE, json!({ "externalId": "own" }), operation).await;
    assert_eq!(ours.status, 409);
    assert_eq!(ours.document["externalId"], "own");
}

/// RFC 7644 §3.4.2.2: a comparison of a complex attribute names one of its sub-attributes; else it is 400 `invalidFilter`.
#[tokio::test]
async fn complex_attribute_without_a_sub_attribute_is_invalid_filter() {
    let app = unlimited().await;
    let both = Both::start(&app).await;
    let leaf = Leaf {
        text: format!("{ENTERPRISE}:manager eq \"<person-0>\""),
        operator: "eq",
        multi_valued: false,
    };
    let (ours, theirs) = both.find("/Users", &leaf.text).await;
    assert_ne!(ours, theirs, "no difference any more");
    assert_eq!(
        of_filter(&leaf, &ours, &theirs),
        Some(COMPLEX_WITHOUT_SUB_ATTRIBUTE)
    );
}

#[test]
fn known_differences_are_at_most_twenty() {
    assert!(PATCHES.len() + FILTERS.len() <= MOST);
}
