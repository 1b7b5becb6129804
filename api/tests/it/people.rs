//! Looking people and their links up as an operator; what links do is shown in the worker's tests.

use crate::app::TestApp;
use devstack::TestDatabase;
use serde_json::json;

/// A person of this user's resource as a worker would write it, reporting to themselves, with a
/// link that waits.
async fn applied(app: &TestApp, tenant: i64, resource: &str) {
    for statement in [
        "insert into people (tenant_id, id, resource_id, status, login, display_name, applied_mapping, applied_seq)
         select tenant_id, directory_id, id, 'active', document ->> 'userName', 'Ada 100% Lovelace', 1, seq
         from scim_resources where tenant_id = $1 and id = $2::text::uuid",
        "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq,
             next_attempt_at)
         select tenant_id, id, 1, '0', 'Bob', 'bob', 'missing', applied_seq, now() + interval '1 day'
         from people where tenant_id = $1 and resource_id = $2::text::uuid",
    ] {
        sqlx::query(statement).bind(tenant).bind(resource).execute(&app.pool).await.unwrap();
    }
}

#[tokio::test]
async fn people_are_found_by_any_value_they_hold_and_by_name() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let body = json!({
        "userName": "ada@example.com", "externalId": "E-1",
        "emails": [{ "value": "lovelace@example.com" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "employeeNumber": "0042" },
    });
    let user = scim.post("/Users", body).await.expect(201);
    scim.user("bob@example.com").await;
    // Accepted, not yet in the directory.
    let accepted = operator
        .get(&format!("/ops/v1/people/{}", user.id()))
        .await
        .expect(200);
    assert_eq!(
        (&accepted.body["person"], &accepted.body["pendingChanges"]),
        (&json!(null), &json!(1))
    );
    applied(&app, scim.tenant, user.id()).await;
    for q in [
        "ADA@",
        "e-1",
        "lovelace@example.com",
        "0042",
        "ada%20100%25%20love",
        &user.id()[..8],
    ] {
        let found = operator.get(&format!("/ops/v1/people?q={q}")).await.expect(200);
        assert_eq!(
            found.body["people"].as_array().unwrap().len(),
            1,
            "{q}: {found:?}"
        );
        assert_eq!(found.body["people"][0]["resourceId"], user.id(), "{q}");
    }
    for q in ["100_", "nobody", "%00"] {
        let found = operator.get(&format!("/ops/v1/people?q={q}")).await.expect(200);
        assert_eq!(found.body, json!({ "people": [] }), "{q}");
    }
    let shown = operator
        .get(&format!("/ops/v1/people/{}", user.id()))
        .await
        .expect(200);
    assert_eq!(shown.body["person"]["login"], "ada@example.com");
    let all = operator.get("/ops/v1/people").await.expect(200).body;
    assert_eq!(all["people"].as_array().unwrap().len(), 1, "{all:?}");
    assert!(
        operator
            .get("/ops/v1/people?q=a&count=x")
            .await
            .problem(400)
            .contains("count")
    );
    operator.get("/ops/v1/people/nobody").await.problem(404);
    scim.get("/ops/v1/people?q=ada").await.problem(403);
}

#[tokio::test]
async fn people_are_listed_page_by_page_and_only_those_who_are_wanted() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    for name in ["ada", "bob", "eve"] {
        applied(&app, scim.tenant, scim.user(name).await.id()).await;
    }
    for statement in [
        "update people set status = 'deactivated' where tenant_id = $1 and login = 'bob'",
        "delete from waiters using people p
         where p.tenant_id = $1 and p.login = 'eve' and waiters.tenant_id = $1 and subject_id = p.id",
        "insert into teams (tenant_id, id, kind, name, folded) select $1, gen_random_uuid(), 'department', 'Sales', 'sales'",
        "insert into team_members (tenant_id, team_id, person_id, source)
         select $1, t.id, p.id, 'department' from teams t join people p using (tenant_id)
         where tenant_id = $1 and p.login <> 'ada'",
    ] {
        sqlx::query(statement)
            .bind(scim.tenant)
            .execute(&app.pool)
            .await
            .unwrap();
    }
    let team: uuid::Uuid = sqlx::query_scalar("select id from teams where tenant_id = $1")
        .bind(scim.tenant)
        .fetch_one(&app.pool)
        .await
        .unwrap();
    let logins = async |query: String| {
        let found = operator
            .get(&format!("/ops/v1/people?{query}"))
            .await
            .expect(200)
            .body;
        let people = found["people"].as_array().unwrap();
        let logins = people
            .iter()
            .map(|person| person["login"].as_str().unwrap().to_owned());
        (logins.collect::<Vec<String>>(), found["nextCursor"].clone())
    };
    let (first, cursor) = logins("count=2".to_owned()).await;
    let (rest, end) = logins(format!("count=2&cursor={}", cursor.as_str().unwrap())).await;
    assert_eq!(
        ([first, rest].concat(), end),
        (vec!["ada".into(), "bob".into(), "eve".into()], json!(null))
    );
    for (query, wanted) in [
        ("status=deactivated".to_owned(), vec!["bob"]),
        ("waiting=true".to_owned(), vec!["ada", "bob"]),
        (format!("team={team}"), vec!["bob", "eve"]),
        (format!("team={team}&waiting=true"), vec!["bob"]),
        // Everybody is called Ada Lovelace.
        ("q=lovelace&status=active".to_owned(), vec!["ada", "eve"]),
        (format!("q=e&team={team}&status=active"), vec!["eve"]),
        ("q=ada&status=deprovisioned".to_owned(), vec![]),
    ] {
        assert_eq!(logins(query.clone()).await.0, wanted, "{query}");
    }
    for (query, named) in [
        ("status=gone", "status"),
        ("waiting=1", "waiting"),
        ("team=x", "team"),
        ("cursor=x", "cursor"),
    ] {
        let detail = operator.get(&format!("/ops/v1/people?{query}")).await;
        assert!(detail.problem(400).contains(named), "{query}");
    }
}

