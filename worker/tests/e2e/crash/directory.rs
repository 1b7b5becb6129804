//! The directory as the tables hold it.

use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything the proof compares. People are named by their externalId, teams by kind and name or
/// by the id of their SCIM Group.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) people: BTreeMap<String, Person>,
    pub(super) groups: BTreeMap<Uuid, String>,
    pub(super) memberships: BTreeSet<Membership>,
    pub(super) lines: BTreeSet<Line>,
    pub(super) waiting: BTreeSet<Waiting>,
}

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct Person {
    pub(super) status: String,
    pub(super) login: Option<String>,
    pub(super) email: Option<String>,
    pub(super) employee_number: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) position: Option<String>,
    pub(super) badge: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(super) struct Membership {
    pub(super) team: String,
    pub(super) person: String,
    pub(super) source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(super) struct Line {
    pub(super) person: String,
    pub(super) slot: i16,
    pub(super) ordinal: i16,
    pub(super) manager: String,
}

/// A link whose target is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(super) struct Waiting {
    pub(super) subject: String,
    pub(super) slot: i16,
    pub(super) reference: String,
}

impl Directory {
    /// Read the tables; people who left are answered apart.
    pub(super) async fn read(db: &PgPool, tenant: i64) -> (Directory, BTreeSet<String>) {
        let mut directory = Directory::default();
        let mut left = BTreeSet::new();
        for (name, person) in people(db, tenant).await {
            let seen_before = if person.status == "deprovisioned" {
                !left.insert(name.clone())
            } else {
                directory.people.insert(name.clone(), person).is_some()
            };
            assert!(!seen_before, "two people are {name}");
        }
        let both = left.iter().find(|name| directory.people.contains_key(*name));
        assert_eq!(both, None, "someone who left is here as another person");
        directory.groups = sqlx::query_as(
            "select resource_id, name from teams where tenant_id = $1 and kind = 'group' and not deleted",
        )
        .bind(tenant)
        .fetch_all(db)
        .await
        .unwrap()
        .into_iter()
        .collect();
        directory.memberships = memberships(db, tenant).await.into_iter().collect();
        directory.lines = lines(db, tenant).await.into_iter().collect();
        directory.waiting = waiting(db, tenant).await.into_iter().collect();
        (directory, left)
    }

    /// What `self` (expected) and `actual` do not have in common, a line each.
    pub(super) fn differences(&self, actual: &Directory) -> Vec<String> {
        let mut found = vec![];
        let names: BTreeSet<&String> = self.people.keys().chain(actual.people.keys()).collect();
        for name in names {
            let (expected, actual) = (self.people.get(name), actual.people.get(name));
            if expected != actual {
                found.push(format!("person {name}: expected {expected:?}, found {actual:?}"));
            }
        }
        let ids: BTreeSet<&Uuid> = self.groups.keys().chain(actual.groups.keys()).collect();
        for id in ids {
            let (expected, actual) = (self.groups.get(id), actual.groups.get(id));
            if expected != actual {
                found.push(format!(
                    "team of group {id}: expected {expected:?}, found {actual:?}"
                ));
            }
        }
        compare("membership", &self.memberships, &actual.memberships, &mut found);
        compare("line", &self.lines, &actual.lines, &mut found);
        compare("waiting link", &self.waiting, &actual.waiting, &mut found);
        found
    }
}

fn compare<T: Ord + std::fmt::Debug>(
    what: &str,
    expected: &BTreeSet<T>,
    actual: &BTreeSet<T>,
    found: &mut Vec<String>,
) {
    found.extend(
        expected
            .difference(actual)
            .map(|row| format!("missing {what}: {row:?}")),
    );
    found.extend(
        actual
            .difference(expected)
            .map(|row| format!("{what} nobody sent: {row:?}")),
    );
}

async fn people(db: &PgPool, tenant: i64) -> Vec<(String, Person)> {
    #[derive(sqlx::FromRow)]
    struct Row {
        external_id: String,
        #[sqlx(flatten)]
        person: Person,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select external_id, status, login, email, employee_number, first_name, last_name, position,
                custom ->> 'Badge No' as badge
         from people where tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter()
        .map(|row| (row.external_id, row.person))
        .collect()
}

async fn memberships(db: &PgPool, tenant: i64) -> Vec<Membership> {
    sqlx::query_as(
        "select case t.kind when 'group' then 'group ' || t.resource_id else t.kind || ' ' || t.name end
                    as team,
                p.external_id as person, m.source
         from team_members m
         join teams t on t.tenant_id = m.tenant_id and t.id = m.team_id
         join people p on p.tenant_id = m.tenant_id and p.id = m.person_id
         where m.tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(db)
    .await
    .unwrap()
}

async fn lines(db: &PgPool, tenant: i64) -> Vec<Line> {
    sqlx::query_as(
        "select p.external_id as person, l.slot, l.ordinal, m.external_id as manager
         from reporting_lines l
         join people p on p.tenant_id = l.tenant_id and p.id = l.person_id
         join people m on m.tenant_id = l.tenant_id and m.id = l.manager_id
         where l.tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(db)
    .await
    .unwrap()
}

async fn waiting(db: &PgPool, tenant: i64) -> Vec<Waiting> {
    sqlx::query_as(
        "select coalesce(p.external_id, 'group ' || t.resource_id, w.subject_id::text) as subject,
                w.slot, w.reference
         from waiters w
         left join people p on p.tenant_id = w.tenant_id and p.id = w.subject_id and w.slot in (1, 2)
         left join teams t on t.tenant_id = w.tenant_id and t.id = w.subject_id and w.slot not in (1, 2)
         where w.tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(db)
    .await
    .unwrap()
}
