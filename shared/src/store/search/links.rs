//! What the read side adds to resources: members, groups, resolved managers.

use crate::directory::TenantId;
use crate::scim::Member;
use crate::store::{PgConnection, StoreError};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::Value;
use std::collections::HashMap;
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

/// Of each of these users, id and displayName of the live groups whose members name its id.
///
/// # Errors
/// When the statement fails.
pub async fn groups_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    users: &[Uuid],
) -> Result<HashMap<Uuid, Vec<(Uuid, String)>>, StoreError> {
    let by_member: HashMap<String, Uuid> = users.iter().map(|id| (id.to_string(), *id)).collect();
    let members: Vec<String> = by_member.keys().cloned().collect();
    let rows = sqlx::query!(
        r#"select m.member, g.id, coalesce(g.document ->> 'displayName', '') as "name!"
           from scim_members m
           join scim_resources g on g.tenant_id = m.tenant_id and g.id = m.group_id
           where m.tenant_id = $1 and m.member = any($2) and g.deleted_seq is null
           order by g.created_seq"#,
        tenant.0,
        &members,
    )
    .fetch_all(connection)
    .await?;
    let mut groups: HashMap<Uuid, Vec<(Uuid, String)>> = HashMap::new();
    for row in rows {
        if let Some(user) = by_member.get(&row.member) {
            groups.entry(*user).or_default().push((row.id, row.name));
        }
    }
    Ok(groups)
}

/// Of each of these people (by directory id), the managers its reporting lines name: reference
/// as asserted, SCIM id and display name.
///
/// # Errors
/// When the statement fails.
pub async fn managers_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Vec<(String, Uuid, Option<String>)>>, StoreError> {
    let rows = sqlx::query!(
        "select l.person_id, l.reference, p.resource_id, p.display_name
         from reporting_lines l
         join people p on p.tenant_id = l.tenant_id and p.id = l.manager_id
         where l.tenant_id = $1 and l.person_id = any($2)
         order by l.person_id, l.slot, l.ordinal",
        tenant.0,
        people,
    )
    .fetch_all(connection)
    .await?;
    let mut managers: HashMap<Uuid, Vec<(String, Uuid, Option<String>)>> = HashMap::new();
    for row in rows {
        let manager = (row.reference, row.resource_id, row.display_name);
        managers.entry(row.person_id).or_default().push(manager);
    }
    Ok(managers)
}
