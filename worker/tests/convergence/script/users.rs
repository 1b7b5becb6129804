//! Writes to Users.

use super::{Client, ENTERPRISE, ROLLCALL, Receipt, Sent};
use crate::model::{Event, User};
use rand::Rng as _;
use serde_json::json;
use uuid::Uuid;

impl Client {
    pub(super) fn created(&mut self, id: Uuid, receipt: Receipt, user: User) {
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

    pub(super) async fn create_user(&mut self) {
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

    pub(super) fn any_user(&mut self) -> Option<usize> {
        (!self.users.is_empty()).then(|| self.random.random_range(0..self.users.len()))
    }

    pub(super) async fn put_user(&mut self) {
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

    pub(super) async fn patch_user(&mut self) {
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

    pub(super) async fn delete_user(&mut self) {
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
}
