//! Clients that write at random over HTTP and keep a log of what was accepted.

use crate::model::{Edit, Event, User};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use serde_json::{Value, json};
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

enum Sent {
    Accepted(Receipt, Value),
    Refused,
    /// The answer was lost or 5xx: it may have been stored or not.
    Unknown,
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

    fn pick(&mut self, prefix: &str, count: u32) -> String {
        format!("{prefix}{}", self.random.random_range(0..count))
    }

    fn maybe(&mut self, percent: u32, prefix: &str, count: u32) -> Option<String> {
        self.random
            .random_ratio(percent, 100)
            .then(|| self.pick(prefix, count))
    }

    fn email(&mut self) -> String {
        format!("{}@example.com", self.pick("mail", 9))
    }

    fn reference(&mut self) -> String {
        let known = self.world.known.lock().unwrap().choose(&mut self.random).copied();
        match (self.random.random_range(0..6), known) {
            (0 | 1, Some(id)) => id.to_string(),
            (2, _) => self.pick("ext-", 10),
            (3, _) => self.pick("USER", 12),
            (4, _) => self.email(),
            _ => self.pick("E-", 7),
        }
    }

    fn user(&mut self) -> User {
        let departments = ["Sales", "SALES", "sales ", "Überbau", "ÜBERBAU", "Ops"];
        let department = departments
            .choose(&mut self.random)
            .map(|name| (*name).trim().to_owned());
        let emails = (0..self.random.random_range(0..3))
            .map(|_| self.email())
            .collect::<std::collections::BTreeSet<_>>();
        User {
            user_name: self.pick("user", 12),
            external_id: match self.former.pop() {
                Some(former) if self.random.random_bool(0.7) => Some(former),
                _ => self.maybe(80, "ext-", 10),
            },
            emails: emails.into_iter().collect(),
            employee_number: self.maybe(60, "E-", 7),
            title: self.maybe(50, "Title ", 5),
            department: department.filter(|_| self.random.random_bool(0.7)),
            division: self.maybe(30, "Division ", 3),
            active: self.random.random_bool(0.9),
            manager: self.random.random_bool(0.7).then(|| self.reference()),
            additional: match self.random.random_bool(0.5) {
                true => self.values(2),
                false => vec![],
            },
        }
    }

