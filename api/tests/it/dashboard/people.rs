//! People, teams and the reporting tree.

use super::Browser;
use crate::app::{Client, TestApp};
use uuid::Uuid;

/// A person as a worker would write them, called by their login unless a name is given; answers the id.
async fn person(scim: &Client<'_>, login: &str, name: &str) -> String {
    let user = scim.user(login).await;
    let id: Uuid = sqlx::query_scalar(
        "insert into people (tenant_id, id, resource_id, status, login, display_name, custom, applied_mapping, applied_seq)
         select tenant_id, directory_id, id, 'active', $3, $4, '{\"T-Shirt\": \"M\"}', 1, seq
         from scim_resources where tenant_id = $1 and id = $2::text::uuid returning id",
    )
    .bind(scim.tenant)
    .bind(user.id())
    .bind(login)
    .bind(name)
    .fetch_one(&scim.app.pool)
    .await
    .unwrap();
    id.to_string()
}

async fn run(scim: &Client<'_>, statement: &str, ids: &[&str]) {
    let mut query = sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).bind(scim.tenant);
    for id in ids {
        query = query.bind((*id).to_owned());
    }
    query.execute(&scim.app.pool).await.unwrap();
}

async fn reports_to(scim: &Client<'_>, who: &str, manager: &str) {
    let line = "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq)
        values ($1, $2::text::uuid, 1, 0, $3::text::uuid, 'as sent', 1)";
    run(scim, line, &[who, manager]).await;
}

async fn waits_for(scim: &Client<'_>, who: &str, reference: &str) {
    let waiter =
        "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
        values ($1, $2::text::uuid, 2, '0', $3, lower($3), 'missing', 1)";
    run(scim, waiter, &[who, reference]).await;
}

#[tokio::test]
async fn people_are_searched_filtered_and_paged_and_nothing_they_are_called_is_markup() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    assert!(
        browser
            .open("/people")
            .await
            .expect(200)
            .has("Nobody is in the directory yet")
    );
    let ada = person(&scim, "ada", "Ada <script>alert(1)</script>").await;
    for number in 0..60 {
        person(&scim, &format!("p{number:02}"), "").await;
    }
    waits_for(&scim, &ada, "Grace").await;

    let first = browser.open("/people").await.expect(200);
    assert!(
        !first.has("<script>alert") && first.has("Ada &#60;script&#62;"),
        "{first:?}"
    );
    assert_eq!(first.text.matches("<tr>").count(), 51, "a head and 50 people");
    let next = first
        .text
        .split("href=\"/people?cursor=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let rest = browser.open(&format!("/people?cursor={next}")).await.expect(200);
    assert_eq!(rest.text.matches("<tr>").count(), 12);
    let found = browser
        .open("/people?q=ADA&status=active&waiting=true")
        .await
        .expect(200);
    assert!(
        found.has(&format!("/people/{ada}")) && !found.has("p07"),
        "{found:?}"
    );
    let none = browser.open("/people?q=ada&status=deactivated").await.expect(200);
    assert!(none.has("Nobody is found by that"));
    browser.open("/people?status=x").await.expect(400);
}

#[tokio::test]
async fn page_of_a_person_tells_fields_links_and_who_wrote_what() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let (ada, bob) = (
        person(&scim, "ada", "Ada Lovelace").await,
        person(&scim, "bob", "Bob").await,
    );
    reports_to(&scim, &ada, &bob).await;
    waits_for(&scim, &ada, "Bobb").await;
    run(
        &scim,
        "update people set photo_url = 'https://photos.example/ada.png' where tenant_id = $1 and id = $2::text::uuid",
        &[&ada],
    )
    .await;
    run(
        &scim,
        "insert into history (tenant_id, key_kind, key_id, seq, mapping_version, cause, fields, applied_at)
         select $1, 1, $2::text::uuid, c.seq, 1, 'apply', '{\"position\": [\"Analyst\", \"Countess\"]}', now()
         from changes c where c.tenant_id = $1 order by c.seq limit 1",
        &[&ada],
    )
    .await;
    let page = browser.open(&format!("/people/{ada}")).await.expect(200);
    assert!(
        page.has("T-Shirt") && page.has("https://photos.example/ada.png"),
        "{page:?}"
    );
    assert!(!page.has("<img"), "photos are links");
    assert!(
        page.has(&format!("href=\"/people/{bob}\"")) && page.has("Nobody known has this"),
        "{page:?}"
    );
    assert!(
        page.has("<del class=\"old\">Analyst</del>") && page.has("<ins>Countess</ins>"),
        "{page:?}"
    );
    assert!(page.has("Written by test"), "the token that wrote: {page:?}");

    let path = format!("/people/{ada}");
    browser
        .act(&path, &format!("{path}/retry"), &[])
        .await
        .leads_to(&path);
    assert!(browser.open(&path).await.has("looked at again"));
    browser.open("/people/nobody").await.expect(404);
    let stranger = app.client(app.tenant("other").await, "operator").await;
    Browser::logged_in(&stranger).await.open(&path).await.expect(404);

    let then = browser
        .open(&format!("{path}?at=2020-01-01T00:00"))
        .await
        .expect(404);
    assert!(then.has("not in the directory yet"), "{then:?}");
    let at = "select to_char((now() + interval '1 second') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')";
    let now: String = sqlx::query_scalar(at).fetch_one(&app.pool).await.unwrap();
    let then = browser.open(&format!("{path}?at={now}")).await.expect(200);
    assert!(
        then.has("As the directory showed them") && then.has("Ada Lovelace"),
        "{then:?}"
    );
    browser.open(&format!("{path}?at=yesterday")).await.expect(400);
}

