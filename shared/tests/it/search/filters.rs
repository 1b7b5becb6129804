//! What a filter finds.

use super::*;

/// The SQL of a filter means what its evaluation on the representation means.
#[tokio::test]
async fn list_with_any_filter_agrees_with_the_evaluation_on_json() {
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
            (
                user.id.as_u128(),
                representation(
                    user,
                    Derived {
                        groups,
                        ..Derived::default()
                    },
                ),
            )
        })
        .collect();
    let conditions = [
        r#"userName eq "ANNA@example.com""#,
        r#"userName ne "anna@example.com""#,
        r#"userName co "EXAMPLE""#,
        r#"userName sw "b""#,
        r#"userName ew ".com""#,
        r#"userName gt "bert@example.com""#,
        r#"userName ge "bert@example.com""#,
        r#"userName lt "bert@example.com""#,
        r#"userName le "bert@example.com""#,
        "userName pr",
        r#"externalId eq "Ext-1""#,
        r#"externalId sw "Ext""#,
        r#"externalId ne "Ext-1""#,
        "externalId pr",
        "externalId eq null",
        "externalId ne null",
        r#"title eq "ünit LEAD 100%_\\""#,
        r#"title co "%_\\""#,
        r#"title co "_ead""#,
        r#"title ew "\\""#,
        "title pr",
        r#"title ne "Lead""#,
        r#"displayName eq "STRASSE""#,
        r#"displayName eq "strasse""#,
        r#"displayName sw "stra""#,
        "active eq true",
        r#"active eq "False""#,
        "active ne true",
        "active pr",
        r#"name.familyName eq "ö""#,
        "name pr",
        "name.middleName pr",
        r#"name.givenName ne "Anna""#,
        r#"emails.value eq "ANNA@home.example""#,
        r#"emails eq "anna@work.example""#,
        r#"emails co "work""#,
        r#"emails.type eq "work""#,
        r#"emails.type ne "work""#,
        "emails pr",
        "emails.primary pr",
        "emails.primary eq true",
        r#"emails[type eq "home" and value co "work"]"#,
        r#"emails[type eq "work"].value eq "anna@work.example""#,
        r#"emails[type eq "home"].value eq "anna@work.example""#,
        r#"emails[not (type eq "home")]"#,
        "emails[primary pr]",
        r#"emails[primary eq null and type ne "x"]"#,
        r#"emails[display ne "x"]"#,
        r#"addresses[locality eq "KÖLN"]"#,
        r#"addresses.locality sw "k""#,
        r#"photos.value eq "https://x/P.png""#,
        r#"photos.value eq "https://x/p.png""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq 701984"#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "sal""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:Badge eq "red""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:badge eq "BLUE""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:Badge ne "red""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:size gt 4"#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:size eq "5.0""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:size co "5""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:lead eq true"#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:lead pr"#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "Anna@example.com""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value co "anna""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager pr"#,
        r#"urn:ietf:params:scim:schemas:extension:rollcall:2.0:User:additionalManagers.value eq "bert@example.com""#,
        r#"urn:example:Other:2.0:User:tag eq "X""#,
        r#"urn:example:Other:2.0:User:none eq "x""#,
        r#"urn:example:text:x eq "x""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "carla""#,
        r#"id eq "00000000-0000-0000-0000-000000000002""#,
        r#"id ne "00000000-0000-0000-0000-000000000002""#,
        r#"id eq "nobody""#,
        r#"id sw "0000""#,
        "id pr",
        r#"groups.display eq "sales""#,
        "groups pr",
        r#"groups eq "00000000-0000-0000-0000-00000000000b""#,
        r#"groups[display co "a" and type eq "direct"]"#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        "schemas pr",
        r#"meta.version eq "W/\"1\"""#,
        r#"meta.resourceType eq "User""#,
        r#"meta.resourceType ne "User""#,
        r#"userName eq "carla" or (active eq false and not (title eq "x"))"#,
        r#"not (emails pr) and userName pr"#,
        "preferredLanguage eq null",
        r#"roles ne "x""#,
        r#"not (roles eq "x")"#,
        r#"x509Certificates.value eq "x""#,
    ];
    let attributes = schema::core(ResourceType::User).attributes;
    let mut differences = Vec::new();
    for text in conditions {
        let parsed = filter::parse(Rules::default(), text).unwrap();
        let expected: Vec<u128> = rendered
            .iter()
            .filter(|(_, user)| parsed.matches_as(Rules::default(), user, attributes))
            .map(|(id, _)| *id)
            .collect();
        let found = fixture.found(ResourceType::User, text).await;
        if found != expected {
            differences.push(format!("{text}: {found:?}, not {expected:?}"));
        }
    }
    assert_eq!(differences, Vec::<String>::new());
}

