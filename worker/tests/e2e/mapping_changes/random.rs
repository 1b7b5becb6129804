//! Whatever mapping follows whatever other, over whatever writes: the preview says what happens.

use super::super::harness::{Options, Stack, Tenant, seed};
use super::directory::{Directory, difference};
use super::{ENTERPRISE, HR, SOON, mapping, preview, put, run_of, set_rule};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

const PEOPLE: usize = 40;
const CHANGES: usize = 14;

/// One of these.
fn pick<'a, T>(rng: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[rng.random_range(0..from.len())]
}

/// What a source may say of somebody; parts of it are missing now and then.
fn document(rng: &mut StdRng, name: &str) -> Value {
    let mut user = json!({ "userName": name, "displayName": name, ENTERPRISE: {}, HR: {} });
    let somebody = |rng: &mut StdRng| format!("p{}", rng.random_range(0..PEOPLE + 3));
    for (place, values) in [
        ("title", ["Smith", "Baker", "Cook"]),
        ("nickName", ["Ace", "Red", "Shorty"]),
        ("userType", ["contractor", "employee", "intern"]),
    ] {
        if rng.random_bool(0.8) {
            user[place] = (*pick(rng, &values)).into();
        }
    }
    for attribute in ["department", "division"] {
        if rng.random_bool(0.8) {
            user[ENTERPRISE][attribute] = (*pick(rng, &["North", "South", "East", "West"])).into();
        }
    }
    if rng.random_bool(0.8) {
        user[ENTERPRISE]["manager"] = json!({ "value": somebody(rng) });
    }
    if rng.random_bool(0.5) {
        user[HR]["mentor"] = somebody(rng).into();
    }
    if rng.random_bool(0.5) {
        user[HR]["badge"] = rng.random_range(0..5).into();
    }
    user
}

/// Another mapping: a few of its rules are made anew, removed, switched off or put back.
fn altered(rng: &mut StdRng, in_force: &Value, default: &Value) -> Value {
    let mut mapping = in_force.clone();
    for _ in 0..rng.random_range(1..4) {
        let name = *pick(
            rng,
            &[
                "position",
                "status",
                "department",
                "division",
                "manager",
                "additional_managers",
                "custom",
            ],
        );
        let enterprise = |attribute: &str| format!("{ENTERPRISE}:{attribute}");
        let apply = *pick(rng, &["always", "always", "on_create", "if_empty"]);
        let step = pick(
            rng,
            &[json!("upper"), json!({ "default": "None" }), json!("trim")],
        )
        .clone();
        let rule = match name {
            "position" => {
                let from = *pick(rng, &["title", "nickName", "userType"]);
                json!({ "from": [from], "to": { "field": "position" }, "transform": [step], "apply": apply })
            }
            "status" => {
                let values = json!({ "values": { "contractor": false, "intern": false }, "others": "drop" });
                let transform = json!([{ "map": values }, { "default": true }]);
                json!({ "from": ["userType"], "to": { "field": "active" }, "transform": transform })
            }
            "department" | "division" => {
                let from = enterprise(pick::<&str>(rng, &["department", "division"]));
                let to = pick(
                    rng,
                    &[
                        json!({ "team": "department" }),
                        json!({ "team": "division" }),
                        json!({ "team": "chapter" }),
                        json!({ "custom": "place" }),
                    ],
                )
                .clone();
                json!({ "from": [from], "to": to })
            }
            "manager" => {
                let from = pick(rng, &[enterprise("manager"), format!("{HR}:mentor")]).clone();
                json!({ "from": [from], "to": { "line": "primary" } })
            }
            "additional_managers" => {
                let from = pick(rng, &[enterprise("manager"), format!("{HR}:mentor")]).clone();
                json!({ "from": [from], "to": { "line": "additional" } })
            }
            _ => json!({ "to": "custom_rest" }),
        };
        let mut rule = rule;
        rule["name"] = name.into();
        match rng.random_range(0..10) {
            0 => rule["enabled"] = false.into(),
            1 => {
                let rules = mapping["mapping"]["rules"].as_array_mut().unwrap();
                rules.retain(|rule| rule["name"] != name);
                continue;
            }
            2 => {
                let rules = default["mapping"]["rules"].as_array().unwrap();
                rule = rules.iter().find(|rule| rule["name"] == name).unwrap().clone();
            }
            _ => {}
        }
        set_rule(&mut mapping, rule);
    }
    for kind in ["department", "chapter"] {
        if rng.random_bool(0.2) {
            mapping["mapping"]["teams"][kind] = json!({ "create": rng.random_bool(0.5) });
        }
    }
    // Two rules may not fill the same custom attribute.
    let places = mapping["mapping"]["rules"].as_array_mut().unwrap();
    let mut placed = false;
    places.retain(|rule| rule["to"] != json!({ "custom": "place" }) || !std::mem::replace(&mut placed, true));
    mapping
}

