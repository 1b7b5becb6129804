//! Reads the directory of one tenant.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::Difference;
use super::columns::PEOPLE;
use crate::expect::teams::group_key;
use crate::expect::{Directory, Rows, collapsed, keys};

pub(super) struct Actual {
    pub(super) directory: Directory<Value>,
    pub(super) oddities: Vec<Difference>,
}

/// The tenant called `name`.
pub(crate) async fn tenant_id(pool: &PgPool, name: &str) -> Result<i64> {
    sqlx::query_scalar("select id from tenants where name = $1")
        .bind(name)
        .fetch_optional(pool)
        .await?
        .with_context(|| format!("there is no tenant called {name}"))
}

pub(super) async fn read(pool: &PgPool, tenant: i64) -> Result<Actual> {
    let mut oddities = Vec::new();
    let (people, person_names) = people(pool, tenant, &mut oddities).await?;
    let (teams, team_names) = teams(pool, tenant).await?;
    let name_of = |names: &HashMap<Uuid, String>, id: Uuid| names.get(&id).cloned().unwrap_or(id.to_string());

    let members: Vec<(Uuid, Uuid, String)> =
        sqlx::query_as("select team_id, person_id, source from team_members where tenant_id = $1")
            .bind(tenant)
            .fetch_all(pool)
            .await?;
    let mut memberships = Rows::new();
    for (team, person, source) in members {
        let key = keys::membership(
            &name_of(&person_names, person),
            &name_of(&team_names, team),
            &source,
        );
        memberships.insert(key, BTreeMap::new());
    }

    let found: Vec<(Uuid, i16, i16, Uuid, Option<String>)> = sqlx::query_as(
        "select person_id, slot, ordinal, manager_id, flag from reporting_lines where tenant_id = $1",
    )
    .bind(tenant)
    .fetch_all(pool)
    .await?;
    let mut lines = Rows::new();
    for (person, slot, ordinal, manager, flag) in found {
        let key = keys::link(&name_of(&person_names, person), slot.into(), &ordinal.to_string());
        let manager = json!(name_of(&person_names, manager));
        lines.insert(
            key,
            BTreeMap::from([("manager".to_owned(), manager), ("flag".to_owned(), json!(flag))]),
        );
    }

    let found: Vec<(Uuid, i16, String, String)> =
        sqlx::query_as("select subject_id, slot, place, reason from waiters where tenant_id = $1")
            .bind(tenant)
            .fetch_all(pool)
            .await?;
    let mut waiters = Rows::new();
    for (subject, slot, place, reason) in found {
        let names = if slot == 3 { &team_names } else { &person_names };
        let key = keys::link(&name_of(names, subject), slot.into(), &place);
        waiters.insert(key, BTreeMap::from([("reason".to_owned(), json!(reason))]));
    }

    let rejected: Vec<(String, String)> =
        sqlx::query_as("select rule, reason from rejections where tenant_id = $1")
            .bind(tenant)
            .fetch_all(pool)
            .await?;
    let rejected = rejected.into_iter();
    oddities.extend(rejected.map(|(rule, reason)| Difference::Odd(format!("rejected {rule}: {reason}"))));
    Ok(Actual {
        directory: Directory {
            people,
            teams,
            memberships,
            lines,
            waiters,
        },
        oddities,
    })
}

type Named = (Rows<Value>, HashMap<Uuid, String>);

async fn people(pool: &PgPool, tenant: i64, oddities: &mut Vec<Difference>) -> Result<Named> {
    let found: Vec<(Uuid, Value)> =
        sqlx::query_as("select id, to_jsonb(people) from people where tenant_id = $1 order by id")
            .bind(tenant)
            .fetch_all(pool)
            .await?;
    let mut rows = Rows::new();
    let mut names = HashMap::new();
    let mut unknown = HashSet::new();
    for (id, row) in found {
        let Value::Object(row) = row else { continue };
        for column in row.keys() {
            if !PEOPLE.knows(column) && unknown.insert(column.clone()) {
                oddities.push(Difference::Odd(format!(
                    "people.{column} is not compared by anybody"
                )));
            }
        }
        let fields = row
            .into_iter()
            .filter(|(column, _)| PEOPLE.compared.contains(&column.as_str()))
            .collect();
        let fields: BTreeMap<String, Value> = fields;
        let mut name = fields
            .get("external_id")
            .and_then(Value::as_str)
            .unwrap_or("nobody")
            .to_owned();
        if rows.contains_key(&name) {
            name = format!("{name} again ({id})");
        }
        names.insert(id, name.clone());
        rows.insert(name, fields);
    }
    Ok((rows, names))
}

#[derive(sqlx::FromRow)]
struct Team {
    id: Uuid,
    kind: String,
    folded: Option<String>,
    name: String,
    external_id: Option<String>,
    resource_id: Option<Uuid>,
}

/// Teams that exist: groups until they are deleted, attribute teams while they have members.
async fn teams(pool: &PgPool, tenant: i64) -> Result<Named> {
    let found: Vec<Team> = sqlx::query_as(
        "select id, kind, folded, name, external_id, resource_id from teams
         where tenant_id = $1 and exists (
             select from team_members where team_members.tenant_id = $1 and team_id = teams.id
             union all select where kind = 'group' and not deleted)",
    )
    .bind(tenant)
    .fetch_all(pool)
    .await?;
    let mut rows = Rows::new();
    let mut names = HashMap::new();
    for team in found {
        let mut key = match &team.folded {
            Some(folded) => keys::team(&team.kind, folded),
            None => group_key(team.external_id.as_deref(), &team.name),
        };
        if rows.contains_key(&key) {
            key = format!("{key} again ({})", team.id);
        }
        let fields = [
            ("name", json!(collapsed(&team.name))),
            ("external_id", json!(team.external_id)),
            ("resource_id", json!(team.resource_id)),
        ];
        names.insert(team.id, key.clone());
        rows.insert(
            key,
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        );
    }
    Ok((rows, names))
}
