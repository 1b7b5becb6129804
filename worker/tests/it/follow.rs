//! Who follows the directory has the same directory.

use crate::company::{Company, ENTERPRISE, id, report, user};
use devstack::wait::{self, SOON};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rollcall_shared::directory::Key;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::store::erasure::{Cause, erase};
use rollcall_shared::store::follow::{self, Event, Position};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

type Pairs = BTreeSet<(Uuid, Uuid)>;

/// What somebody knows of a directory who began with an empty one and was told what happened since.
#[derive(Debug, Default)]
struct Follower {
    position: Position,
    told: Vec<&'static str>,
    known: Known,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    /// Whether they are active.
    people: BTreeMap<Uuid, bool>,
    managers: BTreeMap<Uuid, Vec<Uuid>>,
    teams: BTreeSet<Uuid>,
    members: Pairs,
    parts: Pairs,
}

impl Follower {
    async fn read(&mut self, company: &Company, limit: i64) {
        let mut conn = company.pool.acquire().await.unwrap();
        loop {
            let page = follow::read(&mut conn, company.tenant, self.position, limit)
                .await
                .unwrap();
            for entry in page.entries {
                self.told.push(entry.event.name());
                self.known.learn(entry.event);
            }
            self.position = page.position;
            if !page.more {
                return;
            }
        }
    }

    /// Everything that is committed; other databases' transactions hold the end of the feed up.
    async fn catch_up(&mut self, company: &Company) {
        wait::until("everything is told", SOON, async || {
            self.read(company, 7).await;
            let end = "select coalesce(max(id), 0) from history where fields <> '{}'
                and (order_xid, id) > ('$xid'::xid8, $id)";
            let end = end
                .replace("$xid", &self.position.xid.to_string())
                .replace("$id", &self.position.id.to_string());
            company.scalar::<i64>(&end).await == 0
        })
        .await
        .unwrap();
    }
}

impl Known {
    fn learn(&mut self, event: Event) {
        match event {
            Event::PersonCreated { person_id, active } | Event::PersonReturned { person_id, active } => {
                self.people.insert(person_id, active);
            }
            Event::PersonDeactivated { person_id } => drop(self.people.insert(person_id, false)),
            Event::PersonReactivated { person_id } => drop(self.people.insert(person_id, true)),
            Event::PersonRemoved { person_id } | Event::PersonErased { person_id } => {
                self.people.remove(&person_id);
            }
            Event::ManagerChanged { person_id, to, .. } if to.is_empty() => {
                self.managers.remove(&person_id);
            }
            Event::ManagerChanged { person_id, to, .. } => drop(self.managers.insert(person_id, to)),
            Event::TeamCreated { team_id } | Event::TeamReturned { team_id } => {
                self.teams.insert(team_id);
            }
            Event::TeamRemoved { team_id } => drop(self.teams.remove(&team_id)),
            Event::MemberAdded { team_id, person_id } => drop(self.members.insert((team_id, person_id))),
            Event::MemberRemoved { team_id, person_id } => drop(self.members.remove(&(team_id, person_id))),
            Event::PartAdded { team_id, part_id } => drop(self.parts.insert((team_id, part_id))),
            Event::PartRemoved { team_id, part_id } => drop(self.parts.remove(&(team_id, part_id))),
            Event::PersonUpdated { .. }
            | Event::AdditionalManagersChanged { .. }
            | Event::TeamRenamed { .. }
            | Event::TeamUpdated { .. } => {}
        }
    }

    /// The directory itself.
    async fn of(company: &Company) -> Known {
        let pairs = async |sql: &'static str| -> Pairs {
            let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(sql).fetch_all(&company.pool).await.unwrap();
            rows.into_iter().collect()
        };
        let people: Vec<(Uuid, bool)> = sqlx::query_as(
            "select id, status = 'active' from people where status <> 'deprovisioned' and erased_at is null",
        )
        .fetch_all(&company.pool)
        .await
        .unwrap();
        let managers: Vec<(Uuid, Vec<Uuid>)> = sqlx::query_as(
            "select person_id, array_agg(manager_id order by ordinal) from reporting_lines where slot = 1 group by 1",
        )
        .fetch_all(&company.pool)
        .await
        .unwrap();
        let teams: Vec<Uuid> = sqlx::query_scalar("select id from teams where not deleted")
            .fetch_all(&company.pool)
            .await
            .unwrap();
        Known {
            people: people.into_iter().collect(),
            managers: managers.into_iter().collect(),
            teams: teams.into_iter().collect(),
            members: pairs("select team_id, person_id from team_members").await,
            parts: pairs("select team_id, part_id from team_parts").await,
        }
    }
}

