//! Sends planned requests and takes from the answers what was learnt.

use std::time::Instant;

use anyhow::Result;
use serde_json::Value;
use uuid::Uuid;

use super::render::{self, Write};
use super::{Client, Ids, Operation, Step};
use crate::company::Company;

/// What came of one request.
pub(super) struct Answer {
    pub(super) people: Vec<(usize, Uuid)>,
    pub(super) groups: Vec<(usize, Uuid)>,
    pub(super) accepted: usize,
    pub(super) refused: Vec<String>,
    pub(super) pushed_back: usize,
    pub(super) acknowledged: Instant,
}

/// Sends one planned request. One that cannot be made, because what it names was refused
/// before, counts as refused itself.
pub(super) async fn perform(step: &Step, company: &Company, ids: &Ids, client: &Client) -> Result<Answer> {
    match step {
        Step::Single(operation) => {
            let write = match render::single(operation, company, ids) {
                Ok(write) => write,
                Err(error) => return Ok(Answer::unsent(&error, 1)),
            };
            let reply = client
                .request(write.method, &write.path, write.data.as_ref())
                .await?;
            let mut answer = Answer::new(reply.acknowledged, reply.pushed_back);
            let id = reply.body.get("id").and_then(Value::as_str);
            answer.take(operation, &write, reply.status.as_u16(), id, &reply.body);
            Ok(answer)
        }
        Step::Bulk(operations) => {
            let (writes, body) = match render::bulk(operations, company, ids) {
                Ok(bulk) => bulk,
                Err(error) => return Ok(Answer::unsent(&error, operations.len())),
            };
            let reply = client.request("POST", "/Bulk", Some(&body)).await?;
            let mut answer = Answer::new(reply.acknowledged, reply.pushed_back);
            let results = reply
                .body
                .get("Operations")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            for (place, (operation, write)) in operations.iter().zip(&writes).enumerate() {
                let result = results.get(place).unwrap_or(&reply.body);
                let status = result
                    .get("status")
                    .and_then(status)
                    .unwrap_or(reply.status.as_u16());
                let location = result.get("location").and_then(Value::as_str);
                let id = location.and_then(|location| location.rsplit('/').next());
                let status = if results.get(place).is_none() {
                    status.max(400)
                } else {
                    status
                };
                answer.take(operation, write, status, id, result);
            }
            Ok(answer)
        }
    }
}

impl Answer {
    fn new(acknowledged: Instant, pushed_back: usize) -> Answer {
        Answer {
            people: Vec::new(),
            groups: Vec::new(),
            accepted: 0,
            refused: Vec::new(),
            pushed_back,
            acknowledged,
        }
    }

    fn unsent(error: &anyhow::Error, writes: usize) -> Answer {
        let refused = vec![format!("not sent: {error:#}"); writes];
        Answer {
            refused,
            ..Answer::new(Instant::now(), 0)
        }
    }

    fn take(&mut self, operation: &Operation, write: &Write, status: u16, id: Option<&str>, body: &Value) {
        if !(200..300).contains(&status) {
            let detail = [body.pointer("/response/detail"), body.get("detail")]
                .into_iter()
                .flatten()
                .next();
            let detail = detail.and_then(Value::as_str).unwrap_or("no detail");
            self.refused.push(format!(
                "{} {} answered {status}: {detail}",
                write.method, write.path
            ));
            return;
        }
        self.accepted += 1;
        let id = id.and_then(|id| Uuid::parse_str(id).ok());
        match (operation, id) {
            (Operation::CreatePerson(person), Some(id)) => self.people.push((*person, id)),
            (Operation::CreateGroup { group, .. }, Some(id)) => self.groups.push((*group, id)),
            _ => {}
        }
    }
}

/// RFC 7644 has it a string; older servers send an object or a number.
fn status(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Value::Object(object) => object.get("code").and_then(status),
        _ => None,
    }
}
