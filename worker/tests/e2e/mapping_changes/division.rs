//! A mapping change that turns division from team to attribute and back, while people come, go and
//! move.

use super::super::harness::{Options, Scim, Stack, Tenant, seed};
use super::directory::Directory;
use super::{ENTERPRISE, SOON, bring, mapping, preview, put, run_of, set_rule};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const DIVISIONS: [&str; 5] = ["North", "South", "East", "West", "Nova"];

fn person(name: &str, division: &str) -> Value {
    json!({ "userName": name, ENTERPRISE: { "division": division, "department": "All" } })
}

/// As custom attribute instead.
async fn as_attribute(tenant: &Tenant) -> Value {
    let mut changed = mapping(tenant).await;
    let rule = json!({
        "name": "division", "from": [format!("{ENTERPRISE}:division")], "to": { "custom": "division" },
    });
    set_rule(&mut changed, rule);
    changed
}

/// Move people about until told to stop; answers who is where in the end.
async fn traffic(
    scim: Scim,
    ids: BTreeMap<String, String>,
    mut rng: StdRng,
    stop: Arc<AtomicBool>,
) -> BTreeMap<String, String> {
    let names: Vec<&String> = ids.keys().collect();
    let mut places = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        let name = names[rng.random_range(0..names.len())];
        let division = DIVISIONS[rng.random_range(0..DIVISIONS.len())];
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": format!("{ENTERPRISE}:division"), "value": division }],
        });
        let answer = scim.patch(&format!("/Users/{}", ids[name]), &patch).await;
        assert!(answer.status.is_success(), "{answer:?}");
        places.insert(name.clone(), division.to_owned());
    }
    places
}

/// Who is where, by memberships and by the custom attribute.
fn divisions(directory: &Directory) -> [BTreeMap<String, String>; 2] {
    let login = |person: &uuid::Uuid| directory.people[person]["login"].as_str().unwrap().to_owned();
    let teams = directory
        .memberships
        .iter()
        .filter(|(_, _, source)| source == "division");
    let teams = teams.map(|(team, person, _)| (login(person), directory.teams[team].1.clone()));
    let attributes = directory.people.iter().filter_map(|(id, row)| {
        let division = row["custom"]["division"].as_str()?;
        Some((login(id), division.to_owned()))
    });
    [teams.collect(), attributes.collect()]
}

#[tokio::test]
async fn division_turned_into_an_attribute_and_back_is_the_same_teams_again() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("divisions").await;
    let users = (0..60).map(|number| person(&format!("p{number}"), DIVISIONS[number % 4]));
    bring(&mut stack, &tenant, users).await;
    let (teams, before) = (mapping(&tenant).await, Directory::of(&stack.db, tenant.id).await);

    let attribute = as_attribute(&tenant).await;
    let previewed = preview(&tenant, &attribute).await;
    assert_eq!(
        previewed["effect"]["memberships"],
        json!({ "begun": 0, "ended": 60 })
    );
    assert_eq!(
        previewed["effect"]["teams"],
        json!({ "created": 0, "emptied": 4 })
    );
    put(&tenant, &attribute, Some(&previewed)).await.expect(200);
    run_of(&tenant, 2).await;
    // Somebody comes while there are no divisions, in one that never was.
    bring(&mut stack, &tenant, std::iter::once(person("late", "Nova"))).await;
    let between = Directory::of(&stack.db, tenant.id).await;
    let [by_team, by_attribute] = divisions(&between);
    assert_eq!((by_team.len(), by_attribute.len()), (0, 61));
    assert_eq!(by_attribute["late"], "Nova");

    let previewed = preview(&tenant, &teams).await;
    assert_eq!(
        previewed["effect"]["memberships"],
        json!({ "begun": 61, "ended": 0 })
    );
    assert_eq!(
        previewed["effect"]["teams"],
        json!({ "created": 1, "emptied": 0 })
    );
    assert_eq!(previewed["effect"]["people"]["valuesRemoved"], 61);
    put(&tenant, &teams, Some(&previewed)).await.expect(200);
    run_of(&tenant, 3).await;
    let mut after = Directory::of(&stack.db, tenant.id).await;
    let late = *after
        .people
        .iter()
        .find(|(_, row)| row["login"] == "late")
        .unwrap()
        .0;
    let nova = after
        .teams
        .iter()
        .find(|(_, team)| **team == ("division".to_owned(), "Nova".to_owned()));
    let nova = *nova.unwrap().0;
    assert!(after.memberships.contains(&(nova, late, "division".to_owned())));
    after.people.remove(&late);
    after.teams.remove(&nova);
    after.memberships.retain(|(_, person, _)| *person != late);
    assert_eq!(after, before, "ids and names of teams included");
}

#[tokio::test]
async fn division_turned_about_under_traffic_is_what_the_last_mapping_makes_of_the_last_writes() {
    let seed = seed("division_under_traffic");
    let options = Options {
        workers: 2,
        ..Options::default()
    };
    let mut stack = Stack::start(options).await;
    let tenant = stack.tenant("traffic").await;
    let mut ids = BTreeMap::new();
    let mut places = BTreeMap::new();
    for number in 0..40 {
        let (name, division) = (format!("p{number}"), DIVISIONS[number % 4]);
        let id = tenant
            .scim
            .post("/Users", &person(&name, division))
            .await
            .expect(201)
            .id();
        ids.insert(name.clone(), id);
        places.insert(name, division.to_owned());
    }
    let (teams, attribute) = (mapping(&tenant).await, as_attribute(&tenant).await);
    let mut version = 1;
    for turn in 0..4u64 {
        let stop = Arc::new(AtomicBool::new(false));
        let rng = StdRng::seed_from_u64(seed + turn);
        let moving = tokio::spawn(traffic(
            tenant.scim.another(),
            ids.clone(),
            rng,
            Arc::clone(&stop),
        ));
        // There and back and there again: each run is under way when the next mapping comes.
        for mapping in match turn % 2 {
            0 => [&attribute, &teams, &attribute],
            _ => [&teams, &attribute, &teams],
        } {
            let answer = put(&tenant, mapping, None).await.expect(200).body;
            version = answer["version"].as_i64().unwrap();
        }
        run_of(&tenant, version).await;
        stop.store(true, Ordering::Relaxed);
        places.extend(moving.await.unwrap());
        stack.converged(SOON).await;
        let [by_team, by_attribute] = divisions(&Directory::of(&stack.db, tenant.id).await);
        let nothing = BTreeMap::new();
        let expected = match turn % 2 {
            0 => [&nothing, &places],
            _ => [&places, &nothing],
        };
        assert_eq!([&by_team, &by_attribute], expected, "turn {turn}");
    }
    assert_eq!(version, 1 + 4 * 3, "every turn changed the mapping three times");
}
