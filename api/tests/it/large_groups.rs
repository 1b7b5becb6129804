//! Groups with so many members that nothing may look at all of them without need.

use crate::app::{Client, TestApp};
use serde_json::{Value, json};

/// A group with this many members, without asking the API to store them.
async fn group_of(scim: &Client<'_>, name: &str, members: i64) -> String {
    let group = scim
        .post("/Groups", json!({"displayName": name}))
        .await
        .expect(201);
    let fill = "insert into scim_members (tenant_id, group_id, member, value, attributes, asserted_seq)
         select $1, $2, $3 || n, $3 || n, case when n % 2 = 0 then jsonb_build_object('type', 'User') end, $4 - n
         from generate_series(0, $4 - 1) n";
    sqlx::query(fill)
        .bind(scim.tenant)
        .bind(uuid::Uuid::parse_str(group.id()).unwrap())
        .bind(format!("{name}-"))
        .bind(members)
        .execute(&scim.app.pool)
        .await
        .unwrap();
    group.id().to_owned()
}

fn members(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| member["value"].as_str().unwrap())
        .collect()
}

/// RFC 7644 §3.4.2.5: attributes that the client excludes are not returned.
#[tokio::test]
async fn group_without_members_asked_for_never_reads_them() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let id = group_of(&scim, "big", 10).await;
    // Whoever looks into the table fails.
    sqlx::query("alter table scim_members rename to away")
        .execute(&app.pool)
        .await
        .unwrap();
    for path in [
        format!("/Groups/{id}?excludedAttributes=members"),
        format!("/Groups/{id}?attributes=displayName"),
        "/Groups?excludedAttributes=members".to_owned(),
        "/Groups?filter=displayName%20eq%20%22big%22&excludedAttributes=members".to_owned(),
        "/Groups?cursor=&sortBy=displayName&excludedAttributes=members".to_owned(),
    ] {
        let answer = scim.get(&path).await.expect(200);
        assert!(!answer.body.to_string().contains("members"), "{answer:?}");
    }
    let message = json!({"filter": "displayName sw \"b\"", "excludedAttributes": ["members"]});
    scim.post("/.search", message).await.expect(200);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "bigger"}]);
    scim.patch(&format!("/Groups/{id}"), rename).await.expect(204);
    scim.get(&format!("/Groups/{id}")).await.scim_error(500);
}

#[tokio::test]
async fn group_of_20_000_is_read_whole_with_its_headers() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let id = group_of(&scim, "big", 20_000).await;
    let read = scim.get(&format!("/Groups/{id}")).await.expect(200);
    assert_eq!(read.header("etag"), r#"W/"1""#);
    assert!(read.header("location").ends_with(&format!("/Groups/{id}")));
    assert_eq!(read.header("content-type"), "application/scim+json");
    assert_eq!(read.body["meta"]["version"], r#"W/"1""#);
    let found = members(&read.body);
    assert_eq!(found.len(), 20_000);
    // In the order they were asserted: the last one first, here.
    assert_eq!((found[0], found[19_999]), ("big-19999", "big-0"));
    assert_eq!(
        read.body["members"][1],
        json!({"value": "big-19998", "type": "User"})
    );
    let values = scim
        .get(&format!("/Groups/{id}?attributes=members.value"))
        .await
        .expect(200);
    assert_eq!(values.body["members"][1], json!({"value": "big-19998"}));
    let types = scim
        .get(&format!("/Groups/{id}?attributes=members.type"))
        .await
        .expect(200);
    assert_eq!(types.body["members"].as_array().unwrap().len(), 10_000);
}

#[tokio::test]
async fn list_of_groups_shows_each_with_its_own_members() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    for (name, count) in [("c", 3), ("empty", 0), ("a", 2), ("b", 1)] {
        group_of(&scim, name, count).await;
    }
    for path in [
        "/Groups?sortBy=displayName",
        "/Groups?sortBy=displayName&cursor=&attributes=displayName,members",
    ] {
        let list = scim.get(path).await.expect(200);
        let groups = list.body["Resources"].as_array().unwrap();
        assert_eq!(members(&groups[0]), ["a-1", "a-0"], "{path}");
        assert_eq!(members(&groups[1]), ["b-0"], "{path}");
        assert_eq!(members(&groups[2]), ["c-2", "c-1", "c-0"], "{path}");
        assert_eq!(groups[3].get("members"), None, "{path}");
    }
}

#[tokio::test]
async fn group_patched_with_5_000_members_writes_them_in_one_statement() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let id = group_of(&scim, "big", 10).await;
    let count_statements = "
        create table statements (rows bigint not null);
        create function count_statement() returns trigger language plpgsql as $$
            begin insert into statements select count(*) from touched; return null; end $$;
        create trigger count_insert after insert on scim_members referencing new table as touched
            for each statement execute function count_statement();
        create trigger count_delete after delete on scim_members referencing old table as touched
            for each statement execute function count_statement();";
    sqlx::raw_sql(count_statements).execute(&app.pool).await.unwrap();
    let statements = async || {
        let rows =
            "with gone as (delete from statements where rows > 0 returning rows) select rows from gone";
        let rows = sqlx::query_scalar::<_, i64>(rows);
        rows.fetch_all(&app.pool).await.unwrap()
    };
    let values: Vec<Value> = (0..5_000).map(|n| json!({"value": format!("new-{n}")})).collect();
    let path = format!("/Groups/{id}");
    let add = json!([{"op": "add", "path": "members", "value": values}]);
    scim.patch(&path, add).await.expect(204);
    assert_eq!(statements().await, [5_000]);
    let read = scim.get(&path).await.expect(200);
    assert_eq!(members(&read.body).len(), 5_010);
    let remove = json!([{"op": "remove", "path": "members", "value": values}]);
    scim.patch(&path, remove).await.expect(204);
    assert_eq!(statements().await, [5_000]);
    assert_eq!(members(&scim.get(&path).await.body).len(), 10);
}
