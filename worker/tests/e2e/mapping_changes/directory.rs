//! The directory of a tenant as it is, and how two moments of it differ: told without any of the
//! counting that a preview does.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What people see of a directory.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Directory {
    pub(super) people: BTreeMap<Uuid, Map<String, Value>>,
    /// Team, person, source.
    pub(super) memberships: BTreeSet<(Uuid, Uuid, String)>,
    /// Person, slot and ordinal; the manager.
    pub(super) lines: BTreeMap<(Uuid, i16, i16), Uuid>,
    /// Kind and name.
    pub(super) teams: BTreeMap<Uuid, (String, String)>,
}

impl Directory {
    pub(super) async fn of(db: &PgPool, tenant: i64) -> Directory {
        let people: Vec<(Uuid, Value)> = sqlx::query_as(
            "select id, jsonb_build_object('status', status, 'login', login, 'email', email,
                 'further_emails', further_emails, 'position', position, 'level', level, 'location', location,
                 'display_name', display_name, 'custom', custom)
             from people where tenant_id = $1",
        )
        .bind(tenant)
        .fetch_all(db)
        .await
        .unwrap();
        let memberships: Vec<(Uuid, Uuid, String)> =
            sqlx::query_as("select team_id, person_id, source from team_members where tenant_id = $1")
                .bind(tenant)
                .fetch_all(db)
                .await
                .unwrap();
        let lines: Vec<(Uuid, i16, i16, Uuid)> = sqlx::query_as(
            "select person_id, slot, ordinal, manager_id from reporting_lines where tenant_id = $1",
        )
        .bind(tenant)
        .fetch_all(db)
        .await
        .unwrap();
        let teams: Vec<(Uuid, String, String)> =
            sqlx::query_as("select id, kind, name from teams where tenant_id = $1")
                .bind(tenant)
                .fetch_all(db)
                .await
                .unwrap();
        let object = |value| match value {
            Value::Object(object) => object,
            other => panic!("{other}"),
        };
        Directory {
            people: people.into_iter().map(|(id, row)| (id, object(row))).collect(),
            memberships: memberships.into_iter().collect(),
            lines: lines
                .into_iter()
                .map(|(person, slot, ordinal, manager)| ((person, slot, ordinal), manager))
                .collect(),
            teams: teams
                .into_iter()
                .map(|(id, kind, name)| (id, (kind, name)))
                .collect(),
        }
    }

    fn members(&self) -> BTreeMap<Uuid, usize> {
        let mut members = BTreeMap::new();
        for (team, _, _) in &self.memberships {
            *members.entry(*team).or_default() += 1;
        }
        members
    }
}

/// How one moment differs from a later one, in the words of a preview.
pub(super) fn difference(before: &Directory, after: &Directory) -> Value {
    let mut changed: BTreeSet<Uuid> = BTreeSet::new();
    let (mut deactivated, mut reactivated, mut removed) = (0, 0, 0);
    for (id, row) in &after.people {
        let old = &before.people[id];
        for (field, new) in row.iter().filter(|(field, new)| old[*field] != **new) {
            changed.insert(*id);
            let empty = |value: &Value| value.is_null() || *value == serde_json::json!([]);
            match (field.as_str(), &old[field], new) {
                ("status", _, now) if now == "active" => reactivated += 1,
                ("status", was, _) if was == "active" => deactivated += 1,
                ("custom", Value::Object(was), Value::Object(now)) => {
                    removed += was.keys().filter(|key| !now.contains_key(*key)).count();
                }
                (_, was, now) if !empty(was) && empty(now) => removed += 1,
                _ => {}
            }
        }
    }
    let begun = after.memberships.difference(&before.memberships);
    let ended = before.memberships.difference(&after.memberships);
    changed.extend(begun.clone().chain(ended.clone()).map(|(_, person, _)| *person));
    let (mut lines_begun, mut lines_changed) = (0, 0);
    for (place, manager) in &after.lines {
        match before.lines.get(place) {
            None => lines_begun += 1,
            Some(old) if old != manager => lines_changed += 1,
            Some(_) => continue,
        }
        changed.insert(place.0);
    }
    let lines_ended: Vec<_> = before
        .lines
        .keys()
        .filter(|place| !after.lines.contains_key(place))
        .collect();
    changed.extend(lines_ended.iter().map(|place| place.0));
    let members = after.members();
    let emptied = before
        .members()
        .keys()
        .filter(|team| !members.contains_key(team))
        .count();
    let created = after
        .teams
        .keys()
        .filter(|team| !before.teams.contains_key(team))
        .count();
    serde_json::json!({
        "people": {
            "changed": changed.len(), "deactivated": deactivated, "reactivated": reactivated,
            "valuesRemoved": removed,
        },
        "memberships": { "begun": begun.count(), "ended": ended.count() },
        "lines": { "begun": lines_begun, "ended": lines_ended.len(), "changed": lines_changed },
        "teams": { "created": created, "emptied": emptied },
    })
}

/// Where each row of the directory lies, and which transaction wrote it.
pub(super) async fn versions(db: &PgPool) -> BTreeSet<String> {
    let mut versions = BTreeSet::new();
    for table in [
        "people",
        "teams",
        "team_members",
        "team_names",
        "reporting_lines",
        "waiters",
        "wakes",
        "rejections",
        "history",
        "mappings",
        "scim_resources",
        "changes",
        "pending",
    ] {
        let sql = format!("select '{table} ' || xmin || ' ' || ctid from {table}");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(db)
            .await
            .unwrap();
        versions.extend(rows);
    }
    assert!(versions.len() > 50, "there is something to compare");
    versions
}
