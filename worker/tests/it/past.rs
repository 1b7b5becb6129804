//! The property that must hold of history: at any time, the directory told from it is the directory as
//! it was.
//!
//! Random scripts of writes are applied by two engines whose wakes fail now and then; after every step
//! the directory is remembered with its time. In the end, everything remembered is asked for again.

use crate::company::{Company, ENTERPRISE, ROLLCALL, id, user};
use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rollcall_shared::directory::Key;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::history::{self, Was};
use rollcall_worker::reconcile::Engine;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

const SEEDS: u64 = 6;
const STEPS: usize = 20;
const PEOPLE: [&str; 6] = ["ada", "bob", "cyd", "dan", "eve", "fay"];
const GROUPS: [&str; 2] = ["crew", "band"];

/// The directory at one moment.
struct Moment {
    at: DateTime<Utc>,
    people: BTreeMap<Uuid, Value>,
}

/// Everything of everybody, as [`told`] tells it of the past.
const REMEMBERED: &str = r#"
    select p.id, jsonb_build_object(
        'status', p.status, 'login', p.login, 'position', p.position, 'displayName', p.display_name,
        'email', p.email, 'startDate', p.start_date, 'custom', p.custom, 'resourceId', p.resource_id,
        'managers', (select coalesce(jsonb_agg(manager_id order by ordinal), '[]') from reporting_lines
                     where person_id = p.id and slot = 1),
        'additional', (select coalesce(jsonb_agg(manager_id order by ordinal), '[]') from reporting_lines
                       where person_id = p.id and slot = 2),
        'teams', (select coalesce(jsonb_agg(jsonb_build_array(m.team_id, m.source, t.name)
                      order by m.team_id, m.source), '[]')
                  from team_members m join teams t on t.id = m.team_id where m.person_id = p.id))
    from people p"#;

struct Script {
    company: Company,
    other: Arc<Engine>,
    random: StdRng,
    unapplied: Vec<Key>,
    /// Whose User was deleted.
    gone: BTreeSet<&'static str>,
    moments: Vec<Moment>,
    rehires: usize,
}

impl Script {
    async fn new(seed: u64) -> Script {
        let company = Company::new().await;
        Script {
            other: company.another_engine().await,
            company,
            random: StdRng::seed_from_u64(seed),
            unapplied: vec![],
            gone: BTreeSet::new(),
            moments: vec![],
            rehires: 0,
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.random).unwrap()
    }

    fn document(&mut self, name: &str) -> Value {
        let mut enterprise = json!({});
        for attribute in ["department", "division"] {
            if self.random.random_bool(0.5) {
                enterprise[attribute] = json!(self.pick(&["Sales", "Legal", "Board"]));
            }
        }
        if self.random.random_bool(0.6) {
            enterprise["manager"] = json!({ "value": self.pick(&PEOPLE) });
        }
        let additional: Vec<Value> = (0..self.random.random_range(0..4))
            .map(|_| json!({ "value": self.pick(&PEOPLE) }))
            .collect();
        let day = self.pick(&["2020-01-31", "2021-12-01", "someday"]);
        user(
            name,
            json!({
                "displayName": self.pick(&["One", "Two"]),
                "title": self.pick(&["Smith", "Clerk"]),
                "active": self.random.random_bool(0.8),
                "emails": [{ "value": format!("{}@example.com", self.pick(&PEOPLE)) }],
                ENTERPRISE: enterprise,
                ROLLCALL: { "additionalManagers": additional, "startDate": day, "shoe size": self.pick(&["38", "39"]) },
            }),
        )
    }

    /// Accept something.
    async fn write(&mut self) {
        let key = match self.random.random_range(0..10) {
            0..=5 => {
                let name = self.pick(&PEOPLE);
                let document = self.document(name);
                if self.gone.remove(name) {
                    // Back as the person they were, described by another User.
                    self.rehires += 1;
                    let again = format!("{name}{}", self.rehires);
                    self.company.rehire(name, &again);
                    self.company.put(&again, document).await
                } else {
                    self.company.put(name, document).await
                }
            }
            6 => {
                let name = self.pick(&PEOPLE);
                self.gone.insert(name);
                self.company.delete(ResourceType::User, name).await
            }
            7 => {
                let (group, display) = (self.pick(&GROUPS), self.pick(&["Crew", "Band", "Choir"]));
                match self.random.random_bool(0.25) {
                    true => self.company.delete(ResourceType::Group, group).await,
                    false => self.company.put_group(group, display).await,
                }
            }
            _ => {
                let (group, member) = (self.pick(&GROUPS), self.pick(&PEOPLE));
                let there = self.random.random_bool(0.7);
                self.company.put_group(group, "Crew").await;
                self.unapplied.push(self.company.team(group));
                self.company.set_member(group, member, there).await
            }
        };
        self.unapplied.push(key);
    }

    /// Apply some of what was accepted, one engine alone or two at once.
    async fn apply(&mut self) {
        let keys = std::mem::take(&mut self.unapplied);
        let (mine, others): (Vec<Key>, Vec<Key>) =
            keys.into_iter().partition(|_| self.random.random_bool(0.6));
        let tenant = self.company.tenant;
        let (one, two) = tokio::join!(
            self.company.engine.reconcile(tenant, &mine),
            self.other.reconcile(tenant, &others)
        );
        one.unwrap();
        two.unwrap();
    }

