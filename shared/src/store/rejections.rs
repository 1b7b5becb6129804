//! Values that could not be projected, as operators see and handle them.

use super::{PgConnection, StoreError};
use crate::directory::{Key, Lane, TenantId};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A value of a person's that could not be projected.
#[derive(Debug, Clone)]
pub struct OfPerson {
    /// The directory's field.
    pub rule: String,
    pub reason: String,
    pub since: DateTime<Utc>,
}

/// What is rejected of the Users that describe a person, without what was discarded.
///
/// # Errors
/// When the statement fails.
pub async fn of_person(
    connection: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
) -> Result<Vec<OfPerson>, StoreError> {
    Ok(sqlx::query_as!(
        OfPerson,
        "select r.rule, r.reason, r.since from scim_resources s
         cross join lateral (select rule, reason, since from rejections
             where tenant_id = $1 and resource_id = s.id and discarded_at is null offset 0) r
         where s.tenant_id = $1 and s.directory_id = $2 and s.kind = 1 order by r.rule",
        tenant.0,
        person
    )
    .fetch_all(connection)
    .await?)
}

/// Which rejection: of a resource, by a rule.
pub type Place = (Uuid, String);

/// A rejection with what it is about.
#[derive(Debug, Clone)]
pub struct Rejection {
    pub resource_id: Uuid,
    pub rule: String,
    /// Names the attribute, never the value.
    pub reason: String,
    pub since: DateTime<Utc>,
    /// Of the resource: 1 User, 2 Group.
    pub kind: i16,
    /// The person or team.
    pub directory_id: Uuid,
    /// The value, if the document still holds it.
    pub value: Option<Value>,
    /// The receipt of the change it was found in.
    pub txn: Option<Uuid>,
    pub txn_index: Option<i32>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub discarded_at: Option<DateTime<Utc>>,
    pub discarded_by: Option<Uuid>,
    pub discarded_note: Option<String>,
}

/// Which rejections are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    pub rule: Option<&'a str>,
    /// The person or team.
    pub directory_id: Option<Uuid>,
    /// Those that were discarded instead of the others.
    pub discarded: bool,
}

/// Rejections in the order of resources and rules, after this one.
///
/// # Errors
/// When the statement fails.
pub async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    filter: &Filter<'_>,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Rejection>, StoreError> {
    let rows = sqlx::query!(
        r#"select r.resource_id, r.rule, r.value_hash, r.reason, r.since, r.discarded_at, r.discarded_by,
                  r.discarded_note, s.kind, s.directory_id, s.document,
                  c.txn as "txn?", c.txn_index as "txn_index?", c.accepted_at as "accepted_at?"
           from rejections r
           join scim_resources s on s.tenant_id = r.tenant_id and s.id = r.resource_id
           left join changes c on c.tenant_id = r.tenant_id and c.seq = r.seq
           where r.tenant_id = $1 and (r.discarded_at is not null) = $2
             and ($3::text is null or r.rule = $3)
             and ($4::uuid is null or s.directory_id = $4)
             and ($5::uuid is null or (r.resource_id, r.rule) > ($5, $6))
           order by r.resource_id, r.rule limit $7"#,
        tenant.0,
        filter.discarded,
        filter.rule,
        filter.directory_id,
        after.map(|place| place.0),
        after.map_or("", |place| place.1.as_str()),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Rejection {
            value: value_with(&row.document, &row.value_hash).cloned(),
            resource_id: row.resource_id,
            rule: row.rule,
            reason: row.reason,
            since: row.since,
            kind: row.kind,
            directory_id: row.directory_id,
            txn: row.txn,
            txn_index: row.txn_index,
            accepted_at: row.accepted_at,
            discarded_at: row.discarded_at,
            discarded_by: row.discarded_by,
            discarded_note: row.discarded_note,
        })
        .collect())
}

/// The part of a document whose JSON has this SHA-256.
fn value_with<'a>(document: &'a Value, hash: &[u8]) -> Option<&'a Value> {
    if Sha256::digest(document.to_string())[..] == *hash {
        return Some(document);
    }
    match document {
        Value::Object(members) => members.values().find_map(|value| value_with(value, hash)),
        Value::Array(items) => items.iter().find_map(|value| value_with(value, hash)),
        _ => None,
    }
}

