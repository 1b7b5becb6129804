//! A consumer that reads the directory once and then follows it has, over HTTP and with real processes,
//! the same directory in the end.

use super::harness::{Options, Scim, Stack, Tenant, bulk, patch, within};
use reqwest::Method;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PEOPLE: usize = 200;
/// Requests of this many operations.
const PART: usize = 50;
const CATCH_UP: Duration = Duration::from_secs(120);
/// What must have been told by the end; else less was tried than is meant to be.
const KINDS: [&str; 10] = [
    "person.created",
    "person.updated",
    "person.deactivated",
    "person.reactivated",
    "person.removed",
    "person.erased",
    "person.manager_changed",
    "team.created",
    "team.member_added",
    "team.member_removed",
];

/// A person as somebody who reads the directory knows them: fields that change, managers, teams by name.
type Known = BTreeMap<String, String>;

fn name(number: usize) -> String {
    format!("p{number}@follow.example")
}

fn user(number: usize, round: usize) -> Value {
    let mut user = json!({
        "userName": name(number),
        "title": format!("Title {round}"),
        "active": !(number + round).is_multiple_of(7),
        ENTERPRISE: { "department": format!("D{}", (number + round) % 9) },
    });
    if number > 0 {
        user[ENTERPRISE]["manager"] = json!({ "value": name((number - 1) / (5 + round)) });
    }
    user
}

/// Who builds on the directory.
struct Consumer {
    reader: Scim,
    cursor: String,
    people: Known,
    told: BTreeSet<String>,
}

impl Consumer {
    /// Take a cursor, then read everything there is.
    async fn begin(reader: Scim) -> Consumer {
        let cursor = text(&reader.get("/changes?from=now").await.expect(200).body["cursor"]);
        let mut people = Known::new();
        let mut next = String::new();
        loop {
            let path = format!("/people?limit=50&include=managers,teams{next}");
            let page = reader.get(&path).await.expect(200).body;
            people.extend(page["people"].as_array().unwrap().iter().map(known));
            match page["nextCursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        Consumer {
            reader,
            cursor,
            people,
            told: BTreeSet::new(),
        }
    }

    /// One page of what happened; answers whether there was anything.
    async fn follow(&mut self, wait: u32) -> bool {
        let path = format!("/changes?cursor={}&limit=40&wait={wait}", self.cursor);
        let page = self.reader.get(&path).await.expect(200).body;
        let changes = page["changes"].as_array().unwrap();
        let concerned: BTreeSet<String> = changes
            .iter()
            .filter_map(|change| Some(change["personId"].as_str()?.to_owned()))
            .collect();
        self.told
            .extend(changes.iter().map(|change| text(&change["type"])));
        for id in concerned {
            let person = self
                .reader
                .get(&format!("/people/{id}?by=id&include=managers,teams"))
                .await;
            match person.status.as_u16() {
                404 => {
                    self.people.remove(&id);
                }
                _ => self.people.extend([known(&person.expect(200).body)]),
            }
        }
        self.cursor = text(&page["cursor"]);
        !changes.is_empty()
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

fn known(person: &Value) -> (String, String) {
    let names = |list: &Value, member: &str| -> BTreeSet<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|of| text(&of[member]))
            .collect()
    };
    let known = format!(
        "{} {} {} managers {:?} teams {:?}",
        text(&person["login"]),
        person["active"],
        person["position"],
        names(&person["managers"], "id"),
        names(&person["teams"], "name"),
    );
    (text(&person["id"]), known)
}

/// Somebody as the database has them.
#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    login: String,
    active: bool,
    position: Option<String>,
    managers: Vec<String>,
    teams: Vec<String>,
}

/// The directory itself.
async fn directory(stack: &Stack, tenant: i64) -> Known {
    let rows: Vec<Row> = sqlx::query_as(
        "select p.id::text, p.login, p.status = 'active' as active, p.position,
             array(select m.id::text from reporting_lines l join people m on m.tenant_id = $1 and m.id = l.manager_id
                   where l.tenant_id = $1 and l.person_id = p.id and m.status <> 'deprovisioned' and m.erased_at is null)
                 as managers,
             array(select t.name from team_members m join teams t on t.tenant_id = $1 and t.id = m.team_id
                   where m.tenant_id = $1 and m.person_id = p.id) as teams
         from people p where p.tenant_id = $1 and p.status <> 'deprovisioned' and p.erased_at is null",
    )
    .bind(tenant)
    .fetch_all(&stack.db)
    .await
    .unwrap();
    let known = |row: Row| {
        let managers: BTreeSet<String> = row.managers.into_iter().collect();
        let teams: BTreeSet<String> = row.teams.into_iter().collect();
        let position = json!(row.position);
        let known = format!(
            "{} {} {position} managers {managers:?} teams {teams:?}",
            row.login, row.active
        );
        (row.id, known)
    };
    rows.into_iter().map(known).collect()
}

