//! A person is erased: a dump of the database holds none of their values any more.

use super::{ENTERPRISE, ROLLCALL, SOON, create, delete, links, patch, person, start_worker, stop_worker};
use crate::harness::{Options, Stack, Tenant, within};
use reqwest::Method;
use rollcall_shared::store::erasure::PERSONAL;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

/// Every value of Ada's holds this, save dates and hashes.
const MARK: &str = "zqx";
const BAD_DATE: &str = "Zqx-Bad-Date";

/// What nobody else's values hold.
fn marks() -> Vec<String> {
    let numbered = (1..=24).map(|number| format!("{MARK}.{number:02}."));
    let others = ["1931-07-13", "2131-07-14", "1901-07-15", BAD_DATE];
    numbered.chain(others.map(str::to_lowercase)).collect()
}

fn as_sent() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, ROLLCALL, "urn:example:zoo"],
        "externalId": "Zqx.01.Ext", "userName": "Zqx.02.Login@Example.com",
        "name": { "givenName": "Zqx.03.Gïven", "familyName": "Zqx.04.Fämily", "formatted": "Zqx.05.Formatted" },
        "displayName": "Zqx.06.Display", "nickName": "Zqx.07.Nick", "title": "Zqx.08.Title",
        "emails": [
            { "value": "Zqx.09.Work@example.com", "type": "work", "primary": true },
            { "value": "ZQX.10.Home@example.com", "type": "home" },
        ],
        "phoneNumbers": [{ "value": "zqx.11.phone", "type": "work" }],
        "photos": [{ "value": "https://example.com/zqx.12.photo.png" }],
        "addresses": [{ "streetAddress": "Zqx.13.Street" }],
        ENTERPRISE: { "employeeNumber": "Zqx.14.Number", "department": "Navy", "manager": { "value": "boss" } },
        ROLLCALL: {
            "level": "Zqx.15.Level", "location": "Zqx.16.Location", "gender": "Zqx.17.Gender",
            "employmentType": "Zqx.18.Employment", "startDate": "1931-07-13", "endDate": "2131-07-14",
            "birthday": "1901-07-15",
        },
        "urn:example:zoo": { "favourite": "Zqx.19.Custom" },
    })
}

/// The ids of what is about Ada.
struct About {
    ada: String,
    /// By login before Ada was there; by number and address; by id with more; by the old login.
    reports: Vec<String>,
    crew: String,
}

/// Ada, and everybody who names her in whatever way.
async fn company(stack: &mut Stack, tenant: &Tenant) -> About {
    let reports_to =
        |name: &str, manager: Value| json!({ "userName": name, ENTERPRISE: { "manager": manager } });
    create(tenant, "/Users", json!({ "userName": "boss" })).await;
    let first = create(
        tenant,
        "/Users",
        reports_to("r1", json!("zqx.02.LOGIN@example.com")),
    )
    .await;
    let ada = create(tenant, "/Users", as_sent()).await;
    let mut second = reports_to("r2", json!({ "value": "zqx.14.number" }));
    second[ROLLCALL] = json!({ "additionalManagers": ["zqx.09.work@example.com", "boss"] });
    let second = create(tenant, "/Users", second).await;
    let third = create(
        tenant,
        "/Users",
        reports_to("r3", json!({ "value": ada, "mail": "zqx.20.extra" })),
    )
    .await;
    // Somebody who is gone had her as manager.
    let former = create(tenant, "/Users", reports_to("former", json!("Zqx.01.Ext"))).await;
    let crew = json!({ "displayName": "Crew", "members": [
        { "value": ada, "display": "Zqx.21.Display" }, { "value": "zqx.10.home@example.com" }, { "value": first } ] });
    let crew = create(tenant, "/Groups", crew).await;
    stack.converged(SOON).await;
    delete(tenant, &format!("/Users/{former}")).await;
    let other_login = json!([
        { "op": "replace", "path": "userName", "value": "Zqx.22.Renamed@example.com" },
        { "op": "replace", "path": format!("{ROLLCALL}:endDate"), "value": BAD_DATE },
    ]);
    patch(tenant, &format!("/Users/{ada}"), other_login).await;
    stack.converged(SOON).await;
    // Nobody holds the old login any more: these wait.
    let fourth = create(
        tenant,
        "/Users",
        reports_to("r4", json!("zqx.02.login@example.com")),
    )
    .await;
    let late =
        json!([{ "op": "add", "path": "members", "value": [{ "value": "zqx.02.login@example.com" }] }]);
    patch(tenant, &format!("/Groups/{crew}"), late).await;
    stack.converged(SOON).await;
    About {
        ada,
        reports: vec![first, second, third, fourth],
        crew,
    }
}

/// Compare everything; answers the report.
async fn dry_run(tenant: &Tenant) -> Value {
    let asked = json!({ "scope": "full", "dryRun": true });
    let run = tenant.ops.post("/runs", &asked).await.expect(202).id();
    within(SOON, "the dry run is done", async || {
        let run = tenant.ops.get(&format!("/runs/{run}")).await.expect(200).body;
        (run["state"] == "finished").then(|| run["report"].clone())
    })
    .await
}

