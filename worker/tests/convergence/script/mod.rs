//! Clients that write at random over HTTP and keep a log of what was accepted.

mod bulk;
mod groups;
mod send;
mod users;
mod values;

use crate::model::{Event, User};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use send::Sent;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";
const TAG: &str = "urn:example:tag";

/// How a log entry finds its place in the accept order.
#[derive(Debug, Clone)]
pub(crate) enum Receipt {
    Txn(Uuid, i32),
    Seq(i64),
}

/// What one tenant's clients share.
pub(crate) struct World {
    pub(crate) base: Vec<String>,
    pub(crate) token: String,
    pub(crate) tenant: i64,
    pub(crate) pool: PgPool,
    pub(crate) http: reqwest::Client,
    /// Ids of Users that exist or existed.
    pub(crate) known: Mutex<Vec<Uuid>>,
    /// Ids of Groups that exist or existed.
    pub(crate) known_groups: Mutex<Vec<Uuid>>,
    pub(crate) log: Mutex<Vec<(Receipt, Event)>>,
    pub(crate) paths: Mutex<BTreeMap<String, u64>>,
}

impl World {
    pub(crate) fn hit(&self, path: impl Into<String>) {
        *self.paths.lock().unwrap().entry(path.into()).or_default() += 1;
    }

    fn accepted(&self, receipt: Receipt, event: Event) {
        self.log.lock().unwrap().push((receipt, event));
    }
}

/// A client that owns its resources: it writes to each of them one write at a time.
pub(crate) struct Client {
    world: Arc<World>,
    random: StdRng,
    name: String,
    tags: u32,
    users: Vec<(Uuid, User)>,
    groups: Vec<(Uuid, Vec<String>)>,
    /// externalIds of deleted Users: to come back with.
    former: Vec<String>,
}

impl Client {
    pub(crate) fn new(world: Arc<World>, seed: u64, number: u32) -> Client {
        Client {
            world,
            random: StdRng::seed_from_u64(seed * 1_000 + u64::from(number)),
            name: format!("s{seed}c{number}"),
            tags: 0,
            users: vec![],
            groups: vec![],
            former: vec![],
        }
    }

    pub(crate) async fn run(mut self, steps: usize) {
        for _ in 0..steps {
            match self.random.random_range(0..100) {
                0..25 => self.create_user().await,
                25..32 => self.bulk_create().await,
                32..45 => self.put_user().await,
                45..62 => self.patch_user().await,
                62..72 => self.delete_user().await,
                72..80 => self.create_group().await,
                80..85 => self.put_group().await,
                85..97 => self.patch_group().await,
                _ => self.delete_group().await,
            }
        }
    }
}
