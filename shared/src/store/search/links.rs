//! What the read side adds to resources: members, groups, resolved managers.

use crate::directory::TenantId;
use crate::scim::{GroupOf, Member};
use crate::store::{PgConnection, StoreError};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::Value;
use sqlx::types::Json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The asserted members of each of these groups, group by group as they are given, in the order
/// they were asserted. Row by row: a group may have very many.
pub fn members_of<'c>(
    connection: &'c mut PgConnection,
    tenant: TenantId,
    groups: &[Uuid],
) -> BoxStream<'c, Result<(Uuid, Member), StoreError>> {
    let rows = sqlx::query!(
        r#"select m.group_id, m.value, m.attributes
           from unnest($2::uuid[]) with ordinality as g (id, place)
           join scim_members m on m.tenant_id = $1 and m.group_id = g.id
           order by g.place, m.asserted_seq, m.member"#,
        tenant.0,
        groups,
    )
    .fetch(connection);
    rows.map(|row| {
        let row = row?;
        let attributes = match row.attributes {
            Some(Value::Object(attributes)) => Some(attributes),
            _ => None,
        };
        let value = row.value;
        Ok((row.group_id, Member { value, attributes }))
    })
    .boxed()
}

/// The nested groups among the members of these teams: team and folded value of the member, and
/// the id of the Group it is.
///
/// # Errors
/// When the statement fails.
pub async fn nested_groups_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    teams: &[Uuid],
) -> Result<HashMap<(Uuid, String), Uuid>, StoreError> {
    let rows = sqlx::query!(
        r#"select p.team_id, substr(p.source, length('member:') + 1) as "member!", t.resource_id as "group!"
           from unnest($2::uuid[]) as asked (team_id)
           cross join lateral (select team_id, part_id, source from team_parts
               where tenant_id = $1 and team_id = asked.team_id offset 0) p
           cross join lateral (select resource_id from teams
               where tenant_id = $1 and id = p.part_id and resource_id is not null offset 0) t"#,
        tenant.0,
        teams,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.team_id, row.member), row.group))
        .collect())
}

/// Nestings of groups looked at to answer one read.
const MOST_NESTINGS: i64 = 10_000;

/// Of each of these users, the live groups whose members name its id, and those whose members name
/// the id of such a group, and so on upwards. Every nesting is followed once, so that a cycle ends
/// it too, and at most ten thousand of them.
///
/// # Errors
/// When the statement fails.
pub async fn groups_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    users: &[Uuid],
) -> Result<HashMap<Uuid, Vec<GroupOf>>, StoreError> {
    Ok(followed(connection, tenant, users).await?.0)
}

/// What [`groups_of`] answers of each of these users when it is asked of that one alone.
///
/// # Errors
/// When a statement fails.
pub async fn groups_of_each(
    connection: &mut PgConnection,
    tenant: TenantId,
    users: &[Uuid],
) -> Result<HashMap<Uuid, Vec<GroupOf>>, StoreError> {
    let mut groups = HashMap::new();
    let mut parts = vec![users];
    while let Some(part) = parts.pop() {
        let (found, all) = followed(connection, tenant, part).await?;
        if all || part.len() == 1 {
            groups.extend(found);
        } else {
            let (first, second) = part.split_at(part.len() / 2);
            parts.extend([first, second]);
        }
    }
    Ok(groups)
}

/// The groups of these users, and whether every nesting above them was followed.
async fn followed(
    connection: &mut PgConnection,
    tenant: TenantId,
    users: &[Uuid],
) -> Result<(HashMap<Uuid, Vec<GroupOf>>, bool), StoreError> {
    let members: Vec<String> = users.iter().map(Uuid::to_string).collect();
    let rows = sqlx::query!(
        r#"with recursive direct as materialized (
               select m.member, m.group_id from unnest($2::text[]) as asked (member)
               cross join lateral (select member, group_id from scim_members
                   where tenant_id = $1 and member = asked.member offset 0) m),
           above as (
               select d.group_id::text as member, m.group_id from (select distinct group_id from direct) d
               cross join lateral (select group_id from scim_members
                   where tenant_id = $1 and member = d.group_id::text offset 0) m
               union
               select a.group_id::text, m.group_id from above a
               cross join lateral (select group_id from scim_members
                   where tenant_id = $1 and member = a.group_id::text offset 0) m),
           followed as (
               select member, group_id from direct
               union all (select member, group_id from above limit $3))
           select f.member as "member!", g.id as "id!", g.name as "name!",
               (select count(*) from (select from above limit $3) n) as "nestings!"
           from followed f
           cross join lateral (
               select id, coalesce(document ->> 'displayName', '') as name, created_seq, deleted_seq
               from scim_resources where tenant_id = $1 and id = f.group_id offset 0) g
           where g.deleted_seq is null
           order by g.created_seq"#,
        tenant.0,
        &members,
        MOST_NESTINGS
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().is_none_or(|row| row.nestings < MOST_NESTINGS);
    let naming = Naming::of(rows.into_iter().map(|row| (row.member, row.id, row.name)));
    let found = users
        .iter()
        .zip(members)
        .map(|(user, member)| (*user, naming.groups_of(member)));
    let found = found.filter(|(_, groups)| !groups.is_empty()).collect();
    Ok((found, all))
}

