//! What rules of a tenant's own do: each target, each way of applying, and what is switched off.

use crate::company::{Company, ENTERPRISE, user};
use rollcall_shared::directory::fold_name;
use rollcall_shared::mapping::Mapping;
use rollcall_shared::scim::ResourceType;
use rollcall_shared::scim::schema::SchemaSet;
use rollcall_shared::store::named_teams;
use rollcall_shared::store::reconcile::AttributeTeam;
use serde_json::{Value, json};

pub(crate) const HR: &str = "urn:example:hr:2.0:User";

/// The default mapping with these rules in place of those of the same name, or added; and of kinds
/// of team whether they are created.
pub(crate) fn mapping(rules: &[Value], kinds: &[(&str, bool)]) -> Value {
    let mut mapping = json!(Mapping::default_mapping());
    let all = mapping["rules"].as_array_mut().unwrap();
    for rule in rules {
        all.retain(|known| known["name"] != rule["name"]);
        all.push(rule.clone());
    }
    for (kind, create) in kinds {
        mapping["teams"][kind] = json!({ "create": create });
    }
    mapping
}

/// A rule of the default mapping, with something else said of it.
pub(crate) fn but(name: &str, more: Value) -> Value {
    let all = json!(Mapping::default_mapping());
    let rules = all["rules"].as_array().unwrap();
    let mut rule = rules.iter().find(|rule| rule["name"] == name).unwrap().clone();
    rule.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    rule
}

