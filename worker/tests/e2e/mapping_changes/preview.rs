//! What a preview says, and what then happens.

use super::super::harness::{Options, Stack, Tenant, within};
use super::directory::{Directory, difference, versions};
use super::{ENTERPRISE, HR, SOON, bring, mapping, preview, put, run_of, set_rule};
use serde_json::{Value, json};

/// People in three departments and four divisions; every tenth is a contractor; each has a manager
/// and, by the HR system, a mentor.
fn people(count: usize) -> impl Iterator<Item = Value> {
    (0..count).map(move |number| {
        let mut user = json!({
            "userName": format!("p{number}"), "displayName": format!("Person {number}"), "title": "Smith",
            "userType": if number % 10 == 0 { "contractor" } else { "employee" },
            ENTERPRISE: {
                "department": format!("D{}", number % 3), "division": format!("V{}", number % 4),
                "level": format!("L{}", number % 2),
            },
            HR: { "mentor": format!("p{}", (number + 1) % count), "shoeSize": number },
        });
        if number > 0 {
            user[ENTERPRISE]["manager"] = json!({ "value": format!("p{}", number / 5) });
        }
        user
    })
}

/// Everything a mapping can do to a directory, at once.
async fn upheaval(tenant: &Tenant) -> Value {
    let mut mapping = mapping(tenant).await;
    let division = format!("{ENTERPRISE}:division");
    let contractors = json!({ "map": { "values": { "contractor": false }, "others": "drop" } });
    for rule in [
        json!({ "name": "position", "from": ["title"], "to": { "field": "position" }, "transform": ["upper"] }),
        json!({ "name": "status", "from": ["userType"], "to": { "field": "active" },
                "transform": [contractors, { "default": true }] }),
        json!({ "name": "department", "from": [division], "to": { "team": "department" } }),
        json!({ "name": "level", "from": ["nickName"], "to": { "field": "level" } }),
        json!({ "name": "manager", "from": [format!("{HR}:mentor")], "to": { "line": "primary" } }),
    ] {
        set_rule(&mut mapping, rule);
    }
    mapping["note"] = "upheaval".into();
    mapping
}

/// The numbers of an effect that tell of the directory.
fn of_directory(effect: &Value) -> Value {
    let parts = ["people", "memberships", "lines", "teams"];
    parts
        .iter()
        .map(|part| ((*part).to_owned(), effect[*part].clone()))
        .collect()
}

#[tokio::test]
async fn preview_says_what_the_mapping_then_does_and_writes_nothing() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("upheaval").await;
    bring(&mut stack, &tenant, people(120)).await;
    let (before, rows) = (
        Directory::of(&stack.db, tenant.id).await,
        versions(&stack.db).await,
    );

    let candidate = upheaval(&tenant).await;
    let previewed = preview(&tenant, &candidate).await;
    assert_eq!(previewed["state"], "ready", "{previewed}");
    assert_eq!(versions(&stack.db).await, rows, "a preview writes nothing");
    assert_eq!(mapping(&tenant).await["version"], 1);
    let effect = &previewed["effect"];
    assert_eq!((&effect["checked"], &effect["failed"]), (&json!(120), &json!(0)));
    assert_eq!(effect["differingAnyway"], 0, "{effect}");
    assert_eq!(effect["people"]["changed"], 120);
    assert_eq!(effect["people"]["deactivated"], 12);
    assert_eq!(effect["memberships"], json!({ "begun": 120, "ended": 120 }));
    assert_eq!(effect["teams"], json!({ "created": 4, "emptied": 3 }));

    let samples = &previewed["samples"];
    let of_kind = |kind: &str| samples[kind].as_array().unwrap().clone();
    for (kind, count) in [
        ("people", 20),
        ("memberships", 20),
        ("lines", 20),
        ("deactivations", 12),
        ("teams", 7),
    ] {
        assert_eq!(of_kind(kind).len(), count, "{kind}: {samples}");
    }
    let told = |kind: &str, wanted: Value| {
        let parts = ["name", "field", "old", "new"];
        let found = of_kind(kind);
        let mut found = found
            .iter()
            .map(|sample| json!(parts.map(|part| sample[part].clone())));
        assert!(
            found.any(|sample| sample == wanted),
            "{wanted} is not in {samples}"
        );
    };
    told(
        "deactivations",
        json!(["Person 0", "status", "active", "deactivated"]),
    );
    told("teams", json!(["D0", "members", 40, 0]));
    told("teams", json!([null, "department", null, "V3"]));
    let moved = of_kind("memberships");
    let names = |part: &str| {
        moved
            .iter()
            .map(|sample| sample[part].as_str().unwrap_or_default().chars().next())
            .collect()
    };
    let (from, to): (Vec<_>, Vec<_>) = (names("old"), names("new"));
    assert!(
        from.iter().all(|old| *old == Some('D')) && to.iter().all(|new| *new == Some('V')),
        "{moved:?}"
    );

    let applied = put(&tenant, &candidate, Some(&previewed)).await.expect(200).body;
    assert_eq!(
        (&applied["version"], &applied["note"]),
        (&json!(2), &json!("upheaval"))
    );
    let report = run_of(&tenant, 2).await;
    stack.converged(SOON).await;
    let after = Directory::of(&stack.db, tenant.id).await;
    assert_eq!(of_directory(effect), difference(&before, &after));
    assert_eq!(report["fields"], effect["fields"], "{report}");
    assert_eq!(
        (
            &report["teamsCreated"],
            &report["teamsEmptied"],
            &report["differing"]
        ),
        (&json!(4), &json!(3), &json!(120)),
        "{report}"
    );
    // Nothing is left to do, by any mapping but another.
    let again = preview(&tenant, &candidate).await;
    assert_eq!(of_directory(&again["effect"]), difference(&after, &after));
    assert_eq!(again["effect"]["differingAnyway"], 0);
}

