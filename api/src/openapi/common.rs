//! What answers have in common: refusals in the dialect of their area, and headers.

use crate::error::Surface;
use crate::routes::Area;
use rollcall_shared::scim::ScimType;
use serde_json::{Map, Value, json};

/// Every status a refusal may have, and when it has it.
const REFUSALS: [(u16, &str); 18] = [
    (
        400,
        "Something in the request cannot be read or is not allowed; `detail` names it.",
    ),
    (401, "No token, or one that is unknown, expired or revoked."),
    (
        403,
        "The token has another scope than this endpoint needs, or its tenant is suspended.",
    ),
    (404, "There is no such thing, or it belongs to another tenant."),
    (408, "The body was not sent in time."),
    (409, "The request contradicts what there is."),
    (410, "What it asks for is not kept any more."),
    (
        412,
        "The resource is not in the version that the request asks for.",
    ),
    (413, "The body is too large."),
    (415, "The body is in another media type than this endpoint takes."),
    (422, "The body is JSON of another form than this endpoint takes."),
    (424, "Not attempted after earlier failures."),
    (428, "`If-Match` is missing."),
    (
        429,
        "The token makes too many requests; `Retry-After` says when to come back.",
    ),
    (
        500,
        "Something went wrong on our side; the log has the details under the request's id.",
    ),
    (501, "Not supported."),
    (
        503,
        "Not possible at the moment, as when Postgres is out of reach; `Retry-After` says when to come back.",
    ),
    (504, "It took too long."),
];

/// The refusals as components, in each dialect.
pub(super) fn responses() -> Map<String, Value> {
    let of = |surface: Surface| {
        REFUSALS
            .into_iter()
            .map(move |(status, when)| (component(surface, status), refusal(surface, status, when)))
    };
    of(Surface::Scim).chain(of(Surface::Problem)).collect()
}

fn component(surface: Surface, status: u16) -> String {
    format!("{}{status}", dialect(surface))
}

fn dialect(surface: Surface) -> &'static str {
    match surface {
        Surface::Scim => "ScimError",
        Surface::Problem | Surface::Page => "Problem",
    }
}

fn refusal(surface: Surface, status: u16, when: &str) -> Value {
    let media_type = match surface {
        Surface::Scim => "application/scim+json",
        Surface::Problem | Surface::Page => "application/problem+json",
    };
    let schema = json!({ "$ref": format!("#/components/schemas/{}", dialect(surface)) });
    let mut refusal = json!({ "description": when, "content": { media_type: { "schema": schema } } });
    let header = match status {
        401 | 403 => Some("WWW-Authenticate"),
        429 | 503 => Some("Retry-After"),
        _ => None,
    };
    for name in header.into_iter().chain(["X-Request-Id"]) {
        refusal["headers"][name] = reference(name);
    }
    refusal
}

fn reference(header: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{header}") })
}

/// The bodies of refusals.
pub(super) fn schemas() -> Map<String, Value> {
    let keywords: Vec<&str> = ScimType::ALL.iter().map(|keyword| keyword.name()).collect();
    let scim = json!({
        "type": "object",
        "description": "A refusal under `/scim` (RFC 7644 §3.12).",
        "required": ["schemas", "status", "detail"],
        "properties": {
            "schemas": { "type": "array", "items": { "const": "urn:ietf:params:scim:api:messages:2.0:Error" } },
            "status": { "type": "string", "description": "The HTTP status, as a text." },
            "scimType": { "type": "string", "enum": keywords },
            "detail": { "type": "string", "description": "What is wrong; names attributes, never values." },
        },
    });
    let problem = json!({
        "type": "object",
        "description": "A refusal outside `/scim` (RFC 9457).",
        "required": ["title", "status", "detail"],
        "properties": {
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What is wrong; names attributes, never values." },
            "errors": {
                "type": "array",
                "description": "What is wrong one by one, where several things are.",
                "items": { "type": "object", "additionalProperties": true },
            },
        },
        // Members of a kind of problem.
        "additionalProperties": true,
    });
    Map::from_iter([
        (dialect(Surface::Scim).to_owned(), scim),
        (dialect(Surface::Problem).to_owned(), problem),
    ])
}

/// Headers of answers that mean the same everywhere.
pub(super) fn headers() -> Map<String, Value> {
    let header = |(name, about): (&str, &str)| {
        let schema = json!({ "type": "string" });
        (name.to_owned(), json!({ "description": about, "schema": schema }))
    };
    [
        ("X-Request-Id", "Identifies the request in the log."),
        (
            "ETag",
            "The version, to be sent back as `If-Match` or `If-None-Match`.",
        ),
        ("Location", "Where it is."),
        (
            "Content-Location",
            "Where the resource is whose representation this is.",
        ),
        (
            "Set-Txn",
            "The receipt of the accepted write: `GET /ops/v1/receipts/{txn}` tells what became of it.",
        ),
        ("Retry-After", "Seconds after which to come back."),
        ("WWW-Authenticate", "Which token is needed (RFC 6750)."),
        ("Preference-Applied", "Which preference was followed (RFC 7240)."),
        ("Content-Disposition", "The name to keep it under."),
        ("Cache-Control", "Who may keep it for how long."),
    ]
    .into_iter()
    .map(header)
    .collect()
}

/// Complete the answers a handler told of, and add those that come before it is asked.
pub(super) fn add_responses(operation: &mut Value, path: &str, area: &Area) {
    let mut responses = match operation["responses"].take() {
        Value::Object(responses) => responses,
        _ => Map::new(),
    };
    for status in implied(operation, path, area) {
        responses
            .entry(status.to_string())
            .or_insert_with(|| json!({ "description": "" }));
    }
    for (status, response) in &mut responses {
        complete(status, response, area.surface);
    }
    responses.sort_keys();
    operation["responses"] = responses.into();
}

/// What the middleware and the extractors may refuse.
fn implied(operation: &Value, path: &str, area: &Area) -> Vec<u16> {
    let in_query = |parameter: &Value| parameter["in"] != "path";
    let parameters = operation["parameters"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let (body, scim) = (
        operation.get("requestBody").is_some(),
        area.surface == Surface::Scim,
    );
    let mut implied = vec![];
    if !area.scopes.is_empty() {
        implied.extend([401, 403, 429, 500, 503]);
    }
    if body || parameters.iter().any(in_query) {
        implied.push(400);
    }
    if path.contains('{') && !area.scopes.is_empty() {
        implied.push(404);
    }
    if body && scim {
        implied.extend([408, 413, 415]);
    }
    implied
}

fn complete(status: &str, response: &mut Value, surface: Surface) {
    let code: u16 = status.parse().unwrap_or_default();
    let told = response["description"].as_str().unwrap_or_default().to_owned();
    if code >= 400 && response.get("content").is_none() {
        *response = match told.is_empty() {
            true => json!({ "$ref": format!("#/components/responses/{}", component(surface, code)) }),
            false => refusal(surface, code, &told),
        };
        return;
    }
    if told.is_empty() {
        let meaning = axum::http::StatusCode::from_u16(code).ok();
        response["description"] = meaning.and_then(|status| status.canonical_reason()).into();
    }
    let known = headers();
    if let Some(Value::Object(told)) = response.get_mut("headers") {
        for (name, header) in told.iter_mut().filter(|(name, _)| known.contains_key(*name)) {
            *header = reference(name);
        }
    }
    response["headers"]["X-Request-Id"] = reference("X-Request-Id");
}
