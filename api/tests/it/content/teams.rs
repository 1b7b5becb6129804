//! The reporting tree, teams and their members.

use super::Company;
use crate::app::TestApp;
use serde_json::json;

#[tokio::test]
async fn reporting_tree_is_told_up_and_down_and_cycles_end() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    let up = company.get("/people/E-4/managers").await.expect(200);
    assert_eq!(company.named(&up.body["managers"]), ["bob", "ada"]);
    assert_eq!(
        (&up.body["managers"][1]["depth"], &up.body["cycle"]),
        (&json!(2), &json!(false))
    );
    let direct = company.get("/people/E-1/reports").await.expect(200);
    assert_eq!(company.named(&direct.body["reports"]), ["bob"]);
    assert_eq!(direct.body["counts"], json!([1]));
    let all = company.get("/people/E-1/reports?depth=9").await.expect(200);
    assert_eq!(
        (&all.body["counts"], &all.body["truncated"]),
        (&json!([1, 2]), &json!(false))
    );
    let mut paged = vec![];
    let mut cursor = String::new();
    for _ in 0..3 {
        let path = format!("/people/E-1/reports?depth=9&limit=1{cursor}");
        let page = company.get(&path).await.expect(200);
        paged.push(page.body["reports"][0].clone());
        cursor = format!("&cursor={}", page.body["nextCursor"].as_str().unwrap_or("-"));
    }
    assert_eq!(&json!(paged), &all.body["reports"]);
    assert_eq!(cursor, "&cursor=-");
    assert_eq!(paged[2]["managerId"], company.id("bob"));
    // Ada reports to Dan now.
    company.report("ada", "dan", 1).await;
    let round = company.get("/people/E-4/managers").await.expect(200);
    assert_eq!(company.named(&round.body["managers"]), ["bob", "ada"]);
    assert_eq!(round.body["cycle"], true);
    let round = company.get("/people/E-4/reports?depth=100").await.expect(200);
    assert_eq!(company.named(&round.body["reports"]), ["ada", "bob", "cay"]);
    company.get("/people/E-5/reports").await.problem(404);
}

#[tokio::test]
async fn teams_are_listed_with_their_members_nested_ones_once() {
    let app = TestApp::start().await;
    let company = Company::of(&app).await;
    let teams = company.get("/teams?kind=group&name=RE").await.expect(200);
    assert_eq!(teams.body["teams"].as_array().unwrap().len(), 1);
    let first = company.get("/teams?limit=2").await.expect(200);
    let cursor = first.body["nextCursor"].as_str().unwrap().to_owned();
    let rest = company
        .get(&format!("/teams?limit=2&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(rest.body["teams"].as_array().unwrap().len(), 1);
    let crew = company.crew.clone();
    let team = company.get(&format!("/teams/{crew}")).await.expect(200);
    assert_eq!(
        (&team.body["name"], &team.body["members"]),
        (&json!("Crew"), &json!(1))
    );
    let members = async |path: String| {
        let mut names = company.names(&path, "members").await;
        names.sort_unstable();
        names
    };
    assert_eq!(members(format!("/teams/{crew}/members")).await, ["cay"]);
    // Crew and Band are part of each other.
    assert_eq!(
        members(format!("/teams/{crew}/members?nested=true")).await,
        ["cay", "dan"]
    );
    // Fay was erased.
    assert_eq!(
        members(format!("/teams/{}/members", company.sales)).await,
        ["ada", "bob"]
    );
    company
        .run(&format!("update teams set deleted = true where id = '{crew}'"))
        .await;
    company.get(&format!("/teams/{crew}")).await.problem(404);
    company.get(&format!("/teams/{crew}/members")).await.problem(404);
    assert_eq!(
        company.get("/teams?kind=group").await.body["teams"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    company.get("/teams/Sales").await.problem(404);
    assert!(company.get("/teams?q=x").await.problem(400).contains('q'));
}