#[tokio::test]
async fn person_is_erased_only_when_their_id_was_typed() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    let ada = person(&scim, "ada", "Ada Lovelace").await;
    let path = format!("/people/{ada}");
    let erase = format!("{path}/erase");
    browser
        .act(&path, &erase, &[("confirm", "yes")])
        .await
        .leads_to(&path);
    assert!(browser.open(&path).await.has("Nobody was erased"));
    assert!(browser.open(&path).await.has("Ada Lovelace"));
    browser.submit(&erase, &[("confirm", &ada)]).await.expect(403);
    browser
        .act(&path, &erase, &[("confirm", &ada)])
        .await
        .leads_to(&path);
    let page = browser.open(&path).await.expect(200);
    assert!(
        page.has("erased") && !page.has("Ada Lovelace") && !page.has(&erase),
        "{page:?}"
    );
    let audit = operator.get("/ops/v1/audit").await.expect(200).body;
    let done: Vec<&serde_json::Value> = audit["actions"].as_array().unwrap().iter().collect();
    let erased: Vec<u64> = done
        .iter()
        .filter(|action| action["action"] == "POST /people/{id}/erase")
        .filter_map(|action| action["status"].as_u64())
        .collect();
    assert_eq!(erased, [303, 400], "the newest first");
}

#[tokio::test]
async fn team_shows_its_members_page_by_page() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    assert!(
        browser
            .open("/teams")
            .await
            .expect(200)
            .has("There is no team yet")
    );
    for number in 0..60 {
        person(&scim, &format!("p{number:02}"), "").await;
    }
    let team = Uuid::new_v4().to_string();
    run(
        &scim,
        "insert into teams (tenant_id, id, kind, name, folded) values ($1, $2::text::uuid, 'department', 'R&D', 'r&d')",
        &[&team],
    )
    .await;
    run(
        &scim,
        "insert into team_members (tenant_id, team_id, person_id, source)
         select $1, $2::text::uuid, id, 'department' from people where tenant_id = $1",
        &[&team],
    )
    .await;
    assert!(
        browser
            .open("/teams?q=r%26d&kind=department")
            .await
            .expect(200)
            .has("R&#38;D")
    );
    let first = browser.open(&format!("/teams/{team}")).await.expect(200);
    assert_eq!(first.text.matches("<a href=\"/people/").count(), 50, "{first:?}");
    let next = first
        .text
        .split(&format!("/teams/{team}?cursor="))
        .nth(1)
        .unwrap();
    let next = next.split('#').next().unwrap();
    let rest = browser
        .open(&format!("/teams/{team}?cursor={next}"))
        .await
        .expect(200);
    assert_eq!(rest.text.matches("<a href=\"/people/").count(), 10);
    browser.open("/teams/nothing").await.expect(404);
}

#[tokio::test]
async fn reporting_tree_opens_from_the_top_and_pages_who_report_to_one_manager() {
    let app = TestApp::start().await;
    let scim = app.scim().await;
    let operator = app.client(scim.tenant, "operator").await;
    let browser = Browser::logged_in(&operator).await;
    assert!(
        browser
            .open("/org")
            .await
            .expect(200)
            .has("no manager is known yet")
    );
    let (ada, bob, eve) = (
        person(&scim, "ada", "Ada").await,
        person(&scim, "bob", "Bob").await,
        person(&scim, "eve", "Eve").await,
    );
    reports_to(&scim, &bob, &ada).await;
    reports_to(&scim, &eve, &bob).await;
    let top = browser.open("/org").await.expect(200);
    assert!(
        top.has(&format!("/org?root={ada}")) && !top.has(&format!("/org?root={bob}")),
        "{top:?}"
    );
    let found = browser.open("/org?q=eve").await.expect(200);
    assert!(found.has(&format!("/org?root={eve}")), "{found:?}");
    let below = browser.open(&format!("/org?root={ada}")).await.expect(200);
    assert!(below.has("<details>") && below.has(">Eve</a>"), "{below:?}");
    let middle = browser.open(&format!("/org?root={bob}")).await.expect(200);
    assert!(
        middle.has("Managers above") && middle.has(&format!("/org?root={ada}")),
        "{middle:?}"
    );

    for number in 0..120 {
        let report = person(&scim, &format!("r{number:03}"), "").await;
        reports_to(&scim, &report, &eve).await;
    }
    let first = browser.open(&format!("/org?root={eve}")).await.expect(200);
    assert!(
        first.has("120 people report to them") && first.has("Page 1 of 2") && !first.has(">r119<"),
        "{first:?}"
    );
    let second = browser.open(&format!("/org?root={eve}&page=2")).await.expect(200);
    assert!(second.has(">r119<") && !second.has(">r000<"), "{second:?}");
    browser.open("/org?root=nobody").await.expect(404);
    let before = browser
        .open(&format!("/org?root={ada}&at=2020-01-01T00:00"))
        .await;
    before.expect(404);
}