#[tokio::test]
async fn list_by_dates_of_the_server_compares_instants() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    for (text, found) in [
        (r#"meta.created eq "2024-05-13T14:00:00.123456+02:00""#, true),
        (r#"meta.created gt "2024-05-13T12:00:00Z""#, true),
        (r#"meta.created lt "2024-05-13""#, false),
        (r#"meta.lastModified ge "2024-05-14T12:00:00""#, true),
        (r#"meta.lastModified ne "2024-05-14T12:00:00""#, true),
    ] {
        assert_eq!(
            !fixture.found(ResourceType::User, text).await.is_empty(),
            found,
            "{text}"
        );
    }
    assert_eq!(
        fixture
            .refused(ResourceType::User, r#"meta.created gt "soon""#)
            .await,
        Some(ScimType::InvalidFilter)
    );
}

#[tokio::test]
async fn list_by_external_id_compares_exactly() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    assert_eq!(
        fixture
            .found(ResourceType::User, r#"externalId eq "Ext-1""#)
            .await,
        [1]
    );
    assert_eq!(
        fixture
            .found(ResourceType::User, r#"externalId eq "ext-1""#)
            .await,
        [] as [u128; 0]
    );
    assert_eq!(
        fixture.found(ResourceType::User, r#"externalId sw "ext""#).await,
        [] as [u128; 0]
    );
}

#[tokio::test]
async fn list_by_a_field_of_rollcall_looks_wherever_clients_put_it() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    let level = format!("{}:level", schema::ROLLCALL_USER);
    assert_eq!(
        fixture
            .found(ResourceType::User, &format!(r#"{level} eq "l4""#))
            .await,
        [3]
    );
    assert_eq!(
        fixture.found(ResourceType::User, r#"level eq "ignored""#).await,
        [2]
    );
    assert_eq!(
        fixture.found(ResourceType::User, "department eq sales").await,
        [1]
    );
}

#[tokio::test]
async fn list_groups_by_name_and_members() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    for (text, ids) in [
        (r#"displayName eq "SALES""#, vec![11]),
        (r#"externalId eq "g-1""#, vec![11]),
        (
            r#"members.value eq "00000000-0000-0000-0000-000000000001""#,
            vec![11],
        ),
        (r#"members eq "BERT@example.com""#, vec![11]),
        (r#"members eq "nobody""#, vec![]),
        (
            r#"members[value eq "bert@example.com" and type eq "User"]"#,
            vec![],
        ),
        (r#"members[type eq "user" and display eq "anna"]"#, vec![11]),
        ("members pr", vec![11]),
        (r#"members ne "bert@example.com""#, vec![11, 12]),
        ("not (members pr)", vec![12]),
    ] {
        assert_eq!(fixture.found(ResourceType::Group, text).await, ids, "{text}");
    }
}

#[tokio::test]
async fn list_by_manager_matches_the_sent_text_and_the_resolved_id() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    for person in [1, 2] {
        sqlx::query(
            "insert into people (tenant_id, id, resource_id, status, display_name, applied_mapping, applied_seq)
             values ($1, $2, $2, 'active', 'Name', 1, 1)",
        )
        .bind(TENANT.0)
        .bind(Uuid::from_u128(person))
        .execute(&mut fixture.connection)
        .await
        .unwrap();
    }
    sqlx::query(
        "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq)
         values ($1, $2, 1, 0, $3, 'anna@example.com', 2)",
    )
    .bind(TENANT.0)
    .bind(Uuid::from_u128(2))
    .bind(Uuid::from_u128(1))
    .execute(&mut fixture.connection)
    .await
    .unwrap();
    let id = Uuid::from_u128(1);
    for text in [
        r#"manager eq "ANNA@example.com""#.to_owned(),
        format!(r#"manager eq "{id}""#),
        format!(r#"id eq "{}" and manager eq "{id}""#, Uuid::from_u128(2)),
    ] {
        assert_eq!(fixture.found(ResourceType::User, &text).await, [2], "{text}");
    }
    assert_eq!(
        fixture
            .found(ResourceType::User, &format!(r#"manager ne "{id}""#))
            .await,
        [1, 3]
    );
    let managers = search::managers_of(&mut fixture.connection, TENANT, &[Uuid::from_u128(2)])
        .await
        .unwrap();
    assert_eq!(
        managers[&Uuid::from_u128(2)],
        [("anna@example.com".to_owned(), id, Some("Name".to_owned()))]
    );
}

#[tokio::test]
async fn list_with_a_filter_that_means_nothing_is_invalid_filter_and_never_everything() {
    let mut fixture = Fixture::new().await;
    fixture.company().await;
    for text in [
        r#"nonsense eq "x""#,
        "nonsense pr",
        r#"name.nonsense eq "x""#,
        r#"emails.nonsense pr"#,
        r#"emails[nonsense pr]"#,
        r#"name eq "x""#,
        r#"title.value eq "x""#,
        r#"title[value pr]"#,
        r#"password eq "x""#,
        "password pr",
        "active gt true",
        r#"active eq "maybe""#,
        r#"active co "t""#,
        r#"members eq "x""#,
        "meta pr",
        r#"meta.location pr"#,
        r#"x509Certificates.value gt "x""#,
        r#"addresses eq "x""#,
        r#"schemas[value pr]"#,
        r#"urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "x""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.nonsense pr"#,
    ] {
        assert_eq!(
            fixture.refused(ResourceType::User, text).await,
            Some(ScimType::InvalidFilter),
            "{text}"
        );
    }
    assert_eq!(
        fixture.refused(ResourceType::Group, "userName pr").await,
        Some(ScimType::InvalidFilter)
    );
    assert_eq!(
        fixture.refused(ResourceType::Group, "department pr").await,
        Some(ScimType::InvalidFilter)
    );
}

#[tokio::test]
async fn instant_of_a_text_is_a_moment_or_nothing_and_never_an_error() {
    let mut fixture = Fixture::new().await;
    for (text, moment) in [
        ("2024-05-13T12:00:00Z", Some("2024-05-13T12:00:00Z")),
        ("2024-05-13T14:00:00.5+02:00", Some("2024-05-13T12:00:00.5Z")),
        ("2024-05-13t12:00:00z", Some("2024-05-13T12:00:00Z")),
        ("2024-02-30T12:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("2024-05-13T25:00:00Z", None),
        ("2024-05-13T12:00:00", None),
        ("2024-05-13", None),
        ("now", None),
        ("", None),
    ] {
        let found = sqlx::query_scalar::<_, Option<chrono::DateTime<chrono::Utc>>>("select instant_of($1)")
            .bind(text)
            .fetch_one(&mut fixture.connection)
            .await
            .unwrap();
        let moment = moment.map(|moment| chrono::DateTime::parse_from_rfc3339(moment).unwrap().to_utc());
        assert_eq!(found, moment, "{text}");
    }
}
