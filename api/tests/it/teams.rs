//! Teams that no value creates; who joins them is shown in the worker's tests.

use crate::app::TestApp;
use serde_json::{Value, json};

async fn map(app: &TestApp, tenant: i64, teams: Value) {
    let mapping = json!({"rules": [
        {"name": "role", "from": ["title"], "to": {"team": "role"}},
    ], "teams": teams});
    sqlx::query("insert into mappings (tenant_id, version, document) values ($1, 2, $2)")
        .bind(tenant)
        .bind(mapping)
        .execute(&app.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn team_is_created_once_under_its_first_name_and_those_who_wait_are_due() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    map(&app, scim.tenant, json!({"role": {"create": false}})).await;
    let user = json!({"userName": "ann", "title": "Night Watch"});
    scim.post("/Users", user).await.expect(201);
    let named: i64 = sqlx::query_scalar("select count(*) from team_names")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(named, 0, "a kind that is not created is named by nobody else");
    sqlx::query(
        "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
         values ($1, gen_random_uuid(), 4, 'role:night watch', 'Night Watch', 'team:role:night watch', 'missing', 1)",
    )
    .bind(scim.tenant)
    .execute(&app.pool)
    .await
    .unwrap();

    let team = |name: &str| json!({"kind": "role", "name": name});
    let created = operator
        .post("/ops/v1/teams", team("  Night watch "))
        .await
        .expect(201);
    assert_eq!(created.body["name"], "Night watch");
    assert_eq!(created.body["waited"], 1);
    let due: bool = sqlx::query_scalar("select next_attempt_at <= now() from waiters")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert!(due, "a stale link is tried again too");
    let again = operator
        .post("/ops/v1/teams", team("NIGHT WATCH"))
        .await
        .expect(200);
    assert_eq!(
        (&again.body["id"], &again.body["name"]),
        (&created.body["id"], &created.body["name"])
    );
}

#[tokio::test]
async fn team_of_another_kind_or_without_a_name_is_refused() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    for (kind, name, reason) in [
        ("role", "Cook", "kind"),
        ("group", "Cook", "kind"),
        ("department", " ", "name"),
        ("department", "a\u{0}b", "name"),
        ("department", &"x".repeat(513), "name"),
    ] {
        let answer = operator
            .post("/ops/v1/teams", json!({"kind": kind, "name": name}))
            .await;
        assert!(answer.problem(400).contains(reason), "{kind} {name}");
    }
    operator
        .post("/ops/v1/teams", json!({"kind": "department"}))
        .await
        .problem(400);
    scim.post("/ops/v1/teams", json!({"kind": "department", "name": "Sales"}))
        .await
        .problem(403);
    let teams: i64 = sqlx::query_scalar("select count(*) from teams")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(teams, 0);
    // Another tenant's mapping is nothing to this one.
    let other = app.scim().await;
    map(&app, other.tenant, json!({})).await;
    operator
        .post("/ops/v1/teams", json!({"kind": "role", "name": "Cook"}))
        .await
        .problem(400);
}

#[tokio::test]
async fn users_are_accepted_and_name_teams_by_the_mapping_in_force() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let named = async || -> Vec<String> {
        sqlx::query_scalar("select kind || ' ' || name from team_names order by 1")
            .fetch_all(&app.pool)
            .await
            .unwrap()
    };
    let user = |name: &str, title: &str| {
        json!({"userName": name, "title": title,
               "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": title}})
    };
    scim.post("/Users", user("a", "One")).await.expect(201);
    assert_eq!(named().await, ["department One"]);
    map(&app, scim.tenant, json!({})).await;
    scim.post("/Users", user("b", "Two")).await.expect(201);
    assert_eq!(named().await, ["department One", "role Two"]);
    // One that only a newer version of the program understands keeps nobody out.
    let unknown = "insert into mappings (tenant_id, version, document) values ($1, 3, '{\"moods\": 1}')";
    sqlx::query(unknown)
        .bind(scim.tenant)
        .execute(&app.pool)
        .await
        .unwrap();
    scim.post("/Users", user("c", "Three")).await.expect(201);
    assert_eq!(named().await, ["department One", "role Two"]);
}