async fn writes(stack: &mut Stack, tenant: &Tenant, ids: &mut [String], rng: &mut StdRng) {
    for _ in 0..rng.random_range(0..6) {
        let place = rng.random_range(0..ids.len());
        let path = format!("/Users/{}", ids[place]);
        match rng.random_range(0..5) {
            0 => {
                tenant
                    .scim
                    .call(reqwest::Method::DELETE, &path, None)
                    .await
                    .expect(204);
                let name = format!("q{}", rng.random::<u32>());
                ids[place] = tenant
                    .scim
                    .post("/Users", &document(rng, &name))
                    .await
                    .expect(201)
                    .id();
            }
            _ => {
                let name = tenant.scim.get(&path).await.expect(200).body["userName"].clone();
                let changed = document(rng, name.as_str().unwrap());
                tenant
                    .scim
                    .call(reqwest::Method::PUT, &path, Some(&changed))
                    .await
                    .expect(200);
            }
        }
    }
    stack.converged(SOON).await;
}

#[tokio::test]
async fn preview_of_any_mapping_over_any_other_says_what_happens() {
    let seed = seed("preview_of_any_mapping");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("any").await;
    let mut ids = vec![];
    for number in 0..PEOPLE {
        let user = document(&mut rng, &format!("p{number}"));
        ids.push(tenant.scim.post("/Users", &user).await.expect(201).id());
    }
    stack.converged(SOON).await;
    let default = mapping(&tenant).await;
    let mut changes = 0;
    let mut seen = json!({});
    while changes < CHANGES {
        writes(&mut stack, &tenant, &mut ids, &mut rng).await;
        let in_force = mapping(&tenant).await;
        let candidate = altered(&mut rng, &in_force, &default);
        let before = Directory::of(&stack.db, tenant.id).await;
        let previewed = preview(&tenant, &candidate).await;
        let told = format!("change {changes} of seed {seed}: {candidate}\n{previewed}");
        assert_eq!(previewed["state"], "ready", "{told}");
        let effect = &previewed["effect"];
        assert_eq!(effect["differingAnyway"], 0, "{told}");
        let put = put(&tenant, &candidate, Some(&previewed)).await.expect(200);
        let run = put.body["run"]
            .is_string()
            .then(|| put.body["version"].as_i64().unwrap());
        let Some(version) = run else {
            assert_eq!(
                effect["people"]["changed"], 0,
                "the mapping in force changes nothing: {told}"
            );
            continue;
        };
        let report = run_of(&tenant, version).await;
        stack.converged(SOON).await;
        let after = Directory::of(&stack.db, tenant.id).await;
        let happened = difference(&before, &after);
        for part in ["people", "memberships", "lines", "teams"] {
            assert_eq!(effect[part], happened[part], "{part} of {told}");
        }
        assert_eq!(effect["fields"], report["fields"], "{told}");
        seen[version.to_string()] = happened;
        changes += 1;
    }
    // So that it is known to have tried something.
    for part in [
        "/people/changed",
        "/people/valuesRemoved",
        "/memberships/begun",
        "/memberships/ended",
    ] {
        let tried = seen
            .as_object()
            .unwrap()
            .values()
            .any(|happened| happened.pointer(part).unwrap() != 0);
        assert!(tried, "no change of seed {seed} has any {part}");
    }
}
