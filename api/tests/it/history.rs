//! What is asked of history wrongly, or by the wrong one.

use crate::app::{Answer, Client, TestApp};
use serde_json::json;

/// A person applied with a title, and their group, straight in the worker's tables.
const APPLIED: &str = "
    with person as (
        insert into people (tenant_id, id, resource_id, status, login, position, applied_mapping, applied_seq)
        select tenant_id, directory_id, resource_id, 'active', 'jane', 'Clerk', 1, seq from changes
        where tenant_id = $1 and kind = 1 returning *),
    told as (
        insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
        select tenant_id, 1, id, applied_seq, 1, '{\"status\": [null, \"active\"], \"position\": [null, \"Clerk\"]}'
        from person)
    insert into teams (tenant_id, id, kind, name, resource_id)
    select tenant_id, directory_id, 'group', 'Crew', resource_id from changes where tenant_id = $1 and kind = 2";

/// A User and a Group, in the directory as if a worker had applied them.
async fn applied(client: &Client<'_>) -> (Answer, Answer) {
    let jane = client.user("jane").await;
    let group = client
        .post("/Groups", json!({ "displayName": "Crew" }))
        .await
        .expect(201);
    sqlx::query(APPLIED)
        .bind(client.tenant)
        .execute(&client.app.pool)
        .await
        .unwrap();
    (jane, group)
}

#[tokio::test]
async fn history_asked_for_wrongly_is_a_problem_that_names_the_parameter() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let (jane, group) = applied(&client).await;
    let operator = app.client(client.tenant, "operator").await;
    let person = format!("/ops/v1/people/{}", jane.id());
    let team = format!("/ops/v1/teams/{}", group.id());
    for (path, named) in [
        (format!("{person}/history?at=yesterday"), "at"),
        (format!("{person}/history?at=2026-11-27"), "at"),
        (format!("{person}?at=1"), "at"),
        (format!("{person}/history?since=x"), "since"),
        (format!("{person}/history?until=x"), "until"),
        (format!("{person}/history?cursor=x"), "cursor"),
        (format!("{person}/history?limit=x"), "limit"),
        (format!("{team}/history?cursor=99999999999999999999"), "cursor"),
        (format!("{team}/members?cursor=x"), "cursor"),
        ("/ops/v1/teams?cursor=x".to_owned(), "cursor"),
        ("/ops/v1/teams?deleted=perhaps".to_owned(), "deleted"),
        ("/ops/v1/org?at=x".to_owned(), "at"),
        ("/ops/v1/org?cursor=x".to_owned(), "cursor"),
        ("/ops/v1/org?depth=2".to_owned(), "depth"),
        (format!("/ops/v1/org?root={}&depth=x", jane.id()), "depth"),
    ] {
        let detail = operator.get(&path).await.problem(400).to_owned();
        assert!(detail.starts_with(named), "{path}: {detail}");
    }
    // What no text in Postgres can hold is found nowhere.
    for path in ["/ops/v1/teams?q=%00", "/ops/v1/teams?kind=%00"] {
        assert_eq!(operator.get(path).await.expect(200).body["teams"], json!([]));
    }
    let nothing = operator
        .get(&format!("{person}/history?field=%00"))
        .await
        .expect(200);
    assert_eq!(nothing.body["history"], json!([]));
    // A time to come is as good as now, an ancient one is before everything.
    let then = operator
        .get(&format!("{person}?at=9999-12-31T23:59:59Z"))
        .await
        .expect(200);
    assert_eq!(then.body["person"]["position"], "Clerk");
    operator
        .get(&format!("{person}?at=0001-01-01T00:00:00%2B23:00"))
        .await
        .problem(404);
    operator
        .get(&format!("{person}?at=0000-01-01T00:00:00Z"))
        .await
        .problem(404);
}

#[tokio::test]
async fn history_org_and_teams_of_another_tenant_are_as_good_as_none() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let (jane, group) = applied(&client).await;
    let (jane, group) = (jane.id(), group.id());
    let mut paths = vec![];
    for (kind, id) in [("people", jane), ("teams", group)] {
        paths.extend(["", "/history"].map(|rest| format!("/ops/v1/{kind}/{id}{rest}")));
    }
    paths.push(format!("/ops/v1/people/{jane}/history?at=2999-01-01T00:00:00Z"));
    paths.push(format!("/ops/v1/teams/{group}/members"));
    paths.push(format!("/ops/v1/org?root={jane}"));
    let owner = app.client(client.tenant, "operator").await;
    let stranger = app.tenant("stranger").await;
    let stranger = app.client(stranger, "operator").await;
    for path in &paths {
        owner.get(path).await.expect(200);
        stranger.get(path).await.problem(404);
        client.get(path).await.problem(403);
    }
    for (list, of) in [("/ops/v1/org", "people"), ("/ops/v1/teams", "teams")] {
        assert_eq!(
            owner.get(list).await.body[of].as_array().unwrap().len(),
            1,
            "{list}"
        );
        assert_eq!(stranger.get(list).await.body[of], json!([]), "{list}");
    }
    let known = owner.get(&format!("/ops/v1/people/{jane}/history")).await.body;
    assert_eq!(known["history"][0]["receipt"]["token"]["name"], "test");
    for nobody in ["/ops/v1/people/nobody/history", "/ops/v1/teams/nothing/history"] {
        owner.get(nobody).await.problem(404);
    }
}
