//! Resources named by externalId where an id stands.

use crate::directory::{KeyAttribute, TenantId};
use crate::scim::{ResourceType, normalise};
use crate::store::{PgConnection, StoreError};
use std::collections::HashMap;
use uuid::Uuid;

/// The one live resource that holds each of these texts as its externalId, by the text. Left out
/// are texts that nobody holds or several do (two sources may use the same externalId), and those
/// that are the id of a live resource: an id comes first.
///
/// # Errors
/// When the statement fails.
pub async fn by_external_ids<'t>(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: ResourceType,
    texts: &[&'t str],
) -> Result<HashMap<&'t str, Uuid>, StoreError> {
    // What Postgres takes for no text is nobody's externalId.
    let texts: Vec<&str> = texts
        .iter()
        .copied()
        .filter(|text| !text.contains('\0'))
        .collect();
    if texts.is_empty() {
        return Ok(HashMap::new());
    }
    let values: Vec<String> = texts
        .iter()
        .map(|text| normalise(KeyAttribute::ExternalId, text))
        .collect();
    let ids: Vec<Option<Uuid>> = texts.iter().map(|text| Uuid::try_parse(text).ok()).collect();
    let rows = sqlx::query!(
        r#"select asked.place as "place!", holder.id as "id!"
           from unnest($4::text[], $5::uuid[]) with ordinality as asked (value, id, place)
           cross join lateral (
               select (array_agg(k.resource_id))[1] as id
               from scim_keys k
               where k.tenant_id = $1 and k.kind = $2 and k.attribute = $3 and k.value = asked.value
                 and k.to_seq is null and k.is_unique
               having count(*) = 1
               offset 0) holder
           where not exists (
               select from scim_resources r
               where r.tenant_id = $1 and r.id = asked.id and r.kind = $2 and r.deleted_seq is null)"#,
        tenant.0,
        kind as i16,
        KeyAttribute::ExternalId as i16,
        &values,
        &ids as _,
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        Some((*texts.get(place)?, row.id))
    });
    Ok(found.collect())
}
