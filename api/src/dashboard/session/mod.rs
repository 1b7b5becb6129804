//! Who is logged in (docs/adr/0016): the session behind a cookie, asked for at every request, and what
//! stands before every page.

mod attempts;
pub(super) mod cookie;
mod guard;
mod login;
mod offer;
mod origin;

pub(crate) use attempts::Attempts;
pub(super) use guard::guard;
pub(super) use login::{form, link, log_in, logout, redeem};
pub(crate) use offer::offer_link;

use super::flash::Flash;
use crate::auth::{Token, hash};
use crate::error::{Failure, PageFailure};
use crate::state::App;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::{StoreError, sessions, tokens};
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// The cookie that holds a session's secret.
const NAME: &str = "rollcall-session";

/// Somebody who is logged in. Handlers take it as an argument; [`guard`] has put it there.
#[derive(Clone)]
pub(super) struct Session {
    pub tenant: TenantId,
    pub tenant_name: Arc<str>,
    /// The operator token the session hangs on.
    pub token: Arc<Token>,
    pub token_name: Arc<str>,
    /// Every form sends it back in a field `csrf`.
    pub csrf: Arc<str>,
    /// Whether the browser is on https.
    pub secure: bool,
    /// What the page has to say once.
    pub flash: Option<Flash>,
    id: Uuid,
    secret_hash: [u8; 32],
}

impl Session {
    /// The session of a request.
    ///
    /// # Errors
    /// When Postgres cannot be asked: nobody is logged out for that.
    async fn find(app: &App, headers: &HeaderMap) -> Result<Option<Session>, StoreError> {
        let secure = cookie::secure(app, headers);
        let Some(secret) = cookie::get(headers, NAME, secure) else {
            return Ok(None);
        };
        let secret_hash = hash(&secret);
        let mut connection = app.pool.acquire().await?;
        let Some(found) = sessions::find(&mut connection, &secret_hash).await? else {
            return Ok(None);
        };
        let (tenant, token) = (found.grant.tenant, found.grant.id);
        if found.unseen {
            sessions::seen(&mut connection, tenant, found.id).await?;
            tokens::touch(&mut connection, &[(tenant, token)]).await?;
        }
        Ok(Token::of(found.grant, Instant::now()).map(|token| Session {
            tenant,
            tenant_name: found.tenant_name.into(),
            token: Arc::new(token),
            token_name: found.token_name.into(),
            csrf: csrf(&secret).into(),
            secure,
            flash: Flash::of(headers, secure),
            id: found.id,
            secret_hash,
        }))
    }

    /// Whether it still holds. Asking is using: a page that is open keeps its session.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub(super) async fn holds(&self, app: &App) -> Result<bool, StoreError> {
        let mut connection = app.pool.acquire().await?;
        let found = sessions::find(&mut connection, &self.secret_hash).await?;
        if found.as_ref().is_some_and(|found| found.unseen) {
            sessions::seen(&mut connection, self.tenant, self.id).await?;
        }
        Ok(found.is_some())
    }
}

/// What a session's forms send back: it follows from the secret, and tells nothing of it.
fn csrf(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash(&format!("csrf {secret}")))
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = PageFailure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Session, PageFailure> {
        parts.extensions.get::<Session>().cloned().ok_or_else(|| {
            tracing::error!("a page is not behind the session check");
            PageFailure(Failure::internal())
        })
    }
}
