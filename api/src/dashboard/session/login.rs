//! Logging in, with a token or a link, and out.

use super::{NAME, Session, cookie, origin};
use crate::auth::{Scope, Secret, hash};
use crate::dashboard::filters;
use crate::dashboard::flash::see_other;
use crate::dashboard::form::{Form, Path, Query};
use crate::dashboard::html::html;
use crate::error::{Failure, PageFailure};
use crate::state::App;
use askama::Template;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::{StoreError, sessions};
use serde::Deserialize;
use std::net::SocketAddr;
use uuid::Uuid;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    next: &'a str,
    refused: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "login_link.html")]
struct LinkPage<'a> {
    secret: &'a str,
}

#[derive(Deserialize)]
pub(in crate::dashboard) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(in crate::dashboard) struct LogIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(in crate::dashboard) struct Redeem {
    #[serde(default)]
    link: String,
}

/// `GET /login`.
pub(in crate::dashboard) async fn form(Query(asked): Query<Asked>) -> Response {
    let next = &asked.next;
    html(StatusCode::OK, &LoginPage { next, refused: None })
}

/// `POST /login`: an operator token for a session.
pub(in crate::dashboard) async fn log_in(
    State(app): State<App>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<LogIn>,
) -> Result<Response, PageFailure> {
    let next = &form.next;
    let again = |failure: Failure| {
        let refused = Some(failure.detail());
        html(failure.status(), &LoginPage { next, refused })
    };
    if let Err(failure) = admitted(&app, &peer, &headers) {
        return Ok(again(failure));
    }
    let Some(token) = app.tokens.find(form.token.trim()).await? else {
        let detail = "This token is unknown, expired or revoked.";
        return Ok(again(Failure::new(StatusCode::UNAUTHORIZED, detail)));
    };
    if token.scope != Scope::Operator {
        let detail = format!(
            "This token has the scope {}; the dashboard needs operator.",
            token.scope.name()
        );
        return Ok(again(Failure::new(StatusCode::FORBIDDEN, detail)));
    }
    let mut response = begin(&app, &headers, token.tenant, token.id, local(next)).await?;
    response.extensions_mut().insert(token);
    Ok(response)
}

/// `GET /login/link/{secret}`: only asks whether to use the link, because previews of links are fetched too.
pub(in crate::dashboard) async fn link(Path(secret): Path<String>) -> Response {
    html(StatusCode::OK, &LinkPage { secret: &secret })
}

/// `POST /login/link`: a link for a session.
pub(in crate::dashboard) async fn redeem(
    State(app): State<App>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<Redeem>,
) -> Result<Response, PageFailure> {
    let again = |failure: Failure| {
        let refused = Some(failure.detail());
        html(failure.status(), &LoginPage { next: "", refused })
    };
    if let Err(failure) = admitted(&app, &peer, &headers) {
        return Ok(again(failure));
    }
    let redeemed = {
        let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
        sessions::redeem_link(&mut connection, &hash(&form.link)).await?
    };
    let Some((tenant, token)) = redeemed else {
        let detail = "This link was used already, or is older than 5 minutes. \
                      Ask for another one, or log in with a token.";
        return Ok(again(Failure::new(StatusCode::UNAUTHORIZED, detail)));
    };
    Ok(begin(&app, &headers, tenant, token, "/").await?)
}

/// `POST /logout`.
pub(in crate::dashboard) async fn logout(
    State(app): State<App>,
    session: Session,
) -> Result<Response, PageFailure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    sessions::end(&mut connection, session.tenant, session.id).await?;
    let mut response = see_other("/login");
    if let Some(gone) = cookie::set(NAME, "", session.secure, Some(0)) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response)
}

/// Whether somebody may try: not from another site's page, and not too often.
fn admitted(app: &App, peer: &ConnectInfo<SocketAddr>, headers: &HeaderMap) -> Result<(), Failure> {
    if !origin::is_ours(app, headers) {
        let detail = "The form did not come from this page. Load it again and repeat.";
        return Err(Failure::new(StatusCode::FORBIDDEN, detail));
    }
    app.attempts.check(peer, headers).map_err(|wait| {
        Failure::too_many_requests("Too many attempts to log in. Try again in a few seconds.", wait)
    })
}

async fn begin(
    app: &App,
    headers: &HeaderMap,
    tenant: TenantId,
    token: Uuid,
    to: &str,
) -> Result<Response, Failure> {
    let secret = Secret::of_kind("session").map_err(|_| {
        tracing::error!("the system has no randomness to give");
        Failure::internal()
    })?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    sessions::begin(&mut connection, tenant, token, &secret.hash()).await?;
    let mut response = see_other(to);
    if let Some(cookie) = cookie::set(NAME, secret.reveal(), cookie::secure(app, headers), None) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where to go after the log-in: only ever to a page of ours.
fn local(next: &str) -> &str {
    let other_host = next.starts_with("//") || next.contains('\\') || next.contains(char::is_control);
    match next.starts_with('/') && !other_host {
        true => next,
        false => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_leads_nowhere_but_to_our_own_pages() {
        assert_eq!(local("/people?q=a&b=%2F"), "/people?q=a&b=%2F");
        for elsewhere in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/\r\nx",
            "people",
        ] {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
