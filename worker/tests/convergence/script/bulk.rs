//! Bulk requests.

use super::{Client, Receipt, Sent};
use serde_json::{Value, json};
use uuid::Uuid;

impl Client {
    /// Two Users that manage each other and a Group of both, referring to each other by bulkId.
    pub(super) async fn bulk_create(&mut self) {
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
}
