//! Many that are read at once are what each is when it is read alone, and cost what they need.

use super::*;
use crate::rows_read::RowsRead;
use rollcall_shared::config::PostgresConfig;
use rollcall_shared::store::{self, Plans};
use std::collections::HashMap;

fn claim(kind: ResourceType, text: &str) -> Option<search::Claim> {
    let filter = filter::parse(Rules::default(), text).unwrap();
    search::claim(Rules::default(), kind, &filter)
}

#[test]
fn claim_only_a_whole_equality_with_a_value_that_has_holders_is_one() {
    let user = ResourceType::User;
    assert_eq!(
        claim(user, "userName eq \"Ada\""),
        claim(user, "USERNAME eq \"aDA\"")
    );
    assert_eq!(
        claim(user, "userName eq \"ada\""),
        claim(
            user,
            "urn:ietf:params:scim:schemas:core:2.0:User:userName EQ \"ada\""
        )
    );
    assert_ne!(
        claim(user, "externalId eq \"e\""),
        claim(user, "externalId eq \"E\"")
    );
    assert_eq!(claim(user, "externalId eq 5"), claim(user, "externalId eq \"5\""));
    for (kind, text) in [
        (user, "userName eq \"ada\""),
        (user, "(externalId eq \"e\")"),
        (ResourceType::Group, "externalId eq \"e\""),
    ] {
        assert!(claim(kind, text).is_some(), "{text}");
    }
    for (kind, text) in [
        (user, "userName ne \"ada\""),
        (user, "userName sw \"ada\""),
        (user, "userName eq null"),
        (user, "userName eq \" \""),
        (user, "not (userName eq \"ada\")"),
        (user, "userName eq \"ada\" and active eq true"),
        (user, "userName eq \"ada\" or userName eq \"ada\""),
        (user, "emails.value eq \"ada@example.com\""),
        (user, "emails[value eq \"ada@example.com\"]"),
        (user, "employeeNumber eq \"7\""),
        (user, "displayName eq \"Ada\""),
        (user, "id eq \"ada\""),
        (user, "active eq true"),
        (user, "userName.value eq \"ada\""),
        (user, "nonsense eq \"ada\""),
        (ResourceType::Group, "userName eq \"ada\""),
        (ResourceType::Group, "displayName eq \"ada\""),
    ] {
        assert_eq!(claim(kind, text), None, "{text}");
    }
}

#[tokio::test]
async fn holders_of_claims_are_what_a_search_for_each_finds() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    // The externalId of another source.
    let again = fixture
        .store(TENANT, ResourceType::User, 6, json!({"userName": "second"}))
        .await;
    sqlx::query(
        "insert into scim_keys (tenant_id, kind, attribute, value, folded, source, resource_id, directory_id, from_seq,
             is_unique)
         values (1, 1, 1, 'Ext-1', 'ext-1', 'other', $1, $1, 6, true)",
    )
    .bind(again)
    .execute(&mut fixture.connection)
    .await
    .unwrap();
    let asked = [
        ("userName eq \"ANNA@example.com\"", vec![1]),
        ("externalId eq \"Ext-1\"", vec![1, 6]),
        ("externalId eq \"ext-1\"", vec![]),
        ("userName eq \"deleted@example.com\"", vec![]),
        ("userName eq \"nobody\"", vec![]),
        ("externalId eq \"g-1\"", vec![]),
        ("userName eq \"second\"", vec![6]),
    ];
    let claims: Vec<search::Claim> = asked
        .iter()
        .map(|(text, _)| claim(ResourceType::User, text).unwrap())
        .collect();
    let claims: Vec<&search::Claim> = claims.iter().collect();
    let held = search::holders(&mut fixture.connection, TENANT, ResourceType::User, &claims)
        .await
        .unwrap();
    for (place, (text, expected)) in asked.iter().enumerate() {
        let (page, total) = fixture.list(ResourceType::User, text, 1, 100).await;
        let holders = held.iter().filter(|(of, _)| *of == place);
        let holders: Vec<&Stored> = holders.map(|(_, holder)| holder).collect();
        assert_eq!(holders, page.iter().collect::<Vec<_>>(), "{text}");
        let ids: Vec<u128> = page.iter().map(|stored| stored.id.as_u128()).collect();
        assert_eq!((ids, total), (expected.clone(), expected.len() as i64), "{text}");
    }
}

