//! The order of a list (RFC 7644 §3.4.2.3).

use super::*;
use rollcall_shared::scim::filter::AttributePath;
use rollcall_shared::store::search::Sort;

const LABEL: &str = "urn:example:label:2.0:User";

fn sort(by: &str, descending: bool) -> Sort {
    let by = AttributePath::parse(SchemaSet::default(), by).unwrap();
    Sort { by, descending }
}

impl Fixture {
    /// The ids of all of these kinds in this order; walked by index and, in pages of two, from
    /// position to position, which must be the same.
    async fn sorted(&mut self, kinds: &[ResourceType], by: &str, descending: bool) -> Vec<u128> {
        let sort = sort(by, descending);
        let search = Search {
            rules: Rules::default(),
            kinds,
            filter: None,
            sort: Some(&sort),
        };
        let connection = &mut self.connection;
        let (page, total) = search::by_index(connection, TENANT, &search, 1, 100)
            .await
            .unwrap_or_else(|error| panic!("{by}: {error:?}"));
        assert_eq!(page.len() as i64, total);
        let ids = |page: &[Stored]| -> Vec<u128> { page.iter().map(|stored| stored.id.as_u128()).collect() };
        let mut walked = vec![];
        let mut position = None;
        loop {
            let (page, next) = search::after(connection, TENANT, &search, position.as_ref(), 2)
                .await
                .unwrap();
            walked.extend(ids(&page));
            position = next;
            if position.is_none() {
                break;
            }
        }
        assert_eq!(walked, ids(&page), "{by} from position to position");
        walked
    }

    async fn users_sorted(&mut self, by: &str) -> Vec<u128> {
        self.sorted(&[ResourceType::User], by, false).await
    }

    async fn people(&mut self) {
        let users = [
            json!({"userName": "bert", "name": {"familyName": "Ötzi"}, "active": true, "externalId": "b",
                "emails": [{"value": "z@x.y"}, {"value": "a@x.y", "primary": true}],
                ENTERPRISE: {"department": "Sales", "manager": {"value": "carl"}},
                LABEL: {"size": 10, "tag": "x"}}),
            json!({"userName": "Anna", "name": {"familyName": "Oz"}, "active": false, "externalId": "B",
                "emails": [{"value": "m@x.y"}, {"value": "b@x.y"}],
                ENTERPRISE: {"department": "sales"}, LABEL: {"size": 9, "tag": "X"}}),
            json!({"userName": "carl", "name": {"familyName": "Pan"}, "externalId": "a",
                ENTERPRISE: {"department": "EMEA", "manager": "bert"}, LABEL: {"size": "big"}}),
            json!({"userName": "dora", "name": {"givenName": "D"}}),
        ];
        for (index, user) in users.into_iter().enumerate() {
            self.store(TENANT, ResourceType::User, index as u128 + 1, user)
                .await;
        }
        self.store(OTHER_TENANT, ResourceType::User, 9, json!({"userName": "a"}))
            .await;
    }
}

/// RFC 7644 §3.4.2.3: sortBy names the attribute whose value orders the resources, in standard attribute notation, and sortOrder is ascending unless it says descending.
#[tokio::test]
async fn sort_by_any_attribute_orders_by_its_value() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    for (by, ascending) in [
        ("userName", vec![2, 1, 3, 4]),
        ("USERNAME", vec![2, 1, 3, 4]),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
            vec![2, 1, 3, 4],
        ),
        ("id", vec![1, 2, 3, 4]),
        ("meta.created", vec![1, 2, 3, 4]),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            vec![3, 1, 2, 4],
        ),
        ("department", vec![3, 1, 2, 4]),
        ("active", vec![2, 1, 3, 4]),
    ] {
        assert_eq!(fixture.users_sorted(by).await, ascending, "{by}");
    }
    let descending = fixture.sorted(&[ResourceType::User], "userName", true).await;
    assert_eq!(descending, [4, 3, 1, 2]);
}

/// RFC 7644 §3.4.2.3: a resource without a value comes last in ascending order.
/// RFC 7644 §3.4.2.3: a resource without a value comes first in descending order.
#[tokio::test]
async fn sort_missing_values_come_last_ascending_and_first_descending() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    assert_eq!(fixture.users_sorted("name.familyName").await, [1, 2, 3, 4]);
    let descending = fixture
        .sorted(&[ResourceType::User], "name.familyName", true)
        .await;
    assert_eq!(descending, [4, 3, 2, 1]);
}

#[tokio::test]
async fn sort_equal_values_keep_creation_order_in_both_directions() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    assert_eq!(fixture.users_sorted("nickName").await, [1, 2, 3, 4]);
    assert_eq!(
        fixture.sorted(&[ResourceType::User], "department", true).await,
        [4, 1, 2, 3]
    );
}

