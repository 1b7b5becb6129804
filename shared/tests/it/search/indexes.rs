//! What clients look resources up by is answered by an index, however many there are.

use super::*;
use std::time::Instant;

const USERS: i64 = 100_000;

impl Fixture {
    /// 100,000 users as accepting them leaves them, in a few statements: a minute apart, every
    /// fiftieth inactive.
    async fn large_company(&mut self) {
        for statement in [
            "insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, source, created_seq,
                 created_at, modified_at)
             select 1, lpad(to_hex(n), 32, '0')::uuid, 1, lpad(to_hex(n), 32, '0')::uuid,
                 jsonb_build_object('userName', 'user' || n || '@example.com', 'externalId', 'ext-' || n,
                     'displayName', 'Given' || n || ' Family', 'title', 'Title ' || n % 100, 'active', n % 50 <> 0,
                     'emails', jsonb_build_array(jsonb_build_object('value', 'user' || n || '@example.com',
                         'type', 'work', 'primary', true))),
                 1, n, 'test', n, timestamptz '2024-01-01Z' + n * interval '1 minute',
                 timestamptz '2024-01-01Z' + n * interval '1 minute'
             from generate_series(1, $1) n",
            "insert into scim_keys (tenant_id, kind, attribute, value, folded, source, resource_id, directory_id,
                 from_seq, is_unique)
             select 1, 1, a.attribute, v.value, lower(v.value), case a.attribute when 1 then 'test' else '' end, id, id, n,
                 a.attribute <= 2
             from generate_series(1, $1) n, lateral (select lpad(to_hex(n), 32, '0')::uuid as id) i,
                 (values (1, 'ext-', ''), (2, 'user', '@example.com'), (3, 'user', '@example.com')) a (attribute, head, tail),
                 lateral (select a.head || n || a.tail as value) v",
            "insert into changes (tenant_id, seq, txn, resource_id, directory_id, kind, operation, attributes, version,
                 accepted_at)
             select 1, n, id, id, id, 1, 'create', '{}', 1, timestamptz '2024-01-01Z' + n * interval '1 minute'
             from generate_series(1, $1) n, lateral (select lpad(to_hex(n), 32, '0')::uuid as id) i",
        ] {
            sqlx::query(statement)
                .bind(USERS)
                .execute(&mut self.connection)
                .await
                .unwrap();
        }
        for table in ["scim_resources", "scim_keys", "changes"] {
            let vacuum = sqlx::AssertSqlSafe(format!("vacuum analyze {table}"));
            sqlx::query(vacuum).execute(&mut self.connection).await.unwrap();
        }
    }
}

