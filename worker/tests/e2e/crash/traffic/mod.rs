//! The clients: each writes its own users and groups, one request at a time, and settles with the
//! oracle what every answer means.

mod bulk;

use super::company::{GROUPS_EACH, Ids, USERS_EACH, group_external_id, user_name};
use super::generate::Generator;
use super::model::{Group, Outcome, Possible, User};
use super::tally::Tally;
use super::write::Write;
use crate::harness::{Answer, Reply, Scim};
use rand::Rng;
use rand::seq::IteratorRandom;
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
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
        self.tally.count(write, outcome);
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
