//! Sending a write, and finding out what became of it where the answer was lost.

use super::{Client, Receipt, TAG};
use crate::model::Event;
use rand::seq::IndexedRandom as _;
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

pub(super) enum Sent {
    Accepted(Receipt, Value),
    Refused,
    /// The answer was lost or 5xx: it may have been stored or not.
    Unknown,
}

impl Client {
    pub(super) async fn send(&mut self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Sent {
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
    pub(super) async fn find_created(&self, tag: &str) -> Option<(Uuid, i64)> {
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
    pub(super) async fn settle(&mut self, resource: Uuid, sent: Sent, event: Event, before: i64) -> bool {
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

    pub(super) async fn last_seq(&self, resource: Uuid) -> Option<i64> {
        sqlx::query_scalar("select max(seq) from changes where tenant_id = $1 and resource_id = $2")
            .bind(self.world.tenant)
            .bind(resource)
            .fetch_one(&self.world.pool)
            .await
            .unwrap()
    }
}
