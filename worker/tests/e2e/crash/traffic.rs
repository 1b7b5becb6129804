//! The clients: each writes its own users and groups, one request at a time, and settles with the
//! oracle what every answer means.

use super::company::{GROUPS_EACH, Ids, USERS_EACH, group_external_id, user_name};
use super::generate::Generator;
use super::model::{Group, Outcome, Possible, User};
use super::write::{GroupWrite, UserWrite, Write};
use crate::harness::{Answer, Reply, Scim};
use rand::Rng;
use rand::seq::{IteratorRandom, SliceRandom};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Before trying again while nothing listens or Postgres is away.
const PAUSE: Duration = Duration::from_millis(30);
/// How long a client asks for a resource that must exist, bad weather included.
const LOOKUP: Duration = Duration::from_secs(30);

/// What all clients have in common.
#[derive(Clone, Default)]
pub(super) struct Shared {
    pub(super) stop: Arc<AtomicBool>,
    /// Writes that left for the API.
    pub(super) sent: Arc<AtomicU64>,
    pub(super) ids: Ids,
}

/// What became of the writes.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    /// Of these, by what was done.
    pub(super) posts: u64,
    pub(super) puts: u64,
    pub(super) patches: u64,
    pub(super) deletes: u64,
    pub(super) refused: u64,
    pub(super) unknown: u64,
    pub(super) bulk_requests: u64,
    pub(super) bulk_operations: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.acknowledged += other.acknowledged;
        self.posts += other.posts;
        self.puts += other.puts;
        self.patches += other.patches;
        self.deletes += other.deletes;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.bulk_requests += other.bulk_requests;
        self.bulk_operations += other.bulk_operations;
    }
}

impl Tally {
    fn acknowledge(&mut self, write: &Write) {
        self.acknowledged += 1;
        match write {
            Write::User(_, UserWrite::Create(_)) | Write::Group(_, GroupWrite::Create(_)) => self.posts += 1,
            Write::User(_, UserWrite::Replace(_)) | Write::Group(_, GroupWrite::Replace { .. }) => {
                self.puts += 1;
            }
            Write::User(_, UserWrite::Patch { .. }) | Write::Group(_, GroupWrite::Patch(_)) => {
                self.patches += 1;
            }
            Write::User(_, UserWrite::Delete) | Write::Group(_, GroupWrite::Delete) => self.deletes += 1,
        }
    }
}

/// A resource as its client knows it.
#[derive(Clone)]
pub(super) struct Slot<T> {
    pub(super) possible: Possible<T>,
    id: Option<Uuid>,
}

/// One client and what it knows.
pub(super) struct Client {
    pub(super) users: BTreeMap<usize, Slot<User>>,
    pub(super) groups: BTreeMap<usize, Slot<Group>>,
    pub(super) tally: Tally,
    scim: Scim,
    generator: Generator,
    shared: Shared,
}

impl Client {
    pub(super) fn new(number: usize, scim: Scim, generator: Generator, shared: Shared) -> Client {
        let users = number * USERS_EACH..(number + 1) * USERS_EACH;
        let groups = number * GROUPS_EACH..(number + 1) * GROUPS_EACH;
        Client {
            users: users
                .map(|user| {
                    (
                        user,
                        Slot {
                            possible: Possible::absent(),
                            id: None,
                        },
                    )
                })
                .collect(),
            groups: groups
                .map(|group| {
                    (
                        group,
                        Slot {
                            possible: Possible::absent(),
                            id: None,
                        },
                    )
                })
                .collect(),
            tally: Tally::default(),
            scim,
            generator,
            shared,
        }
    }

    /// Write until told to stop.
    pub(super) async fn run(mut self) -> Client {
        while !self.shared.stop.load(Ordering::Relaxed) {
            if self.generator.random.random_bool(0.25) {
                self.bulk().await;
            } else {
                self.single().await;
            }
        }
        self
    }

    fn draw_user(&mut self) -> usize {
        *self
            .users
            .keys()
            .choose(&mut self.generator.random)
            .expect("a client has users")
    }

    fn user_write(&mut self, user: usize) -> Write {
        let slot = &self.users[&user];
        Write::User(
            user,
            self.generator.user_write(user, &slot.possible, slot.id.is_some()),
        )
    }

    fn group_write(&mut self, group: usize) -> Write {
        let slot = &self.groups[&group];
        Write::Group(
            group,
            self.generator.group_write(&slot.possible, slot.id.is_some()),
        )
    }

