use crate::directory::{Claim, KeyAttribute, Target, TenantId};
use crate::projection::Status;
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Everyone and every group that ever held one of these folded values, by value.
pub async fn claims(
    conn: &mut PgConnection,
    tenant: TenantId,
    folded: &[String],
) -> Result<HashMap<String, Vec<Claim>>, StoreError> {
    if folded.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "select k.kind, k.folded, k.attribute, k.directory_id, k.from_seq, k.to_seq
         from unnest($2::text[]) as asked (folded)
         cross join lateral (
             select kind, folded, attribute, directory_id, from_seq, to_seq from scim_keys
             where tenant_id = $1 and folded = asked.folded offset 0) k",
        tenant.0,
        folded
    )
    .fetch_all(conn)
    .await?;
    let mut claims: HashMap<String, Vec<Claim>> = HashMap::new();
    for row in rows {
        let attribute = KeyAttribute::from_column(row.attribute);
        let who = Target::described(row.kind, row.directory_id);
        if let (Some(attribute), Some(who)) = (attribute, who) {
            claims.entry(row.folded).or_default().push(Claim {
                attribute,
                who,
                from: row.from_seq,
                to: row.to_seq,
            });
        }
    }
    Ok(claims)
}

/// How somebody stands in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    pub status: Status,
    /// The change last applied.
    pub seq: i64,
}

/// How those of these people stand that are in the directory.
pub async fn applied(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Applied>, StoreError> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "select p.id, p.status, p.applied_seq from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id, status, applied_seq from people
             where tenant_id = $1 and id = asked.id offset 0) p",
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let status = Status::from_column(&row.status)?;
            let seq = row.applied_seq;
            Some((row.id, Applied { status, seq }))
        })
        .collect())
}
