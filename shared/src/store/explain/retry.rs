use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// A waiting link, as its primary key tells it: subject, slot, place.
pub type Place = (Uuid, i16, String);

/// The links that wait for one of these keys.
///
/// # Errors
/// When the statement fails.
pub async fn places_waiting_for(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[String],
) -> Result<Vec<Place>, StoreError> {
    let rows = sqlx::query!(
        "select w.* from unnest($2::text[]) as asked (wait_key)
         cross join lateral (select subject_id, slot, place from waiters
             where tenant_id = $1 and wait_key = asked.wait_key offset 0) w",
        tenant.0,
        keys
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.subject_id, row.slot, row.place))
        .collect())
}

/// The next `limit` links of the tenant that wait, after this one.
///
/// # Errors
/// When the statement fails.
pub async fn places_after(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Place>, StoreError> {
    let nothing = (Uuid::nil(), 0, String::new());
    let (subject, slot, place) = after.unwrap_or(&nothing);
    let rows = sqlx::query!(
        "select subject_id, slot, place from waiters
         where tenant_id = $1 and (subject_id, slot, place) > ($2, $3, $4::text collate \"C\")
         order by subject_id, slot, place limit $5",
        tenant.0,
        subject,
        slot,
        place,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.subject_id, row.slot, row.place))
        .collect())
}

/// Let these links be tried again now. Those a worker holds at the moment are left to it: waiting
/// for one while holding another is how deadlocks begin. Answers the links that are due.
///
/// # Errors
/// When the statement fails.
pub async fn make_due(
    conn: &mut PgConnection,
    tenant: TenantId,
    places: &[Place],
) -> Result<Vec<Place>, StoreError> {
    let subject: Vec<Uuid> = places.iter().map(|place| place.0).collect();
    let slot: Vec<i16> = places.iter().map(|place| place.1).collect();
    let place: Vec<&str> = places.iter().map(|place| place.2.as_str()).collect();
    let rows = sqlx::query!(
        "update waiters w set next_attempt_at = now() from (
             select w.ctid from unnest($2::uuid[], $3::int2[], $4::text[]) as due (subject, slot, place)
             cross join lateral (select ctid from waiters where tenant_id = $1 and subject_id = due.subject
                 and slot = due.slot and place = due.place for update skip locked) w) found
         where w.ctid = found.ctid
         returning w.subject_id, w.slot, w.place",
        tenant.0,
        &subject,
        &slot,
        &place as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.subject_id, row.slot, row.place))
        .collect())
}
