//! Reads of desired state.

mod filters;
mod indexes;
mod large_groups;
mod links;
mod pages;
mod several;
mod sort;
mod sweep;
mod typed;

use devstack::TestDatabase;
use futures::StreamExt as _;
use rollcall_shared::directory::{TenantId, fold};
use rollcall_shared::scim::schema::SchemaSet;
use rollcall_shared::scim::{
    Body, Derived, Document, GroupOf, Member, Meta, ResourceType, Rules, ScimType, Selection, filter, keys,
    parse_resource, render, schema,
};
use rollcall_shared::store::search::{self, Search, SearchError, Stored};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const TENANT: TenantId = TenantId(1);
const OTHER_TENANT: TenantId = TenantId(2);
const ENTERPRISE: &str = schema::ENTERPRISE_USER;

struct Fixture {
    _database: TestDatabase,
    connection: PgConnection,
}

impl Fixture {
    async fn new() -> Fixture {
        let database = TestDatabase::create().await.unwrap();
        let connection = PgConnection::connect(database.url()).await.unwrap();
        Fixture {
            _database: database,
            connection,
        }
    }

    /// Store a resource as accepting it would; its seq is its id.
    async fn store(&mut self, tenant: TenantId, kind: ResourceType, seq: u128, body: Value) -> Uuid {
        let id = Uuid::from_u128(seq);
        let Body {
            document, members, ..
        } = parse_resource(Rules::default(), kind, body).unwrap();
        let seq = i64::try_from(seq).unwrap();
        sqlx::query(
            "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source, created_seq,
                 created_at, modified_at)
             values ($1, $2, $3, $2, $4, 1, $5, 'test', $5, $6::timestamptz, $6::timestamptz + interval '1 day')",
        )
        .bind(tenant.0)
        .bind(id)
        .bind(kind as i16)
        .bind(Value::Object(document.0.clone()))
        .bind(seq)
        .bind(chrono::DateTime::parse_from_rfc3339("2024-05-13T12:00:00.123456Z").unwrap())
        .execute(&mut self.connection)
        .await
        .unwrap();
        for key in keys(kind, &document).unwrap() {
            sqlx::query(
                "insert into scim_keys (tenant_id, kind, attribute, value, folded, source, resource_id, directory_id,
                     from_seq, is_unique)
                 values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)",
            )
            .bind(tenant.0)
            .bind(kind as i16)
            .bind(key.attribute as i16)
            .bind(key.value)
            .bind(key.folded)
            .bind(if key.namespaced { "test" } else { "" })
            .bind(id)
            .bind(seq)
            .bind(key.unique)
            .execute(&mut self.connection)
            .await
            .unwrap();
        }
        for member in members.into_iter().flatten() {
            sqlx::query(
                "insert into scim_members (tenant_id, group_id, member, value, attributes, asserted_seq)
                 values ($1, $2, $3, $4, $5, $6)",
            )
            .bind(tenant.0)
            .bind(id)
            .bind(fold(&member.value))
            .bind(member.value)
            .bind(member.attributes.map(Value::Object))
            .bind(seq)
            .execute(&mut self.connection)
            .await
            .unwrap();
        }
        id
    }

    async fn delete(&mut self, id: Uuid) {
        for statement in [
            "update scim_resources set deleted_seq = 99 where id = $1",
            "update scim_keys set to_seq = 99, deleted = true where resource_id = $1",
        ] {
            sqlx::query(statement)
                .bind(id)
                .execute(&mut self.connection)
                .await
                .unwrap();
        }
    }

    async fn list(&mut self, kind: ResourceType, text: &str, start: i64, count: i64) -> (Vec<Stored>, i64) {
        let filter = (!text.is_empty()).then(|| filter::parse(Rules::default(), text).unwrap());
        let search = Search {
            rules: Rules::default(),
            kinds: &[kind],
            filter: filter.as_ref(),
            sort: None,
        };
        search::by_index(&mut self.connection, TENANT, &search, start, count)
            .await
            .unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    async fn found(&mut self, kind: ResourceType, text: &str) -> Vec<u128> {
        let (page, total) = self.list(kind, text, 1, 100).await;
        assert_eq!(page.len() as i64, total, "{text}");
        let (none, counted) = self.list(kind, text, 1, 0).await;
        assert_eq!((none.len(), counted), (0, total), "{text}");
        page.iter().map(|stored| stored.id.as_u128()).collect()
    }

    async fn refused(&mut self, kind: ResourceType, text: &str) -> Option<ScimType> {
        let filter = Some(filter::parse(Rules::default(), text).unwrap());
        let search = Search {
            rules: Rules::default(),
            kinds: &[kind],
            filter: filter.as_ref(),
            sort: None,
        };
        match search::by_index(&mut self.connection, TENANT, &search, 1, 10).await {
            Err(SearchError::Scim(error)) => error.scim_type,
            other => panic!("{text}: {other:?}"),
        }
    }

    async fn company(&mut self) {
        let users = [
            json!({
                "userName": "Anna@Example.com", "externalId": "Ext-1", "active": true, "title": "Ünit lead 100%_\\",
                "name": {"givenName": "Anna", "familyName": "Ö"}, "displayName": "anna",
                "emails": [
                    {"value": "anna@work.example", "type": "work", "primary": true},
                    {"value": "anna@home.example", "type": "home"},
                ],
                ENTERPRISE: {"employeeNumber": "701984", "department": "Sales", "Badge": "Red", "size": 5, "lead": true},
            }),
            json!({
                "userName": "bert@example.com", "active": false, "title": "Lead", "level": "L3", "photos": [{"value": "https://x/P.png"}],
                "emails": [{"value": "bert@work.example", "type": "home"}],
                ENTERPRISE: {"manager": {"value": "anna@example.com"}, "level": "ignored", "Badge": ["Blue", "red"]},
                "urn:example:Other:2.0:User": {"tag": {"value": "x"}},
            }),
            json!({"userName": "carla", "displayName": "Straße", "urn:example:text": "plain",
                "addresses": [{"locality": "Köln", "type": "work"}],
                schema::ROLLCALL_USER: {"level": "L4", "additionalManagers": ["anna@example.com", "bert@example.com"]}}),
            json!({"userName": "deleted@example.com", "emails": [{"value": "gone@work.example"}]}),
        ];
        for (index, user) in users.into_iter().enumerate() {
            self.store(TENANT, ResourceType::User, index as u128 + 1, user)
                .await;
        }
        self.delete(Uuid::from_u128(4)).await;
        self.store(
            OTHER_TENANT,
            ResourceType::User,
            5,
            json!({"userName": "anna@example.com", "title": "Lead"}),
        )
        .await;
        let anna = Uuid::from_u128(1);
        let groups = [
            json!({"displayName": "Sales", "externalId": "g-1", "members": [
                {"value": anna, "display": "Anna", "type": "User"}, "bert@example.com"]}),
            json!({"displayName": "Empty"}),
        ];
        for (index, group) in groups.into_iter().enumerate() {
            self.store(TENANT, ResourceType::Group, index as u128 + 11, group)
                .await;
        }
    }
}

/// What a client reads of a user.
fn representation(user: &Stored, derived: Derived) -> Value {
    let meta = Meta {
        id: user.id,
        version: user.version,
        created: user.created_at,
        modified: user.modified_at,
        location: format!("https://example.com/scim/v2/Users/{}", user.id),
    };
    render(
        ResourceType::User,
        &meta,
        &Document(user.document.0.clone()),
        &derived,
        &Selection::default(),
    )
}
