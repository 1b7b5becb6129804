use crate::directory::{ALIKE, KeyAttribute, TenantId, probes, similarity};
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Values looked at on either side of each place where an alike one would stand.
const BESIDE: i64 = 30;
/// People shown who hold an ambiguous value.
const MOST_HOLDERS: i64 = 10;

/// The value somebody holds that is most like a reference nobody answers to.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    pub person: Uuid,
    pub resource: Uuid,
    pub attribute: KeyAttribute,
    /// Folded.
    pub value: String,
    /// From [`ALIKE`] to 1.
    pub similarity: f32,
}

/// The nearest match of each of these folded references, if there is one that is alike enough.
///
/// Found among the neighbours of a few spellings in the index by which references are looked up:
/// a bounded number of rows each, however many people there are.
///
/// # Errors
/// When the statement fails.
pub async fn nearest(
    conn: &mut PgConnection,
    tenant: TenantId,
    references: &BTreeSet<String>,
) -> Result<HashMap<String, Nearest>, StoreError> {
    let (mut asked, mut places) = (vec![], vec![]);
    for reference in references {
        for place in probes(reference) {
            asked.push(reference.clone());
            places.push(place);
        }
    }
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select distinct a.reference as "reference!", k.attribute as "attribute!", k.folded as "folded!",
                  k.directory_id as "directory_id!", k.resource_id as "resource_id!"
           from unnest($2::text[], $3::text[]) as a (reference, place)
           cross join lateral (
               (select kind, to_seq, attribute, folded, directory_id, resource_id from scim_keys
                where tenant_id = $1 and folded >= a.place order by folded limit $4)
               union all
               (select kind, to_seq, attribute, folded, directory_id, resource_id from scim_keys
                where tenant_id = $1 and folded < a.place order by folded desc limit $4)) k
           where k.kind = 1 and k.to_seq is null and k.attribute <> 0"#,
        tenant.0,
        &asked,
        &places,
        BESIDE
    )
    .fetch_all(conn)
    .await?;
    let mut best: HashMap<String, Nearest> = HashMap::new();
    for row in rows {
        let Some(attribute) = KeyAttribute::from_column(row.attribute) else {
            continue;
        };
        let found = Nearest {
            person: row.directory_id,
            resource: row.resource_id,
            attribute,
            similarity: similarity(&row.reference, &row.folded),
            value: row.folded,
        };
        let better = |known: &Nearest| {
            let order = found.similarity.total_cmp(&known.similarity);
            order.is_gt()
                || (order.is_eq() && (found.attribute, found.person) < (known.attribute, known.person))
        };
        if found.similarity >= ALIKE && best.get(&row.reference).is_none_or(better) {
            best.insert(row.reference, found);
        }
    }
    Ok(best)
}

/// Somebody who holds an ambiguous value.
#[derive(Debug, Clone)]
pub struct Holder {
    pub person: Uuid,
    pub resource: Uuid,
    pub attribute: KeyAttribute,
}

/// Who holds each of these folded values now; at most ten of each.
///
/// # Errors
/// When the statement fails.
pub async fn holders(
    conn: &mut PgConnection,
    tenant: TenantId,
    folded: &BTreeSet<String>,
) -> Result<HashMap<String, Vec<Holder>>, StoreError> {
    if folded.is_empty() {
        return Ok(HashMap::new());
    }
    let folded: Vec<String> = folded.iter().cloned().collect();
    let rows = sqlx::query!(
        r#"select a.folded as "folded!", k.attribute, k.directory_id, k.resource_id
           from unnest($2::text[]) as a (folded)
           cross join lateral (select attribute, directory_id, resource_id from scim_keys
               where tenant_id = $1 and folded = a.folded and kind = 1 and to_seq is null
               order by attribute, from_seq limit $3) k"#,
        tenant.0,
        &folded,
        MOST_HOLDERS
    )
    .fetch_all(conn)
    .await?;
    let mut holders: HashMap<String, Vec<Holder>> = HashMap::new();
    for row in rows {
        if let Some(attribute) = KeyAttribute::from_column(row.attribute) {
            holders.entry(row.folded).or_default().push(Holder {
                person: row.directory_id,
                resource: row.resource_id,
                attribute,
            });
        }
    }
    Ok(holders)
}