/// RFC 7644 §3.4.2.3: a multi-valued attribute orders by its primary value, or else by its first.
/// RFC 7644 §3.4.2.3: a complex attribute orders by the sub-attribute named.
#[tokio::test]
async fn sort_by_multi_valued_and_complex_attributes() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    for by in ["emails", "emails.value"] {
        assert_eq!(fixture.users_sorted(by).await, [1, 2, 3, 4], "{by}");
    }
    for by in ["manager", "manager.value"] {
        assert_eq!(fixture.users_sorted(by).await, [3, 1, 2, 4], "{by}");
    }
}

/// RFC 7644 §3.4.2.3: texts order in the Unicode order without a locale and without case, unless the attribute is caseExact.
#[tokio::test]
async fn sort_texts_by_the_case_rule_of_their_attribute() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    assert_eq!(fixture.users_sorted("name.familyName").await, [1, 2, 3, 4]);
    assert_eq!(fixture.users_sorted("externalId").await, [2, 3, 1, 4]);
}

#[tokio::test]
async fn sort_by_an_attribute_no_schema_describes_puts_numbers_first_by_size() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    assert_eq!(fixture.users_sorted(&format!("{LABEL}:size")).await, [2, 1, 3, 4]);
    assert_eq!(
        fixture
            .sorted(&[ResourceType::User], &format!("{LABEL}:size"), true)
            .await,
        [4, 3, 1, 2]
    );
    assert_eq!(fixture.users_sorted(&format!("{LABEL}:TAG")).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn sort_groups_by_members_and_users_by_groups() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    let member = |user: u128| json!([{"value": Uuid::from_u128(user), "display": format!("d{user}")}]);
    for (seq, name, user) in [(11, "Zoo", 1), (12, "ape", 3), (13, "bee", 2)] {
        let group = json!({"displayName": name, "members": member(user)});
        fixture.store(TENANT, ResourceType::Group, seq, group).await;
    }
    let groups = [ResourceType::Group];
    assert_eq!(fixture.sorted(&groups, "displayName", false).await, [12, 13, 11]);
    assert_eq!(fixture.sorted(&groups, "members", false).await, [11, 13, 12]);
    assert_eq!(
        fixture.sorted(&groups, "members.display", true).await,
        [12, 13, 11]
    );
    assert_eq!(fixture.users_sorted("groups.display").await, [3, 2, 1, 4]);
}

/// RFC 7644 §3.4.2.1: a search of the root orders the resources of all types together.
#[tokio::test]
async fn sort_across_types_mixes_them_and_counts_an_unknown_attribute_as_missing() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    let groups = [
        (11, json!({"displayName": "Choir", "externalId": "aa"})),
        (12, json!({"displayName": "Band"})),
    ];
    for (seq, group) in groups {
        fixture.store(TENANT, ResourceType::Group, seq, group).await;
    }
    let all = ResourceType::ALL;
    assert_eq!(
        fixture.sorted(&all, "externalId", false).await,
        [2, 3, 11, 1, 4, 12]
    );
    assert_eq!(
        fixture.sorted(&all, "userName", false).await,
        [2, 1, 3, 4, 11, 12]
    );
    assert_eq!(
        fixture.sorted(&all, "displayName", false).await,
        [12, 11, 1, 2, 3, 4]
    );
    assert_eq!(
        fixture.sorted(&all, "meta.resourceType", false).await,
        [11, 12, 1, 2, 3, 4]
    );
}

#[tokio::test]
async fn sort_by_what_is_no_value_of_the_type_is_invalid_path() {
    let mut fixture = Fixture::new().await;
    fixture.people().await;
    for by in [
        "nonsense",
        "name",
        "name.nonsense",
        "password",
        "members",
        "meta",
        "title.value",
    ] {
        let sort = sort(by, false);
        let search = Search {
            rules: Rules::default(),
            kinds: &[ResourceType::User],
            filter: None,
            sort: Some(&sort),
        };
        match search::by_index(&mut fixture.connection, TENANT, &search, 1, 10).await {
            Err(SearchError::Scim(error)) => assert_eq!(error.scim_type, Some(ScimType::InvalidPath), "{by}"),
            other => panic!("{by}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn sort_by_a_value_longer_than_a_position_keeps_every_resource_once() {
    let mut fixture = Fixture::new().await;
    for seq in 1..=5 {
        let title = format!("{}{}", "ß".repeat(300), 9 - seq);
        let user = json!({"userName": format!("u{seq}"), "title": title});
        fixture.store(TENANT, ResourceType::User, seq, user).await;
    }
    assert_eq!(fixture.users_sorted("title").await, [1, 2, 3, 4, 5]);
}
