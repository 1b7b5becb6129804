//! What hangs on other resources.

use super::*;

#[tokio::test]
async fn members_and_groups_are_read_in_sets() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    let groups = [11, 12].map(Uuid::from_u128);
    let rows = search::members_of(&mut fixture.connection, TENANT, &groups);
    let members: Vec<(Uuid, Member)> = rows.map(Result::unwrap).collect().await;
    assert_eq!(members.len(), 2);
    let anna = Uuid::from_u128(1);
    let attributes = json!({"display": "Anna", "type": "User"}).as_object().cloned();
    let value = anna.to_string();
    assert!(members.contains(&(groups[0], Member { value, attributes })));
    let groups_of = search::groups_of(&mut fixture.connection, TENANT, &[anna, Uuid::from_u128(2)])
        .await
        .unwrap();
    assert_eq!(groups_of.len(), 1);
    let sales = |direct| GroupOf {
        id: groups[0],
        name: "Sales".to_owned(),
        direct,
    };
    assert_eq!(groups_of[&anna], [sales(true)]);
    fixture.delete(groups[0]).await;
    assert!(
        search::groups_of(&mut fixture.connection, TENANT, &[anna])
            .await
            .unwrap()
            .is_empty()
    );
}
