//! Writes to Groups.

use super::{Client, Receipt, Sent};
use crate::model::{Edit, Event};
use rand::Rng as _;
use serde_json::json;
use uuid::Uuid;

impl Client {
    pub(super) fn log_group(&mut self, id: Uuid, receipt: Receipt, name: String, members: Vec<String>) {
        self.world
            .accepted(receipt.clone(), Event::Group { resource: id, name });
        let edit = Edit::Add(members.clone());
        self.world
            .accepted(receipt, Event::Members { resource: id, edit });
        self.groups.push((id, members));
        self.world.known_groups.lock().unwrap().push(id);
    }

    pub(super) async fn create_group(&mut self) {
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

    pub(super) fn any_group(&mut self) -> Option<usize> {
        (!self.groups.is_empty()).then(|| self.random.random_range(0..self.groups.len()))
    }

    pub(super) async fn put_group(&mut self) {
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

    pub(super) async fn patch_group(&mut self) {
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

    pub(super) async fn delete_group(&mut self) {
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
