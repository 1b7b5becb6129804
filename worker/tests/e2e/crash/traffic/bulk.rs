//! Many writes in one request.

use super::super::model::Outcome;
use super::super::write::{GroupWrite, UserWrite, Write};
use super::{Client, outcome};
use rand::Rng;
use rand::seq::{IteratorRandom, SliceRandom};
use reqwest::Method;
use serde_json::{Value, json};

impl Client {
    pub(super) async fn bulk(&mut self) {
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
}
