//! Bad operations among good ones, and references between the operations of one request.

use super::{CATCH_UP, ENTERPRISE, NOBODY, expect_error};
use crate::harness::bulk::{request as bulk, statuses};
use crate::harness::people::{Company, expect_company, user};
use crate::harness::{Options, Stack};
use serde_json::{Value, json};

fn post_user(name: &str, manager: Option<&str>) -> Value {
    let bulk_id = name.split('@').next();
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": user(name, manager) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_with_bad_operations_refuses_each_by_name_and_accepts_the_rest() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("bad-bulk").await;
    let scim = &tenant.scim;
    scim.post("/Users", &user("taken@bulk.example", None))
        .await
        .expect(201);
    let leaver = scim
        .post("/Users", &user("leaver@bulk.example", None))
        .await
        .expect(201)
        .id();
    let rename = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "x" }] });
    let answer = scim
        .post(
            "/Bulk",
            &bulk(&[
                post_user("first@bulk.example", None),
                json!({ "method": "POST", "path": "/Users", "bulkId": "nameless", "data": { "title": "x" } }),
                json!({ "method": "PATCH", "path": format!("/Users/{NOBODY}"), "data": rename }),
                post_user("TAKEN@bulk.example", None),
                json!({ "method": "FETCH", "path": "/Users", "bulkId": "odd", "data": {} }),
                json!({ "method": "POST", "path": "/Planets", "bulkId": "far", "data": {} }),
                json!({ "method": "POST", "path": "/Users", "data": user("anonymous@bulk.example", None) }),
                // Each names an operation that failed.
                post_user("orphan@bulk.example", Some("bulkId:nameless")),
                post_user("grandchild@bulk.example", Some("bulkId:orphan")),
                json!({ "method": "PATCH", "path": "/Users/bulkId:nameless", "data": rename }),
                json!({ "method": "DELETE", "path": format!("/Users/{leaver}") }),
                post_user("last@bulk.example", Some("bulkId:first")),
            ]),
        )
        .await
        .expect(200);
    let expected = [
        "201", "400", "404", "409", "400", "400", "400", "409", "409", "409", "204", "201",
    ];
    assert_eq!(statuses(&answer), expected, "{}", answer.body);
    let refused = |index: usize| &answer.body["Operations"][index]["response"];
    expect_error(refused(1), 400, None, "userName");
    expect_error(refused(2), 404, None, "");
    expect_error(refused(3), 409, Some("uniqueness"), "userName");
    expect_error(refused(4), 400, None, "method");
    expect_error(refused(5), 400, None, "path");
    expect_error(refused(6), 400, None, "bulkId");
    expect_error(refused(7), 409, None, "bulkId");
    expect_error(refused(8), 409, None, "bulkId");
    expect_error(refused(9), 409, None, "bulkId");
    assert_eq!(answer.body["Operations"][1]["bulkId"], "nameless");
    assert_eq!(
        answer.body["Operations"][1]["location"],
        Value::Null,
        "nothing was created"
    );

    let names = async || {
        let users = scim.list("/Users").await;
        let mut names: Vec<String> = users
            .iter()
            .filter_map(|user| Some(user["userName"].as_str()?.to_owned()))
            .collect();
        names.sort();
        names
    };
    let left = ["first@bulk.example", "last@bulk.example", "taken@bulk.example"];
    assert_eq!(names().await, left);

    // Stop at the second error: what follows is neither written nor answered.
    let mut request = bulk(&[
        post_user("one@bulk.example", None),
        json!({ "method": "POST", "path": "/Users", "bulkId": "bad", "data": {} }),
        post_user("two@bulk.example", None),
        post_user("taken@bulk.example", None),
        post_user("three@bulk.example", None),
        post_user("four@bulk.example", None),
    ]);
    request["failOnErrors"] = json!(2);
    let answer = scim.post("/Bulk", &request).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "400", "201", "409"], "{}", answer.body);
    let mut left = left.to_vec();
    left.extend(["one@bulk.example", "two@bulk.example"]);
    left.sort_unstable();
    assert_eq!(names().await, left);

    // Over the limits: all of it is refused.
    let many: Vec<Value> = (0..1_001)
        .map(|n| post_user(&format!("many{n}@bulk.example"), None))
        .collect();
    let answer = scim.post("/Bulk", &bulk(&many)).await.expect(413);
    expect_error(&answer.body, 413, None, "1000");
    let mut large = post_user("large@bulk.example", None);
    large["data"]["displayName"] = json!("x".repeat(11 * 1024 * 1024));
    let answer = scim.post("/Bulk", &bulk(&[large])).await.expect(413);
    expect_error(&answer.body, 413, None, "");
    assert_eq!(names().await, left);

    stack.converged(CATCH_UP).await;
    let mut company: Company = left.iter().map(|name| ((*name).to_owned(), None)).collect();
    company.insert(
        "last@bulk.example".to_owned(),
        Some("first@bulk.example".to_owned()),
    );
    expect_company(&stack.db, tenant.id, &company).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_ids_forward_backward_and_in_circles_resolve() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("bulk-ids").await;
    let badges = "urn:example:params:scim:schemas:extension:badges:2.0:User";
    let mut captain = post_user("captain@ids.example", None);
    // The team refers to its captain, the captain to the team.
    captain["data"][badges] = json!({ "home team": "bulkId:crew" });
    let promote = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "Promoted" }] });
    let answer = tenant
        .scim
        .post(
            "/Bulk",
            &bulk(&[
                post_user("early@ids.example", Some("bulkId:late")),
                // Two who manage each other, and one who manages themself.
                post_user("yin@ids.example", Some("bulkId:yang")),
                post_user("yang@ids.example", Some("bulkId:yin")),
                post_user("self@ids.example", Some("bulkId:self")),
                json!({ "method": "POST", "path": "/Groups", "bulkId": "crew", "data": {
                    "displayName": "Crew",
                    "members": [{ "value": "bulkId:captain" }, { "value": "bulkId:early" }],
                }}),
                captain,
                post_user("late@ids.example", Some("bulkId:captain")),
                json!({ "method": "PATCH", "path": "/Users/bulkId:yin", "data": promote }),
            ]),
        )
        .await
        .expect(200);
    assert_eq!(
        statuses(&answer),
        ["201", "201", "201", "201", "201", "201", "201", "200"],
        "{}",
        answer.body
    );
    let id = |index: usize| {
        let location = answer.body["Operations"][index]["location"]
            .as_str()
            .expect("a location");
        location.rsplit('/').next().expect("an id").to_owned()
    };
    let early = tenant
        .scim
        .get(&format!("/Users/{}", id(0)))
        .await
        .expect(200)
        .body;
    assert_eq!(early[ENTERPRISE]["manager"]["value"], id(6));
    let captain = tenant
        .scim
        .get(&format!("/Users/{}", id(5)))
        .await
        .expect(200)
        .body;
    assert_eq!(captain[badges]["home team"], id(4));
    let yin = tenant
        .scim
        .get(&format!("/Users/{}", id(1)))
        .await
        .expect(200)
        .body;
    assert_eq!(yin["title"], "Promoted");

    stack.converged(CATCH_UP).await;
    let name = |name: &str| format!("{name}@ids.example");
    let company: Company = [
        ("early", Some("late")),
        ("yin", Some("yang")),
        ("yang", Some("yin")),
        ("self", Some("self")),
        ("captain", None),
        ("late", Some("captain")),
    ]
    .map(|(person, manager)| (name(person), manager.map(name)))
    .into();
    expect_company(&stack.db, tenant.id, &company).await;
    let crew: Vec<String> = sqlx::query_scalar(
        "select p.login from team_members m
         join teams t on t.tenant_id = m.tenant_id and t.id = m.team_id
         join people p on p.tenant_id = m.tenant_id and p.id = m.person_id
         where m.tenant_id = $1 and t.name = 'Crew' order by 1",
    )
    .bind(tenant.id)
    .fetch_all(&stack.db)
    .await
    .unwrap();
    assert_eq!(crew, [name("captain"), name("early")]);
}