/// What is left behind by work under way: a dry run, a request, what was settled by hand.
async fn traces(stack: &mut Stack, tenant: &Tenant, about: &About) {
    let db = stack.db.clone();
    let execute = async |sql: &str| {
        let sql = sql.replace("$ada", &about.ada).replace("$crew", &about.crew);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&db).await.unwrap();
    };
    execute("update people set position = 'Zqx.23.Drift' where resource_id = '$ada'").await;
    dry_run(tenant).await;
    let rejected = tenant
        .ops
        .get(&format!("/rejections?person={}", about.ada))
        .await
        .expect(200)
        .body;
    assert_eq!(rejected["rejections"][0]["value"], BAD_DATE, "{rejected}");
    let discard = json!({ "ids": [rejected["rejections"][0]["id"]], "note": "Zqx.24.Note" });
    tenant.ops.post("/rejections/discard", &discard).await.expect(200);
    execute(
        "insert into async_results (tenant_id, txn, txn_index, bulk, bulk_id, kind, resource_id, external_id, status)
         select tenant_id, gen_random_uuid(), 0, true, 'zqx.01.ext', 1, id, 'Zqx.01.Ext', 200
         from scim_resources where id = '$ada';
         insert into wakes (tenant_id, keys, created_at)
         select tenant_id, array['zqx.09.work@example.com'], now() + interval '1 hour'
         from scim_resources where id = '$ada';
         insert into runs (tenant_id, id, scope, dry_run, phase, due_at)
         select tenant_id, '00000000-0000-7000-8000-000000000001', 'team', true, 'reconcile', 'infinity'
         from scim_resources where id = '$ada';
         insert into run_chunks (tenant_id, run_id, chunk, kind, after_id, after_member, upto_id, upto_member, keys, due_at)
         select tenant_id, '00000000-0000-7000-8000-000000000001', part.*, 'infinity'
         from scim_resources g cross join lateral (values
             (0, 3, null::uuid, '', g.directory_id, 'zqx.10.home@example.com', null::jsonb),
             (1, 3, g.directory_id, 'zqx.10.home@example.com', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '', null),
             (2, 3, null, '', null, '', jsonb_build_array(jsonb_build_object('m',
                 jsonb_build_array(g.directory_id, 'zqx.10.home@example.com'))))) part
         where g.id = '$crew';",
    )
    .await;
    // What the workers have not seen yet.
    stop_worker(stack).await;
    let late = json!([{ "op": "add", "path": "members", "value": [{ "value": "zqx.09.work@example.com" }] }]);
    patch(tenant, &format!("/Groups/{}", about.crew), late).await;
    execute(
        "insert into key_failures (tenant_id, key_kind, key_id, member, attempts, error)
         select tenant_id, 3, directory_id, 'zqx.09.work@example.com', 1, 'test' from scim_resources where id = '$crew'",
    )
    .await;
}

async fn dump(stack: &Stack) -> String {
    let url: String = sqlx::query_scalar(
        "select format('postgres://postgres@127.0.0.1:%s/%s', current_setting('port'), current_database())",
    )
    .fetch_one(&stack.db)
    .await
    .unwrap();
    tokio::task::spawn_blocking(move || devstack::dump(&url))
        .await
        .unwrap()
        .unwrap()
        .to_lowercase()
}

/// SHA-256 of a rejected value, as a dump shows it.
async fn hash(stack: &Stack, value: &str) -> String {
    let hash = sqlx::query_scalar("select encode(sha256(to_json($1::text)::text::bytea), 'hex')");
    hash.bind(value).fetch_one(&stack.db).await.unwrap()
}

/// The columns on the list that hold nothing of Ada's.
async fn columns_without(stack: &Stack, marks: &[String]) -> Vec<String> {
    let pattern = marks.join("|");
    let mut without = vec![];
    for (table, columns) in PERSONAL {
        for column in *columns {
            let sql = format!("select exists (select from {table} where {column}::text ~* $1)");
            let holds: bool = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(&pattern)
                .fetch_one(&stack.db)
                .await
                .unwrap();
            if !holds {
                without.push(format!("{table}.{column}"));
            }
        }
    }
    without
}