#[tokio::test]
async fn managers_above_somebody_are_told_up_to_the_top_and_a_circle_ends() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let mut ids = vec![];
    for name in ["ada", "bob", "eve"] {
        let user = scim.user(name).await;
        applied(&app, scim.tenant, user.id()).await;
        let person = operator.get(&format!("/ops/v1/people/{}", user.id())).await.body;
        ids.push(person["id"].as_str().unwrap().to_owned());
    }
    let reports_to = async |who: &str, manager: &str| {
        sqlx::query(
            "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq)
             values ($1, $2::text::uuid, 1, 0, $3::text::uuid, 'x', 1)",
        )
        .bind(scim.tenant)
        .bind(who)
        .bind(manager)
        .execute(&app.pool)
        .await
        .unwrap();
    };
    reports_to(&ids[2], &ids[1]).await;
    reports_to(&ids[1], &ids[0]).await;
    let above = async |root: &str| {
        let org = operator
            .get(&format!("/ops/v1/org?root={root}&depth=0"))
            .await
            .expect(200)
            .body;
        let above = org["above"].as_array().unwrap();
        above
            .iter()
            .map(|person| person["login"].as_str().unwrap().to_owned())
            .collect::<Vec<String>>()
    };
    assert_eq!(above(&ids[2]).await, ["bob", "ada"]);
    assert_eq!(above(&ids[0]).await, Vec::<String>::new());
    reports_to(&ids[0], &ids[2]).await;
    assert_eq!(above(&ids[2]).await, ["bob", "ada"], "a circle");
}

#[tokio::test]
async fn people_links_and_waiting_of_another_tenant_are_as_good_as_none() {
    let app = TestApp::start().await;
    let (mine, other) = (app.scim().await, app.scim().await);
    let owner = app.client(mine.tenant, "operator").await;
    let stranger = app.client(other.tenant, "operator").await;
    let user = mine.user("ada@example.com").await;
    applied(&app, mine.tenant, user.id()).await;
    let person = owner.get(&format!("/ops/v1/people/{}", user.id())).await.body["id"].clone();
    for id in [user.id(), person.as_str().unwrap()] {
        for path in [
            format!("/ops/v1/people/{id}"),
            format!("/ops/v1/people/{id}/links"),
        ] {
            stranger.get(&path).await.problem(404);
            owner.get(&path).await.expect(200);
        }
        stranger
            .post(&format!("/ops/v1/people/{id}/links/retry"), json!({}))
            .await
            .problem(404);
    }
    assert_eq!(
        stranger.get("/ops/v1/people?q=ada").await.body,
        json!({ "people": [] })
    );
    assert_eq!(stranger.get("/ops/v1/waiting").await.body["totalResults"], 0);
    for body in [json!({}), json!({ "keys": ["bob"] })] {
        assert_eq!(
            stranger.post("/ops/v1/waiting/retry", body).await.body["retried"],
            0
        );
    }
    // The other tenant's people are no suggestion either.
    let waiter = other.user("ada@example.co").await;
    applied(&app, other.tenant, waiter.id()).await;
    let insert = "update waiters set wait_key = 'ada@example.com' where tenant_id = $1";
    sqlx::query(insert)
        .bind(other.tenant)
        .execute(&app.pool)
        .await
        .unwrap();
    let links = stranger
        .get(&format!("/ops/v1/people/{}/links", waiter.id()))
        .await
        .expect(200);
    assert_eq!(
        links.body["links"][0]["nearest"]["resourceId"],
        waiter.id(),
        "{links:?}"
    );
}

#[tokio::test]
async fn retry_without_redis_leaves_due_links_to_the_feeder_and_bad_requests_are_refused() {
    let database = TestDatabase::create().await.unwrap();
    let app = TestApp::start_on(database.url(), &["--redis-url", "redis://127.0.0.1:1"]).await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let user = scim.user("ada@example.com").await;
    applied(&app, scim.tenant, user.id()).await;
    let path = "/ops/v1/waiting/retry";
    assert!(
        operator
            .get("/ops/v1/waiting?reason=%00")
            .await
            .problem(400)
            .contains("reason")
    );
    let detail = operator.post(path, json!({ "keys": "secret" })).await;
    assert!(!detail.problem(400).contains("secret"), "{detail:?}");
    operator
        .post(path, json!({ "keys": vec!["k"; 1_001] }))
        .await
        .problem(400);
    let none = operator
        .post(path, json!({ "keys": ["nobody", "\u{0}"] }))
        .await
        .expect(200);
    assert_eq!(none.body["retried"], 0);
    let retried = operator
        .post(path, json!({ "keys": [" BOB "] }))
        .await
        .expect(200);
    assert_eq!(retried.body, json!({ "retried": 1, "queued": false }));
    let due: bool = sqlx::query_scalar("select bool_and(next_attempt_at <= now()) from waiters")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert!(due);
}