impl Company {
    /// Put a mapping in force.
    pub(crate) async fn map(&self, mapping: Value) -> i32 {
        let checked = Mapping::read(&mapping).and_then(|mapping| mapping.check(SchemaSet::default()));
        assert!(checked.is_ok(), "{:?}", checked.err());
        sqlx::query_scalar(
            "insert into mappings (tenant_id, version, document)
             select $1, coalesce(max(version), 1) + 1, $2 from mappings where tenant_id = $1 returning version",
        )
        .bind(self.tenant.0)
        .bind(mapping)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    /// Accept a User's document and apply it.
    pub(crate) async fn puts(&self, name: &str, document: Value) {
        let key = self.put(name, document).await;
        self.apply(&[key]).await;
        assert!(self.nothing_pending().await);
    }

    /// These columns of the person with this login, as JSON.
    pub(crate) async fn fields(&self, login: &str, columns: &str) -> Value {
        let sql = format!("select to_jsonb(p) from (select {columns} from people where login = '{login}') p");
        self.scalar(&sql).await
    }

    /// Have an attribute team exist, as an operator does.
    async fn create_team(&self, kind: &str, name: &str) {
        let team = AttributeTeam {
            kind: kind.to_owned(),
            folded: fold_name(name),
            name: name.to_owned(),
        };
        let mut conn = self.pool.acquire().await.unwrap();
        let (_, new) = named_teams::create(&mut conn, self.tenant, &team).await.unwrap();
        assert!(new);
    }
}

#[tokio::test]
async fn every_target_is_filled_from_where_the_mapping_says() {
    let company = Company::new().await;
    let rules = [
        json!({"name": "emails", "from": ["emails[type eq \"home\"].value"], "to": {"field": "email"}}),
        json!({"name": "position", "from": [format!("{HR}:job")], "to": {"field": "position"},
               "transform": [{"map": {"values": {"7": "Engineer"}}}]}),
        json!({"name": "birthday", "from": [format!("{HR}:born")], "to": {"field": "birthday"},
               "transform": [{"date": ["%d.%m.%Y"]}]}),
        json!({"name": "status", "from": [format!("{HR}:state")], "to": {"field": "active"},
               "transform": [{"map": {"values": {"gone": false, "here": true}}}]}),
        json!({"name": "skills", "from": [format!("{HR}:skills")], "to": {"team": "skill"}, "transform": [{"split": ";"}]}),
        json!({"name": "manager", "from": [format!("{HR}:boss")], "to": {"line": "primary"}, "transform": ["lower"]}),
        json!({"name": "additional_managers", "from": [format!("{HR}:mentors")], "to": {"line": "additional"},
               "transform": [{"split": ","}]}),
        json!({"name": "shirt", "from": [format!("{HR}:Shirt size")], "to": {"custom": "shirt"}}),
    ];
    let version = company.map(mapping(&rules, &[])).await;
    company.puts("ann", user("ann", json!({}))).await;
    company
        .puts(
            "bob",
            user(
                "bob",
                json!({
                    "emails": [{"value": "b@work", "type": "work"}, {"value": "b@home", "type": "home"}], "title": "unread",
                    HR: {"job": 7, "born": "28.11.1990", "state": "gone", "skills": "Rust; SQL", "boss": "ANN",
                         "mentors": "ann, cyd", "Shirt size": {"eu": 38}, "other": 1},
                }),
            ),
        )
        .await;
    assert_eq!(
        company
            .fields(
                "bob",
                "email, further_emails, position, birthday, status, custom, applied_mapping"
            )
            .await,
        json!({"email": "b@home", "further_emails": [], "position": "Engineer", "birthday": "1990-11-28",
               "status": "deactivated", "custom": {"shirt": {"eu": 38}, "other": 1}, "applied_mapping": version})
    );
    assert_eq!(
        company.links().await,
        [
            "bob -> ann (1 0)",
            "bob -> ann (2 0)",
            "bob in skill Rust",
            "bob in skill SQL",
            "bob waits for cyd: missing"
        ]
    );
    let skills: Value = company
        .scalar("select fields -> 'skills' from history where fields ? 'skills'")
        .await;
    assert_eq!(skills[0], Value::Null, "in none before");
    assert_eq!(
        skills[1].as_array().map(Vec::len),
        Some(2),
        "both teams joined: {skills}"
    );
    // Whoever is waited for is found by where the mapping looks, also when woken.
    company.puts("cyd", user("cyd", json!({}))).await;
    assert!(company.links().await.contains(&"bob -> cyd (2 1)".to_owned()));
    // One of several memberships goes.
    company
        .puts(
            "bob",
            user("bob", json!({HR: {"skills": "SQL; Go", "boss": "ann"}})),
        )
        .await;
    assert_eq!(
        company.links().await,
        ["bob -> ann (1 0)", "bob in skill Go", "bob in skill SQL"]
    );
}

#[tokio::test]
async fn on_create_and_if_empty_write_only_what_they_say() {
    let company = Company::new().await;
    let rules = [
        but("position", json!({"apply": "on_create"})),
        but("level", json!({"apply": "if_empty"})),
        json!({"name": "shirt", "from": [format!("{HR}:shirt")], "to": {"custom": "shirt"}, "apply": "on_create"}),
        json!({"name": "shoe", "from": [format!("{HR}:shoe")], "to": {"custom": "shoe"}, "apply": "if_empty"}),
        but("department", json!({"apply": "on_create"})),
        but("division", json!({"apply": "if_empty"})),
        but("manager", json!({"apply": "on_create"})),
        but("additional_managers", json!({"apply": "if_empty"})),
    ];
    company.map(mapping(&rules, &[])).await;
    for name in ["ann", "cyd"] {
        company.puts(name, user(name, json!({}))).await;
    }
    let rollcall = crate::company::ROLLCALL;
    let bob = |title: Value, level: Value, more: Value| {
        let manager = &more["manager"];
        user(
            "bob",
            json!({
                "title": title, ENTERPRISE: {"department": more["department"], "division": more["division"], "manager": manager},
                rollcall: {"level": level, "additionalManagers": more["additional"]}, HR: {"shirt": title, "shoe": level},
            }),
        )
    };
    let seen = || async {
        let fields = company.fields("bob", "position, level, custom").await;
        (fields, company.links().await)
    };
    company
        .puts(
            "bob",
            bob(
                json!("one"),
                json!(null),
                json!({"department": "A", "manager": {"value": "late"}}),
            ),
        )
        .await;
    let (fields, links) = seen().await;
    assert_eq!(
        fields,
        json!({"position": "one", "level": null, "custom": {"shirt": "one"}})
    );
    assert_eq!(links, ["bob in department A", "bob waits for late: missing"]);

    let more = json!({"department": "B", "division": "X", "manager": {"value": "ann"}, "additional": [{"value": "ann"}]});
    company.puts("bob", bob(json!("two"), json!("L1"), more)).await;
    let (fields, links) = seen().await;
    assert_eq!(
        fields,
        json!({"position": "one", "level": "L1", "custom": {"shirt": "one", "shoe": "L1"}})
    );
    assert_eq!(
        links,
        [
            "bob -> ann (2 0)",
            "bob in department A",
            "bob in division X",
            "bob waits for late: missing"
        ]
    );

    let more = json!({"department": "B", "division": "Y", "manager": {"value": "cyd"}, "additional": [{"value": "cyd"}]});
    company.puts("bob", bob(json!(null), json!("L2"), more)).await;
    let (fields, links) = seen().await;
    assert_eq!(
        fields,
        json!({"position": "one", "level": "L1", "custom": {"shirt": "one", "shoe": "L1"}})
    );
    assert_eq!(
        links,
        [
            "bob -> ann (2 0)",
            "bob in department A",
            "bob in division X",
            "bob waits for late: missing"
        ]
    );
    // What stays follows the person it means: the first manager is found when he comes.
    company.puts("late", user("late", json!({}))).await;
    assert!(company.links().await.contains(&"bob -> late (1 0)".to_owned()));
    let gone = company.delete(ResourceType::User, "late").await;
    company.apply(&[gone]).await;
    assert!(
        company
            .links()
            .await
            .contains(&"bob waits for late: deprovisioned".to_owned())
    );
}

#[tokio::test]
async fn what_is_switched_off_stays_as_it_is() {
    let company = Company::new().await;
    for name in ["ann", "cyd"] {
        company.puts(name, user(name, json!({}))).await;
    }
    let bob = |word: &str, boss: &str| {
        user(
            "bob",
            json!({
                "title": word, "displayName": word, "active": word == "one",
                ENTERPRISE: {"department": word, "manager": {"value": boss}}, HR: {"shoe": word},
            }),
        )
    };
    company.puts("bob", bob("one", "ann")).await;
    let off: Vec<Value> = ["status", "position", "department", "manager", "custom"]
        .map(|rule| but(rule, json!({"enabled": false})))
        .to_vec();
    company.map(mapping(&off, &[])).await;
    company.puts("bob", bob("two", "cyd")).await;
    assert_eq!(
        company
            .fields("bob", "position, display_name, status, custom")
            .await,
        json!({"position": "one", "display_name": "two", "status": "active", "custom": {"shoe": "one"}})
    );
    assert_eq!(
        company.links().await,
        ["bob -> ann (1 0)", "bob in department one"]
    );
    // Nobody gets anything new by it either.
    company.puts("eve", user("eve", json!({"title": "x", "active": false, ENTERPRISE: {"department": "D", "manager": {"value": "ann"}}}))).await;
    assert_eq!(
        company.fields("eve", "position, status").await,
        json!({"position": null, "status": "active"})
    );
    assert_eq!(company.links().await.len(), 2);
    // Who leaves, leaves everything.
    let gone = company.delete(ResourceType::User, "bob").await;
    company.apply(&[gone]).await;
    assert_eq!(company.links().await, [""; 0]);
}

#[tokio::test]
async fn rejected_value_of_a_rule_of_their_own_keeps_what_it_filled() {
    let company = Company::new().await;
    let rules = [
        json!({"name": "born", "from": [format!("{HR}:born")], "to": {"custom": "born"}, "transform": [{"date": ["%Y-%m-%d"]}]}),
        json!({"name": "ranks", "from": [format!("{HR}:rank")], "to": {"team": "rank"},
               "transform": [{"map": {"values": {"1": "First"}, "others": "reject"}}]}),
    ];
    company.map(mapping(&rules, &[])).await;
    let bob = |born: &str, rank: Value| user("bob", json!({HR: {"born": born, "rank": rank}}));
    company.puts("bob", bob("1990-01-31", json!(1))).await;
    company.puts("bob", bob("soon", json!(2))).await;
    assert_eq!(
        company.fields("bob", "custom").await["custom"],
        json!({"born": "1990-01-31"})
    );
    assert_eq!(company.links().await, ["bob in rank First"]);
    let reasons: String = company
        .scalar("select string_agg(rule || ': ' || reason, ', ' order by rule) from rejections")
        .await;
    assert_eq!(
        reasons,
        format!(
            "born: {HR}:born is not a date in a format of its rule, ranks: {HR}:rank is not among the values of its rule"
        )
    );
    company.puts("bob", bob("1990-02-01", json!(null))).await;
    assert_eq!(
        company.fields("bob", "custom").await["custom"],
        json!({"born": "1990-02-01"})
    );
    assert_eq!(company.links().await, [""; 0]);
}

#[tokio::test]
async fn membership_of_a_team_that_is_not_created_waits_until_the_team_is_there() {
    let company = Company::new().await;
    company.map(mapping(&[], &[("department", false)])).await;
    let in_department = |name: &str, department: &str| {
        user(
            name,
            json!({ENTERPRISE: {"department": department, "division": "D"}}),
        )
    };
    company.puts("ann", in_department("ann", "Sales")).await;
    company.puts("bob", in_department("bob", "  SALES ")).await;
    assert_eq!(
        company.links().await,
        [
            "ann in division D",
            "ann waits for Sales: missing",
            "bob in division D",
            "bob waits for SALES: missing"
        ]
    );
    let named: bool = company
        .scalar("select exists (select from team_names where kind = 'department')")
        .await;
    assert!(!named, "nobody but the operator names it");
    // Asserting something else waits for that; coming back is the same link again.
    company.puts("bob", in_department("bob", "Board")).await;
    let keys: String = company
        .scalar(
            "select string_agg(wait_key || ' ' || place, ', ' order by place) from waiters where slot = 4",
        )
        .await;
    assert_eq!(
        keys,
        "team:department:board department:board, team:department:sales department:sales"
    );
    company.puts("bob", in_department("bob", "Sales")).await;

    company.create_team("department", "Sales EMEA").await;
    company.create_team("department", "sales").await;
    let people = [company.person("ann").id(), company.person("bob").id()];
    company.engine.retry(company.tenant, &people, &[]).await.unwrap();
    assert_eq!(
        company.links().await,
        [
            "ann in department sales",
            "ann in division D",
            "bob in department sales",
            "bob in division D"
        ]
    );
    // From then on it is a team like any other.
    company.puts("cyd", in_department("cyd", "Sales")).await;
    assert!(
        company
            .links()
            .await
            .contains(&"cyd in department sales".to_owned())
    );
    company.puts("ann", in_department("ann", "Elsewhere")).await;
    let gone = company.delete(ResourceType::User, "ann").await;
    company.apply(&[gone]).await;
    assert!(!company.links().await.iter().any(|link| link.starts_with("ann")));
}
