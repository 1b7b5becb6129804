//! Attributes of a schema that a tenant defined are compared and ordered by the type it says.

use super::*;
use rollcall_shared::scim::Dialect;
use rollcall_shared::scim::filter::AttributePath;
use rollcall_shared::scim::schema::{Definition, SchemaSet};
use rollcall_shared::store::search::Sort;

const BADGE: &str = "urn:example:badge:2.0:User";

fn rules(dialect: Dialect) -> Rules {
    let body = json!({"attributes": [
        {"name": "issued", "type": "dateTime"},
        {"name": "number", "type": "integer"},
        {"name": "weight", "type": "decimal"},
        {"name": "uses", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "at", "type": "dateTime"}, {"name": "count", "type": "integer"},
            {"name": "primary", "type": "boolean"},
        ]},
    ]});
    let schemas = SchemaSet::with(&[Definition::parse(BADGE, &body).unwrap()]).unwrap();
    Rules { schemas, dialect }
}

impl Fixture {
    /// Badges 1 to 5; the last has no values. What is later, larger or heavier sorts before it as
    /// a text.
    async fn badges(&mut self) {
        let badges = [
            json!({"issued": "2024-05-13T12:00:00+02:00", "number": 9, "weight": 9.5,
                "uses": [{"at": "2024-01-01T00:00:00Z", "count": 100}, {"at": "2023-01-01T00:00:00Z", "count": 2, "primary": true}]}),
            json!({"issued": "2024-05-13T11:30:00Z", "number": 10, "weight": 10.25}),
            json!({"issued": "2024-05-13T12:00:00.5Z", "number": -3, "weight": 1e2,
                "uses": [{"at": "2024-06-01T00:00:00+02:00", "count": 20}]}),
            json!({"issued": "2024-05-13T10:00:00Z", "number": 9_007_199_254_740_991i64, "weight": 9}),
            json!({"number": null}),
        ];
        for (seq, badge) in (1..).zip(badges) {
            let user = json!({"userName": format!("u{seq}"), BADGE: badge});
            self.store(TENANT, ResourceType::User, seq, user).await;
        }
    }

    async fn by_rules(&mut self, rules: Rules, text: &str) -> Result<Vec<u128>, Option<ScimType>> {
        let filter = filter::parse(rules, text).unwrap();
        let search = Search {
            rules,
            kinds: &[ResourceType::User],
            filter: Some(&filter),
            sort: None,
        };
        match search::by_index(&mut self.connection, TENANT, &search, 1, 100).await {
            Ok((page, _)) => Ok(page.iter().map(|stored| stored.id.as_u128()).collect()),
            Err(SearchError::Scim(error)) => Err(error.scim_type),
            Err(error) => panic!("{text}: {error:?}"),
        }
    }
}

/// RFC 7644 §3.4.2.2: dates of an extension compare as instants and numbers by size, whatever their spelling.
#[tokio::test]
async fn list_by_typed_attributes_of_a_defined_schema_compares_by_their_type() {
    let mut fixture = Fixture::new().await;
    fixture.badges().await;
    for (condition, found) in [
        ("issued eq \"2024-05-13T10:00:00Z\"", vec![1, 4]),
        ("issued ne \"2024-05-13T10:00:00Z\"", vec![2, 3, 5]),
        ("issued gt \"2024-05-13T13:00:00+02:00\"", vec![2, 3]),
        ("issued ge \"2024-05-13T12:00:00.500Z\"", vec![3]),
        ("issued lt \"2024-05-13T10:00:00.001Z\"", vec![1, 4]),
        ("issued le \"2024-05-13\"", vec![]),
        ("issued co \"+02:00\"", vec![1]),
        ("number gt 9", vec![2, 4]),
        ("number le 9", vec![1, 3]),
        ("number lt -2.5", vec![3]),
        ("number eq 1e1", vec![2]),
        ("number ne 10", vec![1, 3, 4, 5]),
        ("number eq 9007199254740991", vec![4]),
        ("weight ge 10.25", vec![2, 3]),
        ("weight lt 9.5", vec![4]),
        ("weight eq 100", vec![3]),
        ("uses.at gt \"2024-01-01T00:00:00Z\"", vec![3]),
        ("uses.count gt 50", vec![1]),
        ("uses[count gt 50 and at lt \"2024-01-01T00:00:01Z\"]", vec![1]),
        ("uses[count lt 50 and at gt \"2024-01-01T00:00:00Z\"]", vec![3]),
        ("uses[primary eq true and count eq 100]", vec![]),
    ] {
        for dialect in [Dialect::Tolerant, Dialect::Strict] {
            let text = format!("{BADGE}:{condition}");
            assert_eq!(
                fixture.by_rules(rules(dialect), &text).await,
                Ok(found.clone()),
                "{dialect:?} {text}"
            );
        }
    }
}

