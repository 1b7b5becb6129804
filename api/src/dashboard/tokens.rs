//! The tenant's tokens. A secret is on one page, once: in no address, no cookie, no log.

use super::documents::{parse, read};
use super::filters;
use super::form::{Form, Path};
use super::frame::{Frame, Section};
use super::html;
use super::session::Session;
use crate::error::{Failure, PageFailure, Problem};
use crate::extract::Caller;
use crate::routes::ops;
use crate::routes::ops::tokens::{Create, Rotate};
use crate::state::App;
use askama::Template;
use axum::extract::{Path as Part, State as Asked};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use rollcall_shared::store::{StoreError, history};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    id: Uuid,
    name: String,
    scope: String,
    source: String,
    strict: bool,
    prefix: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    state: State,
}

/// Whether a token still opens anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Valid,
    EndsSoon,
    Expired,
    Revoked,
}

impl Token {
    fn called(&self) -> &str {
        if self.name.is_empty() {
            &self.prefix
        } else {
            &self.name
        }
    }

    fn state_at(&self, now: DateTime<Utc>) -> State {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => State::Revoked,
            (None, Some(end)) if end <= now => State::Expired,
            (None, Some(end)) if end - now < chrono::Duration::days(14) => State::EndsSoon,
            _ => State::Valid,
        }
    }

    fn state(&self) -> &'static str {
        match self.state {
            State::Valid => "valid",
            State::EndsSoon => "ends soon",
            State::Expired => "expired",
            State::Revoked => "revoked",
        }
    }

    fn mood(&self) -> &'static str {
        match self.state {
            State::Valid => "ok",
            State::EndsSoon => "warn",
            State::Expired | State::Revoked => "",
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Expired | State::Revoked)
    }
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<Token>,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    tokens: Vec<Token>,
}

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage {
    frame: Frame,
    token: Token,
    /// This session hangs on it.
    own: bool,
}

#[derive(Template)]
#[template(path = "token_secret.html")]
struct SecretPage {
    frame: Frame,
    token: Token,
    secret: String,
    /// When the one it takes the place of ends.
    old_ends: bool,
}

#[derive(Deserialize)]
pub(super) struct NewToken {
    name: String,
    scope: String,
    source: String,
    strict: Option<String>,
    expires_in_days: String,
}

#[derive(Deserialize)]
pub(super) struct Rotation {
    overlap_seconds: String,
    expires_in_days: String,
}

#[derive(Deserialize)]
pub(super) struct Confirmed {
    confirm: Option<String>,
}

/// `GET /tokens`.
pub(super) async fn list(Asked(app): Asked<App>, session: Session) -> Result<Response, PageFailure> {
    let mut tokens = all(app, session.caller()).await?;
    tokens.sort_by_key(|token| (token.is_over(), std::cmp::Reverse(token.created_at)));
    let page = TokensPage {
        frame: session.frame(Section::Tokens),
        tokens,
    };
    Ok(html::page(&session, &page))
}

/// `GET /tokens/{id}`: rotating and revoking it.
pub(super) async fn page(
    Asked(app): Asked<App>,
    session: Session,
    Path(id): Path<Uuid>,
) -> Result<Response, PageFailure> {
    let token = all(app, session.caller())
        .await?
        .into_iter()
        .find(|token| token.id == id);
    let page = TokenPage {
        frame: session.frame(Section::Tokens),
        token: token.ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "There is no such token."))?,
        own: session.token.id == id,
    };
    Ok(html::page(&session, &page))
}

/// `POST /tokens`: the page with the secret. Nothing leads there: it is not shown again.
pub(super) async fn create(Asked(app): Asked<App>, session: Session, Form(new): Form<NewToken>) -> Response {
    let made = async {
        let wanted = Create {
            name: new.name,
            scope: new.scope,
            source: new.source,
            strict: new.strict.is_some(),
            expires_in_days: number("The days until it expires", &new.expires_in_days)?,
        };
        let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
        let (row, secret) = ops::tokens::make(&mut connection, session.tenant, &wanted).await?;
        secret_page(&session, parse(ops::tokens::shown(&row))?, secret.reveal(), false)
    };
    let made: Result<Response, Failure> = made.await;
    made.unwrap_or_else(|failure| session.refused("/tokens", &failure))
}

/// `POST /tokens/{id}/rotate`: the page with the successor's secret.
pub(super) async fn rotate(
    Asked(app): Asked<App>,
    session: Session,
    Path(id): Path<Uuid>,
    Form(rotation): Form<Rotation>,
) -> Response {
    let made = async {
        let wanted = Rotate {
            overlap_seconds: number("The overlap", &rotation.overlap_seconds)?,
            expires_in_days: number("The days until it expires", &rotation.expires_in_days)?,
        };
        let (row, secret) = ops::tokens::succeed(&app, &session.caller(), &id.to_string(), wanted).await?;
        secret_page(&session, parse(ops::tokens::shown(&row))?, secret.reveal(), true)
    };
    let made: Result<Response, Failure> = made.await;
    made.unwrap_or_else(|failure| session.refused(&format!("/tokens/{id}"), &failure))
}

/// `POST /tokens/{id}/revoke`.
pub(super) async fn revoke(
    Asked(app): Asked<App>,
    session: Session,
    Path(id): Path<Uuid>,
    Form(confirmed): Form<Confirmed>,
) -> Response {
    let page = format!("/tokens/{id}");
    if confirmed.confirm.is_none() {
        let detail = "It was not revoked: the box that says you mean it was not ticked.";
        return session.refused(&page, &Failure::new(StatusCode::BAD_REQUEST, detail));
    }
    match ops::tokens::revoke(Asked(app), session.caller(), Part(id.to_string())).await {
        Ok(_) => session.done("/tokens", "Revoked. Every process honours it within 5 seconds."),
        Err(Problem(failure)) => session.refused(&page, &failure),
    }
}

async fn all(app: App, caller: Caller) -> Result<Vec<Token>, Failure> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let now = history::now(&mut connection).await?;
    drop(connection);
    let mut found: Tokens = read(ops::tokens::list(Asked(app), caller).await)?;
    for token in &mut found.tokens {
        token.state = token.state_at(now);
    }
    Ok(found.tokens)
}

fn secret_page(session: &Session, token: Token, secret: &str, old_ends: bool) -> Result<Response, Failure> {
    let page = SecretPage {
        frame: session.frame(Section::Tokens),
        token,
        secret: secret.to_owned(),
        old_ends,
    };
    Ok(html::page(session, &page))
}

/// A field for a number that may be left empty.
fn number(what: &str, text: &str) -> Result<Option<i32>, Failure> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Failure::new(StatusCode::BAD_REQUEST, format!("{what} must be a number."))),
    }
}