/// Whoever or whatever is named, and the groups that name it, in order of creation.
struct Naming(HashMap<String, Vec<(Uuid, String)>>);

impl Naming {
    fn of(rows: impl Iterator<Item = (String, Uuid, String)>) -> Naming {
        let mut naming: HashMap<String, Vec<(Uuid, String)>> = HashMap::new();
        for (member, group, name) in rows {
            naming.entry(member).or_default().push((group, name));
        }
        Naming(naming)
    }

    /// The groups of this member and, upwards, of those.
    fn groups_of(&self, member: String) -> Vec<GroupOf> {
        let mut found: Vec<GroupOf> = vec![];
        let mut seen: HashSet<Uuid> = HashSet::new();
        let mut asked = member.clone();
        let mut next = 0;
        loop {
            for (id, name) in self.0.get(&asked).into_iter().flatten() {
                if seen.insert(*id) {
                    found.push(GroupOf {
                        id: *id,
                        name: name.clone(),
                        direct: asked == member,
                    });
                }
            }
            let Some(group) = found.get(next) else { break };
            asked = group.id.to_string();
            next += 1;
        }
        found
    }
}

/// A manager that a reporting line names: reference as asserted, SCIM id and display name.
pub type ManagerOf = (String, Uuid, Option<String>);

/// What [`groups_of`] and [`managers_of`] answer of a single user, in one statement whose plan is kept:
/// to plan it takes many times as long as to run it.
///
/// # Errors
/// When the statement fails.
pub async fn hanging_on(
    connection: &mut PgConnection,
    tenant: TenantId,
    user: Uuid,
    person: Uuid,
) -> Result<(Vec<GroupOf>, Vec<ManagerOf>), StoreError> {
    let member = user.to_string();
    let row = sqlx::query!(
        r#"with recursive direct as materialized (
               select group_id from scim_members where tenant_id = $1 and member = $2),
           above as (
               select d.group_id::text as member, m.group_id from direct d
               cross join lateral (select group_id from scim_members
                   where tenant_id = $1 and member = d.group_id::text offset 0) m
               union
               select a.group_id::text, m.group_id from above a
               cross join lateral (select group_id from scim_members
                   where tenant_id = $1 and member = a.group_id::text offset 0) m),
           followed as (
               select $2 as member, group_id from direct
               union all (select member, group_id from above limit $4))
           select
               (select jsonb_agg(jsonb_build_array(f.member, g.id, g.name) order by g.created_seq) from followed f
                cross join lateral (
                    select id, coalesce(document ->> 'displayName', '') as name, created_seq, deleted_seq
                    from scim_resources where tenant_id = $1 and id = f.group_id offset 0) g
                where g.deleted_seq is null) as "groups: Json<Vec<(String, Uuid, String)>>",
               (select jsonb_agg(jsonb_build_array(l.reference, p.resource_id, p.display_name)
                                 order by l.slot, l.ordinal)
                from reporting_lines l
                cross join lateral (select resource_id, display_name from people
                    where tenant_id = $1 and id = l.manager_id offset 0) p
                where l.tenant_id = $1 and l.person_id = $3) as "managers: Json<Vec<ManagerOf>>""#,
        tenant.0,
        member,
        person,
        MOST_NESTINGS
    )
    .fetch_one(connection)
    .await?;
    let naming = Naming::of(row.groups.map(|Json(rows)| rows).unwrap_or_default().into_iter());
    let managers = row.managers.map(|Json(rows)| rows).unwrap_or_default();
    Ok((naming.groups_of(member), managers))
}

/// Of each of these people (by directory id), the managers its reporting lines name.
///
/// # Errors
/// When the statement fails.
pub async fn managers_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Vec<ManagerOf>>, StoreError> {
    let rows = sqlx::query!(
        r#"select l.person_id as "person_id!", l.reference as "reference!", p.resource_id as "resource_id!",
               p.display_name
           from unnest($2::uuid[]) as asked (person_id)
           cross join lateral (select person_id, manager_id, reference, slot, ordinal from reporting_lines
               where tenant_id = $1 and person_id = asked.person_id offset 0) l
           cross join lateral (select resource_id, display_name from people
               where tenant_id = $1 and id = l.manager_id offset 0) p
           order by l.person_id, l.slot, l.ordinal"#,
        tenant.0,
        people,
    )
    .fetch_all(connection)
    .await?;
    let mut managers: HashMap<Uuid, Vec<ManagerOf>> = HashMap::new();
    for row in rows {
        let manager = (row.reference, row.resource_id, row.display_name);
        managers.entry(row.person_id).or_default().push(manager);
    }
    Ok(managers)
}
