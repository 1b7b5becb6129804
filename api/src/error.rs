//! Every refusal of the API, and the dialects it is told in: SCIM error bodies (RFC 7644 §3.12) under
//! `/scim`, pages in the dashboard, problem details (RFC 9457) everywhere else.

use crate::accept::AcceptError;
use crate::auth::Scope;
use crate::dashboard;
use crate::gather::GatherError;
use crate::schemas::SchemasError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::scim::{ScimError, ScimType};
use rollcall_shared::store::StoreError;
use rollcall_shared::store::mappings::MappingError;
use rollcall_shared::store::search::SearchError;
use serde_json::{Map, Value, json};

/// What a client is told when it does not get what it asked for. `detail` names attributes,
/// parameters and limits, never values.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    status: StatusCode,
    scim_type: Option<ScimType>,
    detail: String,
    retry_after_seconds: Option<u64>,
    /// Value of `WWW-Authenticate`.
    challenge: Option<String>,
    /// What is wrong one by one, for problem details.
    errors: Vec<Value>,
    /// Further members of problem details.
    members: Box<Map<String, Value>>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Failure {
        Failure {
            status,
            scim_type: None,
            detail: detail.into(),
            retry_after_seconds: None,
            challenge: None,
            errors: vec![],
            members: Box::default(),
        }
    }

    /// Several things are wrong: each with members of its own, in `errors` of problem details.
    pub(crate) fn with_errors(self, errors: Vec<Value>) -> Failure {
        Failure { errors, ..self }
    }

    /// What is known all the same, as a further member of problem details (RFC 9457 §3.2).
    pub(crate) fn with_member(mut self, name: &str, value: Value) -> Failure {
        self.members.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn with_type(self, scim_type: ScimType) -> Failure {
        let scim_type = Some(scim_type);
        Failure { scim_type, ..self }
    }

    /// 503: come back in a moment.
    pub(crate) fn unavailable(detail: &str) -> Failure {
        Failure {
            retry_after_seconds: Some(2),
            ..Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// 429.
    pub(crate) fn too_many_requests(detail: &str, wait: std::time::Duration) -> Failure {
        Failure {
            retry_after_seconds: Some(wait.as_secs_f64().ceil().max(1.0) as u64),
            ..Failure::new(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    /// 401 or 403 with the reason in `WWW-Authenticate` (RFC 6750 §3).
    pub(crate) fn challenged(
        status: StatusCode,
        detail: impl Into<String>,
        challenge: impl Into<String>,
    ) -> Failure {
        Failure {
            challenge: Some(challenge.into()),
            ..Failure::new(status, detail)
        }
    }

    /// 403 that says which scope the token has, which one it takes, and how to get there.
    pub(crate) fn wrong_scope(held: Scope, needed: &[Scope]) -> Failure {
        let names: Vec<&str> = needed.iter().map(|scope| scope.name()).collect();
        let remedy = match (held, needed) {
            (Scope::Admin, _) => "an admin makes one with POST /ops/v1/tenants/{id}/tokens".to_owned(),
            (_, [Scope::Admin]) => "make one with rollcall-api token create --scope admin".to_owned(),
            _ => {
                let scope = names.first().copied().unwrap_or_default();
                format!(
                    "make one with rollcall-api token create --tenant NAME --scope {scope}, or POST /ops/v1/tokens"
                )
            }
        };
        let (held, purpose, one_of) = (held.name(), held.purpose(), names.join(" or "));
        Failure::challenged(
            StatusCode::FORBIDDEN,
            format!(
                "this token has the scope {held}, which is for {purpose}; this endpoint needs a token with the \
                 scope {one_of}: {remedy}"
            ),
            format!(
                r#"Bearer realm="rollcall", error="insufficient_scope", scope="{}""#,
                names.join(" ")
            ),
        )
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong in particular.
    pub(crate) fn errors(&self) -> &[Value] {
        &self.errors
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// 500. The cause belongs into the log, not here.
    pub(crate) fn internal() -> Failure {
        Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "something went wrong on our side; the log has the details under this request's id",
        )
    }
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Failure {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Failure {
            scim_type: error.scim_type,
            ..Failure::new(status, error.detail)
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::from(&error)
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Failure {
        match error {
            StoreError::Unavailable(_) | StoreError::Conflict(_) => {
                tracing::warn!(error = %chain(error), "the database could not answer a request");
                Failure::unavailable("the database is not available at the moment")
            }
            StoreError::Statement(_) => {
                tracing::error!(error = %chain(error), "a statement failed");
                Failure::internal()
            }
        }
    }
}

impl From<GatherError> for Failure {
    fn from(error: GatherError) -> Failure {
        match error {
            GatherError::Store(error) => Failure::from(&*error),
            GatherError::Panicked => {
                tracing::error!("a gathered read panicked");
                Failure::internal()
            }
        }
    }
}

impl From<SearchError> for Failure {
    fn from(error: SearchError) -> Failure {
        match error {
            SearchError::Scim(error) => error.into(),
            SearchError::Store(error) => error.into(),
        }
    }
}

impl From<SchemasError> for Failure {
    fn from(error: SchemasError) -> Failure {
        match error {
            SchemasError::Store(error) => error.into(),
            SchemasError::NoRoom(_) => {
                tracing::error!(error = %chain(&error), "the schemas of a tenant cannot be taken");
                Failure::unavailable("the schemas of this tenant cannot be read at the moment")
            }
            SchemasError::Unreadable(_) => {
                tracing::error!(error = %chain(&error), "the schemas of a tenant cannot be read");
                Failure::internal()
            }
        }
    }
}

impl From<MappingError> for Failure {
    fn from(error: MappingError) -> Failure {
        match error {
            MappingError::Store(error) => error.into(),
            MappingError::Unreadable(_) => {
                tracing::error!(error = %chain(&error), "the mapping of a tenant cannot be read");
                Failure::internal()
            }
        }
    }
}

impl From<AcceptError> for Failure {
    fn from(error: AcceptError) -> Failure {
        match error {
            AcceptError::Scim(error) => error.into(),
            AcceptError::Unavailable | AcceptError::Skipped => {
                Failure::unavailable("the write could not be stored at the moment")
            }
        }
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// Which dialect a part of the API speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    Scim,
    Problem,
    /// The dashboard: a page.
    Page,
}

impl Surface {
    pub(crate) fn response(self, failure: Failure) -> Response {
        let (content_type, body) = match self {
            Surface::Page => ("text/html; charset=utf-8", dashboard::error_page(&failure)),
            Surface::Scim => {
                let error = ScimError::new(failure.status.as_u16(), failure.scim_type, failure.detail);
                ("application/scim+json", error.to_body().to_string())
            }
            Surface::Problem => {
                let mut body = json!({
                    "title": failure.status.canonical_reason(),
                    "status": failure.status.as_u16(),
                    "detail": failure.detail,
                });
                if !failure.errors.is_empty() {
                    body["errors"] = failure.errors.into();
                }
                for (name, value) in *failure.members {
                    body[name] = value;
                }
                ("application/problem+json", body.to_string())
            }
        };
        let mut response = (failure.status, body).into_response();
        let headers = response.headers_mut();
        if self == Surface::Page {
            dashboard::protect(headers);
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(seconds) = failure.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = failure
            .challenge
            .and_then(|text| HeaderValue::try_from(text).ok())
        {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// A [`Failure`] of a handler under `/scim`.
#[derive(Debug)]
pub(crate) struct ScimFailure(pub Failure);

/// A [`Failure`] of a handler elsewhere.
#[derive(Debug)]
pub(crate) struct Problem(pub Failure);

/// A [`Failure`] of a handler of the dashboard.
#[derive(Debug)]
pub(crate) struct PageFailure(pub Failure);

impl<E: Into<Failure>> From<E> for ScimFailure {
    fn from(error: E) -> ScimFailure {
        ScimFailure(error.into())
    }
}

impl<E: Into<Failure>> From<E> for Problem {
    fn from(error: E) -> Problem {
        Problem(error.into())
    }
}

impl<E: Into<Failure>> From<E> for PageFailure {
    fn from(error: E) -> PageFailure {
        PageFailure(error.into())
    }
}

impl IntoResponse for PageFailure {
    fn into_response(self) -> Response {
        Surface::Page.response(self.0)
    }
}

impl IntoResponse for ScimFailure {
    fn into_response(self) -> Response {
        Surface::Scim.response(self.0)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Surface::Problem.response(self.0)
    }
}