#[tokio::test]
async fn erased_person_is_in_no_dump_whoever_named_them_and_whatever_was_under_way() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("erased").await;
    let about = company(&mut stack, &tenant).await;
    traces(&mut stack, &tenant, &about).await;
    let mut marks = marks();
    marks.push(hash(&stack, BAD_DATE).await);

    // Before: every value, in every column that may hold one.
    let before = dump(&stack).await;
    let missing: Vec<_> = marks.iter().filter(|mark| !before.contains(*mark)).collect();
    assert!(
        missing.is_empty(),
        "this test would not see these left over: {missing:?}"
    );
    assert_eq!(columns_without(&stack, &marks).await, Vec::<String>::new());

    // One call, with Ada still there and no worker running.
    let path = format!("/people/{}/data", about.ada);
    let erased = tenant
        .ops
        .call(Method::DELETE, &path, None)
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&erased["references"], &erased["members"]),
        (&json!(5), &json!(4)),
        "{erased}"
    );
    let left_in = |dump: &str| {
        let left: Vec<String> = dump
            .lines()
            .filter(|line| marks.iter().any(|mark| line.contains(mark)))
            .map(str::to_owned)
            .collect();
        assert!(!dump.contains(MARK) && left.is_empty(), "left: {left:#?}");
    };
    left_in(&dump(&stack).await);
    let listed: Vec<Option<Value>> = sqlx::query_scalar("select keys from run_chunks order by chunk")
        .fetch_all(&stack.db)
        .await
        .unwrap();
    assert!(
        listed.iter().all(Option::is_some),
        "no range ends at a member: {listed:?}"
    );
    sqlx::raw_sql("delete from runs where due_at = 'infinity'; delete from wakes")
        .execute(&stack.db)
        .await
        .unwrap();

    // The workers catch up, and bring nothing back.
    start_worker(&mut stack).await;
    stack.converged(SOON).await;
    left_in(&dump(&stack).await);
    tombstone(&tenant, &about, &erased).await;
    rest(&stack, &tenant, &about).await;
}

/// What is left of Ada.
async fn tombstone(tenant: &Tenant, about: &About, erased: &Value) {
    let ada = person(tenant, &about.ada).await;
    assert_eq!(ada["id"], erased["id"]);
    assert_eq!(ada["person"]["erasedAt"], erased["erasedAt"]);
    assert!(erased["erasedAt"].is_string(), "{erased}");
    assert_eq!(ada["person"]["status"], "deprovisioned");
    let values = ada["person"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| !(value.is_null() || **value == json!([]) || **value == json!({})));
    let names: Vec<&str> = values.map(|(name, _)| name.as_str()).collect();
    let mut ids = vec!["createdAt", "erasedAt", "id", "resourceId", "status", "updatedAt"];
    ids.sort_unstable();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(names, ids);
    tenant
        .scim
        .get(&format!("/Users/{}", about.ada))
        .await
        .expect(404);
    assert_eq!(links(tenant, &about.ada).await, Vec::<String>::new());

    let receipt = erased["receipt"].as_str().unwrap();
    let receipt = tenant
        .ops
        .get(&format!("/receipts/{receipt}"))
        .await
        .expect(200)
        .body;
    let operations = receipt["operations"].as_array().unwrap();
    assert_eq!(operations[0]["operation"], "erase");
    assert_eq!(
        operations.len(),
        5,
        "Ada and the documents of the living: {receipt}"
    );
    assert!(
        operations
            .iter()
            .all(|operation| operation["state"] != "accepted"),
        "{receipt}"
    );

    let again = tenant
        .ops
        .call(Method::DELETE, &format!("/people/{}/data", about.ada), None)
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&again["erasedAt"], &again["receipt"], &again["references"]),
        (&erased["erasedAt"], &Value::Null, &json!(0))
    );
}

/// What became of those who named her, and of whoever comes with her values.
async fn rest(stack: &Stack, tenant: &Tenant, about: &About) {
    for report in &about.reports[..3] {
        let manager = links(tenant, report).await.remove(
            usize::from(report == &about.reports[1]), // the additional managers come first
        );
        assert!(manager.ends_with("waiting deprovisioned"), "{manager}");
        let user = tenant
            .scim
            .get(&format!("/Users/{report}"))
            .await
            .expect(200)
            .body;
        assert_eq!(user[ENTERPRISE]["manager"]["value"], about.ada, "{user}");
    }
    let fourth = tenant
        .scim
        .get(&format!("/Users/{}", about.reports[3]))
        .await
        .expect(200)
        .body;
    assert_eq!(fourth[ENTERPRISE]["manager"]["value"], about.ada);
    let members: Vec<String> =
        sqlx::query_scalar("select source from team_members where source <> 'department'")
            .fetch_all(&stack.db)
            .await
            .unwrap();
    assert_eq!(
        members,
        [format!("member:{}", about.reports[0])],
        "only the first report is left in the group"
    );
    let boss = links(tenant, &about.reports[1]).await;
    assert!(
        boss.contains(&"additional_manager linked boss".to_owned()),
        "{boss:?}"
    );

    // Nothing differs from what the documents say now.
    let report = dry_run(tenant).await;
    assert_eq!(report["fields"], json!({}), "{report}");

    let back = create(tenant, "/Users", as_sent()).await;
    let back = within(SOON, "the source's next one is applied", async || {
        let back = person(tenant, &back).await;
        back["person"].is_object().then_some(back)
    })
    .await;
    assert_ne!(back["id"], person(tenant, &about.ada).await["id"], "somebody new");
    for report in &about.reports {
        assert!(
            !links(tenant, report)
                .await
                .iter()
                .any(|link| link.contains("manager linked Zqx"))
        );
    }
}
