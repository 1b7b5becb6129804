//! The tokens that speak for tenants. A secret is never stored, only its SHA-256.

use super::{PgConnection, StoreError};
use crate::directory::TenantId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A token as its owner may see it: everything but the secret.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TokenRow {
    pub id: Uuid,
    pub name: String,
    /// `scim`, `content` or `operator`; `admin` of the instance.
    pub scope: String,
    /// Namespace of the externalIds written with it.
    pub source: String,
    /// Whether its requests are read as the RFCs say, without tolerance.
    pub strict: bool,
    /// First characters of the secret, to recognise it by.
    pub prefix: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    /// Precise to about a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A token about to be stored.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    pub name: &'a str,
    pub scope: &'a str,
    pub source: &'a str,
    pub strict: bool,
    /// SHA-256 of the secret.
    pub secret_hash: &'a [u8],
    pub prefix: &'a str,
    /// Valid for this long from now, by Postgres's clock; `None`: until revoked.
    pub valid_days: Option<i32>,
}

/// What a request may do that carried a token's secret.
#[derive(Debug, Clone)]
pub struct Grant {
    pub tenant: TenantId,
    pub id: Uuid,
    pub scope: String,
    pub source: String,
    pub strict: bool,
    /// Its tenant reads and changes nothing.
    pub suspended: bool,
    /// Seconds until it expires, by Postgres's clock.
    pub seconds_left: Option<f64>,
}

/// Store a token.
///
/// # Errors
/// When the statement fails.
pub async fn create(
    connection: &mut PgConnection,
    tenant: TenantId,
    token: &NewToken<'_>,
) -> Result<TokenRow, StoreError> {
    Ok(sqlx::query_as!(
        TokenRow,
        "insert into tokens (tenant_id, id, name, scope, source, strict, secret_hash, prefix, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(days => $9::int))
         returning id, name, scope, source, strict, prefix, created_at, expires_at, last_used_at, revoked_at",
        tenant.0,
        Uuid::now_v7(),
        token.name,
        token.scope,
        token.source,
        token.strict,
        token.secret_hash,
        token.prefix,
        token.valid_days,
    )
    .fetch_one(connection)
    .await?)
}

/// A tenant's tokens, oldest first, revoked and expired ones included.
///
/// # Errors
/// When the statement fails.
pub async fn list(connection: &mut PgConnection, tenant: TenantId) -> Result<Vec<TokenRow>, StoreError> {
    Ok(sqlx::query_as!(
        TokenRow,
        "select id, name, scope, source, strict, prefix, created_at, expires_at, last_used_at, revoked_at
         from tokens where tenant_id = $1 order by created_at, id",
        tenant.0
    )
    .fetch_all(connection)
    .await?)
}

/// End a token; false when there is none of this id. Revoking twice keeps the first time.
///
/// # Errors
/// When the statement fails.
pub async fn revoke(connection: &mut PgConnection, id: Uuid) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update tokens set revoked_at = coalesce(revoked_at, now()) where id = $1",
        id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// End a token of this tenant; false when it has none of this id.
///
/// # Errors
/// When the statement fails.
pub async fn revoke_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update tokens set revoked_at = coalesce(revoked_at, now()) where tenant_id = $1 and id = $2",
        tenant.0,
        id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What a successor takes over from a token.
#[derive(Debug, Clone)]
pub struct Ending {
    pub name: String,
    pub scope: String,
    pub source: String,
    pub strict: bool,
    /// How long it was made for.
    pub valid_days: Option<i32>,
}

/// Let a valid token end in this many seconds, unless it ends sooner; `None` when the tenant has no valid
/// token of this id.
///
/// # Errors
/// When the statement fails.
pub async fn end_in(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: Uuid,
    seconds: i32,
) -> Result<Option<Ending>, StoreError> {
    Ok(sqlx::query_as!(
        Ending,
        r#"update tokens t set expires_at = least(old.expires_at, now() + make_interval(secs => $3))
           from (select expires_at, name, scope, source, strict,
                        ceil(extract(epoch from expires_at - created_at) / 86400)::int as valid_days
                 from tokens where tenant_id = $1 and id = $2 and revoked_at is null
                   and (expires_at is null or expires_at > now()) for update) old
           where t.tenant_id = $1 and t.id = $2
           returning old.name as "name!", old.scope as "scope!", old.source as "source!", old.strict as "strict!",
                     old.valid_days"#,
        tenant.0,
        id,
        f64::from(seconds)
    )
    .fetch_optional(connection)
    .await?)
}

/// The valid token with this hash: neither revoked nor expired.
///
/// # Errors
/// When the statement fails.
pub async fn granted(connection: &mut PgConnection, secret_hash: &[u8]) -> Result<Option<Grant>, StoreError> {
    let row = sqlx::query!(
        r#"select k.tenant_id, k.id, k.scope, k.source, k.strict, t.suspended_at is not null as "suspended!",
                  extract(epoch from k.expires_at - now())::float8 as seconds_left
           from tokens k join tenants t on t.id = k.tenant_id
           where k.secret_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())"#,
        secret_hash
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Grant {
        tenant: TenantId(row.tenant_id),
        id: row.id,
        scope: row.scope,
        source: row.source,
        strict: row.strict,
        suspended: row.suspended,
        seconds_left: row.seconds_left,
    }))
}

/// Note that these tokens have just been used; each is written at most once a minute, by
/// whichever process comes first.
///
/// # Errors
/// When the statement fails.
pub async fn touch(connection: &mut PgConnection, tokens: &[(TenantId, Uuid)]) -> Result<(), StoreError> {
    let (tenants, ids): (Vec<i64>, Vec<Uuid>) = tokens.iter().map(|(tenant, id)| (tenant.0, *id)).unzip();
    sqlx::query!(
        "update tokens set last_used_at = now()
         from unnest($1::bigint[], $2::uuid[]) as used (tenant_id, id)
         where tokens.tenant_id = used.tenant_id and tokens.id = used.id
           and (last_used_at is null or last_used_at < now() - interval '1 minute')",
        &tenants,
        &ids
    )
    .execute(connection)
    .await?;
    Ok(())
}