/// Who applies.
#[derive(Clone, Copy, PartialEq)]
enum Workers {
    /// What happens to several subjects comes in a known order.
    One,
    Two,
}

/// Apply whatever is pending and wake whoever waits for it.
async fn settle(company: &Company, follower: &mut Follower, workers: Workers) {
    let other = company.another_engine().await;
    for _ in 0..100 {
        if company.nothing_pending().await {
            return;
        }
        let rows: Vec<(i16, Uuid, String)> = sqlx::query_as("select key_kind, key_id, member from pending")
            .fetch_all(&company.pool)
            .await
            .unwrap();
        let keys: Vec<Key> = rows
            .into_iter()
            .filter_map(|(kind, id, member)| Key::from_columns(kind, id, member))
            .collect();
        let half = keys.len().div_ceil(2);
        let (first, second) = match workers {
            Workers::One => (&keys[..], &[][..]),
            Workers::Two => (&keys[..half], &keys[keys.len() - half..]),
        };
        let (one, two, ()) = tokio::join!(
            company.engine.reconcile(company.tenant, first),
            other.reconcile(company.tenant, second),
            follower.read(company, 3)
        );
        one.unwrap();
        two.unwrap();
        let left: Vec<i64> = sqlx::query_scalar("select id from wakes")
            .fetch_all(&company.pool)
            .await
            .unwrap();
        for wake in left {
            company.engine.wake_left(company.tenant, wake).await.unwrap();
        }
    }
    panic!("it never settles");
}

#[tokio::test]
async fn what_happens_to_people_and_teams_is_told_by_its_name() {
    let company = Company::new().await;
    let mut follower = Follower::default();
    let mut expect = async |what: &str, told: &[&str]| {
        settle(&company, &mut follower, Workers::One).await;
        follower.catch_up(&company).await;
        assert_eq!(std::mem::take(&mut follower.told), told, "{what}");
        assert_eq!(follower.known, Known::of(&company).await, "{what}");
    };
    let of = |more| user("ada", more);
    company
        .put("ada", of(json!({ ENTERPRISE: { "department": "Sales" } })))
        .await;
    expect(
        "created into a new team",
        &["team.created", "person.created", "team.member_added"],
    )
    .await;
    company
        .put(
            "ada",
            of(json!({ "title": "Boss", ENTERPRISE: { "department": "Sales" } })),
        )
        .await;
    expect("updated", &["person.updated"]).await;
    company
        .put("ada", of(json!({ "title": "Boss", "active": false })))
        .await;
    expect("deactivated", &["person.deactivated", "team.member_removed"]).await;
    company.put("ada", of(json!({ "title": "Boss" }))).await;
    expect("reactivated", &["person.reactivated"]).await;
    company.put("bob", report("bob", "ada")).await;
    expect("a report", &["person.created", "person.manager_changed"]).await;
    company.put_group("crew", "Crew").await;
    company.set_member("crew", "ada", true).await;
    expect("a group", &["team.created", "team.member_added"]).await;
    // The same person by another value: nobody joins or leaves twice.
    company.set_member("crew", &id("ada").to_string(), true).await;
    company.set_member("crew", "ada", false).await;
    expect("the same member in other words", &["team.member_added"]).await;
    company.put_group("crew", "Band").await;
    expect("renamed", &["team.renamed"]).await;
    company.delete(ResourceType::Group, "crew").await;
    expect("a group is gone", &["team.member_removed", "team.removed"]).await;
    company.delete(ResourceType::User, "ada").await;
    expect("removed", &["person.removed", "person.manager_changed"]).await;
    company.put("ada", of(json!({ "title": "Boss" }))).await;
    expect("returned", &["person.returned", "person.manager_changed"]).await;
    erase(
        &company.pool,
        company.tenant,
        &[company.directory(id("ada"))],
        Cause::Asked(Uuid::nil()),
    )
    .await
    .unwrap();
    expect(
        "erased",
        &["person.erased", "person.removed", "person.manager_changed"],
    )
    .await;
}

