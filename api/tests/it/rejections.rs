use crate::app::{Client, TestApp};
use serde_json::{Value, json};

/// A user with a value rejected by each of these rules, without a worker at hand.
async fn rejected(scim: &Client<'_>, name: &str, rules: &[&str]) -> String {
    let user = scim.user(name).await;
    for rule in rules {
        sqlx::query(
            "insert into rejections (tenant_id, resource_id, rule, value_hash, reason, seq)
             select tenant_id, id, $3, sha256(to_json(document ->> 'userName')::text::bytea), 'userName is odd', seq
             from scim_resources where tenant_id = $1 and id = $2::text::uuid",
        )
        .bind(scim.tenant)
        .bind(user.id())
        .bind(rule)
        .execute(&scim.app.pool)
        .await
        .unwrap();
    }
    user.id().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    let rejections = page["rejections"].as_array().unwrap();
    rejections
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn rejections_are_listed_page_by_page_each_once_with_value_and_receipt() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let mut users = vec![];
    for name in ["ada", "bob", "eve"] {
        users.push(rejected(&scim, name, &["photo_url", "start_date"]).await);
    }
    let mut listed = vec![];
    let mut cursor = String::new();
    loop {
        let page = operator
            .get(&format!("/ops/v1/rejections?limit=4&cursor={cursor}"))
            .await
            .expect(200)
            .body;
        listed.extend(ids(&page));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(listed.len(), 6, "{listed:?}");
    let mut once = listed.clone();
    once.dedup();
    assert_eq!(once, listed);
    let one = operator
        .get(&format!("/ops/v1/rejections?person={}&rule=start_date", users[0]))
        .await
        .expect(200);
    let one = &one.body["rejections"][0];
    assert_eq!(
        (&one["value"], &one["reason"], &one["resourceType"]),
        (&json!("ada"), &json!("userName is odd"), &json!("User"))
    );
    assert!(
        one["assertedBy"]["txn"].is_string() && one["since"].is_string(),
        "{one}"
    );
}

#[tokio::test]
async fn rejections_of_another_tenant_are_neither_shown_nor_touched() {
    let app = TestApp::start().await;
    let (mine, other) = (app.scim().await, app.scim().await);
    let user = rejected(&mine, "ada", &["start_date"]).await;
    let stranger = app.client(other.tenant, "operator").await;
    let id = format!("{user}:start_date");
    assert_eq!(
        ids(&stranger.get("/ops/v1/rejections").await.expect(200).body),
        Vec::<String>::new()
    );
    stranger
        .get(&format!("/ops/v1/rejections?person={user}"))
        .await
        .problem(404);
    for (path, body, count) in [
        ("retry", json!({ "ids": [id] }), "retried"),
        ("retry", json!({}), "retried"),
        ("discard", json!({ "ids": [id], "note": "mine now" }), "discarded"),
        ("restore", json!({ "ids": [id] }), "restored"),
    ] {
        let answer = stranger
            .post(&format!("/ops/v1/rejections/{path}"), body)
            .await
            .expect(200);
        assert_eq!(answer.body[count], 0, "{path}");
    }
    let owner = app.client(mine.tenant, "operator").await;
    assert_eq!(ids(&owner.get("/ops/v1/rejections").await.body), [id]);
    mine.get("/ops/v1/rejections").await.problem(403);
}

#[tokio::test]
async fn bad_request_about_rejections_names_the_parameter_and_not_the_value() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    for (query, named) in [
        ("cursor=secret", "cursor"),
        ("discarded=secret", "discarded"),
        ("limit=secret", "limit"),
    ] {
        let answer = operator.get(&format!("/ops/v1/rejections?{query}")).await;
        let detail = answer.problem(400);
        assert!(detail.contains(named) && !detail.contains("secret"), "{detail}");
    }
    let nobody = uuid::Uuid::now_v7();
    for (path, body, named) in [
        ("retry", json!({ "ids": ["secret"] }), "ids"),
        (
            "retry",
            json!({ "ids": [format!("{nobody}:a\u{0}secret")] }),
            "ids",
        ),
        (
            "retry",
            json!({ "ids": vec![format!("{nobody}:x"); 1_001] }),
            "ids",
        ),
        ("discard", json!({ "ids": [], "note": " " }), "note"),
        (
            "discard",
            json!({ "ids": [], "note": "secret".repeat(200) }),
            "note",
        ),
        ("discard", json!({ "ids": [] }), "note"),
        ("discard", json!({ "note": "all of them" }), "ids"),
        ("restore", json!({}), "ids"),
    ] {
        let answer = operator.post(&format!("/ops/v1/rejections/{path}"), body).await;
        let detail = answer.problem(400);
        assert!(!detail.contains("secret"), "{path}: {detail}");
        assert!(
            detail.contains(named) || detail.contains("missing field"),
            "{path}: {detail}"
        );
    }
    let none = operator.get("/ops/v1/rejections?rule=%00").await.expect(200);
    assert_eq!(none.body, json!({ "rejections": [], "nextCursor": null }));
}
