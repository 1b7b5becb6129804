use crate::error::{Failure, Problem};
use axum::Json;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A JSON body outside SCIM; what cannot be read is a 400 that says why.
pub(crate) struct JsonBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<JsonBody<T>, Problem> {
        match <Json<T> as FromRequest<S>>::from_request(request, state).await {
            Ok(Json(body)) => Ok(JsonBody(body)),
            Err(rejection) => {
                Err(Failure::new(StatusCode::BAD_REQUEST, without_values(&rejection.body_text())).into())
            }
        }
    }
}

/// A body that a client may leave out: whoever sends one says of what type it is.
impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<JsonBody<T>>, Problem> {
        match request.headers().contains_key(header::CONTENT_TYPE) {
            true => <JsonBody<T> as FromRequest<S>>::from_request(request, state)
                .await
                .map(Some),
            false => Ok(None),
        }
    }
}

/// Read attributes that came as a JSON body, or were merged with what is stored.
///
/// # Errors
/// 400 naming the attribute that is unknown or cannot be read.
pub(crate) fn read_object<T: DeserializeOwned>(attributes: Map<String, Value>) -> Result<T, Failure> {
    serde_path_to_error::deserialize(Value::Object(attributes)).map_err(|error| {
        let reason = error.inner().to_string();
        let detail = format!("{}: {}", error.path(), without_values(&reason));
        Failure::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// What there is with what a JSON merge patch of one level changes (RFC 7396).
pub(crate) fn merged(mut attributes: Map<String, Value>, patch: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in patch {
        match value {
            Value::Null => attributes.remove(&name),
            value => attributes.insert(name, value),
        };
    }
    attributes
}

/// Up to what serde quotes of the value it did not like.
fn without_values(text: &str) -> &str {
    text.split(['"', '`']).next().unwrap_or(text).trim_end()
}