    /// Do what a wake that failed left undone, one way or the other.
    async fn catch_up(&mut self) {
        if self.random.random_bool(0.5) {
            let waiting: Vec<(Uuid, i16, String)> =
                sqlx::query_as("select subject_id, slot, place from waiters")
                    .fetch_all(&self.company.pool)
                    .await
                    .unwrap();
            let (members, people): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|waiter| waiter.1 == 3);
            let people: Vec<Uuid> = people.into_iter().map(|waiter| waiter.0).collect();
            let members: Vec<_> = members.into_iter().map(|waiter| (waiter.0, waiter.2)).collect();
            // Whoever is about to wake them is dead.
            self.company
                .execute("update wakes set created_at = now() - interval '1 hour'")
                .await;
            let retried = self.other.retry(self.company.tenant, &people, &members).await;
            drop(retried); // A failpoint of this test: the leftovers below take its place.
        }
        let left: Vec<i64> = sqlx::query_scalar("select id from wakes order by id")
            .fetch_all(&self.company.pool)
            .await
            .unwrap();
        for wake in left {
            // Fails now and then, like all wakes here; the next step finds it again.
            let woken = self.company.engine.wake_left(self.company.tenant, wake).await;
            drop(woken);
        }
    }

    async fn remember(&mut self) {
        let mut tx = self.company.pool.begin().await.unwrap();
        let people: Vec<(Uuid, Value)> = sqlx::query_as(REMEMBERED).fetch_all(&mut *tx).await.unwrap();
        let at = sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        self.moments.push(Moment {
            at,
            people: people.into_iter().collect(),
        });
    }
}

/// A person as of a time, in the words of [`REMEMBERED`].
async fn told(company: &Company, person: Uuid, at: DateTime<Utc>) -> Option<Value> {
    let mut conn = company.pool.acquire().await.unwrap();
    let was = history::person_at(&mut conn, company.tenant, person, at)
        .await
        .unwrap();
    let Some(Was::There(then)) = was else { return None };
    let ids: Vec<Uuid> = then.teams.iter().map(|membership| membership.team_id).collect();
    let names = history::teams_at(&mut conn, company.tenant, &ids, at)
        .await
        .unwrap();
    let teams = then.teams.iter().map(|membership| {
        json!([
            membership.team_id,
            membership.source,
            names[&membership.team_id].name
        ])
    });
    let mut told = json!({
        "managers": then.managers,
        "additional": then.additional_managers,
        "teams": teams.collect::<Vec<_>>(),
    });
    let fields = [
        "status",
        "login",
        "position",
        "displayName",
        "email",
        "startDate",
        "custom",
        "resourceId",
    ];
    for field in fields {
        told[field] = then.fields[field].clone();
    }
    Some(told)
}

/// Who reported to whom, of those who were part of the company.
fn managers(moment: &Moment) -> HashMap<Uuid, Option<Uuid>> {
    let present = moment
        .people
        .iter()
        .filter(|(_, person)| person["status"] != "deprovisioned");
    let manager = |person: &Value| person["managers"][0].as_str().map(|id| id.parse().unwrap());
    present.map(|(id, person)| (*id, manager(person))).collect()
}

async fn assert_org(company: &Company, moment: &Moment) {
    let expected = managers(moment);
    let mut conn = company.pool.acquire().await.unwrap();
    let mut everybody = HashMap::new();
    let mut after = None;
    loop {
        let (page, next) = history::everybody(&mut conn, company.tenant, moment.at, after, 2)
            .await
            .unwrap();
        everybody.extend(page.into_iter().map(|report| (report.id, report.person.manager)));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(everybody, expected, "everybody at {}", moment.at);

    // Roots in turn: all of them at every moment takes minutes.
    let turn = moment.at.timestamp_micros().unsigned_abs() as usize;
    if let Some(root) = expected.keys().nth(turn % expected.len().max(1)) {
        let (tree, truncated) = history::below(&mut conn, company.tenant, moment.at, *root, 10, 100)
            .await
            .unwrap();
        assert!(!truncated);
        let mut below: BTreeMap<Uuid, i64> = BTreeMap::from([(*root, 0)]);
        for depth in 1..=10 {
            let managers: BTreeSet<Uuid> = below.keys().copied().collect();
            for (person, manager) in &expected {
                if manager.is_some_and(|manager| managers.contains(&manager)) {
                    below.entry(*person).or_insert(depth);
                }
            }
        }
        let tree: BTreeMap<Uuid, i64> = tree.into_iter().map(|report| (report.id, report.depth)).collect();
        assert_eq!(tree, below, "below {root} at {}", moment.at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_as_of_any_time_is_the_directory_as_it_was() {
    let scenario = fail::FailScenario::setup();
    let mut compared = 0;
    let mut causes: BTreeSet<String> = BTreeSet::new();
    for seed in 0..SEEDS {
        let mut script = Script::new(seed).await;
        fail::cfg("wake::before_commit", "40%return").unwrap();
        for _ in 0..STEPS {
            for _ in 0..script.random.random_range(1..4) {
                script.write().await;
            }
            if script.random.random_bool(0.1) {
                script.company.next_period().await;
            }
            script.apply().await;
            script.remember().await;
            script.catch_up().await;
            script.remember().await;
        }
        let everybody: BTreeSet<Uuid> = PEOPLE
            .iter()
            .map(|name| script.company.directory(id(name)))
            .collect();
        for moment in &script.moments {
            for person in &everybody {
                let told = told(&script.company, *person, moment.at).await;
                let was = moment.people.get(person);
                assert_eq!(told.as_ref(), was, "seed {seed}, {person} at {}", moment.at);
                compared += usize::from(was.is_some());
            }
            assert_org(&script.company, moment).await;
        }
        let seen: Vec<String> = sqlx::query_scalar("select distinct cause from history where fields <> '{}'")
            .fetch_all(&script.company.pool)
            .await
            .unwrap();
        causes.extend(seen);
    }
    scenario.teardown();
    assert!(compared > 500, "only {compared} comparisons");
    assert_eq!(
        causes.into_iter().collect::<Vec<_>>(),
        ["apply", "create", "link"]
    );
}