#[tokio::test]
async fn preview_tells_what_any_run_would_repair_apart_from_what_the_mapping_changes() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("drift").await;
    bring(&mut stack, &tenant, people(30)).await;
    let drift = "update people set location = 'Moon' where tenant_id = $1 and login in ('p1', 'p2', 'p3')";
    sqlx::query(drift)
        .bind(tenant.id)
        .execute(&stack.db)
        .await
        .unwrap();
    let mut candidate = mapping(&tenant).await;
    let rule = json!({ "name": "position", "from": ["title"], "to": { "field": "position" }, "transform": ["upper"] });
    set_rule(&mut candidate, rule);
    let effect = preview(&tenant, &candidate).await["effect"].clone();
    assert_eq!(effect["differingAnyway"], 3, "{effect}");
    assert_eq!(
        (&effect["fields"], &effect["people"]["changed"]),
        (&json!({ "position": 30 }), &json!(30))
    );
    put(&tenant, &candidate, None).await.expect(200);
    let report = run_of(&tenant, 2).await;
    assert_eq!(
        report["fields"],
        json!({ "location": 3, "position": 30 }),
        "the run does both"
    );
}

#[tokio::test]
async fn preview_counts_people_whose_change_is_not_applied_yet() {
    let mut stack = Stack::prepare(Options::default()).await;
    stack.apis[0].start();
    stack.apis[0].ready().await;
    let tenant = stack.tenant("in-flight").await;
    for user in people(10) {
        tenant.scim.post("/Users", &user).await.expect(201);
    }
    // The worker leaves them alone for as long as the test takes, but runs what it is asked to.
    sqlx::query("update pending set due_at = 'infinity'")
        .execute(&stack.db)
        .await
        .unwrap();
    stack.stores.flush_redis().await;
    stack.workers[0].start();
    stack.ready().await;
    let effect = preview(&tenant, &upheaval(&tenant).await).await["effect"].clone();
    let applied: i64 = sqlx::query_scalar("select count(*) from people")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(applied, 0);
    assert_eq!(
        (&effect["checked"], &effect["people"]["changed"]),
        (&json!(10), &json!(10)),
        "{effect}"
    );
    assert_eq!(
        effect["people"]["deactivated"], 1,
        "who comes in deactivated would have come in active"
    );
    assert_eq!(effect["differingAnyway"], 10);
}

