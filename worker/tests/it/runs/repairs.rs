//! What a run puts right.

use super::{company, finished, meddle, row, run, samples, start, versions};
use crate::process::Worker;
use rollcall_shared::store::runs::Scope;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn run_repairs_exactly_what_differs() {
    let company = company().await;
    let links = company.links().await;
    meddle(&company).await;
    let before = versions(&company).await;
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(report["differing"], 8, "{report}");
    assert_eq!(company.links().await, links);
    let names: Vec<String> = sqlx::query_scalar("select name from teams where not deleted order by name")
        .fetch_all(&company.pool)
        .await
        .unwrap();
    assert_eq!(names, ["Board", "Choir", "Guild", "Sales"]);
    let bobs: String = company
        .scalar("select position from people where login = 'bob'")
        .await;
    let ghosts: String = company
        .scalar("select status from people where login = 'ghost'")
        .await;
    assert_eq!((bobs.as_str(), ghosts.as_str()), ("Smith", "deprovisioned"));

    let after = versions(&company).await;
    let history = after
        .keys()
        .filter(|row| row.starts_with("history") && !before.contains_key(*row))
        .count();
    assert_eq!(
        history, 8,
        "one entry for each person, team or member that was put right"
    );
    let written: Vec<&String> = before
        .iter()
        .filter(|(row, version)| after.get(*row) != Some(version))
        .map(|(row, _)| row)
        .collect();
    let (bob, cyd, ada) = (
        company.person("bob").id(),
        company.person("cyd").id(),
        company.person("ada").id(),
    );
    let team = async |name: &str| -> Uuid {
        company
            .scalar(&format!("select id from teams where name = '{name}'"))
            .await
    };
    let (choir, board) = (company.team("choir").id(), team("Board").await);
    let ghost: Uuid = company
        .scalar("select id from people where login = 'ghost'")
        .await;
    let mut expected = [
        row("people", bob),
        row("people", ghost),
        row("reporting_lines", format!("{cyd}10")),
        row("team_members", format!("{board}{bob}by hand")),
        row("team_members", format!("{choir}{ada}member:by hand")),
        row("teams", company.team("guild").id()),
        row("teams", team("Ghosts").await),
        row("teams", team("Sales").await),
    ];
    expected.sort();
    assert_eq!(written, expected.iter().collect::<Vec<_>>());
    // Nothing is left to find.
    let (_, again) = run(&company, Scope::Full, false).await;
    assert_eq!(
        (&again["differing"], &again["unchanged"]),
        (&json!(0), &again["checked"]),
        "{again}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_groups_that_a_foreign_hand_changed_are_found_told_by_name_and_repaired() {
    let company = company().await;
    let inner = crate::company::id("choir").to_string();
    let keys = [
        company.set_member("guild", &inner, true).await,
        company.put_group("band", "Band").await,
        company
            .set_member_as("choir", "band", Some(json!({ "type": "Group" })))
            .await,
    ];
    company.apply(&keys).await;
    company.execute("update waiters set next_attempt_at = null").await;
    let links = company.links().await;
    assert!(links.contains(&"Choir is part of Guild".to_owned()), "{links:?}");
    let before = versions(&company).await;
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(
        (&report["differing"], &report["checked"]),
        (&json!(0), &json!(14)),
        "{report}"
    );
    assert_eq!(
        versions(&company).await,
        before,
        "what is as it should be is not written"
    );

    let (guild, choir) = (company.team("guild").id(), company.team("choir").id());
    company
        .execute(&format!("delete from team_parts where team_id = '{guild}'"))
        .await;
    company
        .execute(&format!(
            "insert into team_parts (tenant_id, team_id, part_id, source)
             values ($tenant, '{choir}', '{guild}', 'member:by hand')"
        ))
        .await;
    let (dry, report) = run(&company, Scope::Full, true).await;
    assert_eq!(report["fields"], json!({ "parts": 2 }), "{report}");
    assert_eq!(report["teamsEmptied"], 0, "{report}");
    let mut told: Vec<String> = samples(&company, dry)
        .await
        .into_iter()
        .map(|sample| {
            let text = |value: Option<Value>| value.unwrap_or_default().to_string();
            let name = sample.name.unwrap_or_default();
            format!(
                "{} {name} {} {} {}",
                sample.kind,
                sample.field,
                text(sample.old),
                text(sample.new)
            )
        })
        .collect();
    told.sort();
    let expected = [
        r#"membership Choir parts "Guild" null"#,
        r#"membership Guild parts null "Choir""#,
    ];
    assert_eq!(told, expected);
    // The team in question, then everything.
    let (_, report) = run(&company, Scope::Team(choir), false).await;
    assert_eq!(report["fields"], json!({ "parts": 1 }), "{report}");
    let (_, report) = run(&company, Scope::Full, false).await;
    assert_eq!(report["fields"], json!({ "parts": 1 }), "{report}");
    assert_eq!(company.links().await, links);
}

#[tokio::test(flavor = "multi_thread")]
async fn person_restored_by_a_run_wakes_who_waits_and_the_run_counts_the_link() {
    let company = company().await;
    let ada = company.person("ada").id();
    // Everything of Ada's is gone; those who reported to her wait as if she had never been there.
    company
        .execute(&format!(
            "delete from reporting_lines; delete from team_members where person_id = '{ada}';
             delete from people where id = '{ada}'"
        ))
        .await;
    let run_id = start(&company, Scope::Person(ada), false).await;
    company
        .execute(&format!(
            "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq,
                 next_attempt_at)
             select tenant_id, directory_id, 1, '0', 'ada', 'person:{ada}', 'not_applied', manager_seq, null
             from scim_resources where kind = 1 and document ->> 'userName' in ('bob', 'cyd')"
        ))
        .await;
    let worker = Worker::start(&company, &[]);
    let report = finished(&company, run_id).await;
    worker.stop().await;
    assert_eq!(report["linksResolved"], 2, "{report}");
    let lines: i64 = company.scalar("select count(*) from reporting_lines").await;
    assert_eq!(lines, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_teams_are_created_again_and_counted_and_emptied_ones_are_told() {
    let company = company().await;
    company
        .execute("delete from team_members; delete from teams where name in ('Sales', 'Guild')")
        .await;
    let choir = company.team("choir").id();
    let bob = company.person("bob").id();
    company.put_group("band", "Band").await;
    let band = company.team("band");
    company.apply(std::slice::from_ref(&band)).await;
    company
        .execute(&format!(
            "insert into team_members (tenant_id, team_id, person_id, source)
             values ($tenant, '{}', '{bob}', 'member:nobody'), ($tenant, '{choir}', '{bob}', 'member:nobody')",
            band.id()
        ))
        .await;
    let (_, dry) = run(&company, Scope::Full, true).await;
    let (_, report) = run(&company, Scope::Full, false).await;
    for report in [&dry, &report] {
        assert_eq!(report["teamsCreated"], 2, "{report}");
        assert_eq!(report["teamsEmptied"], 1, "only Band has nobody left: {report}");
        assert_eq!(report["fields"]["department"], 4, "{report}");
    }
}
