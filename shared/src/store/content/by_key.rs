use crate::directory::{KeyAttribute, TenantId, fold};
use crate::store::{PgConnection, StoreError};
use uuid::Uuid;

/// Whom a key means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Nobody,
    Person(Uuid),
    /// Several hold it by the same kind of attribute.
    Several(Vec<Uuid>),
}

/// Who is meant by a key: the directory's id, else what they hold now, by the precedence of references:
/// SCIM id, externalId, userName, primary e-mail, other e-mail, employee number; or by one of these only.
///
/// # Errors
/// When the statement fails.
pub async fn by_key(
    conn: &mut PgConnection,
    tenant: TenantId,
    key: &str,
    by: Option<KeyAttribute>,
) -> Result<Found, StoreError> {
    if key.contains('\0') {
        return Ok(Found::Nobody);
    }
    // Shown ids begin with no attribute: -1 is before all of them.
    let id = Uuid::try_parse(key)
        .ok()
        .filter(|_| by.is_none_or(|by| by == KeyAttribute::Id));
    let rows = sqlx::query!(
        r#"select found.attribute as "attribute!", p.id as "id!"
           from (select -1 as attribute, $3::uuid as id where $3::uuid is not null
                 union
                 select attribute, directory_id from scim_keys
                 where tenant_id = $1 and folded = $2 and kind = 1 and to_seq is null
                   and ($4::int2 is null or attribute = $4)) found
           cross join lateral (select id from people where tenant_id = $1 and id = found.id
               and status <> 'deprovisioned' and erased_at is null offset 0) p
           order by found.attribute, p.id"#,
        tenant.0,
        fold(key),
        id,
        by.map(|by| by as i16)
    )
    .fetch_all(conn)
    .await?;
    let Some(first) = rows.first().map(|row| row.attribute) else {
        return Ok(Found::Nobody);
    };
    let found: Vec<Uuid> = rows
        .into_iter()
        .take_while(|row| row.attribute == first)
        .map(|row| row.id)
        .collect();
    Ok(match found.as_slice() {
        [id] => Found::Person(*id),
        _ => Found::Several(found),
    })
}