    fn body(&mut self, user: &User) -> Value {
        self.tags += 1;
        let mut enterprise = json!({});
        let fields = [
            ("employeeNumber", &user.employee_number),
            ("department", &user.department),
            ("division", &user.division),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                enterprise[name] = json!(value);
            }
        }
        if let Some(manager) = &user.manager {
            enterprise["manager"] = match self.random.random_range(0..3) {
                0 => json!(manager),
                1 => json!({ "value": manager }),
                _ => json!([{ "value": manager }]),
            };
        }
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "userName": user.user_name,
            "active": user.active,
            ENTERPRISE: enterprise,
            TAG: { "tag": format!("{}-{}", self.name, self.tags) },
        });
        if let Some(external_id) = &user.external_id {
            body["externalId"] = json!(external_id);
        }
        if let Some(title) = &user.title {
            body["title"] = json!(title);
        }
        if !user.emails.is_empty() {
            let emails = user.emails.iter().enumerate();
            let emails = emails.map(|(place, email)| match place {
                0 => json!({ "value": email, "type": "work", "primary": true }),
                _ => json!({ "value": email, "type": format!("other{place}") }),
            });
            body["emails"] = emails.collect();
        }
        if !user.additional.is_empty() {
            body[ROLLCALL] = json!({ "additionalManagers": user.additional });
        }
        body
    }

    fn tag(&self) -> String {
        format!("{}-{}", self.name, self.tags)
    }

    async fn send(&mut self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Sent {
        let world = Arc::clone(&self.world);
        let base = world
            .base
            .choose(&mut self.random)
            .expect("at least one API")
            .clone();
        let mut request = world
            .http
            .request(method.clone(), format!("{base}{path}"))
            .bearer_auth(&world.token);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/scim+json")
                .body(body.to_string());
        }
        let Ok(response) = request.send().await else {
            return Sent::Unknown;
        };
        let status = response.status();
        world.hit(format!("{method} {}", status.as_u16()));
        if status.is_server_error() {
            return Sent::Unknown;
        }
        let txn = response
            .headers()
            .get("set-txn")
            .and_then(|txn| txn.to_str().ok()?.parse().ok());
        let text = response.text().await.unwrap_or_default();
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        match txn {
            Some(txn) if status.is_success() => Sent::Accepted(Receipt::Txn(txn, 0), answer),
            None if status.is_success() => panic!("{method} {path} answered {status} without Set-Txn"),
            _ if matches!(status.as_u16(), 404 | 409 | 412) => Sent::Refused,
            _ => panic!("{method} {path} {body:?} answered {status}: {text}"),
        }
    }

    /// The resource a lost create made, if it made one.
    async fn find_created(&self, tag: &str) -> Option<(Uuid, i64)> {
        sqlx::query_as(
            "select id, created_seq from scim_resources
             where tenant_id = $1 and (document->$2->>'tag' = $3 or document->>'externalId' = $3)",
        )
        .bind(self.world.tenant)
        .bind(TAG)
        .bind(tag)
        .fetch_optional(&self.world.pool)
        .await
        .unwrap()
    }

    /// Log a write to an existing resource, looking up what became of it if the answer was lost.
    /// Answers whether it took effect.
    async fn settle(&mut self, resource: Uuid, sent: Sent, event: Event, before: i64) -> bool {
        let receipt = match sent {
            Sent::Accepted(receipt, _) => receipt,
            Sent::Refused => return false,
            Sent::Unknown => match self.last_seq(resource).await {
                Some(seq) if seq > before => {
                    self.world.hit("stored though the answer was lost");
                    Receipt::Seq(seq)
                }
                _ => return false,
            },
        };
        self.world.accepted(receipt, event);
        true
    }

    async fn last_seq(&self, resource: Uuid) -> Option<i64> {
        sqlx::query_scalar("select max(seq) from changes where tenant_id = $1 and resource_id = $2")
            .bind(self.world.tenant)
            .bind(resource)
            .fetch_one(&self.world.pool)
            .await
            .unwrap()
    }

    fn created(&mut self, id: Uuid, receipt: Receipt, user: User) {
        self.world.known.lock().unwrap().push(id);
        let (manager, additional) = (user.manager.is_some(), !user.additional.is_empty());
        let event = Event::User {
            resource: id,
            document: user.clone(),
            manager,
            additional,
        };
        self.world.accepted(receipt, event);
        self.users.push((id, user));
    }

    async fn create_user(&mut self) {
        let user = self.user();
        let body = self.body(&user);
        let tag = self.tag();
        match self.send(reqwest::Method::POST, "/Users", Some(&body)).await {
            Sent::Accepted(receipt, answer) => {
                let id = answer["id"]
                    .as_str()
                    .expect("a created User has an id")
                    .parse()
                    .unwrap();
                self.created(id, receipt, user);
            }
            Sent::Refused => {}
            Sent::Unknown => {
                if let Some((id, seq)) = self.find_created(&tag).await {
                    self.world.hit("stored though the answer was lost");
                    self.created(id, Receipt::Seq(seq), user);
                }
            }
        }
    }

    /// Two Users that manage each other and a Group of both, referring to each other by bulkId.
    async fn bulk_create(&mut self) {
        let mut users = vec![self.user(), self.user()];
        let mut tags = vec![];
        let mut operations = vec![];
        for (place, user) in users.iter_mut().enumerate() {
            user.manager = Some(format!("bulkId:u{}", 1 - place));
            let data = self.body(user);
            tags.push(self.tag());
            operations.push(
                json!({ "method": "POST", "path": "/Users", "bulkId": format!("u{place}"), "data": data }),
            );
        }
        self.tags += 1;
        tags.push(self.tag());
        let members = ["bulkId:u0", "bulkId:u1"];
        let members: Vec<Value> = members.iter().map(|value| json!({ "value": value })).collect();
        let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": tags[2],
            "externalId": tags[2], "members": members });
        operations.insert(
            0,
            json!({ "method": "POST", "path": "/Groups", "bulkId": "g", "data": group }),
        );
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        self.world.hit("bulk");
        let sent = self.send(reqwest::Method::POST, "/Bulk", Some(&body)).await;
        let mut ids: [Option<(Uuid, Receipt)>; 3] = [None, None, None];
        match sent {
            Sent::Accepted(Receipt::Txn(txn, _), answer) => {
                for result in answer["Operations"].as_array().into_iter().flatten() {
                    let place = match result["bulkId"].as_str() {
                        Some("g") => 2,
                        Some("u0") => 0,
                        Some("u1") => 1,
                        other => panic!("an answer to an operation nobody sent: {other:?}"),
                    };
                    let index = if place == 2 { 0 } else { place as i32 + 1 };
                    if result["status"] == "201" {
                        let location = result["location"]
                            .as_str()
                            .expect("a created resource has a location");
                        let id = location.rsplit('/').next().unwrap().parse().unwrap();
                        ids[place] = Some((id, Receipt::Txn(txn, index)));
                    } else {
                        self.world.hit("bulk operation refused");
                    }
                }
            }
            Sent::Unknown => {
                for (place, tag) in tags.iter().enumerate() {
                    let found = self.find_created(tag).await;
                    ids[place] = found.map(|(id, seq)| (id, Receipt::Seq(seq)));
                }
            }
            _ => return,
        }
        let stored: Vec<Option<String>> = ids
            .iter()
            .map(|id| id.as_ref().map(|(id, _)| id.to_string()))
            .collect();
        for (place, mut user) in users.into_iter().enumerate() {
            if let Some((id, receipt)) = ids[place].clone() {
                user.manager = stored[1 - place].clone();
                assert!(
                    user.manager.is_some(),
                    "a User was stored whose bulkId reference failed"
                );
                self.created(id, receipt, user);
            }
        }
        if let Some((id, receipt)) = ids[2].clone() {
            let members: Vec<String> = stored[..2].iter().flatten().cloned().collect();
            assert_eq!(
                members.len(),
                2,
                "a Group was stored whose bulkId reference failed"
            );
            self.log_group(id, receipt, tags[2].clone(), members);
        }
    }

    fn log_group(&mut self, id: Uuid, receipt: Receipt, name: String, members: Vec<String>) {
        self.world
            .accepted(receipt.clone(), Event::Group { resource: id, name });
        let edit = Edit::Add(members.clone());
        self.world
            .accepted(receipt, Event::Members { resource: id, edit });
        self.groups.push((id, members));
        self.world.known_groups.lock().unwrap().push(id);
    }

    /// Values of members, some of them ids of groups, their own among them.
    fn member_values(&mut self, most: usize) -> Vec<String> {
        let mut values = self.values(most);
        let group = self
            .world
            .known_groups
            .lock()
            .unwrap()
            .choose(&mut self.random)
            .copied();
        if let Some(group) = group
            && self.random.random_bool(0.4)
        {
            values.push(group.to_string());
        }
        values
    }

    /// Members as sent; some say that they are groups, where they are.
    fn members(&mut self, values: &[String]) -> Vec<Value> {
        let groups = self.world.known_groups.lock().unwrap().clone();
        values
            .iter()
            .map(|value| {
                let is_group = groups.iter().any(|group| group.to_string() == *value);
                match is_group && self.random.random_bool(0.5) {
                    true => json!({ "value": value, "type": "Group" }),
                    false => json!({ "value": value }),
                }
            })
            .collect()
    }

    fn any_user(&mut self) -> Option<usize> {
        (!self.users.is_empty()).then(|| self.random.random_range(0..self.users.len()))
    }

    async fn put_user(&mut self) {
        let Some(place) = self.any_user() else { return };
        let (id, old) = self.users[place].clone();
        let mut user = self.user();
        if self.random.random_bool(0.6) {
            user.user_name.clone_from(&old.user_name);
            user.external_id.clone_from(&old.external_id);
        }
        let body = self.body(&user);
        let before = self.last_seq(id).await.unwrap_or(0);
        let sent = self
            .send(reqwest::Method::PUT, &format!("/Users/{id}"), Some(&body))
            .await;
        let (manager, additional) = (user.manager.is_some(), !user.additional.is_empty());
        let event = Event::User {
            resource: id,
            document: user.clone(),
            manager,
            additional,
        };
        if self.settle(id, sent, event, before).await {
            self.users[place].1 = user;
        }
    }

    async fn patch_user(&mut self) {
        let Some(place) = self.any_user() else { return };
        let (id, mut user) = self.users[place].clone();
        let (mut manager, mut additional) = (false, false);
        let operation = match self.random.random_range(0..7) {
            0 => {
                user.title = Some(self.pick("Title ", 5));
                json!({ "op": "Replace", "path": "title", "value": user.title })
            }
            1 => {
                let reference = self.reference();
                user.manager = Some(reference.clone());
                manager = true;
                json!({ "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": reference })
            }
            2 => {
                user.manager = None;
                json!({ "op": "Remove", "path": format!("{ENTERPRISE}:manager") })
            }
            3 => {
                user.user_name = self.pick("user", 12);
                json!({ "op": "replace", "value": { "userName": user.user_name } })
            }
            4 => {
                user.active = !user.active;
                let text = if user.active { "True" } else { "False" };
                json!({ "op": "Replace", "path": "active", "value": text })
            }
            5 => {
                user.department = Some(self.pick("Team ", 3));
                json!({ "op": "replace", "value": { format!("{ENTERPRISE}:department"): user.department } })
            }
            _ => {
                user.additional = vec![self.reference()];
                additional = true;
                let value = &user.additional;
                json!({ "op": "replace", "path": format!("{ROLLCALL}:additionalManagers"), "value": value })
            }
        };
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
        let before = self.last_seq(id).await.unwrap_or(0);
        let sent = self
            .send(reqwest::Method::PATCH, &format!("/Users/{id}"), Some(&body))
            .await;
        let event = Event::User {
            resource: id,
            document: user.clone(),
            manager,
            additional,
        };
        if self.settle(id, sent, event, before).await {
            self.users[place].1 = user;
        }
    }

    async fn delete_user(&mut self) {
        let Some(place) = self.any_user() else { return };
        let (id, user) = self.users[place].clone();
        let before = self.last_seq(id).await.unwrap_or(0);
        let sent = self
            .send(reqwest::Method::DELETE, &format!("/Users/{id}"), None)
            .await;
        if self
            .settle(id, sent, Event::UserGone { resource: id }, before)
            .await
        {
            self.users.remove(place);
            self.former.extend(user.external_id);
        }
    }

    fn values(&mut self, most: usize) -> Vec<String> {
        let count = self.random.random_range(1..=most);
        let mut values: Vec<String> = (0..count).map(|_| self.reference()).collect();
        let mut seen = std::collections::BTreeSet::new();
        values.retain(|value| seen.insert(value.to_lowercase()));
        values
    }

    async fn create_group(&mut self) {
        self.tags += 1;
        let name = self.tag();
        let values = self.member_values(4);
        let members = self.members(&values);
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
            "externalId": name, "members": members });
        match self.send(reqwest::Method::POST, "/Groups", Some(&body)).await {
            Sent::Accepted(receipt, answer) => {
                let id = answer["id"]
                    .as_str()
                    .expect("a created Group has an id")
                    .parse()
                    .unwrap();
                self.log_group(id, receipt, name, values);
            }
            Sent::Refused => {}
            Sent::Unknown => {
                if let Some((id, seq)) = self.find_created(&name).await {
                    self.log_group(id, Receipt::Seq(seq), name, values);
                }
            }
        }
    }

    fn any_group(&mut self) -> Option<usize> {
        (!self.groups.is_empty()).then(|| self.random.random_range(0..self.groups.len()))
    }

    async fn put_group(&mut self) {
        let Some(place) = self.any_group() else { return };
        let id = self.groups[place].0;
        self.tags += 1;
        let name = self.tag();
        let values = self.member_values(4);
        let members = self.members(&values);
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
            "externalId": name, "members": members });
        let before = self.last_seq(id).await.unwrap_or(0);
        let sent = self
            .send(reqwest::Method::PUT, &format!("/Groups/{id}"), Some(&body))
            .await;
        let unknown = matches!(sent, Sent::Unknown);
        let receipt = match &sent {
            Sent::Accepted(receipt, _) => Some(receipt.clone()),
            _ => None,
        };
        if self
            .settle(id, sent, Event::Group { resource: id, name }, before)
            .await
        {
            let receipt = match receipt {
                Some(receipt) => receipt,
                None => {
                    assert!(unknown);
                    Receipt::Seq(self.last_seq(id).await.expect("settled by its seq"))
                }
            };
            self.world.accepted(
                receipt,
                Event::Members {
                    resource: id,
                    edit: Edit::Replace(values.clone()),
                },
            );
            self.groups[place].1 = values;
        }
    }

    async fn patch_group(&mut self) {
        let Some(place) = self.any_group() else { return };
        let (id, mut values) = self.groups[place].clone();
        let (operation, edit) = if self.random.random_bool(0.6) || values.is_empty() {
            let added = self.member_values(3);
            let members = self.members(&added);
            values.extend(added.clone());
            (
                json!({ "op": "Add", "path": "members", "value": members }),
                Edit::Add(added),
            )
        } else {
            let gone = values.remove(self.random.random_range(0..values.len()));
            let operation = match self.random.random_bool(0.5) {
                true => json!({ "op": "remove", "path": format!("members[value eq \"{gone}\"]") }),
                false => json!({ "op": "Remove", "path": "members", "value": [{ "value": gone }] }),
            };
            values.retain(|value| value.to_lowercase() != gone.to_lowercase());
            (operation, Edit::Remove(vec![gone]))
        };
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
        let before = self.last_seq(id).await.unwrap_or(0);
        let sent = self
            .send(reqwest::Method::PATCH, &format!("/Groups/{id}"), Some(&body))
            .await;
        if self
            .settle(id, sent, Event::Members { resource: id, edit }, before)
            .await
        {
            self.groups[place].1 = values;
        }
    }

    async fn delete_group(&mut self) {
        let Some(place) = self.any_group() else { return };
        let id = self.groups[place].0;
        let before = self.last_seq(id).await.unwrap_or(0);
        let sent = self
            .send(reqwest::Method::DELETE, &format!("/Groups/{id}"), None)
            .await;
        if self
            .settle(id, sent, Event::GroupGone { resource: id }, before)
            .await
        {
            self.groups.remove(place);
        }
    }
}
