//! Both servers with the same people, asked the same things.

use crate::app::{Answer, Client, TestApp, send};
use crate::compare::{Found, Outcome, name_of, normal};
use crate::server::Server;
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Users that members and managers may be. Requests and documents name them `person-0` and so
/// on: each server gives them ids of its own.
pub(crate) const PEOPLE: usize = 5;

/// The externalId of the first of them.
pub(crate) const TAKEN: &str = "Ext-taken";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Rollcall,
    Scim2Server,
}

pub(crate) struct Both<'a> {
    rollcall: Client<'a>,
    scim2_server: Server,
    /// The ids of the people, by side.
    people: [Vec<String>; 2],
}

/// The same resource on both servers.
#[derive(Debug, Clone)]
pub(crate) struct Twin {
    endpoint: &'static str,
    ids: [String; 2],
}

pub(crate) type Pair<T> = (T, T);

impl Both<'_> {
    pub(crate) async fn start(app: &TestApp) -> Both<'_> {
        let mut both = Both {
            rollcall: app.strict_scim().await,
            scim2_server: Server::start(&app.http).await,
            people: [Vec::new(), Vec::new()],
        };
        for index in 0..PEOPLE {
            let mut person = json!({ "schemas": [USER], "userName": format!("person-{index}") });
            if index == 0 {
                person["externalId"] = TAKEN.into();
            }
            let twin = both.create("/Users", &person).await.expect("both take a person");
            for (people, id) in both.people.iter_mut().zip(twin.ids) {
                people.push(id);
            }
        }
        both
    }

    async fn ask(&self, side: Side, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let path = self.with_ids(side, path);
        let mut request = match side {
            Side::Rollcall => self.rollcall.request(method, &path),
            Side::Scim2Server => {
                let url = format!("{}{path}", self.scim2_server.url);
                self.rollcall.app.http.request(method, url)
            }
        };
        if let Some(body) = body {
            let body = self.with_ids(side, &body.to_string());
            request = request.header("content-type", "application/scim+json").body(body);
        }
        let mut answer = send(request).await;
        answer.body = serde_json::from_str(&self.without_ids(side, &answer.body.to_string())).unwrap();
        answer
    }

    fn with_ids(&self, side: Side, text: &str) -> String {
        let people = self.people[side as usize].iter().enumerate();
        people.fold(text.to_owned(), |text, (index, id)| {
            text.replace(&format!("<person-{index}>"), id)
        })
    }

    fn without_ids(&self, side: Side, text: &str) -> String {
        let people = self.people[side as usize].iter().enumerate();
        people.fold(text.to_owned(), |text, (index, id)| {
            text.replace(id, &format!("<person-{index}>"))
        })
    }

    /// Create a resource on both.
    ///
    /// # Errors
    /// What they said when one of them, or both, refused.
    pub(crate) async fn create(&self, endpoint: &'static str, document: &Value) -> Result<Twin, String> {
        let ours = self
            .ask(Side::Rollcall, Method::POST, endpoint, Some(document))
            .await;
        let theirs = self
            .ask(Side::Scim2Server, Method::POST, endpoint, Some(document))
            .await;
        if (ours.status.as_u16(), theirs.status.as_u16()) != (201, 201) {
            return Err(format!("not created by both: {ours:?}\n{theirs:?}"));
        }
        Ok(Twin {
            endpoint,
            ids: [ours.id().to_owned(), theirs.id().to_owned()],
        })
    }

    /// The document of a resource on both.
    pub(crate) async fn read(&self, twin: &Twin) -> Pair<Value> {
        (
            self.read_one(Side::Rollcall, twin).await,
            self.read_one(Side::Scim2Server, twin).await,
        )
    }

    async fn read_one(&self, side: Side, twin: &Twin) -> Value {
        let path = format!("{}/{}", twin.endpoint, twin.ids[side as usize]);
        normal(self.ask(side, Method::GET, &path, None).await.expect(200).body)
    }

    pub(crate) async fn delete(&self, twin: &Twin) {
        for side in [Side::Rollcall, Side::Scim2Server] {
            let path = format!("{}/{}", twin.endpoint, twin.ids[side as usize]);
            self.ask(side, Method::DELETE, &path, None).await.expect(204);
        }
    }

    /// What both make of a PATCH request.
    pub(crate) async fn patch(&self, twin: &Twin, operations: &[Value]) -> Pair<Outcome> {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        let mut outcomes = Vec::new();
        for side in [Side::Rollcall, Side::Scim2Server] {
            let path = format!("{}/{}", twin.endpoint, twin.ids[side as usize]);
            let answer = self.ask(side, Method::PATCH, &path, Some(&body)).await;
            let document = self.read_one(side, twin).await;
            outcomes.push(Outcome::of(&answer, document));
        }
        let theirs = outcomes.pop().unwrap();
        (outcomes.pop().unwrap(), theirs)
    }

    /// What both find by a filter, by userName or displayName.
    pub(crate) async fn find(&self, endpoint: &str, filter: &str) -> Pair<Found> {
        let mut found = Vec::new();
        for side in [Side::Rollcall, Side::Scim2Server] {
            let filter = self.with_ids(side, filter);
            let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let path = format!("{endpoint}?count=200&filter={encoded}");
            let answer = self.ask(side, Method::GET, &path, None).await;
            found.push(match answer.status.as_u16() {
                200 => {
                    let resources = answer.body["Resources"].as_array().cloned().unwrap_or_default();
                    assert_eq!(answer.body["totalResults"], resources.len(), "{answer:?}");
                    Found::Names(resources.iter().map(name_of).collect())
                }
                _ => Found::refused(&answer),
            });
        }
        let theirs = found.pop().unwrap();
        (found.pop().unwrap(), theirs)
    }
}
