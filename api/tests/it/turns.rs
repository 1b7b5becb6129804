//! The transactions of a tenant's line, one after the other.

use crate::app::{TestApp, send};
use crate::gate::{ACCEPT_LOCK_CLASS, Gate, in_flight};
use devstack::wait::{SOON, until};
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, PgConnection};

/// What commits wait for.
const BRAKE: i64 = 77;

#[tokio::test]
async fn next_transaction_is_in_line_while_one_commits_and_does_not_overtake_one_whose_commit_fails() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let user = client.user("patched").await;
    let mut brake = PgConnection::connect(app.database_url()).await.unwrap();
    sqlx::query("select pg_advisory_lock($1)")
        .bind(BRAKE)
        .execute(&mut brake)
        .await
        .unwrap();
    // The first commit waits, and fails then.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "create sequence commits;
         create function brake() returns trigger language plpgsql as $$ begin
             perform pg_advisory_xact_lock_shared({BRAKE});
             if nextval('commits') = 1 then raise exception 'lost' using errcode = '40001'; end if;
             return null; end $$;
         create constraint trigger brake after update on scim_resources deferrable initially deferred
             for each row execute function brake()"
    )))
    .execute(&app.pool)
    .await
    .unwrap();

    let mut gate = Gate::close(&client).await;
    let path = format!("/Users/{}", user.id());
    let mut sent = vec![];
    for (number, title) in ["first", "second", "third"].into_iter().enumerate() {
        let operations = json!([{ "op": "replace", "path": "title", "value": title }]);
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        sent.push(tokio::spawn(send(
            client.request(Method::PATCH, &path).json(&body),
        )));
        until("the write is in line", SOON, async || {
            in_flight(client.app).await > number
        })
        .await
        .unwrap();
    }
    gate.occupied().await;
    gate.open().await;
    let turns = "select (count(*) filter (where granted), count(*) filter (where not granted)) = (1, 1)
        from pg_locks where locktype = 'advisory' and (classid::bigint << 32) + objid::bigint = $1
            and database = (select oid from pg_database where datname = current_database())";
    until("one transaction commits and one waits for it", SOON, async || {
        let turns = sqlx::query_scalar(turns).bind(ACCEPT_LOCK_CLASS + client.tenant);
        turns.fetch_one(&mut brake).await.unwrap()
    })
    .await
    .unwrap();
    brake.close().await.unwrap();

    let answers = join_all(sent).await.into_iter().map(Result::unwrap);
    let versions: Vec<String> = answers
        .map(|answer| answer.body["meta"]["version"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(versions, ["W/\"2\"", "W/\"3\"", "W/\"4\""]);
    let stored = client.get(&path).await;
    assert_eq!(stored.body["title"], "third");
    let commits: i64 = sqlx::query_scalar("select last_value from commits")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    assert_eq!(commits, 4, "three writes, one of them repeated");
}
