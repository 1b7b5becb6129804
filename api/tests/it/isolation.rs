//! Every route that names something by its id, asked for what is another tenant's. The routes are those
//! of the API's description, so that a new one is asked too.

use crate::app::{Client, TestApp, send};
use crate::async_requests::{apply, create};
use crate::mapping::loud;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// In whatever the owner has that can be named.
const MARK: &str = "zanzibar";
/// Routes whose parameter the tenant chooses or counts itself: each has its own under the same one.
const OWN: [&str; 4] = [
    "/ops/v1/mapping/versions/{version}",
    "/ops/v1/schemas/{urn}",
    "/scim/v2/ResourceTypes/{id}",
    "/scim/v2/Schemas/{id}",
];
/// Routes that give the owner nothing either: what they name belongs to admins.
const OF_ADMINS: &str = "/ops/v1/tenants/{id}/";

struct Route {
    path: String,
    methods: Vec<Method>,
}

/// The routes of an area that have parameters.
fn routes(root: &str) -> Vec<Route> {
    let paths = rollcall_api::openapi()["paths"].as_object().unwrap();
    let of_area = paths
        .iter()
        .filter(|(path, _)| path.starts_with(root) && path.contains('{'));
    let route = |(path, item): (&String, &Value)| Route {
        path: path.clone(),
        methods: item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase().parse().unwrap())
            .collect(),
    };
    of_area.map(route).collect()
}

/// Whatever looks like an id, however deep.
fn ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|member| ids(member, found)),
        Value::Array(elements) => elements.iter().for_each(|element| ids(element, found)),
        Value::String(text) if uuid::Uuid::try_parse(text).is_ok() => {
            found.insert(text.clone());
        }
        _ => {}
    }
}

/// A path for every way to put ids in place of its parameters.
fn named(path: &str, ids: &BTreeSet<String>) -> Vec<String> {
    let mut paths = vec![String::new()];
    for segment in path.split('/').skip(1) {
        let one = BTreeSet::from([segment.to_owned()]);
        let choices = if segment.starts_with('{') { ids } else { &one };
        paths = paths
            .iter()
            .flat_map(|path| choices.iter().map(move |choice| format!("{path}/{choice}")))
            .collect();
    }
    paths
}