/// Every node of a plan that reads a whole table.
fn scans(plan: &Value, found: &mut Vec<String>) {
    match plan {
        Value::Array(nodes) => nodes.iter().for_each(|node| scans(node, found)),
        Value::Object(node) => {
            if node.get("Node Type") == Some(&json!("Seq Scan")) {
                found.push(node["Relation Name"].as_str().unwrap_or_default().to_owned());
            }
            node.values().for_each(|node| scans(node, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn list_by_hot_attributes_of_100_000_users_scans_no_table() {
    let mut fixture = Fixture::new().await;
    fixture.large_company().await;
    let id = Uuid::from_u128(4711);
    let hot = [
        (r#"userName eq "USER4711@example.com""#.to_owned(), 1),
        (r#"userName sw "user4711""#.to_owned(), 11),
        (r#"externalId eq "ext-4711""#.to_owned(), 1),
        (format!(r#"id eq "{id}""#), 1),
        (r#"displayName eq "given4711 family""#.to_owned(), 1),
        (r#"displayName sw "Given4711""#.to_owned(), 11),
        (r#"emails.value eq "User4711@example.com""#.to_owned(), 1),
        (
            r#"emails[type eq "work"].value eq "user4711@example.com""#.to_owned(),
            1,
        ),
        ("active eq false".to_owned(), USERS / 50),
        ("active eq true".to_owned(), USERS - USERS / 50),
        (r#"meta.lastModified ge "2024-03-10T10:40:00Z""#.to_owned(), 1),
        (r#"meta.lastModified gt "2024-03-10T04:00:00Z""#.to_owned(), 400),
        (
            r#"meta.lastModified gt "2024-03-10T04:00:00Z" and meta.lastModified lt "2024-03-10T05:00:00Z""#
                .to_owned(),
            59,
        ),
        (r#"meta.lastModified eq "2024-03-10T10:40:00Z""#.to_owned(), 1),
        (r#"meta.lastModified lt "2024-01-01T01:00:00Z""#.to_owned(), 59),
        (r#"meta.lastModified le "2024-01-01T01:00:00Z""#.to_owned(), 60),
        (r#"meta.lastModified lt "2023-12-31T00:00:00Z""#.to_owned(), 0),
        (r#"meta.lastModified gt "2099-01-01T00:00:00Z""#.to_owned(), 0),
        (
            r#"meta.lastModified le "2024-01-01T01:00:00Z" and title co "1" and active eq false"#.to_owned(),
            0,
        ),
        // The rest of the filter is only looked at where the hot part holds.
        (
            r#"userName eq "user4711@example.com" and title co "11""#.to_owned(),
            1,
        ),
        (r#"title co "1" and displayName sw "Given4711""#.to_owned(), 11),
        (r#"active eq false and title ew " 50""#.to_owned(), USERS / 100),
        (format!(r#"id eq "{id}" and not (title eq "x")"#), 1),
        (
            r#"userName eq "user1@example.com" or externalId eq "ext-2""#.to_owned(),
            2,
        ),
    ];
    for (text, matches) in hot {
        let filter = filter::parse(Rules::default(), &text).unwrap();
        let search = Search {
            rules: Rules::default(),
            kinds: &[ResourceType::User],
            filter: Some(&filter),
            sort: None,
        };
        let plans = search::plan(&mut fixture.connection, TENANT, &search, 100)
            .await
            .unwrap();
        let mut found = vec![];
        plans.iter().for_each(|plan| scans(plan, &mut found));
        assert_eq!(found, Vec::<String>::new(), "{text}: {plans:#?}");
        let started = Instant::now();
        let (page, total) = search::by_index(&mut fixture.connection, TENANT, &search, 1, 100)
            .await
            .unwrap();
        println!("{:>8.2} ms  {text}", started.elapsed().as_secs_f64() * 1e3);
        assert_eq!((page.len() as i64, total), (matches.min(100), matches), "{text}");
    }
}

/// Rows updated, and those of them for which no index was written, by a change of one user.
async fn updates_of(fixture: &mut Fixture, change: &str) -> (i64, i64) {
    let mut transaction = fixture.connection.begin().await.unwrap();
    let counters =
        "select n_tup_upd, n_tup_hot_upd from pg_stat_xact_user_tables where relname = 'scim_resources'";
    let before: (i64, i64) = sqlx::query_as(counters)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    let update =
        "update scim_resources set document = document || $1::jsonb, version = version + 1, seq = seq + 100,
             modified_at = now() where tenant_id = 1 and id = $2";
    sqlx::query(update)
        .bind(change)
        .bind(Uuid::from_u128(1))
        .execute(&mut *transaction)
        .await
        .unwrap();
    let after: (i64, i64) = sqlx::query_as(counters)
        .fetch_one(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    (after.0 - before.0, after.1 - before.1)
}

#[tokio::test]
async fn update_of_what_no_filter_looks_up_writes_no_index() {
    let mut fixture = Fixture::new().await;
    let user = json!({"userName": "ada", "displayName": "Ada", "active": true, "title": "a"});
    fixture.store(TENANT, ResourceType::User, 1, user).await;
    for (change, hot) in [
        (r#"{"title": "b"}"#, 1),
        (r#"{"emails": [{"value": "x"}], "displayName": "ADA"}"#, 1),
        (r#"{"displayName": "Ada L."}"#, 0),
        (r#"{"active": false}"#, 0),
        (r#"{"title": "c", "active": false}"#, 1),
    ] {
        assert_eq!(updates_of(&mut fixture, change).await, (1, hot), "{change}");
    }
}