    fn id_of(&self, write: &Write) -> Option<Uuid> {
        match write {
            Write::User(user, _) => self.users[user].id,
            Write::Group(group, _) => self.groups[group].id,
        }
    }

    async fn single(&mut self) {
        let write = if self.generator.random.random_bool(0.8) {
            let user = self.draw_user();
            self.user_write(user)
        } else {
            let group = self.groups.keys().choose(&mut self.generator.random);
            let group = *group.expect("a client has groups");
            self.group_write(group)
        };
        let path = write.path(self.id_of(&write));
        let Some(answer) = self
            .exchange(write.method(), &path, write.body().as_ref(), 1)
            .await
        else {
            self.settle(&write, Outcome::Unknown, None).await;
            return;
        };
        let outcome = outcome(answer.status.as_u16(), &answer.body, &write);
        let id = answer.body["id"].as_str().and_then(|id| id.parse().ok());
        self.settle(&write, outcome, id).await;
    }

    async fn bulk(&mut self) {
        let (writes, request) = self.draw_bulk();
        self.tally.bulk_requests += 1;
        self.tally.bulk_operations += writes.len() as u64;
        let answer = self
            .exchange(Method::POST, "/Bulk", Some(&request), writes.len() as u64)
            .await;
        let Some(answer) = answer else {
            for write in writes {
                self.settle(&write, Outcome::Unknown, None).await;
            }
            return;
        };
        assert_eq!(answer.status.as_u16(), 200, "/Bulk: {}", answer.body);
        let results = answer.body["Operations"].as_array().cloned().unwrap_or_default();
        assert_eq!(
            results.len(),
            writes.len(),
            "/Bulk answers every operation: {}",
            answer.body
        );
        for (write, result) in writes.iter().zip(results) {
            let status = result["status"].as_str().and_then(|status| status.parse().ok());
            let status = status.unwrap_or_else(|| panic!("no status: {result}"));
            let id = result["location"]
                .as_str()
                .and_then(|location| location.rsplit('/').next()?.parse().ok());
            self.settle(write, outcome(status, &result["response"], write), id)
                .await;
        }
    }

    /// Writes of different resources in any order, some of which name each other by bulkId, and
    /// now and then a second one to the same resource.
    fn draw_bulk(&mut self) -> (Vec<Write>, Value) {
        let users = self.generator.random.random_range(3..25);
        let mut drawn: Vec<usize> = self
            .users
            .keys()
            .copied()
            .choose_multiple(&mut self.generator.random, users);
        drawn.shuffle(&mut self.generator.random);
        let mut writes: Vec<Write> = drawn.iter().map(|user| self.user_write(*user)).collect();
        let groups = self.generator.random.random_range(0..4);
        let drawn = self
            .groups
            .keys()
            .copied()
            .choose_multiple(&mut self.generator.random, groups);
        writes.extend(drawn.into_iter().map(|group| self.group_write(group)));
        let created: Vec<usize> = writes
            .iter()
            .filter_map(|write| match write {
                Write::User(user, UserWrite::Create(_)) => Some(*user),
                _ => None,
            })
            .collect();
        for write in &mut writes {
            match write {
                Write::User(user, UserWrite::Create(state) | UserWrite::Replace(state)) => {
                    self.generator.use_bulk_ids(state, *user, &created);
                }
                Write::Group(_, GroupWrite::Create(state)) => {
                    self.generator.use_bulk_ids_as_members(state, &created);
                }
                _ => {}
            }
        }
        writes.shuffle(&mut self.generator.random);
        if self.generator.random.random_bool(0.3) {
            let again = writes.iter().find_map(|write| match write {
                Write::User(user, UserWrite::Patch { .. } | UserWrite::Replace(_)) => Some(*user),
                _ => None,
            });
            if let Some(user) = again {
                let write = self.user_write(user);
                writes.push(write);
            }
        }
        let operations: Vec<Value> = writes.iter().map(|write| self.operation(write)).collect();
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
        let request = json!({ "schemas": schemas, "Operations": operations });
        (writes, request)
    }

    fn operation(&self, write: &Write) -> Value {
        let mut operation =
            json!({ "method": write.method().as_str(), "path": write.path(self.id_of(write)) });
        if write.is_create() {
            operation["bulkId"] = json!(write.bulk_id());
        }
        if let Some(body) = write.body() {
            operation["data"] = body;
        }
        operation
    }

