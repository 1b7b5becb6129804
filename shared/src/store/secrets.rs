//! Secrets that all processes of a deployment share.

use super::{PgConnection, StoreError};

/// The secret of this purpose: the one that is there, else `candidate` from now on.
///
/// # Errors
/// When a statement fails.
pub async fn shared(
    connection: &mut PgConnection,
    purpose: &str,
    candidate: &[u8],
) -> Result<Vec<u8>, StoreError> {
    sqlx::query!(
        "insert into secrets (purpose, secret) values ($1, $2) on conflict do nothing",
        purpose,
        candidate,
    )
    .execute(&mut *connection)
    .await?;
    let secret = sqlx::query_scalar!("select secret from secrets where purpose = $1", purpose);
    Ok(secret.fetch_one(connection).await?)
}
