//! Tenants' settings.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use crate::settings::Settings;
use serde_json::{Value, json};

/// The settings of a tenant as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSettings {
    pub settings: Settings,
    pub version: i64,
}

/// Read a tenant's settings.
///
/// # Errors
/// When the statement fails, there is no such tenant, or the settings cannot be read by this
/// version of the program.
pub async fn read(conn: &mut PgConnection, tenant: TenantId) -> Result<StoredSettings, StoreError> {
    let row = sqlx::query!(
        "select settings, settings_version from tenants where id = $1",
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    stored(&row.settings, row.settings_version)
}

/// The settings of every tenant that has any of its own; of each, unless this version of the program
/// cannot read them.
///
/// # Errors
/// When the statement fails.
pub async fn all(
    conn: &mut PgConnection,
) -> Result<Vec<(TenantId, Result<StoredSettings, StoreError>)>, StoreError> {
    let rows =
        sqlx::query!("select id, settings, settings_version from tenants where settings <> '{}' order by id")
            .fetch_all(conn)
            .await?;
    Ok(rows
        .into_iter()
        .map(|row| (TenantId(row.id), stored(&row.settings, row.settings_version)))
        .collect())
}

/// As [`read`], and nobody else changes them until the transaction ends.
///
/// # Errors
/// As [`read`].
pub async fn lock(conn: &mut PgConnection, tenant: TenantId) -> Result<StoredSettings, StoreError> {
    let row = sqlx::query!(
        "select settings, settings_version from tenants where id = $1 for no key update",
        tenant.0
    )
    .fetch_one(conn)
    .await?;
    stored(&row.settings, row.settings_version)
}

/// Store other settings, as the next version.
///
/// # Errors
/// When the statement fails.
pub async fn put(
    conn: &mut PgConnection,
    tenant: TenantId,
    settings: Settings,
) -> Result<StoredSettings, StoreError> {
    let version = sqlx::query_scalar!(
        "update tenants set settings = $2, settings_version = settings_version + 1 where id = $1
         returning settings_version",
        tenant.0,
        json!(settings)
    )
    .fetch_one(conn)
    .await?;
    Ok(StoredSettings { settings, version })
}

pub(super) fn stored(settings: &Value, version: i64) -> Result<StoredSettings, StoreError> {
    let settings = Settings::stored(settings).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(StoredSettings { settings, version })
}