#[tokio::test]
async fn list_by_typed_attributes_with_a_value_of_another_type_is_invalid_filter() {
    let mut fixture = Fixture::new().await;
    fixture.badges().await;
    for (condition, tolerant) in [
        ("issued gt \"soon\"", Err(Some(ScimType::InvalidFilter))),
        ("issued gt 5", Err(Some(ScimType::InvalidFilter))),
        ("number eq \"9\"", Ok(vec![1])),
        ("uses.count eq \"2\"", Ok(vec![1])),
        ("uses[count eq \"2\"]", Ok(vec![1])),
        ("weight ge \"10.25\"", Ok(vec![2, 3])),
        ("uses.primary eq \"True\"", Ok(vec![1])),
        ("uses.primary gt true", Err(Some(ScimType::InvalidFilter))),
    ] {
        let text = format!("{BADGE}:{condition}");
        assert_eq!(
            fixture.by_rules(rules(Dialect::Tolerant), &text).await,
            tolerant,
            "{text}"
        );
        assert_eq!(
            fixture.by_rules(rules(Dialect::Strict), &text).await,
            Err(Some(ScimType::InvalidFilter)),
            "{text}"
        );
    }
}

/// RFC 7644 §3.4.2.3: dates of an extension order as instants, numbers by size.
#[tokio::test]
async fn sort_by_typed_attributes_of_a_defined_schema_orders_by_their_type() {
    let mut fixture = Fixture::new().await;
    fixture.badges().await;
    // Equals, and those without a value, keep the order of creation in both directions.
    for (by, ascending, descending) in [
        ("issued", [1, 4, 2, 3, 5], [5, 3, 2, 1, 4]),
        ("number", [3, 1, 2, 4, 5], [5, 4, 2, 1, 3]),
        ("weight", [4, 1, 2, 3, 5], [5, 3, 2, 1, 4]),
        // By the primary value, or else by the first.
        ("uses.count", [1, 3, 2, 4, 5], [2, 4, 5, 3, 1]),
        ("uses.at", [1, 3, 2, 4, 5], [2, 4, 5, 3, 1]),
    ] {
        let rules = rules(Dialect::Strict);
        let by = AttributePath::parse(rules.schemas, &format!("{BADGE}:{by}")).unwrap();
        for (descending, expected) in [(false, ascending), (true, descending)] {
            let sort = Sort {
                by: by.clone(),
                descending,
            };
            let search = Search {
                rules,
                kinds: &[ResourceType::User],
                filter: None,
                sort: Some(&sort),
            };
            // In pages of two, so that positions are compared by type too.
            let (mut found, mut position) = (vec![], None);
            loop {
                let page = search::after(&mut fixture.connection, TENANT, &search, position.as_ref(), 2);
                let (page, next) = page.await.unwrap();
                found.extend(page.iter().map(|stored| stored.id.as_u128()));
                position = next;
                if position.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "{by} {descending}");
        }
    }
}
