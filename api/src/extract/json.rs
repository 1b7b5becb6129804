use crate::error::{Failure, Problem};
use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

/// A JSON body outside SCIM; what cannot be read is a 400 that says why.
pub(crate) struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<JsonBody<T>, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(JsonBody(body)),
            Err(rejection) => {
                Err(Failure::new(StatusCode::BAD_REQUEST, without_values(&rejection.body_text())).into())
            }
        }
    }
}

/// Up to what serde quotes of the value it did not like.
fn without_values(text: &str) -> &str {
    text.split(['"', '`']).next().unwrap_or(text).trim_end()
}
