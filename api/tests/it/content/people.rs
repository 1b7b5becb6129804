//! One person: by any key, with what hangs on them, and when they are the same as before.

use super::Company;
use crate::app::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn person_is_found_by_every_key_and_nobody_is_guessed() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    let (bob, scim_id) = company.ids["bob"].clone();
    for key in [
        bob.as_str(),
        &scim_id,
        "e-2",
        "BOB@example.com",
        "bob.mail%40example.com",
        "bob.other@example.com",
        "0002",
        "0002?by=employeeNumber",
        "E-2?by=externalId",
        "bob@example.com?by=login",
        "bob.mail@example.com?by=email",
        &format!("{bob}?by=id"),
    ] {
        let person = company.get(&format!("/people/{key}")).await.expect(200);
        assert_eq!(
            (&person.body["id"], &person.body["scimId"], &person.body["active"]),
            (&json!(bob), &json!(scim_id), &json!(true)),
            "{key}"
        );
    }
    for key in [
        company.id("eve"),
        company.id("fay"),
        "eve@example.com",
        "E-6",
        "0002?by=externalId",
        "%00",
        "nobody",
    ] {
        company.get(&format!("/people/{key}")).await.problem(404);
    }
    // Cay and Dan share a number; Eve has Fay's, and neither is shown.
    let several = company.get("/people/0003").await;
    several.problem(409);
    let mut among = several.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| &of["personId"])
        .collect::<Vec<_>>();
    among.sort_by_key(|id| id.to_string());
    let mut both = [json!(company.id("cay")), json!(company.id("dan"))];
    both.sort_by_key(Value::to_string);
    assert_eq!(among, both.iter().collect::<Vec<_>>());
    company.get("/people/0005").await.problem(404);
    assert!(
        company
            .get("/people/0002?by=name")
            .await
            .problem(400)
            .contains("by")
    );
}

#[tokio::test]
async fn person_comes_with_what_is_asked_for_and_links_to_nobody_are_absent() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    company.report("cay", "ada", 2).await;
    company.report("ada", "eve", 1).await;
    company
        .run(&format!(
            "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
             values ($tenant, '{}', 2, '1', 'Gus', 'gus', 'missing', 1)",
            company.id("cay")
        ))
        .await;
    let cay = company
        .get("/people/E-3?include=managers,teams,waiting&fields=id,custom")
        .await
        .expect(200);
    let team = |id: &str, kind: &str, name: &str| json!({ "id": id, "kind": kind, "name": name });
    assert_eq!(
        cay.body,
        json!({
            "id": company.id("cay"),
            "custom": { "Shoe size": "3" },
            "managers": [
                { "id": company.id("bob"), "displayName": "bob Love", "primary": true },
                { "id": company.id("ada"), "displayName": "ada Love", "primary": false },
            ],
            "teams": [team(&company.band, "group", "Band"), team(&company.crew, "group", "Crew")],
            "waiting": 1,
        })
    );
    let listed = company
        .get("/people?include=managers,teams,waiting&fields=id,custom")
        .await
        .expect(200);
    let people = listed.body["people"].as_array().unwrap();
    assert!(people.contains(&cay.body), "{people:?}");
    // Eve is gone: until the worker has ended the line, it is not shown.
    let ada = company
        .get("/people/E-1?include=managers,waiting&fields=login")
        .await
        .expect(200);
    assert_eq!(
        ada.body,
        json!({ "login": "ada@example.com", "managers": [], "waiting": 0 })
    );
}

#[tokio::test]
async fn unchanged_answer_is_not_sent_again() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    let path = format!("/people/{}", company.id("ada"));
    let again = async |path: &str, tag: &str| {
        let request = company
            .reader
            .request(reqwest::Method::GET, &format!("/content/v1{path}"));
        crate::app::send(request.header("if-none-match", tag)).await
    };
    let first = company.get(&path).await.expect(200);
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert!(first.header("last-modified").ends_with(" GMT"), "{first:?}");
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let unchanged = again(&path, &format!("\"x\", {tag}")).await.expect(304);
    assert_eq!(
        (unchanged.body, unchanged.headers["etag"].to_str().unwrap()),
        (Value::Null, &*tag)
    );
    company.set("ada", "position = 'Boss'").await;
    again(&path, &tag).await.expect(200);
    let list = company.get("/people").await.expect(200);
    again("/people", list.header("etag")).await.expect(304);
    let with_teams = format!("{path}?include=teams");
    let before = company.get(&with_teams).await.expect(200);
    assert_eq!(before.header("last-modified"), "");
    company
        .run("delete from team_members where tenant_id = $tenant")
        .await;
    again(&with_teams, before.header("etag")).await.expect(200);
}