/// A tenant with one of everything, and the ids of it all.
async fn owned(scim: &Client<'_>, operator: &Client<'_>, content: &Client<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::from([scim.tenant.to_string()]);
    let manager = json!({ "value": "nobody@example.com" });
    let user = json!({ "userName": MARK, "displayName": MARK,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": manager } });
    let user = scim.post("/Users", user).await.expect(201);
    let members = json!([{ "value": user.id() }]);
    let group = json!({ "displayName": MARK, "members": members });
    let group = scim.post("/Groups", group).await.expect(201);
    let later = create(scim, "respond-async", "later").await.expect(202);
    apply(scim, later.txn()).await;
    for answer in [&user, &group, &later] {
        found.insert(answer.txn().to_owned());
        ids(&answer.body, &mut found);
    }
    let team = "insert into teams (tenant_id, id, kind, folded, name) values ($1, gen_random_uuid(), 'department', $2, $2)
         returning id::text";
    let team = sqlx::query_scalar(team).bind(scim.tenant).bind(MARK);
    found.insert(team.fetch_one(&scim.app.pool).await.unwrap());
    let person = "insert into people (tenant_id, id, resource_id, status, login, display_name, applied_mapping, applied_seq)
         select tenant_id, directory_id, id, 'active', $2, $2, 1, seq from scim_resources where tenant_id = $1 and kind = 1
         returning id::text";
    let person = sqlx::query_scalar(person).bind(scim.tenant).bind(MARK);
    found.extend(person.fetch_all(&scim.app.pool).await.unwrap());
    let candidate = loud(operator).await;
    for (path, body) in [
        ("/ops/v1/mapping/preview", candidate),
        ("/ops/v1/runs", json!({ "scope": "full" })),
        ("/ops/v1/schedules", json!({ "name": MARK, "cron": "30 2 * * *" })),
        ("/ops/v1/tokens", json!({ "name": MARK, "scope": "scim" })),
    ] {
        let made = operator.post(path, body).await;
        assert!(made.status.is_success(), "{path}: {made:?}");
        ids(&made.body, &mut found);
    }
    let webhook = json!({ "url": "https://example.com/hook", "description": MARK });
    let webhook = operator.post("/ops/v1/webhooks", webhook).await.expect(201);
    let path = format!("/ops/v1/webhooks/{}", webhook.id());
    let ping = operator
        .post(&format!("{path}/test"), json!({}))
        .await
        .expect(202);
    for answer in [&webhook, &ping] {
        ids(&answer.body, &mut found);
    }
    let people = format!("/ops/v1/people?q={MARK}");
    ids(&operator.get(&people).await.body, &mut found);
    ids(&content.get("/content/v1/people").await.body, &mut found);
    found
}

#[tokio::test]
async fn route_that_names_something_answers_another_tenants_ids_as_if_there_were_none() {
    let app = TestApp::start_with(&["--requests-per-second", "0"]).await;
    let (mine, theirs) = (app.tenant("mine").await, app.tenant("theirs").await);
    let areas = [
        ("/ops/v1/", "operator"),
        ("/scim/v2/", "scim"),
        ("/content/v1/", "content"),
    ];
    let mut owners = vec![];
    let mut strangers = vec![];
    for (_, scope) in areas {
        owners.push(app.client(theirs, scope).await);
        strangers.push(app.client(mine, scope).await);
    }
    let ids = owned(&owners[1], &owners[0], &owners[2]).await;

    let mut asked = 0;
    for (place, (root, _)) in areas.into_iter().enumerate() {
        for route in routes(root) {
            let own = OWN.contains(&route.path.as_str());
            for method in &route.methods {
                for path in named(&route.path, &ids) {
                    let request = strangers[place].request(method.clone(), &path);
                    let request = match *method {
                        Method::GET | Method::DELETE => request,
                        _ => request.json(&body(method, &route.path)),
                    };
                    let answer = send(request).await;
                    let told = answer.body.to_string();
                    assert!(!told.contains(MARK), "{method} {path} tells: {told}");
                    let refused = matches!(answer.status.as_u16(), 403 | 404);
                    assert!(refused || own, "{method} {path} answers {answer:?}");
                    asked += 1;
                }
            }
            // The ids are real: the owner is answered, also after all that.
            if own || !route.methods.contains(&Method::GET) || route.path.starts_with(OF_ADMINS) {
                continue;
            }
            let mut known = false;
            for path in named(&route.path, &ids) {
                let request = owners[place].request(Method::GET, &path);
                // An answer may be a stream without an end: its body is left alone.
                known |= request.send().await.unwrap().status() == 200;
            }
            assert!(
                known,
                "the owner has nothing at {}: add one to `owned`",
                route.path
            );
        }
    }
    assert!(asked > 500, "only {asked} requests: are these all routes?");
}

/// What a route takes, so that it comes to look for what is named.
fn body(method: &Method, path: &str) -> Value {
    match (method.as_str(), path) {
        ("PUT", "/scim/v2/Groups/{id}") => json!({ "displayName": "x" }),
        ("PUT", "/scim/v2/Users/{id}") => json!({ "userName": "x" }),
        ("PATCH", "/scim/v2/Groups/{id}" | "/scim/v2/Users/{id}") => json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "displayName", "value": "x" }],
        }),
        ("PUT", "/ops/v1/schedules/{id}") => json!({ "name": "x", "cron": "30 2 * * *" }),
        ("POST", "/ops/v1/webhooks/{id}/replay") => json!({ "since": "2026-01-01T00:00:00Z" }),
        _ => json!({}),
    }
}
