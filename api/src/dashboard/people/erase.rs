//! Erasing a person, which nothing takes back.

use crate::dashboard::form::{Form, Path};
use crate::dashboard::session::Session;
use crate::error::{Failure, Problem};
use crate::routes::ops;
use crate::state::App;
use axum::extract::{Path as Part, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::dashboard) struct Confirmed {
    confirm: String,
}

/// `POST /people/{id}/erase`.
pub(in crate::dashboard) async fn erase(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
    Form(confirmed): Form<Confirmed>,
) -> Response {
    let page = format!("/people/{id}");
    if confirmed.confirm.trim() != id {
        let detail = "Nobody was erased: what was typed is not the id.";
        return session.refused(&page, &Failure::new(StatusCode::BAD_REQUEST, detail));
    }
    match ops::erase::erase(State(app), session.caller(), Part(id)).await {
        Ok(_) => session.done(&page, "Erased. What others said of them names their id only."),
        Err(Problem(failure)) => session.refused(&page, &failure),
    }
}
