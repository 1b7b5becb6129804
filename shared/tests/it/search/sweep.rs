//! Every operator on every kind of attribute, in SQL and on the representation.

use super::*;

/// RFC 7644 §3.4.2.2: every operator compares every kind of attribute as its type and case rule say, alone, negated, joined and inside a value path.
#[tokio::test]
async fn list_with_every_operator_on_every_attribute_agrees_with_the_evaluation_on_json() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    let (users, _) = fixture.list(ResourceType::User, "", 1, 100).await;
    let groups_of = search::groups_of(&mut fixture.connection, TENANT, &[1, 2, 3].map(Uuid::from_u128))
        .await
        .unwrap();
    let rendered: Vec<(u128, Value)> = users
        .iter()
        .map(|user| {
            let groups = groups_of.get(&user.id).cloned().unwrap_or_default();
            let derived = Derived {
                groups,
                ..Derived::default()
            };
            (user.id.as_u128(), representation(user, derived))
        })
        .collect();
    let extension = |name: &str| format!("{ENTERPRISE}:{name}");
    let paths = [
        ("userName".to_owned(), "bert@Example.com"),
        ("externalId".to_owned(), "Ext-1"),
        ("title".to_owned(), "LEAD"),
        ("displayName".to_owned(), "ANNA"),
        ("active".to_owned(), "true"),
        ("name.familyName".to_owned(), "Ö"),
        ("emails".to_owned(), "bert@work.example"),
        ("emails.value".to_owned(), "anna@HOME.example"),
        ("emails.type".to_owned(), "work"),
        ("emails.primary".to_owned(), "true"),
        ("photos.value".to_owned(), "https://x/P.png"),
        ("addresses.locality".to_owned(), "Köln"),
        ("groups.display".to_owned(), "sales"),
        ("id".to_owned(), "00000000-0000-0000-0000-000000000002"),
        ("meta.version".to_owned(), "W/\"1\""),
        ("meta.resourceType".to_owned(), "User"),
        (extension("employeeNumber"), "701984"),
        (extension("Badge"), "red"),
        (extension("size"), "5"),
        (extension("lead"), "true"),
        (extension("manager"), "anna@example.com"),
        (
            format!("{}:additionalManagers", schema::ROLLCALL_USER),
            "bert@example.com",
        ),
        ("urn:example:Other:2.0:User:tag".to_owned(), "x"),
    ];
    let mut texts = vec![];
    for (path, value) in &paths {
        for operator in ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"] {
            let start: String = value.chars().take(2).collect();
            // The evaluation is told the case rules of the type's own attributes only.
            let common = ["externalId", "id", "meta.version", "meta.resourceType"].contains(&path.as_str());
            let other_case = if common { *value } else { &value.to_uppercase() };
            for literal in [*value, other_case, &start, "", "ZZZ"] {
                let condition = format!("{path} {operator} {}", Value::from(literal));
                texts.push(format!("not ({condition})"));
                texts.push(format!(r#"{condition} and userName sw "b" or {path} pr"#));
                if let Some((outer, inner)) = path.split_once('.').filter(|_| !path.starts_with("urn:")) {
                    texts.push(format!("{outer}[{inner} {operator} {}]", Value::from(literal)));
                    texts.push(format!(
                        "{outer}[not ({inner} {operator} {}) and {inner} pr]",
                        Value::from(literal)
                    ));
                }
                texts.push(condition);
            }
        }
        texts.push(format!("{path} eq null"));
        texts.push(format!("{path} ne null"));
        texts.push(format!("not ({path} pr)"));
    }
    let attributes = schema::core(ResourceType::User).attributes;
    let (mut differences, mut answered) = (Vec::new(), 0);
    for text in &texts {
        let Ok(parsed) = filter::parse(Rules::default(), text) else {
            continue;
        };
        let search = Search {
            rules: Rules::default(),
            kinds: &[ResourceType::User],
            filter: Some(&parsed),
            sort: None,
        };
        let page = match search::by_index(&mut fixture.connection, TENANT, &search, 1, 100).await {
            Ok((page, _)) => page,
            Err(SearchError::Scim(error)) if error.scim_type == Some(ScimType::InvalidFilter) => continue,
            Err(error) => panic!("{text}: {error:?}"),
        };
        answered += 1;
        let found: Vec<u128> = page.iter().map(|stored| stored.id.as_u128()).collect();
        let expected: Vec<u128> = rendered
            .iter()
            .filter(|(_, user)| parsed.matches_as(Rules::default(), user, attributes))
            .map(|(id, _)| *id)
            .collect();
        if found != expected {
            differences.push(format!("{text}: {found:?}, not {expected:?}"));
        }
    }
    assert!(answered > texts.len() / 2, "{answered} of {}", texts.len());
    assert_eq!(differences, Vec::<String>::new());
}
