//! What clients of Leapsome's SCIM API send, literally, under either root.

use crate::app::{Answer, Client, TestApp, send};
use reqwest::Method;
use rollcall_shared::scim::schema::{ENTERPRISE_USER, GROUP, ROLLCALL_USER, USER};
use serde_json::{Value, json};

async fn patch(client: &Client<'_>, path: &str, body: Value) -> Answer {
    send(client.request(Method::PATCH, path).json(&body)).await
}

#[tokio::test]
async fn leapsome_user_with_everything_is_created_in_one_post_and_links_lead_to_its_root() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({
        "schemas": [USER, ENTERPRISE_USER],
        "userName": "jane@example.com", "externalId": "E-7", "active": true,
        "name": {"givenName": "Jane", "familyName": "Doe"}, "title": "Engineer",
        "emails": [{"value": "jane@example.com", "primary": true}],
        ENTERPRISE_USER: {
            "department": "Product", "manager": "boss@example.com",
            "additionalManagers": "lead@example.com, E-9",
            "level": "Senior", "location": "Oslo", "gender": "female", "birthday": "1990-02-03",
            "startDate": "2024-05-13", "employmentType": "full time",
            "5f8d0f3a2c1b4e0017a1b2c3": "custom by raw id", "Shirt size": "L",
        },
    });
    let made = client.post("/scim/v1/Users", body).await.expect(201);
    let location = format!("{}/scim/v1/Users/{}", app.url, made.id());
    assert_eq!(
        (made.header("location"), &made.body["meta"]["location"]),
        (&*location, &json!(location))
    );
    let extension = &made.body[ENTERPRISE_USER];
    assert_eq!(extension["manager"], json!({"value": "boss@example.com"}));
    for (name, value) in [
        ("level", "Senior"),
        ("startDate", "2024-05-13"),
        ("5f8d0f3a2c1b4e0017a1b2c3", "custom by raw id"),
        ("Shirt size", "L"),
    ] {
        assert_eq!(extension[name], value, "{name}");
    }
    let additional = json!([{"value": "lead@example.com"}, {"value": "E-9"}]);
    assert_eq!(made.body[ROLLCALL_USER]["additionalManagers"], additional);
    let same = client
        .get(&format!("/scim/v2/Users/{}", made.id()))
        .await
        .expect(200);
    assert_eq!(
        same.header("location"),
        format!("{}/scim/v2/Users/{}", app.url, made.id())
    );
    let listed = client.get("/scim/v1/Users").await.expect(200);
    assert_eq!(listed.body["Resources"][0]["meta"]["location"], location);
    let schema = client.get(&format!("/scim/v1/Schemas/{USER}")).await.expect(200);
    assert_eq!(
        schema.body["meta"]["location"],
        format!("{}/scim/v1/Schemas/{USER}", app.url)
    );
}

#[tokio::test]
async fn leapsome_manager_as_text_is_taken_wherever_it_stands_in_post_put_and_patch() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    for (index, manager) in ["01a211ae-0000-7000-8000-000000000001", "boss@example.com", "E-1"]
        .iter()
        .enumerate()
    {
        let user_name = format!("user-{index}");
        let shapes = [
            json!({ "manager": manager, "additionalManagers": ["a", "b"] }),
            json!({ ENTERPRISE_USER: {"manager": manager, "additionalManagers": ["a", "b"]} }),
            json!({ ENTERPRISE_USER: {"manager": manager}, "additionalManagers": "a,b" }),
        ];
        let mut made = json!({ "userName": user_name, "active": true });
        made.as_object_mut()
            .unwrap()
            .extend(shapes[index % 3].as_object().unwrap().clone());
        let made = client.post("/Users", made).await.expect(201);
        let path = format!("/Users/{}", made.id());
        let check = |answer: &Answer| {
            assert_eq!(
                answer.body[ENTERPRISE_USER],
                json!({"manager": {"value": manager}}),
                "{answer:?}"
            );
            let additional = json!([{"value": "a"}, {"value": "b"}]);
            assert_eq!(
                answer.body[ROLLCALL_USER],
                json!({"additionalManagers": additional}),
                "{answer:?}"
            );
        };
        check(&made);
        let none = json!({ "manager": null, "additionalManagers": [] });
        for shape in &shapes {
            let cleared = patch(&client, &path, none.clone()).await.expect(200);
            assert!(cleared.body.get(ENTERPRISE_USER).is_none() && cleared.body.get(ROLLCALL_USER).is_none());
            check(&patch(&client, &path, shape.clone()).await.expect(200));
            let mut whole = shape.clone();
            whole["userName"] = user_name.as_str().into();
            check(&client.put(&path, whole).await.expect(200));
        }
        let operations = json!([
            {"op": "replace", "path": "manager", "value": manager},
            {"op": "replace", "path": format!("{ENTERPRISE_USER}:additionalManagers"), "value": "a, b"},
        ]);
        check(&client.patch(&path, operations).await.expect(200));
    }
}

