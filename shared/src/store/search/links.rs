use crate::directory::TenantId;
use crate::scim::Member;
use crate::store::{PgConnection, StoreError};
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// The asserted members of each of these groups.
///
/// # Errors
/// When the statement fails.
pub async fn members_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    groups: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Member>>, StoreError> {
    let rows = sqlx::query!(
        "select group_id, value, attributes from scim_members
         where tenant_id = $1 and group_id = any($2) order by asserted_seq, member",
        tenant.0,
        groups
    )
    .fetch_all(connection)
    .await?;
    let mut members: HashMap<Uuid, Vec<Member>> = HashMap::new();
    for row in rows {
        let attributes = match row.attributes {
            Some(Value::Object(attributes)) => Some(attributes),
            _ => None,
        };
        members.entry(row.group_id).or_default().push(Member {
            value: row.value,
            attributes,
        });
    }
    Ok(members)
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
    let members: Vec<String> = users.iter().map(Uuid::to_string).collect();
    let rows = sqlx::query!(
        r#"select m.member, g.id, coalesce(g.document->>'displayName', '') as "name!"
         from scim_members m
         join scim_resources g on g.tenant_id = $1 and g.id = m.group_id and g.deleted_seq is null
         where m.tenant_id = $1 and m.member = any($2) order by g.created_seq"#,
        tenant.0,
        &members
    )
    .fetch_all(connection)
    .await?;
    let mut groups: HashMap<Uuid, Vec<(Uuid, String)>> = HashMap::new();
    for row in rows {
        if let Ok(user) = row.member.parse() {
            groups.entry(user).or_default().push((row.id, row.name));
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
        "select l.person_id, l.reference, m.resource_id, m.display_name
         from reporting_lines l join people m on m.tenant_id = $1 and m.id = l.manager_id
         where l.tenant_id = $1 and l.person_id = any($2) order by l.person_id, l.slot, l.ordinal",
        tenant.0,
        people
    )
    .fetch_all(connection)
    .await?;
    let mut managers: HashMap<Uuid, Vec<(String, Uuid, Option<String>)>> = HashMap::new();
    for row in rows {
        let line = (row.reference, row.resource_id, row.display_name);
        managers.entry(row.person_id).or_default().push(line);
    }
    Ok(managers)
}
