//! Random requests, near enough to good ones to get far.

use crate::app::Client;
use crate::rfc::ENTERPRISE;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "a",
    "ü\u{301}",
    "🚲",
    "bulkId:x",
    "bulkId:",
    "true",
    "null",
    "0",
    "-1",
    "1e999",
    "%",
    "_",
    "\\",
    "\"",
    "'; drop table people; --",
    "../../etc",
    "urn:",
    "urn::",
    "urn:x:y",
    "2819c223-7f76-453a-919d-413861904646",
    "a,b",
    "9999-12-31T23:59:59Z",
    "\u{202e}",
    "\n",
    "{{",
    "$ref",
];
const NAMES: &[&str] = &[
    "userName",
    "USERNAME",
    "displayName",
    "name",
    "name.givenName",
    "emails",
    "emails.value",
    "active",
    "title",
    "manager",
    "additionalManagers",
    "members",
    "groups",
    "id",
    "meta",
    "schemas",
    "externalId",
    "password",
    "x509Certificates",
    "photos",
    "nonsense",
    "",
    "a b",
    ENTERPRISE,
    "urn:x:y",
    "urn:ietf:params:scim:schemas:core:2.0:User:userName",
    "Operations",
    "op",
    "path",
    "value",
    "type",
    "primary",
    "$ref",
    "failOnErrors",
    "method",
    "bulkId",
    "data",
    "replaceMembers",
    "filter",
    "count",
];
const OPERATORS: &[&str] = &[
    "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "like", "EQ", "",
];
const ENDPOINTS: &[&str] = &[
    "/Users",
    "/Groups",
    "/Bulk",
    "/.search",
    "/Users/.search",
    "/Groups/.search",
    "/Me",
    "/Schemas",
    "/ResourceTypes",
    "/ServiceProviderConfig",
    "/Users/%00",
    "/Users/%ff",
    "/Groups/a%2Fb",
    "/Users/x",
    "/Schemas/urn:x",
    "/nonsense",
    "/",
];
const PARAMETERS: &[&str] = &[
    "filter",
    "attributes",
    "excludedAttributes",
    "startIndex",
    "count",
    "sortBy",
    "sortOrder",
    "cursor",
    "nonsense",
];
const HEADERS: &[(&str, &str)] = &[
    ("content-type", "application/scim+json"),
    ("content-type", "application/json"),
    ("content-type", "text/plain"),
    ("content-type", ""),
    ("accept", "text/html"),
    ("accept", ";;"),
    ("if-match", "W/\"1\""),
    ("if-match", "*, \"x"),
    ("if-match", ""),
    ("if-none-match", "*"),
    ("prefer", "respond-async"),
    ("prefer", "wait=x;;"),
    ("prefer", "return=minimal"),
    ("content-encoding", "gzip"),
    ("expect", "nothing"),
    ("x-forwarded-host", "a b"),
    ("host", "x/y"),
    ("range", "bytes=0-1"),
];

/// A source of odd things, the same for the same seed.
pub(super) struct Odd {
    random: StdRng,
}