#[tokio::test]
async fn get_several_is_what_get_answers_of_each() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    let ids = [1, 2, 3, 4, 5, 11, 99, 1].map(Uuid::from_u128);
    for (tenant, kind, there) in [
        (TENANT, ResourceType::User, 3),
        (TENANT, ResourceType::Group, 1),
        (OTHER_TENANT, ResourceType::User, 1),
    ] {
        let several = search::get_several(&mut fixture.connection, tenant, kind, &ids)
            .await
            .unwrap();
        let several: HashMap<Uuid, Stored> = several.into_iter().map(|one| (one.id, one)).collect();
        assert_eq!(several.len(), there);
        for id in ids {
            let one = search::get(&mut fixture.connection, tenant, kind, id)
                .await
                .unwrap();
            assert_eq!(several.get(&id), one.as_ref(), "{id}");
        }
    }
}

#[tokio::test]
async fn groups_of_users_with_more_nestings_together_than_are_followed_for_one_are_all_told() {
    const ABOVE: i64 = 6_000;
    let mut fixture = Fixture::new().await;
    for statement in [
        "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source, created_seq,
             created_at, modified_at)
         select 1, lpad(to_hex(n), 32, '0')::uuid, 2, lpad(to_hex(n), 32, '0')::uuid, '{\"displayName\": \"G\"}', 1, n,
             'test', n, now(), now()
         from generate_series(1000, 1000 + 3 * $1) n",
        // User u is in group 1000 + u, and that in every third of the others.
        "insert into scim_members (tenant_id, group_id, member, value, asserted_seq)
         select 1, lpad(to_hex(n), 32, '0')::uuid, member::text, member::text, n
         from generate_series(1000, 1000 + 3 * $1) n,
             lateral (select case when n < 1003 then lpad(to_hex(n - 999), 32, '0')::uuid
                 else lpad(to_hex(1000 + n % 3), 32, '0')::uuid end as member) m",
    ] {
        sqlx::query(statement)
            .bind(ABOVE)
            .execute(&mut fixture.connection)
            .await
            .unwrap();
    }
    let users = [1, 2, 3, 4].map(Uuid::from_u128);
    let each = search::groups_of_each(&mut fixture.connection, TENANT, &users)
        .await
        .unwrap();
    assert_eq!(each.len(), 3);
    for user in users {
        let (alone, _) = search::hanging_on(&mut fixture.connection, TENANT, user, user)
            .await
            .unwrap();
        assert_eq!(each.get(&user).map_or(0, Vec::len), alone.len());
        assert_eq!(each.get(&user).cloned().unwrap_or_default(), alone);
    }
    assert!(each[&users[0]].len() as i64 >= ABOVE);
}