    /// Send `writes` writes in one request; `None`: nobody knows what became of them.
    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        writes: u64,
    ) -> Option<Answer> {
        loop {
            let reply = self.scim.send(method.clone(), path, body).await;
            if !matches!(reply, Reply::Unsent) {
                self.shared.sent.fetch_add(writes, Ordering::Relaxed);
            }
            match reply {
                // Another API may listen.
                Reply::Unsent => tokio::time::sleep(PAUSE).await,
                Reply::Answer(answer) if answer.status.as_u16() < 500 => return Some(answer),
                Reply::Answer(answer) => {
                    assert_eq!(answer.status.as_u16(), 503, "{method} {path}: {}", answer.body);
                    assert!(answer.header("retry-after").is_some(), "503 without Retry-After");
                    tokio::time::sleep(PAUSE).await;
                    return None;
                }
                Reply::Unknown => return None,
            }
        }
    }

    async fn settle(&mut self, write: &Write, outcome: Outcome, id: Option<Uuid>) {
        match outcome {
            Outcome::Acknowledged => self.tally.acknowledge(write),
            Outcome::Unknown => self.tally.unknown += 1,
            Outcome::Refused | Outcome::RefusedElsewhere => self.tally.refused += 1,
        }
        let described = write.described();
        match write {
            Write::User(user, user_write) => {
                let slot = self.users.get_mut(user).expect("an own user");
                slot.possible.settle(&described, &*user_write.effect(), outcome);
            }
            Write::Group(group, group_write) => {
                let slot = self.groups.get_mut(group).expect("an own group");
                slot.possible.settle(&described, &*group_write.effect(), outcome);
            }
        }
        match (write.is_create(), outcome) {
            (true, Outcome::Acknowledged) => self.learn(write, id.expect("a created resource has an id")),
            (true, Outcome::Refused) => {
                let id = self.look_up(write).await;
                self.learn(write, id);
            }
            // Gone: what a later POST creates, even unheard of, has another id.
            (false, Outcome::Refused) => self.forget(write),
            (false, Outcome::Acknowledged) if write.method() == Method::DELETE => self.forget(write),
            _ => {}
        }
    }

    fn learn(&mut self, write: &Write, id: Uuid) {
        match write {
            Write::User(user, _) => {
                self.users.get_mut(user).expect("an own user").id = Some(id);
                self.shared.ids.learn(*user, id);
            }
            Write::Group(group, _) => self.groups.get_mut(group).expect("an own group").id = Some(id),
        }
    }

    fn forget(&mut self, write: &Write) {
        match write {
            Write::User(user, _) => self.users.get_mut(user).expect("an own user").id = None,
            Write::Group(group, _) => self.groups.get_mut(group).expect("an own group").id = None,
        }
    }

    /// The id of a resource that a refused POST says exists.
    async fn look_up(&self, write: &Write) -> Uuid {
        let path = match write {
            Write::User(user, _) => {
                format!(
                    "/Users?filter=userName%20eq%20%22{}%22",
                    user_name(*user).replace('@', "%40")
                )
            }
            Write::Group(group, _) => {
                format!(
                    "/Groups?filter=externalId%20eq%20%22{}%22",
                    group_external_id(*group)
                )
            }
        };
        let deadline = Instant::now() + LOOKUP;
        while Instant::now() < deadline {
            if let Reply::Answer(answer) = self.scim.send(Method::GET, &path, None).await
                && answer.status.as_u16() == 200
            {
                let id = answer.body["Resources"][0]["id"].as_str();
                let id =
                    id.unwrap_or_else(|| panic!("{path} refused as taken, but not found: {}", answer.body));
                return id.parse().expect("ids are UUIDs");
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{path} has no answer within {LOOKUP:?}");
    }
}

/// What an answer to `write` means; `body` is the error where it is one.
fn outcome(status: u16, body: &Value, write: &Write) -> Outcome {
    match status {
        200..300 => Outcome::Acknowledged,
        500.. => Outcome::Unknown,
        409 if write.is_create() && body["scimType"] == "uniqueness" => Outcome::Refused,
        404 if !write.is_create() => Outcome::Refused,
        // An operation of a bulk request that names one that failed.
        409 => Outcome::RefusedElsewhere,
        _ => panic!("{status} to a proper request: {body}\n{}", write.described()),
    }
}
