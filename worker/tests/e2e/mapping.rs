//! A mapping of a tenant's own, over HTTP with real processes.

use super::explain::{SOON, create, get};
use super::harness::{Options, Stack, within};
use super::mapping_changes::{put, run_of};
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn team_that_is_not_created_is_waited_for_until_an_operator_creates_it() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("withheld").await;
    let mapping = json!({
        "rules": [
            { "name": "login", "from": ["userName"], "to": { "field": "login" } },
            { "name": "office", "from": [format!("{ENTERPRISE}:department")], "to": { "team": "office" } },
        ],
        "teams": { "office": { "create": false } },
    });
    put(&tenant, &json!({ "mapping": mapping }), None)
        .await
        .expect(200);
    let user = json!({ "userName": "ann", "title": "Lead", ENTERPRISE: { "department": "Berlin" } });
    let (ann, receipt) = create(&tenant, user).await;
    stack.converged(SOON).await;

    let links = format!("/people/{ann}/links");
    let link = get(&tenant, &links).await["links"][0].clone();
    assert_eq!(
        (&link["slot"], &link["state"], &link["reason"], &link["key"]),
        (
            &json!("team"),
            &json!("waiting"),
            &json!("missing"),
            &json!("team:office:berlin")
        ),
        "{link}"
    );
    assert_eq!(
        link["team"],
        json!({ "id": null, "kind": "office", "name": "Berlin" })
    );
    assert_eq!(
        (&link["by"], &link["assertedBy"]["txn"]),
        (&json!("office"), &json!(receipt))
    );
    let told = get(&tenant, &format!("/receipts/{receipt}")).await;
    assert_eq!(told["operations"][0]["state"], "partly_applied", "{told}");
    assert_eq!(get(&tenant, "/waiting").await["waiting"][0]["people"], 1);

    let team = json!({ "kind": "office", "name": "BERLIN" });
    let team = tenant.ops.post("/teams", &team).await.expect(201);
    let linked = within(SOON, "the link is made", async || {
        let links = get(&tenant, &links).await;
        (links["links"][0]["state"] == "linked").then_some(links)
    })
    .await;
    let link = &linked["links"][0];
    assert_eq!(
        link["team"],
        json!({ "id": team.body["id"], "kind": "office", "name": "BERLIN" })
    );
    assert_eq!(link["by"], "office");
    let person = get(&tenant, &format!("/people/{ann}")).await;
    assert_eq!(person["person"]["login"], "ann");
    assert_eq!(person["person"]["position"], json!(null), "no rule fills it");
}

#[tokio::test]
async fn documents_are_read_by_every_kind_of_rule_and_transform() {
    let mut stack = Stack::start(Options::default()).await;
    let tenant = stack.tenant("rules").await;
    let field = |name: &str, from: &[&str], transform: Value| json!({ "name": name, "from": from, "to": { "field": name }, "transform": transform });
    let hr = |attribute: &str| format!("urn:example:params:scim:schemas:hr:2.0:User:{attribute}");
    let (hired, place) = (hr("hired"), hr("place"));
    let mut once = field("display_name", &["displayName"], json!([]));
    once["apply"] = json!("on_create");
    let mut if_empty = field("photo_url", &["photos.value"], json!([]));
    if_empty["apply"] = json!("if_empty");
    let mut off = field("gender", &["gender"], json!([]));
    off["enabled"] = json!(false);
    let level = |grades: Value| {
        let map = json!({ "map": { "values": grades, "others": "reject" } });
        field("level", &["level"], json!([map]))
    };
    let mut rules = vec![
        level(json!({ "7": "Senior" })),
        field("login", &["userName"], json!(["trim", "lower"])),
        field("email", &[r#"emails[type eq "home"].value"#], json!(["upper"])),
        field("position", &["title", "userType"], json!([{ "default": "none" }])),
        field(
            "location",
            &[&place],
            json!([{ "split": "," }, { "part": -1 }, "trim"]),
        ),
        field("start_date", &[&hired], json!([{ "date": ["%d.%m.%Y"] }])),
        field("employment_type", &[], json!([{ "constant": "staff" }])),
        once,
        if_empty,
        off,
        json!({ "name": "nick", "from": ["nickName"], "to": { "custom": "nick" } }),
    ];
    put(&tenant, &json!({ "mapping": { "rules": &rules } }), None)
        .await
        .expect(200);
    let document = |name: &str, photo: &str, level: &str| {
        json!({
            "userName": "ANN", "displayName": name, "userType": "Engineer", "level": level, "gender": "f",
            "nickName": "Nan", "photos": [{ "value": format!("https://example.com/{photo}") }],
            "emails": [{ "value": "ann@work.example", "type": "work" }, { "value": "ann@home.example", "type": "home" }],
            "urn:example:params:scim:schemas:hr:2.0:User": { "hired": "28.11.1990", "place": "Berlin, DE " },
        })
    };
    let (ann, _) = create(&tenant, document("Ann", "one", "7")).await;
    stack.converged(SOON).await;
    let path = format!("/people/{ann}");
    let person = get(&tenant, &path).await["person"].clone();
    let shown = |person: &Value, names: &[&str]| -> Value {
        let shown = names
            .iter()
            .map(|name| ((*name).to_owned(), person[*name].clone()));
        Value::Object(shown.collect())
    };
    let read = json!({
        "login": "ann", "email": "ANN@HOME.EXAMPLE", "position": "Engineer", "location": "DE",
        "startDate": "1990-11-28", "level": "Senior", "employmentType": "staff", "displayName": "Ann",
        "photoUrl": "https://example.com/one", "gender": null, "custom": { "nick": "Nan" },
    });
    let names: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(shown(&person, &names), read, "{person}");

    let again = document("Anna", "two", "8");
    let user = format!("/Users/{ann}");
    tenant.scim.put_over(&user, "*", &again).await.expect(200);
    stack.converged(SOON).await;
    let person = get(&tenant, &path).await["person"].clone();
    assert_eq!(
        shown(&person, &["displayName", "photoUrl", "level"]),
        shown(&read, &["displayName", "photoUrl", "level"]),
        "on create, if empty, and rejected"
    );
    let rejected = get(&tenant, "/rejections").await;
    assert_eq!(rejected["rejections"][0]["value"], "8", "{rejected}");

    // A mapping that knows the value is a fix.
    rules[0] = level(json!({ "7": "Senior", "8": "Lead" }));
    put(&tenant, &json!({ "mapping": { "rules": rules } }), None)
        .await
        .expect(200);
    run_of(&tenant, 3).await;
    assert_eq!(get(&tenant, &path).await["person"]["level"], "Lead");
    assert_eq!(get(&tenant, "/rejections").await["rejections"], json!([]));
}
