//! Tenants, managed by admins.

use crate::app::{Client, TestApp};
use devstack::wait;
use serde_json::{Value, json};

const TENANTS: &str = "/ops/v1/tenants";

async fn admin(app: &TestApp) -> Client<'_> {
    app.client(0, "admin").await
}

fn path(tenant: &Value, rest: &str) -> String {
    format!("{TENANTS}/{}{rest}", tenant["id"])
}

fn names(list: &Value) -> Vec<&str> {
    let tenants = list["tenants"].as_array().unwrap();
    tenants
        .iter()
        .map(|tenant| tenant["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn tenant_created_by_an_admin_gets_its_first_token_from_them_and_shows_its_figures() {
    let app = TestApp::start().await;
    let admin = admin(&app).await;
    let created = admin.post(TENANTS, json!({ "name": " Acme " })).await.expect(201);
    let acme = &created.body;
    assert_eq!(created.header("location"), path(acme, ""));
    assert_eq!(
        json!([acme["name"], acme["suspendedAt"], acme["people"]]),
        json!(["Acme", null, 0])
    );

    let asked = json!({ "name": "Entra", "scope": "scim", "source": "entra" });
    let token = admin.post(&path(acme, "/tokens"), asked).await.expect(201).body;
    let scim = admin.with_secret(token["secret"].as_str().unwrap());
    let boss = json!({ "userName": "ada", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
        "manager": { "value": "nobody@example.com" } } });
    scim.post("/Users", boss).await.expect(201);
    let shown = admin.get(&path(acme, "")).await.expect(200).body;
    assert_eq!(
        json!([shown["people"], shown["pending"], shown["waiting"]]),
        json!([0, 1, 0]),
        "accepted, and no worker runs"
    );

    let tokens = admin.get(&path(acme, "/tokens")).await.expect(200).body;
    assert_eq!(tokens["tokens"][0]["id"], token["id"]);
    let token = path(acme, &format!("/tokens/{}", token["id"].as_str().unwrap()));
    admin.delete(&token).await.expect(204);
    wait::until("the revocation to take hold", wait::SOON, async || {
        scim.get("/Users").await.status == 401
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn list_shows_an_admin_all_tenants_page_by_page_and_an_operator_their_own() {
    let app = TestApp::start().await;
    let admin = admin(&app).await;
    for name in ["one", "two", "three"] {
        admin.post(TENANTS, json!({ "name": name })).await.expect(201);
    }
    let first = admin.get(&format!("{TENANTS}?count=2")).await.expect(200).body;
    assert_eq!(names(&first), ["one", "two"], "the instance is no tenant");
    let next = first["nextCursor"].as_str().unwrap();
    let rest = format!("{TENANTS}?count=2&cursor={next}");
    let rest = admin.get(&rest).await.expect(200).body;
    assert_eq!((names(&rest), &rest["nextCursor"]), (vec!["three"], &Value::Null));
    admin.get(&format!("{TENANTS}?cursor=x")).await.problem(400);

    let two = first["tenants"][1]["id"].as_i64().unwrap();
    let operator = app.client(two, "operator").await;
    assert_eq!(names(&operator.get(TENANTS).await.expect(200).body), ["two"]);
    let one = format!("{TENANTS}?count=1");
    assert_eq!(
        operator.get(&one).await.expect(200).body["nextCursor"],
        Value::Null
    );
    operator.get(&path(&first["tenants"][1], "")).await.expect(200);
    for other in [path(&first["tenants"][0], ""), format!("{TENANTS}/0")] {
        operator.get(&other).await.problem(404);
    }
}

#[tokio::test]
async fn tenant_renamed_keeps_what_it_has_and_a_name_that_cannot_be_is_refused() {
    let app = TestApp::start().await;
    let admin = admin(&app).await;
    let acme = admin
        .post(TENANTS, json!({ "name": "acme" }))
        .await
        .expect(201)
        .body;
    admin.post(TENANTS, json!({ "name": "other" })).await.expect(201);
    let renamed = app.http.patch(format!("{}{}", app.url, path(&acme, "")));
    let rename = |body: Value| {
        let request = renamed.try_clone().unwrap().bearer_auth(&admin.secret);
        crate::app::send(request.json(&body))
    };
    let shown = rename(json!({ "name": "Acme Ltd" })).await.expect(200).body;
    assert_eq!(
        json!([shown["id"], shown["name"]]),
        json!([acme["id"], "Acme Ltd"])
    );
    rename(json!({ "name": "Acme Ltd" })).await.expect(200);
    rename(json!({ "name": "other" })).await.problem(409);
    admin.post(TENANTS, json!({ "name": "other" })).await.problem(409);
    for body in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": " " }),
        json!({ "name": 1 }),
        json!({ "name": "a\u{0}b" }),
        json!({ "name": "x".repeat(101) }),
        json!({ "name": "x", "suspended": true }),
    ] {
        rename(body.clone()).await.problem(400);
        admin.post(TENANTS, body).await.problem(400);
    }
    for nowhere in ["0", "-1", "99999", "x", "9223372036854775808"] {
        admin.get(&format!("{TENANTS}/{nowhere}")).await.problem(404);
        let suspend = format!("{TENANTS}/{nowhere}/suspend");
        admin.post(&suspend, Value::Null).await.problem(404);
        let token = json!({ "name": "x", "scope": "scim" });
        let tokens = format!("{TENANTS}/{nowhere}/tokens");
        admin.post(&tokens, token).await.problem(404);
    }
}

#[tokio::test]
async fn suspended_tenant_is_read_and_not_changed_until_it_is_resumed() {
    let app = TestApp::start().await;
    let admin = admin(&app).await;
    let acme = admin
        .post(TENANTS, json!({ "name": "acme" }))
        .await
        .expect(201)
        .body;
    let tenant = acme["id"].as_i64().unwrap();
    let scim = app.client(tenant, "scim").await;
    let operator = app.client(tenant, "operator").await;
    let bystander = app.scim().await;
    let user = scim.user("ada").await;
    let path_of_user = format!("/Users/{}", user.id());

    let suspended = admin
        .post(&path(&acme, "/suspend"), Value::Null)
        .await
        .expect(200)
        .body;
    assert!(suspended["suspendedAt"].is_string());
    wait::until("the suspension to take hold", wait::SOON, async || {
        scim.post("/Users", json!({ "userName": "late" })).await.status == 403
            && operator
                .post("/ops/v1/runs", json!({ "scope": "full" }))
                .await
                .status
                == 403
    })
    .await
    .unwrap();
    let refused = scim.delete(&path_of_user).await;
    assert!(refused.scim_error(403).contains("suspended"), "{refused:?}");
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "x" }]);
    scim.patch(&path_of_user, rename).await.scim_error(403);
    scim.put(&path_of_user, json!({ "userName": "x" }))
        .await
        .scim_error(403);
    scim.post("/Bulk", json!({})).await.scim_error(403);
    let token = json!({ "name": "x", "scope": "scim" });
    let refused = operator.post("/ops/v1/tokens", token).await;
    assert!(refused.problem(403).contains("suspended"), "{refused:?}");

    scim.get(&path_of_user).await.expect(200);
    scim.post("/.search", json!({})).await.expect(200);
    operator.get("/ops/v1/overview").await.expect(200);
    operator
        .get(&format!("/ops/v1/receipts/{}", user.txn()))
        .await
        .expect(200);
    bystander.user("grace").await;
    // Once more changes nothing, and the first time stays.
    let again = admin
        .post(&path(&acme, "/suspend"), Value::Null)
        .await
        .expect(200)
        .body;
    assert_eq!(again["suspendedAt"], suspended["suspendedAt"]);

    let resumed = admin
        .post(&path(&acme, "/resume"), Value::Null)
        .await
        .expect(200)
        .body;
    assert_eq!(resumed["suspendedAt"], Value::Null);
    wait::until("writes to be taken again", wait::SOON, async || {
        scim.delete(&path_of_user).await.status == 204
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn admin_is_refused_everywhere_else_and_nobody_else_manages_tenants() {
    let app = TestApp::start().await;
    let admin = admin(&app).await;
    let refused = admin.get("/Users").await;
    assert!(
        refused
            .scim_error(403)
            .contains("POST /ops/v1/tenants/{id}/tokens"),
        "{refused:?}"
    );
    for path in [
        "/ops/v1/overview",
        "/ops/v1/people?q=a",
        "/ops/v1/tokens",
        "/content/v1/people",
    ] {
        let refused = admin.get(path).await;
        assert!(
            refused.problem(403).contains("has the scope admin"),
            "{path}: {refused:?}"
        );
    }
    admin
        .get(&format!("/ops/v1/receipts/{}", uuid::Uuid::now_v7()))
        .await
        .problem(403);

    let tenant = app.tenant("acme").await;
    let operator = app.client(tenant, "operator").await;
    let acme = json!({ "id": tenant });
    let refused = operator.post(TENANTS, json!({ "name": "mine" })).await;
    assert!(
        refused.problem(403).contains("token create --scope admin"),
        "{refused:?}"
    );
    for action in ["/suspend", "/resume", "/tokens"] {
        operator.post(&path(&acme, action), json!({})).await.problem(403);
    }
    operator.get(&path(&acme, "/tokens")).await.problem(403);
    let nobody = path(&acme, &format!("/tokens/{}", uuid::Uuid::now_v7()));
    operator.delete(&nobody).await.problem(403);
    for scope in ["scim", "content"] {
        app.client(tenant, scope).await.get(TENANTS).await.problem(403);
    }
    // No way from a tenant to the instance, nor from an admin to an admin.
    let token = json!({ "name": "x", "scope": "admin" });
    operator.post("/ops/v1/tokens", token.clone()).await.problem(400);
    admin.post(&path(&acme, "/tokens"), token).await.problem(400);
    let stolen = sqlx::query("update tokens set scope = 'admin' where tenant_id = $1");
    assert!(
        stolen.bind(tenant).execute(&app.pool).await.is_err(),
        "a tenant has an admin"
    );
}

#[tokio::test]
async fn audit_log_of_the_instance_holds_what_admins_did_and_no_tenants_actions() {
    let app = TestApp::start().await;
    let admin = admin(&app).await;
    let acme = admin
        .post(TENANTS, json!({ "name": "acme" }))
        .await
        .expect(201)
        .body;
    admin
        .post(&path(&acme, "/suspend"), Value::Null)
        .await
        .expect(200);
    let token = uuid::Uuid::now_v7();
    admin
        .delete(&path(&acme, &format!("/tokens/{token}")))
        .await
        .problem(404);
    admin.get(TENANTS).await.expect(200);
    let operator = app.client(app.tenant("theirs").await, "operator").await;
    operator
        .post(TENANTS, json!({ "name": "mine" }))
        .await
        .problem(403);

    let rows = |log: Value| -> Vec<Value> {
        let rows = log["actions"].as_array().unwrap().iter();
        rows.map(|row| json!([row["action"], row["target"], row["status"]]))
            .collect()
    };
    let id = acme["id"].to_string();
    assert_eq!(
        rows(admin.get("/ops/v1/audit").await.expect(200).body),
        [
            json!([
                "DELETE /ops/v1/tenants/{id}/tokens/{token}",
                format!("{id}/{token}"),
                404
            ]),
            json!(["POST /ops/v1/tenants/{id}/suspend", id, 200]),
            json!(["POST /ops/v1/tenants", null, 201]),
        ]
    );
    assert_eq!(
        rows(operator.get("/ops/v1/audit").await.expect(200).body),
        [json!(["POST /ops/v1/tenants", null, 403])]
    );
}
