//! The same writes in any order across resources make the same directory, as long as no
//! reference changes its holder.

use crate::directory;
use crate::model::Rows;
use crate::stack::Stack;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::time::Duration;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ROLLCALL: &str = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User";
const PEOPLE: usize = 14;
const GROUPS: usize = 3;

/// A resource and its writes, which keep their own order.
#[derive(Clone)]
struct Story {
    collection: &'static str,
    name: String,
    create: Value,
    patches: Vec<Value>,
}

/// How somebody may be named; every value is one person's for good.
fn reference(random: &mut StdRng) -> String {
    let who = random.random_range(0..PEOPLE + 2);
    match random.random_range(0..4) {
        0 => format!("USER-{who}"),
        1 => format!("mail-{who}@example.com"),
        2 => format!("ext-{who}"),
        _ => format!("n-{who}"),
    }
}

fn company(seed: u64) -> Vec<Story> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut stories = vec![];
    for who in 0..PEOPLE {
        let name = format!("user-{who}");
        let manager = reference(&mut random);
        let additional: Vec<String> = (0..random.random_range(0..3))
            .map(|_| reference(&mut random))
            .collect();
        let department = ["Sales", "Überbau", "Ops"].choose(&mut random);
        let create = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
            "externalId": format!("ext-{who}"),
            "emails": [{ "value": format!("mail-{who}@example.com"), "primary": true }],
            ENTERPRISE: { "employeeNumber": format!("n-{who}"), "department": department, "manager": { "value": manager } },
            ROLLCALL: { "additionalManagers": additional },
        });
        let mut patches = vec![json!({ "op": "replace", "path": "title", "value": format!("Title {who}") })];
        if random.random_bool(0.4) {
            let manager = reference(&mut random);
            patches
                .push(json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": manager }));
        }
        if random.random_bool(0.2) {
            patches.push(json!({ "op": "replace", "path": "active", "value": false }));
        }
        stories.push(Story {
            collection: "/Users",
            name,
            create,
            patches,
        });
    }
    for number in 0..GROUPS {
        let name = format!("group-{number}");
        let create =
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
        let mut members: Vec<Value> = (0..4)
            .map(|_| json!({ "value": reference(&mut random) }))
            .collect();
        // By name, one of them of a group that never comes; circles and itself included.
        let inner = format!("Group-{}", random.random_range(0..GROUPS + 1));
        members.insert(
            random.random_range(0..=4),
            json!({ "value": inner, "type": "Group" }),
        );
        let patches = members
            .into_iter()
            .map(|member| json!({ "op": "add", "path": "members", "value": [member] }))
            .collect();
        stories.push(Story {
            collection: "/Groups",
            name,
            create,
            patches,
        });
    }
    stories
}

struct Sender<'a> {
    stack: &'a Stack,
    token: String,
    tenant: i64,
}

impl Sender<'_> {
    /// Send until the answer is known; answers its status and body.
    async fn send(
        &self,
        random: &mut StdRng,
        method: reqwest::Method,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        loop {
            let base = self.stack.bases.choose(random).expect("there is an API");
            let request = self
                .stack
                .http
                .request(method.clone(), format!("{base}{path}"))
                .bearer_auth(&self.token);
            let Ok(response) = request.json(body).send().await else {
                continue;
            };
            let status = response.status().as_u16();
            if status < 500 {
                return (status, response.json().await.unwrap_or(Value::Null));
            }
        }
    }

    async fn id(&self, name: &str) -> String {
        let find = "select id::text from scim_resources where tenant_id = $1
                    and (document->>'userName' = $2 or document->>'displayName' = $2)";
        sqlx::query_scalar(find)
            .bind(self.tenant)
            .bind(name)
            .fetch_one(&self.stack.pool)
            .await
            .unwrap()
    }

    /// Write the stories in an order drawn from `order`; answers their ids.
    async fn tell(&self, stories: &[Story], order: u64) -> Vec<String> {
        let mut random = StdRng::seed_from_u64(order);
        let mut turns: Vec<usize> = stories
            .iter()
            .enumerate()
            .flat_map(|(place, story)| std::iter::repeat_n(place, story.patches.len() + 1))
            .collect();
        turns.shuffle(&mut random);
        let mut told = vec![0; stories.len()];
        let mut ids: Vec<String> = vec![String::new(); stories.len()];
        for place in turns {
            let story = &stories[place];
            if told[place] == 0 {
                let (status, _) = self
                    .send(
                        &mut random,
                        reqwest::Method::POST,
                        story.collection,
                        &story.create,
                    )
                    .await;
                // 409: an earlier try was stored though its answer was lost.
                assert!(matches!(status, 201 | 409), "{status}");
                ids[place] = self.id(&story.name).await;
            } else {
                let path = format!("{}/{}", story.collection, ids[place]);
                let body = json!({ "Operations": [story.patches[told[place] - 1]] });
                let (status, _) = self.send(&mut random, reqwest::Method::PATCH, &path, &body).await;
                assert!(matches!(status, 200 | 204), "{status}");
            }
            told[place] += 1;
        }
        ids
    }

    /// The directory, ids replaced by names; `None` while something is still to be done.
    async fn rows(&self, stories: &[Story], ids: &[String]) -> Option<Rows> {
        if !directory::quiet(&self.stack.pool, self.tenant).await {
            return None;
        }
        let mut text: Vec<String> = directory::rows(&self.stack.pool, self.tenant)
            .await
            .into_iter()
            .collect();
        for row in &mut text {
            for (story, id) in stories.iter().zip(ids) {
                *row = row.replace(id.as_str(), &story.name);
            }
        }
        Some(text.into_iter().collect())
    }
}

/// Tell the company of `seed` in two orders to two tenants.
pub(crate) async fn compare(stack: &Stack, seed: u64) -> Result<(), String> {
    let stories = company(seed);
    let mut told = vec![];
    for order in [seed * 2, seed * 2 + 1] {
        let (tenant, token) = stack.tenant(&format!("order-{order}")).await;
        let sender = Sender { stack, token, tenant };
        let ids = sender.tell(&stories, order).await;
        told.push((sender, ids));
    }
    let mut directories = (None, None);
    let equal = async || {
        directories = (
            told[0].0.rows(&stories, &told[0].1).await,
            told[1].0.rows(&stories, &told[1].1).await,
        );
        directories.0.is_some() && directories.0 == directories.1
    };
    if devstack::wait::until("both to be the same", Duration::from_secs(60), equal)
        .await
        .is_ok()
    {
        return Ok(());
    }
    let (Some(first), Some(second)) = directories else {
        return Err(format!("seed {seed}: never at rest"));
    };
    let only = |a: &Rows, b: &Rows| a.difference(b).take(6).cloned().collect::<Vec<_>>();
    Err(format!(
        "seed {seed}: first order only {:#?}, second only {:#?}",
        only(&first, &second),
        only(&second, &first)
    ))
}