/// Who sends people.
struct Source<'a> {
    tenant: &'a Tenant,
    /// Of each who was sent.
    paths: BTreeMap<usize, String>,
}

impl Source<'_> {
    /// People by their numbers, the last first: each waits for their manager.
    async fn create(&mut self, numbers: std::ops::Range<usize>) {
        let numbers: Vec<usize> = numbers.rev().collect();
        let create = |number: &usize| json!({ "method": "POST", "path": "/Users", "bulkId": name(*number), "data": user(*number, 0) });
        for part in numbers.chunks(PART) {
            let operations: Vec<Value> = part.iter().map(create).collect();
            let answer = self.bulk(&operations).await;
            let ids = answer["Operations"].as_array().unwrap().iter().map(|operation| {
                let location = text(&operation["location"]);
                format!("/Users/{}", location.rsplit('/').next().unwrap())
            });
            self.paths.extend(part.iter().copied().zip(ids));
        }
    }

    /// Everybody anew: titles, departments, managers; some leave.
    async fn change(&self, round: usize) {
        let change =
            |(number, path): (&usize, &String)| match (number + round).is_multiple_of(40) && *number > 50 {
                true => json!({ "method": "DELETE", "path": path }),
                false => json!({ "method": "PUT", "path": path, "data": user(*number, round) }),
            };
        let operations: Vec<Value> = self.paths.iter().rev().map(change).collect();
        for part in operations.chunks(PART) {
            self.bulk(part).await;
        }
    }

    async fn bulk(&self, operations: &[Value]) -> Value {
        let request = bulk::request(operations);
        self.tenant.scim.post("/Bulk", &request).await.expect(200).body
    }

    /// A group whose members change each round, and in the end somebody is erased.
    async fn everything_else(&self) {
        let members = |numbers: [usize; 2]| numbers.map(|number| json!({ "value": name(number) }));
        let crew = json!({ "displayName": "Crew", "members": members([1, 2]) });
        let crew = self.tenant.scim.post("/Groups", &crew).await.expect(201).id();
        let crew = format!("/Groups/{crew}");
        for round in 1..4 {
            self.change(round).await;
            let members = members([round, round + 5]);
            let replace = json!([{ "op": "replace", "path": "members", "value": members }]);
            let patched = self.tenant.scim.patch(&crew, &patch(replace)).await;
            assert!(patched.status.is_success(), "{patched:?}");
        }
        let erased = self.paths[&3].replace("/Users/", "/people/");
        let erase = format!("{erased}/data");
        let erased = self.tenant.ops.call(Method::DELETE, &erase, None).await;
        assert!(erased.status.is_success(), "{erased:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumer_who_lists_in_the_midst_of_an_import_and_then_follows_has_the_same_directory() {
    let mut stack = Stack::start(Options {
        apis: 2,
        workers: 2,
        ..Options::default()
    })
    .await;
    let tenant = stack.tenant("follow").await;
    let reader = stack.client("follow", "content", "/content/v1");
    let mut source = Source {
        tenant: &tenant,
        paths: BTreeMap::new(),
    };
    // In the midst: half of them are sent, and some of those are there.
    source.create(PEOPLE / 2..PEOPLE).await;
    within(CATCH_UP, "the first people are there", async || {
        let page = reader.get("/people?limit=1").await.expect(200).body;
        page["nextCursor"].is_string().then_some(())
    })
    .await;
    let mut consumer = Consumer::begin(reader).await;
    let done = Cell::new(false);
    let sending = async {
        source.create(0..PEOPLE / 2).await;
        source.everything_else().await;
        stack.converged(CATCH_UP).await;
        done.set(true);
    };
    let following = async {
        while !done.get() {
            consumer.follow(1).await;
        }
    };
    tokio::join!(sending, following);
    let directory = directory(&stack, tenant.id).await;
    within(CATCH_UP, "everything is told", async || {
        (!consumer.follow(0).await).then_some(())
    })
    .await;
    let differ = |(id, known): &(&String, &String)| consumer.people.get(*id) != Some(known);
    let wrong: Vec<_> = directory.iter().filter(differ).take(5).collect();
    assert!(wrong.is_empty(), "not as the consumer knows them: {wrong:#?}");
    let gone: Vec<_> = consumer
        .people
        .keys()
        .filter(|id| !directory.contains_key(*id))
        .collect();
    assert!(
        gone.is_empty(),
        "the consumer knows somebody who is gone: {gone:?}"
    );
    let missing: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| !consumer.told.contains(*kind))
        .collect();
    assert!(missing.is_empty(), "never told: {missing:?}");
}
