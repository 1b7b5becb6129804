//! A mapping as clients send it.

use super::MappingForm;
use crate::error::{Failure, Problem};
use crate::openapi::described;
use crate::state::App;
use axum::http::{HeaderMap, StatusCode, header};
use rollcall_shared::directory::TenantId;
use rollcall_shared::mapping::Mapping;
use rollcall_shared::scim::etag_matches;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Longest note, in characters.
const NOTE: usize = 1_000;

described!(
    /// A mapping that is to come into force.
    OfferedForm, {
        "mapping": of::<MappingForm>(),
        "note?": "string?: why, for whoever looks later",
        "version?": "any: is ignored, like the next two",
        "createdAt?": "any",
        "createdBy?": "any",
    }
);

/// What `PUT /ops/v1/mapping` and `POST /ops/v1/mapping/preview` take.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Offered {
    mapping: Value,
    pub(super) note: Option<String>,
    /// These are in what was read; they say nothing about what is to be.
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
    #[serde(rename = "createdAt")]
    _created_at: Option<IgnoredAny>,
    #[serde(rename = "createdBy")]
    _created_by: Option<IgnoredAny>,
}

impl Offered {
    /// A mapping, and why it is made.
    pub(crate) fn new(mapping: Value, note: Option<String>) -> Offered {
        Offered {
            mapping,
            note,
            _version: None,
            _created_at: None,
            _created_by: None,
        }
    }

    /// The mapping as it is stored, if nothing is wrong with it.
    ///
    /// # Errors
    /// 400 with each rule that is wrong, and why.
    pub(super) async fn checked(&self, app: &App, tenant: TenantId) -> Result<Value, Problem> {
        let bad = |detail: String| Failure::new(StatusCode::BAD_REQUEST, detail);
        let note = self.note.as_deref().unwrap_or_default();
        if note.chars().count() > NOTE || note.contains('\0') {
            return Err(bad(format!("note is longer than {NOTE} characters, or holds a NUL")).into());
        }
        if holds_nul(&self.mapping) {
            return Err(bad("mapping holds a NUL character".to_owned()).into());
        }
        let schemas = app.schemas.of(tenant).await?;
        let checked = Mapping::read(&self.mapping).and_then(|mapping| {
            mapping.check(schemas)?;
            Ok(json!(mapping))
        });
        checked.map_err(|faults| {
            let errors = faults.iter().map(|fault| json!(fault)).collect();
            let detail = "the mapping cannot be used; errors tells of each rule why".to_owned();
            bad(detail).with_errors(errors).into()
        })
    }
}

/// Postgres cannot keep it.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

/// The version a client means to change. What it did not see it must not overwrite.
///
/// # Errors
/// 428 without `If-Match`.
pub(super) fn expected(headers: &HeaderMap) -> Result<&str, Failure> {
    let tags = headers.get(header::IF_MATCH);
    let tags = tags.map(|tags| tags.to_str().unwrap_or_default());
    tags.ok_or_else(|| {
        let detail = "If-Match must name the version that is to be replaced, as its ETag did";
        Failure::new(StatusCode::PRECONDITION_REQUIRED, detail)
    })
}

/// # Errors
/// 412 when another version is in force.
pub(super) fn expect(tags: &str, version: i32) -> Result<(), Failure> {
    if etag_matches(tags, i64::from(version)) {
        return Ok(());
    }
    let detail = "another version of the mapping is in force";
    Err(Failure::new(StatusCode::PRECONDITION_FAILED, detail))
}