#[tokio::test]
async fn nothing_that_is_told_of_an_erased_person_holds_a_value() {
    let company = Company::new().await;
    let key = company.put("ada", user("ada", json!({ "title": "Zqx" }))).await;
    company.apply(std::slice::from_ref(&key)).await;
    company.put("ada", user("ada", json!({ "title": "Zqx 2" }))).await;
    company.apply(std::slice::from_ref(&key)).await;
    erase(
        &company.pool,
        company.tenant,
        &[key.id()],
        Cause::Asked(Uuid::nil()),
    )
    .await
    .unwrap();
    let mut follower = Follower::default();
    follower.catch_up(&company).await;
    // The update that is left without any field is none any more.
    assert_eq!(follower.told, ["person.created", "person.erased"]);
    let mut conn = company.pool.acquire().await.unwrap();
    let page = follow::read(&mut conn, company.tenant, Position::default(), 100)
        .await
        .unwrap();
    let told = format!("{:?}", page.entries).to_lowercase();
    assert!(!told.contains("zqx") && !told.contains("ada"), "{told}");
}

/// A company that changes in every way, applied by two workers at once, and somebody who reads along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directory_of_who_follows_equals_the_directory() {
    const PEOPLE: [&str; 6] = ["ada", "bob", "cay", "dan", "eve", "fay"];
    const GROUPS: [&str; 3] = ["crew", "band", "guild"];
    let mut told = BTreeSet::new();
    for seed in 0..4 {
        let company = Company::new().await;
        let mut random = StdRng::seed_from_u64(seed);
        let mut follower = Follower::default();
        let mut groups: BTreeSet<&str> = BTreeSet::new();
        // The User of each name; another one once somebody is erased.
        let mut users: BTreeMap<&str, String> = PEOPLE.map(|name| (name, name.to_owned())).into();
        for step in 0..60 {
            let name = PEOPLE[random.random_range(0..PEOPLE.len())];
            let other = PEOPLE[random.random_range(0..PEOPLE.len())];
            let group = GROUPS[random.random_range(0..GROUPS.len())];
            let user_id = users[name].clone();
            if random.random_bool(0.05) {
                company.next_period().await;
            }
            match random.random_range(0..20) {
                0..=7 => {
                    let document = json!({
                        "active": random.random_bool(0.8),
                        "title": format!("T{step}"),
                        ENTERPRISE: {
                            "department": format!("D{}", random.random_range(0..3)),
                            "manager": { "value": other },
                        },
                    });
                    company.put(&user_id, user(name, document)).await;
                }
                8..=9 => {
                    company.delete(ResourceType::User, &user_id).await;
                }
                10..=11 => {
                    groups.insert(group);
                    company.put_group(group, &format!("{group} {step}")).await;
                }
                12 if groups.remove(group) => {
                    company.delete(ResourceType::Group, group).await;
                }
                13..=14 if groups.contains(group) => {
                    let part = GROUPS[random.random_range(0..GROUPS.len())];
                    let present = random.random_bool(0.7);
                    company.set_member(group, &id(part).to_string(), present).await;
                }
                15..=18 if groups.contains(group) => {
                    let value = match random.random_bool(0.5) {
                        true => name.to_owned(),
                        false => id(&user_id).to_string(),
                    };
                    company.set_member(group, &value, random.random_bool(0.7)).await;
                }
                19 if step > 30 => {
                    let person = company.directory(id(&user_id));
                    erase(
                        &company.pool,
                        company.tenant,
                        &[person],
                        Cause::Asked(Uuid::nil()),
                    )
                    .await
                    .unwrap();
                    users.insert(name, format!("{name} after {step}"));
                }
                _ => follower.read(&company, random.random_range(1..10)).await,
            }
            if random.random_bool(0.4) {
                settle(&company, &mut follower, Workers::Two).await;
            }
        }
        settle(&company, &mut follower, Workers::Two).await;
        follower.catch_up(&company).await;
        assert_eq!(follower.known, Known::of(&company).await, "seed {seed}");
        told.extend(follower.told);
    }
    // Some need more luck than four companies have.
    let rare = [
        "person.additional_managers_changed",
        "team.updated",
        "team.returned",
        "team.part_removed",
    ];
    let mut never = Event::TYPES.into_iter().filter(|name| !told.contains(name));
    assert_eq!(never.find(|name| !rare.contains(name)), None, "{told:?}");
}
