use crate::middleware::SET_TXN;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rollcall_shared::scim::etag;
use serde_json::Value;
use uuid::Uuid;

/// An answer in the media type of the protocol.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: Option<Value>) -> Answer {
        let headers = HeaderMap::new();
        Answer {
            status,
            headers,
            body: body.map(|body| body.to_string().into_bytes()),
        }
    }

    /// With a body that is JSON already.
    pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Answer {
        Answer {
            body: Some(body),
            ..Answer::new(status, None)
        }
    }

    pub(super) fn ok(body: Value) -> Answer {
        Answer::new(StatusCode::OK, Some(body))
    }

    pub(super) fn location(self, url: &str) -> Answer {
        self.header(header::LOCATION, url)
    }

    /// Where the resource is. With its representation also what that is of (RFC 7643 §3.1:
    /// `meta.location` is the same as `Content-Location`).
    pub(super) fn resource(self, url: &str) -> Answer {
        match self.body {
            Some(_) => self.location(url).header(header::CONTENT_LOCATION, url),
            None => self.location(url),
        }
    }

    pub(super) fn version(self, version: i64) -> Answer {
        self.header(header::ETAG, &etag(version))
    }

    /// The receipt of the accepted write.
    pub(super) fn receipt(self, txn: Uuid) -> Answer {
        self.header(SET_TXN, &txn.to_string())
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Answer {
        // A URL that is no header value, from a setting, is left out.
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(mut self) -> Response {
        if self.body.is_some() {
            let media_type = HeaderValue::from_static("application/scim+json");
            self.headers.insert(header::CONTENT_TYPE, media_type);
        }
        let body = self.body.unwrap_or_default();
        let mut response = axum::body::Body::from(body).into_response();
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}
