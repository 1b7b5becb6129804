//! A webhook's place in the feed, where it is gone: history was cut off there, or the database was set back
//! to a time before it. What happened since cannot be told without a gap, so nothing is told until an operator
//! says where to go on.

use crate::directory::TenantId;
use crate::store::StoreError;
use crate::store::follow::{self, Position};
use sqlx::PgConnection;
use uuid::Uuid;

/// Where a webhook is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) tenant: TenantId,
    pub(super) webhook: Uuid,
    pub(super) position: Position,
}

/// Disable those whose place is gone; answers which they are. Whatever else somebody changes at the moment
/// is left to the next look.
///
/// # Errors
/// When a statement fails.
pub async fn disable_lost(conn: &mut PgConnection) -> Result<Vec<(TenantId, Uuid)>, StoreError> {
    let rows = sqlx::query!("select tenant_id, id, after_xid, after_id from webhooks where enabled")
        .fetch_all(&mut *conn)
        .await?;
    let places = rows.into_iter().map(|row| Place {
        tenant: TenantId(row.tenant_id),
        webhook: row.id,
        position: Position {
            xid: row.after_xid,
            id: row.after_id,
        },
    });
    let places: Vec<Place> = places.collect();
    let positions: Vec<_> = places
        .iter()
        .map(|place| (place.tenant, place.position))
        .collect();
    let kept = follow::kept(conn, &positions).await?;
    let lost = places.into_iter().zip(kept).filter(|(_, kept)| !kept);
    disable(conn, &lost.map(|(place, _)| place).collect::<Vec<_>>()).await
}

/// Disable those that are still at these places.
pub(super) async fn disable(
    conn: &mut PgConnection,
    places: &[Place],
) -> Result<Vec<(TenantId, Uuid)>, StoreError> {
    if places.is_empty() {
        return Ok(vec![]);
    }
    let tenants: Vec<i64> = places.iter().map(|place| place.tenant.0).collect();
    let webhooks: Vec<Uuid> = places.iter().map(|place| place.webhook).collect();
    let xids: Vec<i64> = places.iter().map(|place| place.position.xid).collect();
    let ids: Vec<i64> = places.iter().map(|place| place.position.id).collect();
    // Several workers may find the same ones: whoever comes second leaves them to the first.
    let disabled = sqlx::query!(
        "with lost as (
             select w.ctid as place from webhooks w
             join unnest($1::int8[], $2::uuid[], $3::int8[], $4::int8[]) as asked (tenant, webhook, xid, id)
                 on (w.tenant_id, w.id, w.after_xid, w.after_id)
                     = (asked.tenant, asked.webhook, asked.xid, asked.id)
             where w.enabled for no key update of w skip locked)
         update webhooks w set enabled = false, disabled_reason = 'lost'
         from lost where w.ctid = lost.place returning w.tenant_id, w.id",
        &tenants,
        &webhooks,
        &xids,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(disabled
        .into_iter()
        .map(|row| (TenantId(row.tenant_id), row.id))
        .collect())
}

/// Let a webhook, locked, go on with what happens from now on, wherever it was. What is in a delivery already is
/// sent all the same.
///
/// # Errors
/// When a statement fails.
pub async fn resume(conn: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), StoreError> {
    let latest = follow::latest(conn, tenant).await?;
    sqlx::query!(
        "update webhooks set after_xid = $3, after_id = $4, resumed_at = now() where tenant_id = $1 and id = $2",
        tenant.0,
        id,
        latest.xid,
        latest.id
    )
    .execute(conn)
    .await?;
    Ok(())
}
