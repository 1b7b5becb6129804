use crate::directory::TenantId;
use crate::store::people::{self, Person};
use crate::store::{PgConnection, StoreError};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// How somebody stood at a time.
#[derive(Debug, Clone)]
pub enum Was {
    /// Not in the directory yet.
    NotYet,
    There(Box<PersonThen>),
}

/// A person as the directory showed them at a time.
#[derive(Debug, Clone)]
pub struct PersonThen {
    /// By the names of [`Person`] as it is serialised.
    pub fields: Map<String, Value>,
    pub managers: Vec<Uuid>,
    /// In the order asserted.
    pub additional_managers: Vec<Uuid>,
    pub teams: BTreeSet<Membership>,
}

/// That a person is in a team.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    pub team_id: Uuid,
    /// The attribute, or `member:<folded value>` of a group.
    pub source: String,
}

/// As much of a person or team as tells who or what it was.
#[derive(Debug, Clone, Default)]
pub struct Then {
    /// Of a team; empty for a person.
    pub kind: String,
    /// Null before it was there.
    pub status: Option<String>,
    pub name: Option<String>,
    pub login: Option<String>,
    pub manager: Option<Uuid>,
}

/// A person as of `at`. `None`: the tenant's directory has no such person.
///
/// # Errors
/// When a statement fails.
pub async fn person_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    at: DateTime<Utc>,
) -> Result<Option<Was>, StoreError> {
    let Some(now) = people::person(conn, tenant, id).await? else {
        return Ok(None);
    };
    let undone = undone(conn, tenant, &[id], at, None).await?;
    let undone = undone.into_values().next().unwrap_or_default();
    if now.created_at > at || undone.get("status").is_some_and(Value::is_null) {
        return Ok(Some(Was::NotYet));
    }
    let [mut managers, mut additional_managers] = lines(conn, tenant, id).await?;
    let mut teams = memberships_at(conn, tenant, id, at).await?;
    let mut fields = columns(&now);
    let updated_at = last_change(conn, tenant, id, at).await?;
    fields.insert(
        "updatedAt".to_owned(),
        json!(updated_at.unwrap_or(now.created_at)),
    );
    for (field, old) in undone {
        let column = camel(&field);
        match field.as_str() {
            "manager" => managers = ids(&old),
            "additional_managers" => additional_managers = ids(&old),
            _ if fields.contains_key(&column) => drop(fields.insert(column, old)),
            source => {
                teams.retain(|membership| membership.source != source);
                teams.extend(ids(&old).into_iter().map(|team_id| Membership {
                    team_id,
                    source: source.to_owned(),
                }));
            }
        }
    }
    Ok(Some(Was::There(Box::new(PersonThen {
        fields,
        managers,
        additional_managers,
        teams,
    }))))
}

/// Who these people were at a time, and to whom they reported; only those who were there.
///
/// # Errors
/// When a statement fails.
pub async fn briefs_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
    at: DateTime<Utc>,
) -> Result<HashMap<Uuid, Then>, StoreError> {
    let rows = sqlx::query!(
        "select p.id, p.status, p.display_name, p.login, p.created_at, l.manager_id as \"manager?\"
         from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id, status, display_name, login, created_at from people
             where tenant_id = $1 and id = asked.id offset 0) p
         left join lateral (select manager_id from reporting_lines
             where tenant_id = $1 and person_id = asked.id and slot = 1 order by ordinal limit 1) l on true",
        tenant.0,
        people
    )
    .fetch_all(&mut *conn)
    .await?;
    let fields = ["status", "display_name", "login", "manager"];
    let mut undone = undone(conn, tenant, people, at, Some(&fields)).await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.created_at <= at)
        .filter_map(|row| {
            let mut then = Then {
                status: Some(row.status),
                name: row.display_name,
                login: row.login,
                manager: row.manager,
                ..Then::default()
            };
            for (field, old) in undone.remove(&row.id).unwrap_or_default() {
                match field.as_str() {
                    "status" => then.status = text(old),
                    "display_name" => then.name = text(old),
                    "login" => then.login = text(old),
                    _ => then.manager = ids(&old).first().copied(),
                }
            }
            then.status.is_some().then_some((row.id, then))
        })
        .collect())
}

/// What these teams were called at a time.
///
/// # Errors
/// When a statement fails.
pub async fn teams_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
    at: DateTime<Utc>,
) -> Result<HashMap<Uuid, Then>, StoreError> {
    let rows = sqlx::query!(
        "select t.* from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id, kind, name from teams
             where tenant_id = $1 and id = asked.id offset 0) t",
        tenant.0,
        teams
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut undone = undone(conn, tenant, teams, at, Some(&["name"])).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let old = undone.remove(&row.id).unwrap_or_default().remove("name");
            // A team is there before its name is applied when a member needs it.
            let name = old.and_then(text).unwrap_or(row.name);
            let then = Then {
                kind: row.kind,
                name: Some(name),
                ..Then::default()
            };
            (row.id, then)
        })
        .collect())
}