#[tokio::test]
async fn leapsome_patch_with_a_plain_body_changes_what_it_names() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let made = client
        .post("/Users", json!({ "userName": "jane", "title": "Engineer", "name": {"givenName": "Jane", "familyName": "Doe"} }))
        .await
        .expect(201);
    let path = format!("/scim/v1/Users/{}", made.id());
    let body = json!({
        "schemas": [USER], "name": {"familyName": "Roe"}, "active": false,
        ENTERPRISE_USER: {"level": "Lead", "5f8d0f3a2c1b4e0017a1b2c3": "x"},
    });
    let patched = patch(&client, &path, body.clone()).await.expect(200);
    assert_eq!(
        patched.body["name"],
        json!({"givenName": "Jane", "familyName": "Roe"})
    );
    assert_eq!(
        (&patched.body["title"], &patched.body["active"]),
        (&json!("Engineer"), &json!(false))
    );
    assert_eq!(patched.body[ENTERPRISE_USER]["level"], "Lead");
    let again = patch(&client, &path, body).await.expect(200);
    assert_eq!(again.header("etag"), patched.header("etag"));
    patch(&client, &path, json!({})).await.scim_error(400);
}

#[tokio::test]
async fn leapsome_group_patch_with_members_adds_and_with_replace_members_replaces() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let (jane, anna) = (client.user("jane").await, client.user("anna").await);
    let members = json!([{"value": jane.id()}]);
    let body = json!({ "schemas": [GROUP], "displayName": "Sales", "members": members });
    let group = client.post("/scim/v1/Groups", body).await.expect(201);
    let path = format!("/scim/v1/Groups/{}", group.id());
    let read = || async { client.get(&path).await.expect(200).body };
    patch(&client, &path, json!({ "members": [{"value": anna.id()}] }))
        .await
        .expect(204);
    assert_eq!(
        read().await["members"],
        json!([{"value": jane.id()}, {"value": anna.id()}])
    );
    patch(
        &client,
        &path,
        json!({ "displayName": "Sales EMEA", "members": [{"value": anna.id()}], "replaceMembers": true }),
    )
    .await
    .expect(204);
    let replaced = read().await;
    assert_eq!(
        (&replaced["displayName"], &replaced["members"]),
        (&json!("Sales EMEA"), &json!([{"value": anna.id()}]))
    );
    patch(&client, &path, json!({ "members": [], "replaceMembers": true }))
        .await
        .expect(204);
    assert!(read().await.get("members").is_none());
}

#[tokio::test]
async fn leapsome_resource_is_read_written_and_deleted_by_external_id() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    // Entra's ids of objects are UUIDs, as ours are.
    for external_id in ["E-7", "58342554-38d6-4ec8-948c-50044d0a33fd"] {
        let body =
            |title: &str| json!({ "userName": external_id, "externalId": external_id, "title": title });
        let made = client.post("/Users", body("a")).await.expect(201);
        let path = format!("/scim/v1/Users/{external_id}");
        assert_eq!(client.get(&path).await.expect(200).id(), made.id());
        let replaced = client.put(&path, body("b")).await.expect(200);
        assert_eq!((replaced.id(), &replaced.body["title"]), (made.id(), &json!("b")));
        let patched = patch(&client, &path, json!({ "title": "c" })).await.expect(200);
        assert_eq!((patched.id(), &patched.body["title"]), (made.id(), &json!("c")));
        let outdated = client
            .request(Method::DELETE, &path)
            .header("if-match", r#"W/"1""#);
        send(outdated).await.scim_error(412);
        client.delete(&path).await.expect(204);
        client.delete(&path).await.scim_error(404);
        client.get(&format!("/Users/{}", made.id())).await.scim_error(404);
    }
}

#[tokio::test]
async fn leapsome_filters_without_quotes_find() {
    let app = TestApp::start().await;
    let client = app.scim().await;
    let body = json!({ "userName": "jane@example.com", "externalId": "E-7", "emails": [{"value": "jane@example.com"}] });
    let made = client.post("/Users", body).await.expect(201);
    for filter in [
        "userName eq jane@example.com",
        "externalId eq E-7",
        "emails.value eq jane@example.com and active ne False",
    ] {
        let found = client.find("/scim/v1/Users", filter).await.expect(200);
        assert_eq!(found.body["totalResults"], 1, "{filter}");
        assert_eq!(found.body["Resources"][0]["id"], made.id());
    }
}
