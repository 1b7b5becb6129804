//! Links that explain themselves, over HTTP with real processes.

use super::harness::{Options, Stack, Tenant, people, within};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const SOON: Duration = Duration::from_secs(30);
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";

pub(crate) async fn get(tenant: &Tenant, path: &str) -> Value {
    tenant.ops.get(path).await.expect(200).body
}

/// Create a user; answers its id and the receipt.
pub(crate) async fn create(tenant: &Tenant, body: Value) -> (String, String) {
    let answer = tenant.scim.post("/Users", &body).await.expect(201);
    (answer.id(), answer.header("set-txn").unwrap().to_owned())
}

/// The links of a person in a slot.
async fn links(tenant: &Tenant, id: &str, slot: &str) -> Vec<Value> {
    let body = get(tenant, &format!("/people/{id}/links")).await;
    let links = body["links"].as_array().unwrap().clone();
    links.into_iter().filter(|link| link["slot"] == slot).collect()
}

#[tokio::test]
async fn links_of_a_person_say_whom_they_wait_for_why_and_what_is_near() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("explained").await;
    let (ada, _) = create(&tenant, people::user("ada.lovelace@example.com", None)).await;
    for name in ["twin-1", "twin-2"] {
        create(
            &tenant,
            json!({ "userName": name, ENTERPRISE: { "employeeNumber": "7" } }),
        )
        .await;
    }
    let (grace, receipt) = create(
        &tenant,
        json!({
            "userName": "grace@example.com",
            ENTERPRISE: { "manager": { "value": "Ada.Lovelcae@example.com" }, "department": "Navy" },
            ROLLCALL: { "additionalManagers": [{ "value": "ada.lovelace@example.com" }, { "value": "7" }] },
        }),
    )
    .await;
    let group = json!({ "displayName": "Crew", "members": [{ "value": grace }] });
    tenant.scim.post("/Groups", &group).await.expect(201);
    stack.converged(SOON).await;

    let manager = links(&tenant, &grace, "manager").await;
    let manager = &manager[0];
    assert_eq!(manager["state"], "waiting", "{manager}");
    assert_eq!(
        (&manager["reason"], &manager["key"]),
        (&json!("missing"), &json!("ada.lovelcae@example.com"))
    );
    assert_eq!(manager["reference"], "Ada.Lovelcae@example.com");
    assert_eq!(manager["assertedBy"]["txn"], receipt.as_str());
    assert_eq!(manager["nearest"]["resourceId"], ada.as_str(), "{manager}");
    assert_eq!(manager["nearest"]["attribute"], "userName");
    assert!(
        manager["since"].is_string() && manager["nextAttemptAt"].is_string(),
        "{manager}"
    );
    let additional = links(&tenant, &grace, "additional_manager").await;
    assert_eq!(additional[0]["state"], "linked");
    assert_eq!(additional[0]["person"]["login"], "ada.lovelace@example.com");
    assert_eq!(
        (&additional[1]["state"], &additional[1]["reason"]),
        (&json!("waiting"), &json!("ambiguous"))
    );
    assert_eq!(additional[1]["heldBy"].as_array().unwrap().len(), 2);
    let teams = links(&tenant, &grace, "team").await;
    let named: Vec<_> = teams
        .iter()
        .map(|link| (&link["team"]["name"], &link["by"]))
        .collect();
    assert_eq!(
        named,
        [
            (&json!("Navy"), &json!("department")),
            (&json!("Crew"), &json!("member"))
        ]
    );

    // The directory's id says the same as the SCIM id.
    let person = get(&tenant, &format!("/people/{grace}")).await;
    let by_directory = get(
        &tenant,
        &format!("/people/{}/links", person["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        by_directory,
        get(&tenant, &format!("/people/{grace}/links")).await
    );

    // Whom most people wait for comes first.
    for number in 0..3 {
        create(
            &tenant,
            people::user(&format!("p{number}"), Some("nobody@example.com")),
        )
        .await;
    }
    stack.converged(SOON).await;
    let waiting = get(&tenant, "/waiting?count=1").await;
    assert_eq!(
        (&waiting["totalResults"], &waiting["itemsPerPage"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(waiting["waiting"][0]["key"], "nobody@example.com");
    assert_eq!(
        (&waiting["waiting"][0]["links"], &waiting["waiting"][0]["people"]),
        (&json!(3), &json!(3))
    );
    let missing = get(&tenant, "/waiting?reason=ambiguous").await;
    assert_eq!(missing["waiting"][0]["heldBy"].as_array().unwrap().len(), 2);

    // A suggestion is never applied: only the arrival of who was meant links them.
    create(
        &tenant,
        json!({ "userName": "late", "emails": [{ "value": "ada.lovelcae@example.com" }] }),
    )
    .await;
    stack.converged(SOON).await;
    let linked = links(&tenant, &grace, "manager").await;
    assert_eq!(
        (&linked[0]["state"], &linked[0]["person"]["login"]),
        (&json!("linked"), &json!("late"))
    );
}

#[tokio::test]
async fn retry_by_person_by_key_and_of_everything_settles_links_nobody_woke() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("retried").await;
    create(&tenant, people::user("boss", None)).await;
    let mut reports = vec![];
    for number in 0..3 {
        reports.push(
            create(&tenant, people::user(&format!("r{number}"), Some("boss")))
                .await
                .0,
        );
    }
    stack.converged(SOON).await;
    let retries = [
        format!("/people/{}/links/retry", reports[0]),
        "/waiting/retry".to_owned(),
        "/waiting/retry".to_owned(),
    ];
    let bodies = [None, Some(json!({ "keys": ["BOSS"] })), Some(json!({}))];
    for (path, body) in retries.iter().zip(bodies) {
        // As if a wake-up had been lost, long ago: nobody will look by himself.
        sqlx::raw_sql(
            "with gone as (delete from reporting_lines returning *)
             insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq,
                 next_attempt_at)
             select tenant_id, person_id, slot, ordinal::text, reference, 'boss', 'missing', asserted_seq, null
             from gone",
        )
        .execute(&stack.db)
        .await
        .unwrap();
        let stale = links(&tenant, &reports[0], "manager").await;
        assert_eq!(
            (&stale[0]["state"], &stale[0]["stale"]),
            (&json!("waiting"), &json!(true))
        );
        let asked = if body.is_none() { 1 } else { 3 };
        let body = body.unwrap_or_default();
        let answer = tenant.ops.post(path, &body).await.expect(200).body;
        assert_eq!(
            (&answer["retried"], &answer["queued"]),
            (&json!(asked), &json!(true)),
            "{path}"
        );
        within(SOON, "the links asked for are settled", async || {
            let left: i64 = sqlx::query_scalar("select count(*) from reporting_lines")
                .fetch_one(&stack.db)
                .await
                .unwrap();
            (left == asked).then_some(())
        })
        .await;
    }
    stack.converged(SOON).await;
}

#[tokio::test]
async fn reporting_cycle_is_kept_and_flagged_until_it_opens() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("circular").await;
    let mut ids = vec![];
    for (name, manager) in [
        ("a", "b"),
        ("b", "c"),
        ("c", "a"),
        ("below", "a"),
        ("self", "self"),
    ] {
        ids.push(create(&tenant, people::user(name, Some(manager))).await.0);
    }
    stack.converged(SOON).await;
    let flags = async || {
        let mut flags = vec![];
        for id in &ids {
            flags.push(links(&tenant, id, "manager").await[0]["flag"].clone());
        }
        flags
    };
    let cycle = json!("cycle");
    assert_eq!(
        flags().await,
        [cycle.clone(), cycle.clone(), cycle, Value::Null, json!("self")]
    );
    let opens = json!({ "Operations": [{ "op": "replace", "path": "manager", "value": "self" }] });
    tenant
        .scim
        .patch(&format!("/Users/{}", ids[2]), &opens)
        .await
        .expect(200);
    stack.converged(SOON).await;
    assert_eq!(
        flags().await,
        [Value::Null, Value::Null, Value::Null, Value::Null, json!("self")]
    );
}
