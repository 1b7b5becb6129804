//! Windows on a list.

use super::*;

#[tokio::test]
async fn list_pages_in_creation_order_with_the_total_of_live_resources() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    assert_eq!(fixture.found(ResourceType::User, "").await, [1, 2, 3]);
    for (start, count, ids) in [
        (1, 2, vec![1, 2]),
        (2, 2, vec![2, 3]),
        (3, 9, vec![3]),
        (4, 9, vec![]),
        (0, 1, vec![1]),
        (-5, 1, vec![1]),
        (1, -1, vec![]),
    ] {
        let (page, total) = fixture.list(ResourceType::User, "", start, count).await;
        let found: Vec<u128> = page.iter().map(|stored| stored.id.as_u128()).collect();
        assert_eq!((found, total), (ids, 3), "startIndex {start}, count {count}");
    }
}

#[tokio::test]
async fn get_live_resource_of_its_kind_and_tenant_only() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    for (tenant, kind, id, there) in [
        (TENANT, ResourceType::User, 1, true),
        (TENANT, ResourceType::Group, 1, false),
        (TENANT, ResourceType::User, 4, false),
        (TENANT, ResourceType::User, 5, false),
        (OTHER_TENANT, ResourceType::User, 5, true),
    ] {
        let found = search::get(&mut fixture.connection, tenant, kind, Uuid::from_u128(id))
            .await
            .unwrap();
        assert_eq!(found.is_some(), there, "{id}");
    }
}

/// RFC 9865 §2: following nextCursor from page to page reads every resource once.
#[tokio::test]
async fn after_walks_in_creation_order_whatever_is_created_and_deleted_meanwhile() {
    let mut fixture = Fixture::new().await;
    for seq in 1..=9 {
        let user = json!({"userName": format!("u{seq}")});
        fixture.store(TENANT, ResourceType::User, seq, user).await;
    }
    let search = Search {
        rules: Rules::default(),
        kinds: &[ResourceType::User],
        filter: None,
        sort: None,
    };
    let mut walked = vec![];
    let mut position = None;
    // What was read, what comes next and what was just read is deleted while others are created.
    for (deleted, created) in [(vec![3, 4, 1], 21), (vec![7], 22), (vec![22], 23)] {
        let (page, next) = search::after(&mut fixture.connection, TENANT, &search, position.as_ref(), 3)
            .await
            .unwrap();
        walked.push(
            page.iter()
                .map(|stored| stored.id.as_u128())
                .collect::<Vec<u128>>(),
        );
        assert!(next.is_some(), "{walked:?}");
        position = next;
        for seq in deleted {
            fixture.delete(Uuid::from_u128(seq)).await;
        }
        let user = json!({"userName": format!("u{created}")});
        fixture.store(TENANT, ResourceType::User, created, user).await;
    }
    let (page, next) = search::after(&mut fixture.connection, TENANT, &search, position.as_ref(), 9)
        .await
        .unwrap();
    walked.push(page.iter().map(|stored| stored.id.as_u128()).collect());
    assert_eq!(next, None);
    assert_eq!(walked, [vec![1, 2, 3], vec![5, 6, 7], vec![8, 9, 21], vec![23]]);
}

/// RFC 7644 §3.4.2.1: a search of the root finds resources of all types.
#[tokio::test]
async fn by_index_across_types_is_one_list_in_creation_order() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    let all = |text: &str| (!text.is_empty()).then(|| filter::parse(Rules::default(), text).unwrap());
    for (text, start, count, ids, total) in [
        ("", 1, 100, vec![1, 2, 3, 11, 12], 5),
        ("", 3, 2, vec![3, 11], 5),
        ("", 9, 2, vec![], 5),
        (r#"displayName eq "sales""#, 1, 9, vec![11], 1),
        (r#"displayName sw "s""#, 1, 9, vec![3, 11], 2),
        // An attribute that one of the types does not have: none of that type matches.
        ("userName pr", 1, 9, vec![1, 2, 3], 3),
        ("members pr", 1, 9, vec![11], 1),
    ] {
        let filter = all(text);
        let search = Search {
            rules: Rules::default(),
            kinds: &ResourceType::ALL,
            filter: filter.as_ref(),
            sort: None,
        };
        let (page, found) = search::by_index(&mut fixture.connection, TENANT, &search, start, count)
            .await
            .unwrap();
        let page: Vec<u128> = page.iter().map(|stored| stored.id.as_u128()).collect();
        assert_eq!((page, found), (ids, total), "{text}");
    }
    let filter = all("nonsense pr");
    let search = Search {
        rules: Rules::default(),
        kinds: &ResourceType::ALL,
        filter: filter.as_ref(),
        sort: None,
    };
    let refused = search::by_index(&mut fixture.connection, TENANT, &search, 1, 9).await;
    assert!(matches!(refused, Err(SearchError::Scim(_))), "{refused:?}");
}