/// What these people's or teams' fields were before their first change after a time, where there is
/// one; of all fields, or of some.
async fn undone(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[Uuid],
    at: DateTime<Utc>,
    fields: Option<&[&str]>,
) -> Result<HashMap<Uuid, Map<String, Value>>, StoreError> {
    let rows = sqlx::query!(
        r#"select asked.id as "subject!", first.field as "field!", first.old as "old!"
           from unnest($2::uuid[]) as asked (id)
           cross join lateral (
               select distinct on (f.key) f.key as field, f.value -> 0 as old
               from history h cross join lateral jsonb_each(h.fields) f
               where h.tenant_id = $1 and coalesce(h.person_id, h.key_id) = asked.id and h.fields <> '{}'
                 and h.key_kind <> 3 and h.applied_at > $3 and ($4::text[] is null or f.key = any($4))
               order by f.key, h.id) first"#,
        tenant.0,
        subjects,
        at,
        fields as _
    )
    .fetch_all(conn)
    .await?;
    let mut undone: HashMap<Uuid, Map<String, Value>> = HashMap::new();
    for row in rows {
        undone.entry(row.subject).or_default().insert(row.field, row.old);
    }
    Ok(undone)
}

/// The managers a person has now, and the additional ones, in order.
async fn lines(
    conn: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
) -> Result<[Vec<Uuid>; 2], StoreError> {
    let rows = sqlx::query!(
        "select slot, manager_id from reporting_lines where tenant_id = $1 and person_id = $2 order by slot, ordinal",
        tenant.0,
        person
    )
    .fetch_all(conn)
    .await?;
    let of = |slot| {
        rows.iter()
            .filter(move |row| row.slot == slot)
            .map(|row| row.manager_id)
    };
    Ok([of(1).collect(), of(2).collect()])
}

/// The teams a person is in now, those of groups as of `at`.
async fn memberships_at(
    conn: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
    at: DateTime<Utc>,
) -> Result<BTreeSet<Membership>, StoreError> {
    let now = sqlx::query_as!(
        Membership,
        "select team_id, source from team_members where tenant_id = $1 and person_id = $2",
        tenant.0,
        person
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut teams: BTreeSet<Membership> = now.into_iter().collect();
    let undone = sqlx::query!(
        // What is asked of the kind is asked outside: it must not lead to the index of groups' members.
        r#"select distinct on (key_id, member) key_id, member, fields -> 'members' ->> 0 is not null as "was!"
           from (select * from history
                 where tenant_id = $1 and coalesce(person_id, key_id) = $2 and fields <> '{}' and applied_at > $3
                 offset 0) h
           where key_kind = 3
           order by key_id, member, id"#,
        tenant.0,
        person,
        at
    )
    .fetch_all(conn)
    .await?;
    for row in undone {
        let membership = Membership {
            team_id: row.key_id,
            source: format!("member:{}", row.member),
        };
        match row.was {
            true => drop(teams.insert(membership)),
            false => drop(teams.remove(&membership)),
        }
    }
    Ok(teams)
}

/// When a person last changed, up to a time.
async fn last_change(
    conn: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
    at: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select applied_at from history
         where tenant_id = $1 and coalesce(person_id, key_id) = $2 and fields <> '{}' and applied_at <= $3
         order by id desc limit 1",
        tenant.0,
        person,
        at
    )
    .fetch_optional(conn)
    .await?)
}

/// A person's columns as they are shown.
fn columns(person: &Person) -> Map<String, Value> {
    match json!(person) {
        Value::Object(columns) => columns,
        _ => Map::new(),
    }
}

/// A column as clients see it.
pub(in crate::store) fn camel(field: &str) -> String {
    let mut words = field.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The ids that history keeps of links: none, one or several.
fn ids(kept: &Value) -> Vec<Uuid> {
    let id = |value: &Value| value.as_str()?.parse().ok();
    match kept {
        Value::Array(several) => several.iter().filter_map(id).collect(),
        single => id(single).into_iter().collect(),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_history_are_found_by_the_names_people_are_shown_with() {
        for (column, shown) in [
            ("login", "login"),
            ("employee_number", "employeeNumber"),
            ("photo_url", "photoUrl"),
        ] {
            assert_eq!(camel(column), shown);
        }
    }

    #[test]
    fn ids_of_links_are_none_one_or_several() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(ids(&json!(null)), Vec::<Uuid>::new());
        assert_eq!(ids(&json!(a)), [a]);
        assert_eq!(ids(&json!([b, a])), [b, a]);
    }
}
