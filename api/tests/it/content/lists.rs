//! People in lists: filters, order, pages.

use super::Company;
use crate::app::TestApp;
use serde_json::Value;

#[tokio::test]
async fn people_are_those_of_the_company_and_every_filter_narrows_them() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    let ada = company.id("ada").to_owned();
    for (query, expected) in [
        ("", "ada bob cay dan"),
        ("?active=true", "ada bob cay"),
        ("?active=false", "dan"),
        (&format!("?team={}", company.sales), "ada bob"),
        ("?teamKind=group", "cay dan"),
        ("?teamKind=division", ""),
        (&format!("?manager={ada}"), "bob"),
        ("?location=BERN&active=false", "dan"),
        ("?level=1", ""),
        ("?email=Bob.Other@example.com", "bob"),
        ("?email=bob@example.com", ""),
        ("?custom.Shoe%20size=3", "cay"),
        ("?custom.shoe%20size=3", ""),
        ("?updatedSince=2020-01-01T00:00:00Z&search=e-2", "bob"),
        ("?updatedSince=2999-01-01T00:00:00Z", ""),
        ("?search=CAY.m", "cay"),
        ("?search=lovelace%204", "dan"),
        ("?search=lo%25", ""),
    ] {
        let mut names = company.names(&format!("/people{query}"), "people").await;
        names.sort_unstable();
        assert_eq!(names.join(" "), expected, "{query}");
    }
    company.set("cay", "display_name = 'Aaa'").await;
    company
        .set(
            "ada",
            "display_name = null, updated_at = now() + interval '1 hour'",
        )
        .await;
    for (sort, expected) in [
        ("displayName", "ada cay bob dan"),
        ("updatedAt", "bob dan cay ada"),
    ] {
        let mut names = vec![];
        let mut cursor = Value::Null;
        loop {
            let further = cursor
                .as_str()
                .map(|cursor| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let page = company
                .get(&format!("/people?sort={sort}&limit=1{further}"))
                .await
                .expect(200);
            names.extend(company.named(&page.body["people"]));
            cursor = page.body["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        if sort == "displayName" {
            assert_eq!(names.join(" "), expected);
        } else {
            assert_eq!(names.last(), Some(&"ada"), "{names:?}");
            assert_eq!(names.len(), 4);
        }
    }
}

#[tokio::test]
async fn page_belongs_to_its_question_and_what_cannot_be_asked_is_refused_by_name() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    let page = company
        .get("/people?limit=3&active=true&location=bern")
        .await
        .expect(200);
    assert_eq!(page.body["people"].as_array().unwrap().len(), 3);
    let page = company.get("/people?limit=2&active=true").await.expect(200);
    let cursor = page.body["nextCursor"].as_str().unwrap().to_owned();
    let next = company
        .get(&format!("/people?active=true&cursor={cursor}&limit=5"))
        .await
        .expect(200);
    assert_eq!(next.body["people"].as_array().unwrap().len(), 1);
    assert_eq!(next.body["nextCursor"], Value::Null);
    let stranger = Company::of(&app).await;
    for refused in [
        company.get(&format!("/people?cursor={cursor}")).await,
        company
            .get(&format!("/people?active=false&cursor={cursor}"))
            .await,
        company.get(&format!("/teams?cursor={cursor}")).await,
        stranger
            .get(&format!("/people?active=true&cursor={cursor}"))
            .await,
        company.get("/people?cursor=AAAA").await,
    ] {
        assert!(refused.problem(400).contains("cursor"), "{refused:?}");
    }
    for (query, named) in [
        ("actve=true", "actve"),
        ("custom.=x", "custom."),
        ("active=yes", "active"),
        ("team=Sales", "team"),
        ("sort=login", "sort"),
        ("fields=login,secret", "fields"),
        ("include=reports", "include"),
        ("updatedSince=yesterday", "updatedSince"),
        ("search=a", "search"),
        ("limit=x", "limit"),
        ("location=%00", "NUL"),
    ] {
        let refused = company.get(&format!("/people?{query}")).await;
        let detail = refused.problem(400).to_owned();
        assert!(detail.contains(named), "{query}: {detail}");
    }
}