/// Have what these rejections are about applied again: each of the resources gets an entry in the
/// outbox, under the change that made it what it is. Answers the keys; those of rejections that
/// are there no longer are not among them.
///
/// # Errors
/// When the statement fails.
pub async fn retry(
    connection: &mut PgConnection,
    tenant: TenantId,
    places: &[Place],
    lane: Lane,
) -> Result<Vec<Key>, StoreError> {
    let (resources, rules) = columns(places);
    let rows = sqlx::query!(
        r#"with again as (
               select distinct s.kind, s.directory_id, s.seq from unnest($2::uuid[], $3::text[]) as asked (id, rule)
               cross join lateral (select resource_id from rejections
                   where tenant_id = $1 and resource_id = asked.id and rule = asked.rule offset 0) r
               cross join lateral (select kind, directory_id, seq from scim_resources
                   where tenant_id = $1 and id = r.resource_id offset 0) s),
           asked as (
               insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
               select $1, kind, directory_id, seq, $4, now(), now() + interval '3 seconds' from again
               on conflict (tenant_id, key_kind, key_id, member, seq) do update set due_at = excluded.due_at
                   where pending.due_at = 'infinity')
           select kind as "kind!", directory_id as "id!" from again"#,
        tenant.0,
        &resources,
        &rules as _,
        lane as i16
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Key::from_columns(row.kind, row.id, String::new()))
        .collect())
}

/// The rejections after this one that were not discarded, in order, at most `limit`.
///
/// # Errors
/// When the statement fails.
pub async fn places_after(
    connection: &mut PgConnection,
    tenant: TenantId,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Place>, StoreError> {
    let rows = sqlx::query!(
        "select resource_id, rule from rejections
         where tenant_id = $1 and discarded_at is null and ($2::uuid is null or (resource_id, rule) > ($2, $3))
         order by resource_id, rule limit $4",
        tenant.0,
        after.map(|place| place.0),
        after.map_or("", |place| place.1.as_str()),
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.resource_id, row.rule)).collect())
}

/// Keep these out of lists and counts until their values change; answers how many there were.
///
/// # Errors
/// When the statement fails.
pub async fn discard(
    connection: &mut PgConnection,
    tenant: TenantId,
    places: &[Place],
    by: Uuid,
    note: &str,
) -> Result<u64, StoreError> {
    let (resources, rules) = columns(places);
    let discarded = sqlx::query!(
        "update rejections r set discarded_at = now(), discarded_by = $4, discarded_note = $5
         from unnest($2::uuid[], $3::text[]) as asked (id, rule)
         cross join lateral (select ctid from rejections
             where tenant_id = $1 and resource_id = asked.id and rule = asked.rule offset 0) found
         where r.ctid = found.ctid",
        tenant.0,
        &resources,
        &rules as _,
        by,
        note
    )
    .execute(connection)
    .await?;
    Ok(discarded.rows_affected())
}

/// Take discarded ones back into lists and counts; answers how many there were.
///
/// # Errors
/// When the statement fails.
pub async fn restore(
    connection: &mut PgConnection,
    tenant: TenantId,
    places: &[Place],
) -> Result<u64, StoreError> {
    let (resources, rules) = columns(places);
    let restored = sqlx::query!(
        "update rejections r set discarded_at = null, discarded_by = null, discarded_note = null
         from unnest($2::uuid[], $3::text[]) as asked (id, rule)
         cross join lateral (select ctid from rejections where tenant_id = $1 and resource_id = asked.id
             and rule = asked.rule and discarded_at is not null offset 0) found
         where r.ctid = found.ctid",
        tenant.0,
        &resources,
        &rules as _
    )
    .execute(connection)
    .await?;
    Ok(restored.rows_affected())
}

fn columns(places: &[Place]) -> (Vec<Uuid>, Vec<&str>) {
    places
        .iter()
        .map(|(resource, rule)| (*resource, rule.as_str()))
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn value_with_a_hash_is_found_at_any_depth_and_only_while_it_is_there() {
        let hash = |value: &Value| Sha256::digest(value.to_string()).to_vec();
        let document = json!({ "a": 1, "urn:x": { "dates": [{ "value": "2023-02-29" }], "b": null } });
        for value in [
            json!("2023-02-29"),
            json!([{ "value": "2023-02-29" }]),
            json!(null),
            document.clone(),
        ] {
            assert_eq!(value_with(&document, &hash(&value)), Some(&value));
        }
        assert_eq!(value_with(&document, &hash(&json!("2024-02-29"))), None);
    }
}
