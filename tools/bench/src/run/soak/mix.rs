//! What is written: mostly PATCHes of people who are there, some who come, go and come back, members of groups,
//! managers.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use fake::rand::rngs::StdRng;
use fake::rand::seq::IndexedRandom;
use fake::rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::super::wire::{Endpoint, patch_body};

const GROUPS: usize = 50;
/// Memberships that are kept; fewer are added to, more are taken from.
const MEMBERSHIPS: usize = 2_000;
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Everything that the load knows of the company.
pub(super) struct Mix {
    pub(super) endpoint: Endpoint,
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    /// Ids of those who stay: what is written about them may overlap.
    people: Vec<String>,
    /// Number and id of those who may go. Whoever is written to is taken out meanwhile.
    hired: Vec<(u64, String)>,
    /// Numbers of those who are gone and may come back.
    gone: Vec<u64>,
    groups: Vec<String>,
    memberships: Vec<(usize, usize)>,
    /// Of requests: no value is asserted twice.
    number: u64,
}

/// One request, and what its answer means for the company.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    then: Then,
}

#[derive(Debug)]
enum Then {
    Nothing,
    Hired(u64),
    Gone(u64),
    Joined(usize, usize),
}

impl Mix {
    /// Groups are created; `people` are there.
    pub(super) async fn new(endpoint: Endpoint, people: Vec<String>) -> Result<Mix> {
        ensure!(people.len() > 1, "nobody is there to be written to");
        let mut wire = endpoint.connect().await?;
        let mut groups = Vec::with_capacity(GROUPS);
        for number in 0..GROUPS {
            let body = serde_json::to_vec(&json!({ "displayName": format!("Soaked {number}") }))?;
            let (status, answer) = wire.exchange(&endpoint.post("/Groups", &body)).await?;
            ensure!(status == 201, "a group answered {status}");
            groups.push(id(answer)?);
        }
        let state = State {
            rng: StdRng::seed_from_u64(1),
            people,
            hired: Vec::new(),
            gone: Vec::new(),
            groups,
            memberships: Vec::new(),
            number: 0,
        };
        Ok(Mix {
            endpoint,
            state: Mutex::new(state),
        })
    }

    /// The next request; never two under way that would refuse each other.
    pub(super) fn next(&self) -> Result<Request> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.number += 1;
        match state.rng.random_range(0..100) {
            0..72 => state.patch(&self.endpoint, "title", |number| format!("Soaked for {number}")),
            72..78 => {
                let department = format!("{ENTERPRISE}:department");
                state.patch(&self.endpoint, &department, |number| {
                    format!("Department {}", number % 40)
                })
            }
            78..82 => state.manager(&self.endpoint),
            82..90 => state.membership(&self.endpoint),
            90..92 => state.hire(&self.endpoint, None),
            92..96 => state.leave(&self.endpoint),
            _ => {
                let back = state.gone.pop();
                state.hire(&self.endpoint, back)
            }
        }
    }

    /// Take note of an answer; fails with one that refuses.
    pub(super) fn answered(&self, request: Request, status: u16, body: &[u8]) -> Result<()> {
        let wanted = match request.then {
            Then::Hired(_) => status == 201,
            _ => status == 200 || status == 204,
        };
        ensure!(
            wanted,
            "{:?}: answered {status}: {}; a rate limit is set off with ROLLCALL_REQUESTS_PER_SECOND=0",
            request.then,
            String::from_utf8_lossy(body)
        );
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match request.then {
            Then::Nothing => {}
            Then::Hired(number) => state.hired.push((number, id(body)?)),
            Then::Gone(number) => state.gone.push(number),
            Then::Joined(group, person) => state.memberships.push((group, person)),
        }
        Ok(())
    }
}

impl State {
    fn patch(&mut self, endpoint: &Endpoint, path: &str, value: impl Fn(u64) -> String) -> Result<Request> {
        let value = Value::from(value(self.number));
        let id = self.people.choose(&mut self.rng).context("nobody is there")?;
        request(endpoint, id, path, value)
    }

    fn manager(&mut self, endpoint: &Endpoint) -> Result<Request> {
        let of = self.people.choose(&mut self.rng).context("nobody is there")?;
        let manager = self.people.choose(&mut self.rng).context("nobody is there")?;
        let value = json!({ "value": manager });
        request(endpoint, of, &format!("{ENTERPRISE}:manager"), value)
    }

    fn membership(&mut self, endpoint: &Endpoint) -> Result<Request> {
        let many = self.memberships.len() > MEMBERSHIPS;
        if many || (self.memberships.len() > MEMBERSHIPS / 2 && self.rng.random_bool(0.5)) {
            let place = self.rng.random_range(0..self.memberships.len());
            let (group, person) = self.memberships.swap_remove(place);
            let path = format!("members[value eq \"{}\"]", self.people[person]);
            let body = patch_body("remove", &path, Value::Null);
            return self.to_group(endpoint, group, &body, Then::Nothing);
        }
        let group = self.rng.random_range(0..self.groups.len());
        let person = self.rng.random_range(0..self.people.len());
        let member = json!([{ "value": self.people[person] }]);
        let body = patch_body("add", "members", member);
        self.to_group(endpoint, group, &body, Then::Joined(group, person))
    }

    fn to_group(&self, endpoint: &Endpoint, group: usize, body: &Value, then: Then) -> Result<Request> {
        let path = format!("/Groups/{}", self.groups[group]);
        let bytes = endpoint.patch(&path, &serde_json::to_vec(body)?);
        Ok(Request { bytes, then })
    }

    /// Somebody new, or somebody who was there before under the same names.
    fn hire(&mut self, endpoint: &Endpoint, back: Option<u64>) -> Result<Request> {
        let number = back.unwrap_or(self.number);
        let manager = self.people.choose(&mut self.rng).context("nobody is there")?;
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "userName": format!("soak-{number}@example.com"),
            "externalId": format!("soak-{number}"),
            "displayName": format!("Soaked Person {number}"),
            "name": { "givenName": "Soaked", "familyName": format!("Person {number}") },
            "emails": [{ "primary": true, "type": "work", "value": format!("soak-{number}@example.com") }],
            "title": format!("Hired by {}", self.number),
            "active": true,
            ENTERPRISE: {
                "employeeNumber": format!("S{number}"),
                "department": format!("Department {}", number % 40),
                "manager": { "value": manager },
            },
        });
        let bytes = endpoint.post("/Users", &serde_json::to_vec(&body)?);
        Ok(Request {
            bytes,
            then: Then::Hired(number),
        })
    }

    fn leave(&mut self, endpoint: &Endpoint) -> Result<Request> {
        if self.hired.is_empty() {
            return self.hire(endpoint, None);
        }
        let place = self.rng.random_range(0..self.hired.len());
        let (number, id) = self.hired.swap_remove(place);
        Ok(Request {
            bytes: endpoint.delete(&format!("/Users/{id}")),
            then: Then::Gone(number),
        })
    }
}

fn request(endpoint: &Endpoint, id: &str, path: &str, value: Value) -> Result<Request> {
    let body = serde_json::to_vec(&patch_body("replace", path, value))?;
    Ok(Request {
        bytes: endpoint.patch(&format!("/Users/{id}"), &body),
        then: Then::Nothing,
    })
}

fn id(body: &[u8]) -> Result<String> {
    let body: Value = serde_json::from_slice(body)?;
    let id = body.get("id").and_then(Value::as_str);
    Ok(id.context("an answer without id")?.to_owned())
}
