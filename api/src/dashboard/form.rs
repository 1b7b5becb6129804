//! What handlers take from a request; what cannot be read is told on a page.

use crate::error::{Failure, PageFailure};
use crate::state::App;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The fields of a form. It was sent by a page of ours, so what cannot be read is no typing error.
pub(super) struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = PageFailure;

    async fn from_request(request: Request, app: &App) -> Result<Form<T>, PageFailure> {
        match axum::Form::from_request(request, app).await {
            Ok(axum::Form(fields)) => Ok(Form(fields)),
            Err(_) => Err(unreadable(
                "The form cannot be read. Load its page again and repeat.",
            )),
        }
    }
}

/// What the address says after its `?`.
pub(super) struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = PageFailure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Query<T>, PageFailure> {
        match axum::extract::Query::from_request_parts(parts, app).await {
            Ok(axum::extract::Query(fields)) => Ok(Query(fields)),
            Err(_) => Err(unreadable("The address of this page cannot be read.")),
        }
    }
}

/// The variable part of a path, such as an id; what cannot be one is not there.
pub(super) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = PageFailure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Path<T>, PageFailure> {
        match axum::extract::Path::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            Err(_) => Err(Failure::new(StatusCode::NOT_FOUND, "There is no such page.").into()),
        }
    }
}

fn unreadable(detail: &str) -> PageFailure {
    PageFailure(Failure::new(StatusCode::BAD_REQUEST, detail))
}
