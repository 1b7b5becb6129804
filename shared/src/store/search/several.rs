//! What [`get`](super::get) and a search for one claim answer, for many that ask at once.

use super::hot::Claim;
use super::{Stored, stored_as};
use crate::directory::TenantId;
use crate::scim::ResourceType;
use crate::store::{PgConnection, StoreError};
use uuid::Uuid;

/// The live resources of this kind among these ids, in no order.
///
/// # Errors
/// When the statement fails.
pub async fn get_several(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: ResourceType,
    ids: &[Uuid],
) -> Result<Vec<Stored>, StoreError> {
    let rows = sqlx::query!(
        r#"select r.id as "id!", r.directory_id as "directory_id!", r.document as "document!", r.version as "version!",
               r.seq as "seq!", r.created_at as "created_at!", r.modified_at as "modified_at!"
           from unnest($3::uuid[]) as asked (id)
           cross join lateral (
               select id, kind, directory_id, document, version, seq, created_at, modified_at, deleted_seq
               from scim_resources where tenant_id = $1 and id = asked.id offset 0) r
           where r.kind = $2 and r.deleted_seq is null"#,
        tenant.0,
        kind as i16,
        ids,
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().map(|row| stored_as!(row, kind));
    Ok(found.collect())
}

/// The live resources of this kind that hold these claims: the place of the claim, and a holder of it. In
/// the order in which they were created.
///
/// # Errors
/// When the statement fails.
pub async fn holders(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: ResourceType,
    claims: &[&Claim],
) -> Result<Vec<(usize, Stored)>, StoreError> {
    let attributes: Vec<i16> = claims.iter().map(|claim| claim.attribute as i16).collect();
    let values: Vec<&str> = claims.iter().map(|claim| claim.value.as_str()).collect();
    let rows = sqlx::query!(
        r#"select asked.place as "place!", r.id as "id!", r.directory_id as "directory_id!", r.document as "document!",
               r.version as "version!", r.seq as "seq!", r.created_at as "created_at!", r.modified_at as "modified_at!"
           from unnest($3::int2[], $4::text[]) with ordinality as asked (attribute, value, place)
           cross join lateral (
               select resource_id from scim_keys
               where tenant_id = $1 and kind = $2 and attribute = asked.attribute and value = asked.value
                 and to_seq is null and is_unique
               offset 0) k
           cross join lateral (
               select id, kind, directory_id, document, version, seq, created_seq, created_at, modified_at, deleted_seq
               from scim_resources where tenant_id = $1 and id = k.resource_id offset 0) r
           where r.kind = $2 and r.deleted_seq is null
           order by r.created_seq"#,
        tenant.0,
        kind as i16,
        &attributes,
        &values as _,
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        Some((place, stored_as!(row, kind)))
    });
    Ok(found.collect())
}