#[tokio::test]
async fn mapping_that_would_take_away_more_than_previewed_is_refused_until_it_would_not() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("consent").await;
    bring(&mut stack, &tenant, people(40)).await;
    let candidate = upheaval(&tenant).await;
    let previewed = preview(&tenant, &candidate).await;
    assert_eq!(previewed["effect"]["people"]["deactivated"], 4);
    let contractor = json!({ "userName": "late", "userType": "contractor" });
    let late = tenant.scim.post("/Users", &contractor).await.expect(201).id();
    stack.converged(SOON).await;

    // Whether it was decided while the request waited, or afterwards.
    let answer = put(&tenant, &candidate, Some(&previewed)).await;
    let checked = match answer.status.as_u16() {
        409 => answer.body["detail"].as_str().unwrap().to_owned(),
        202 => answer.header("location").unwrap().to_owned(),
        other => panic!("{other}: {}", answer.body),
    };
    let place = checked.find("/mapping/previews/").unwrap();
    let place = &checked[place..place + "/mapping/previews/".len() + 36];
    let refused = within(SOON, "the change is decided", async || {
        let shown = tenant.ops.get(place).await.expect(200).body;
        (shown["state"] != "running").then_some(shown)
    })
    .await;
    assert_eq!(
        (&refused["state"], &refused["refused"]),
        (&json!("refused"), &json!("exceeded"))
    );
    let exceeded = json!([{ "loss": "peopleDeactivated", "previewed": 4, "now": 5 }]);
    assert_eq!(refused["exceeded"], exceeded);
    if answer.status == 409 {
        assert_eq!(answer.body["errors"], exceeded);
    }
    assert_eq!(mapping(&tenant).await["version"], 1);

    let employee = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "userType", "value": "employee" }],
    });
    let patched = tenant.scim.patch(&format!("/Users/{late}"), &employee).await;
    assert!(patched.status.is_success(), "{patched:?}");
    stack.converged(SOON).await;
    let answer = put(&tenant, &candidate, Some(&previewed)).await;
    assert!([200, 202].contains(&answer.status.as_u16()), "{answer:?}");
    run_of(&tenant, 2).await;
    let place = match answer.status.as_u16() {
        200 => format!("/runs/{}", answer.body["run"].as_str().unwrap()),
        _ => format!("/mapping/previews/{}", answer.id()),
    };
    tenant.ops.get(&place).await.expect(200);
    assert_eq!(mapping(&tenant).await["version"], 2);
    let deactivated = "select count(*) from people where tenant_id = $1 and status = 'deactivated'";
    let deactivated: i64 = sqlx::query_scalar(deactivated)
        .bind(tenant.id)
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(deactivated, 4);
    put(&tenant, &candidate, Some(&previewed)).await.expect(200);
    put(&tenant, &json!({ "mapping": { "rules": [] } }), Some(&previewed))
        .await
        .expect(409);
}

#[tokio::test]
async fn preview_of_many_people_is_answered_at_once_and_tells_how_far_it_is() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("many").await;
    bring(&mut stack, &tenant, people(1_300)).await;
    stack.workers[0].kill();
    let candidate = upheaval(&tenant).await;
    let asked = tenant.ops.post("/mapping/preview", &candidate).await.expect(202);
    assert_eq!(
        asked.header("location").unwrap(),
        format!("/ops/v1/mapping/previews/{}", asked.id())
    );
    let place = format!("/mapping/previews/{}", asked.id());
    stack.workers[0].start();
    stack.ready().await;
    let mut told: Vec<(u64, u64)> = vec![];
    let ready = within(SOON, "the preview comes to its end", async || {
        let shown = tenant.ops.get(&place).await.expect(200).body;
        let number = |name: &str| shown["progress"][name].as_u64().unwrap();
        told.push((number("parts"), number("partsDone")));
        (shown["state"] == "ready").then_some(shown)
    })
    .await;
    assert!(
        told.iter().any(|(parts, _)| *parts == 3),
        "it was seen on its way: {told:?}"
    );
    assert_eq!(
        (&ready["effect"]["checked"], &ready["effect"]["people"]["changed"]),
        (&json!(1_300), &json!(1_300))
    );
    // The same team is asked for in every part, and counted once.
    assert_eq!(ready["effect"]["teams"], json!({ "created": 4, "emptied": 3 }));
}
