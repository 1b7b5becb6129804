use crate::auth::{Scope, Secret};
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::tokens::{self, NewToken};
use rollcall_shared::store::{PgConnection, StoreError, sessions};
use uuid::Uuid;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OfferError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the system has no randomness to give")]
    Randomness(#[from] rand::rand_core::OsError),
}

/// Path of a page that logs somebody in once, within 5 minutes: as this operator token, or as one made
/// for it, whose secret nobody gets to know. `None` when the tenant has no valid operator token of this id.
///
/// # Errors
/// When a statement fails, or the system has no randomness to give.
pub(crate) async fn offer_link(
    connection: &mut PgConnection,
    tenant: TenantId,
    token: Option<Uuid>,
) -> Result<Option<String>, OfferError> {
    let token = match token {
        Some(token) => token,
        None => token_of_its_own(connection, tenant).await?,
    };
    let link = Secret::of_kind("login")?;
    let offered = sessions::offer_link(connection, tenant, token, &link.hash()).await?;
    Ok(offered.then(|| format!("/login/link/{}", link.reveal())))
}

async fn token_of_its_own(connection: &mut PgConnection, tenant: TenantId) -> Result<Uuid, OfferError> {
    let secret = Secret::generate(Scope::Operator)?;
    let token = NewToken {
        name: "login link",
        scope: Scope::Operator.name(),
        source: "default",
        strict: false,
        secret_hash: &secret.hash(),
        prefix: secret.prefix(),
        valid_days: Some(1),
    };
    Ok(tokens::create(connection, tenant, &token).await?.id)
}