impl Odd {
    pub(super) fn new(seed: u64) -> Odd {
        Odd {
            random: StdRng::seed_from_u64(seed),
        }
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.choose(&mut self.random).unwrap()
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn value(&mut self, depth: u32) -> Value {
        match self.random.random_range(0..if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => self.random.random::<bool>().into(),
            2 => {
                [json!(0), json!(-1), json!(u64::MAX), json!(1.5e300)][self.random.random_range(0..4)].clone()
            }
            3..6 => self.one(TEXTS).into(),
            6 => (0..self.random.random_range(0..4))
                .map(|_| self.value(depth - 1))
                .collect(),
            _ => self.object(depth - 1),
        }
    }

    fn object(&mut self, depth: u32) -> Value {
        let count = self.random.random_range(0..5);
        let pairs = (0..count).map(|_| (self.one(NAMES).to_owned(), self.value(depth)));
        Value::Object(pairs.collect())
    }

    fn filter(&mut self) -> String {
        let comparison = |odd: &mut Odd| {
            let text = Value::from(odd.one(TEXTS)).to_string();
            let literal = odd.one(&[&text, "true", "null", "5", "x", ""]).to_owned();
            format!("{} {} {literal}", odd.one(NAMES), odd.one(OPERATORS))
        };
        let mut text = comparison(self);
        while self.chance(40) {
            text = match self.random.random_range(0..4) {
                0 => format!("not ({text})"),
                1 => format!("{text} {} {}", self.one(&["and", "or", "xor"]), comparison(self)),
                2 => format!("{}[{text}]", self.one(NAMES)),
                _ => format!("({text}"),
            };
        }
        text
    }

    fn path(&mut self) -> String {
        let name = self.one(NAMES).to_owned();
        match self.random.random_range(0..4) {
            0 => format!("{name}[{}]", self.filter()),
            1 => format!("{name}[{}].{}", self.filter(), self.one(NAMES)),
            2 => format!("{name}.{}", self.one(NAMES)),
            _ => name,
        }
    }

    /// An operation that means something to most resources.
    fn plausible(&mut self) -> Value {
        let text = self.one(TEXTS);
        let op = self.one(&["add", "replace", "Replace"]);
        match self.random.random_range(0..5) {
            0 => json!({ "op": op, "value": { "displayName": format!("x{text}"), "externalId": text } }),
            1 => json!({ "op": op, "path": "externalId", "value": text }),
            2 => json!({ "op": "remove", "path": "externalId" }),
            3 => json!({ "op": op, "path": "urn:x:y:z", "value": self.value(3) }),
            _ => json!({ "op": op, "path": "displayName", "value": format!("g{text}") }),
        }
    }

    pub(super) fn patch(&mut self) -> Value {
        let count = self.random.random_range(1..4);
        let operations = (0..count).map(|_| {
            if self.chance(60) {
                return self.plausible();
            }
            let op = self.one(&["add", "replace", "remove", "Add", "move"]);
            let mut operation = json!({ "op": op, "value": self.value(3) });
            if self.chance(80) {
                operation["path"] = self.path().into();
            }
            operation
        });
        let operations: Vec<Value> = operations.collect();
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
    }

    fn bulk(&mut self) -> Value {
        let count = self.random.random_range(0..5);
        let operations = (0..count).map(|_| {
            let data = match self.chance(50) {
                true => self.patch(),
                false => self.object(3),
            };
            json!({
                "method": self.one(&["POST", "PUT", "PATCH", "DELETE", "GET"]), "bulkId": self.one(TEXTS), "data": data,
                "path": self.one(&["/Users", "/Groups", "/Users/bulkId:a", "/Users/x", "", "/Users/"]), "version": self.one(TEXTS),
            })
        });
        json!({ "Operations": operations.collect::<Vec<_>>(), "failOnErrors": self.value(0) })
    }

    /// A body that is the right message with odd content, odd JSON, or no JSON at all.
    fn body(&mut self) -> Vec<u8> {
        let value = match self.random.random_range(0..6) {
            0 => self.patch(),
            1 => self.bulk(),
            2 => json!({ "userName": self.one(TEXTS), "displayName": self.one(TEXTS), "x": self.value(3) }),
            3 => json!({ "filter": self.filter(), "count": self.value(0), "attributes": self.value(1) }),
            4 => self.value(4),
            _ => self.object(4),
        };
        let mut body = value.to_string().into_bytes();
        if self.chance(15) && !body.is_empty() {
            let place = self.random.random_range(0..body.len());
            body[place] = self.random.random();
        }
        body
    }

    /// Any request at all; `known` are the paths of resources that exist.
    pub(super) fn request(
        &mut self,
        client: &Client<'_>,
        known: &[String],
    ) -> (String, reqwest::RequestBuilder) {
        let mut path = match self.chance(50) {
            true => known.choose(&mut self.random).unwrap().clone(),
            false => self.one(ENDPOINTS).to_owned(),
        };
        if self.chance(50) {
            let filter = self.filter();
            let value = match self.chance(50) {
                true => &*filter,
                false => self.one(TEXTS),
            };
            let pair = [(self.one(PARAMETERS), value)];
            let url = reqwest::Url::parse_with_params("http://x", pair).unwrap();
            path = format!("{path}?{}", url.query().unwrap());
        } else if self.chance(10) {
            path.push_str("?filter=%ff&count=%");
        }
        let method = self.one(&[
            "GET", "POST", "PUT", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS", "PURGE",
        ]);
        // Deletions leave nothing to ask for.
        let method = if method == "DELETE" && known.contains(&path) {
            "PATCH"
        } else {
            method
        };
        let mut request = client.request(method.parse().unwrap(), &path);
        request = request.header("content-type", "application/scim+json");
        for _ in 0..self.random.random_range(0..3) {
            let (name, value) = HEADERS.choose(&mut self.random).unwrap();
            request = request.header(*name, *value);
        }
        let body = self.body();
        let told = format!("{method} {path} {}", String::from_utf8_lossy(&body));
        (told, request.body(body))
    }
}