const USERS: i64 = 5_000;
/// Users of a tenant: user n is in three groups, reports to n / 10 and claims a userName and an externalId.
const COMPANY: [&str; 7] = [
    "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source, created_seq,
         created_at, modified_at)
     select $1, md5($1 || ' ' || n)::uuid, 1, md5($1 || ' ' || n)::uuid, jsonb_build_object('userName', 'u' || n), 1, n,
         'test', n, now(), now()
     from generate_series(1, $2) n",
    "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source, created_seq,
         created_at, modified_at)
     select $1, md5($1 || ' group ' || n)::uuid, 2, md5($1 || ' group ' || n)::uuid,
         jsonb_build_object('displayName', 'g' || n), 1, $2 + n, 'test', $2 + n, now(), now()
     from generate_series(0, $2 / 10) n",
    "insert into scim_keys (tenant_id, kind, attribute, value, folded, source, resource_id, directory_id, from_seq,
         is_unique)
     select $1, 1, a, 'u' || n, 'u' || n, case a when 1 then 'test' else '' end, id, id, n, a < 3
     from generate_series(1, $2) n, generate_series(1, 3) a, lateral (select md5($1 || ' ' || n)::uuid as id) i",
    "insert into scim_members (tenant_id, group_id, member, value, asserted_seq)
     select $1, md5($1 || ' group ' || (n * (g * 7 + 1)) % ($2 / 10))::uuid, id, id, n
     from generate_series(1, $2) n, generate_series(0, 2) g,
         lateral (select md5($1 || ' ' || n)::uuid::text as id) i
     on conflict do nothing",
    "insert into scim_members (tenant_id, group_id, member, value, asserted_seq)
     select $1, md5($1 || ' group ' || n / 10)::uuid, md5($1 || ' group ' || n)::uuid::text, 'nested', n
     from generate_series(1, $2 / 10) n",
    "insert into people (tenant_id, id, resource_id, status, display_name, applied_mapping, applied_seq)
     select $1, id, id, 'active', 'Person', 1, n
     from generate_series(1, $2) n, lateral (select md5($1 || ' ' || n)::uuid as id) i",
    "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq)
     select $1, md5($1 || ' ' || n)::uuid, 1, 0, md5($1 || ' ' || n / 10)::uuid, 'm', n
     from generate_series(10, $2) n",
];

async fn company_of(tenant: TenantId, connection: &mut PgConnection) {
    for statement in COMPANY {
        let insert = sqlx::query(statement).bind(tenant.0).bind(USERS);
        insert.execute(&mut *connection).await.unwrap();
    }
}

async fn id_of(connection: &mut PgConnection, number: i64) -> Uuid {
    let id = sqlx::query_scalar("select md5($1 || ' ' || $2)::uuid");
    id.bind(TENANT.0)
        .bind(number)
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn many_of_a_large_tenant_are_read_by_their_keys_whatever_postgres_knows_of_it() {
    const MANY: i64 = 100;
    let database = TestDatabase::create().await.unwrap();
    let config = PostgresConfig {
        database_url: database.url().to_owned(),
        database_connections: 1,
    };
    let pool = store::connect(&config, 1, Plans::ByKey).unwrap();
    let mut connection = pool.acquire().await.unwrap();
    company_of(OTHER_TENANT, &mut connection).await;
    sqlx::query("vacuum analyze")
        .execute(&mut *connection)
        .await
        .unwrap();
    company_of(TENANT, &mut connection).await;
    let mut ids = vec![];
    let mut claims = vec![];
    for number in (0..MANY).map(|number| 17 + number * 31) {
        ids.push(id_of(&mut connection, number).await);
        let attribute = if number % 2 == 0 { "userName" } else { "externalId" };
        claims.extend(claim(
            ResourceType::User,
            &format!("{attribute} eq \"u{number}\""),
        ));
    }
    let claims: Vec<&search::Claim> = claims.iter().collect();
    for known in [false, true] {
        if known {
            sqlx::query("vacuum analyze")
                .execute(&mut *connection)
                .await
                .unwrap();
        }
        let mut tx = connection.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;
        let found = search::get_several(&mut tx, TENANT, ResourceType::User, &ids).await;
        assert_eq!(found.unwrap().len() as i64, MANY);
        counted.within(&mut tx, 4 * MANY, "Users by id").await;
        let held = search::holders(&mut tx, TENANT, ResourceType::User, &claims).await;
        assert_eq!(held.unwrap().len() as i64, MANY);
        counted.within(&mut tx, 8 * MANY, "Users by claim").await;
        let groups = search::groups_of_each(&mut tx, TENANT, &ids).await.unwrap();
        assert_eq!(groups.len() as i64, MANY);
        counted.within(&mut tx, 40 * MANY, "groups of Users").await;
        let managers = search::managers_of(&mut tx, TENANT, &ids).await.unwrap();
        assert_eq!(managers.len() as i64, MANY);
        counted.within(&mut tx, 8 * MANY, "managers of Users").await;
        tx.rollback().await.unwrap();
    }
}
