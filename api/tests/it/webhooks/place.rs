//! Where a webhook goes on that was disabled, and what if that place is gone.

use super::{WEBHOOKS, directory, merge, operator, path};
use crate::app::{Client, TestApp};
use devstack::wait::{self, SOON};
use serde_json::{Value, json};

/// Something happens in the directory, and can be told.
async fn happens(operator: &Client<'_>) -> i64 {
    let pool = &operator.app.pool;
    let id: i64 = sqlx::query_scalar(
        r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
           values ($1, 1, gen_random_uuid(), 1, 1, '{"position": ["a", "b"]}') returning id"#,
    )
    .bind(operator.tenant)
    .fetch_one(pool)
    .await
    .unwrap();
    let told = "select order_xid < pg_snapshot_xmin(pg_current_snapshot()) from history where id = $1";
    wait::until("it can be told", SOON, async || {
        sqlx::query_scalar(told).bind(id).fetch_one(pool).await.unwrap()
    })
    .await
    .unwrap();
    id
}

/// The change after which it goes on.
async fn after(operator: &Client<'_>) -> i64 {
    sqlx::query_scalar("select after_id from webhooks where tenant_id = $1")
        .bind(operator.tenant)
        .fetch_one(&operator.app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn webhook_whose_place_is_gone_is_enabled_only_where_it_is_said_to_go_on_from_now() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    happens(&operator).await;
    let created = operator.post(WEBHOOKS, directory()).await.expect(201);
    let path = path(&created);
    let off = merge(&operator, &path, json!({ "enabled": false }))
        .await
        .expect(200);
    assert_eq!(
        (&off.body["kept"], &off.body["resumedAt"]),
        (&json!(true), &Value::Null)
    );
    sqlx::query("delete from history")
        .execute(&app.pool)
        .await
        .unwrap();
    let latest = happens(&operator).await;

    let shown = operator.get(&path).await.expect(200);
    assert_eq!(shown.body["kept"], false);
    let listed = operator.get(WEBHOOKS).await.expect(200);
    assert_eq!(listed.body["webhooks"], json!([shown.body]));
    let refused = merge(&operator, &path, json!({ "enabled": true })).await;
    let detail = refused.problem(409);
    assert!(detail.contains(r#""resumeAt": "latest""#), "{detail}");
    assert_eq!(operator.get(&path).await.body, shown.body, "nothing was changed");
    // What does not enable it needs no decision.
    let described = merge(&operator, &path, json!({ "description": "Paused" }))
        .await
        .expect(200);
    assert_eq!(
        (&described.body["enabled"], &described.body["kept"]),
        (&json!(false), &json!(false))
    );

    let resumed = json!({ "enabled": true, "resumeAt": "latest" });
    let resumed = merge(&operator, &path, resumed).await.expect(200);
    assert_eq!(
        (&resumed.body["enabled"], &resumed.body["kept"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(resumed.body["disabledReason"], Value::Null);
    assert!(resumed.body["resumedAt"].is_string(), "{resumed:?}");
    assert_eq!(after(&operator).await, latest);

    let audit = operator.get("/ops/v1/audit").await.expect(200);
    let statuses: Vec<&Value> = audit.body["actions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|action| action["action"].as_str().unwrap().starts_with("PATCH"))
        .map(|action| &action["status"])
        .collect();
    assert_eq!(statuses, [&json!(200), &json!(200), &json!(409), &json!(200)]);
}

#[tokio::test]
async fn webhook_whose_place_is_there_leaves_out_what_happened_only_where_that_is_said() {
    let app = TestApp::start().await;
    let operator = operator(&app).await;
    let first = happens(&operator).await;
    let created = operator.post(WEBHOOKS, directory()).await.expect(201);
    let path = path(&created);
    merge(&operator, &path, json!({ "enabled": false }))
        .await
        .expect(200);
    let missed = happens(&operator).await;
    let on = merge(&operator, &path, json!({ "enabled": true, "resumeAt": null }))
        .await
        .expect(200);
    assert_eq!(
        (after(&operator).await, &on.body["resumedAt"]),
        (first, &Value::Null)
    );
    let skipped = merge(&operator, &path, json!({ "resumeAt": "latest" }))
        .await
        .expect(200);
    assert_eq!(after(&operator).await, missed);
    assert!(skipped.body["resumedAt"].is_string(), "{skipped:?}");
}
