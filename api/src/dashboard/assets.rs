//! The files pages are made of, compiled in. Their address holds the hash of their content, so that
//! browsers may keep them for good.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
    hash: String,
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset(
            "rollcall.css",
            "text/css; charset=utf-8",
            include_str!("../../assets/rollcall.css"),
        ),
        asset(
            "docs.css",
            "text/css; charset=utf-8",
            include_str!("../../assets/docs.css"),
        ),
        asset(
            "rollcall.js",
            "text/javascript; charset=utf-8",
            include_str!("../../assets/rollcall.js"),
        ),
        asset(
            "favicon.svg",
            "image/svg+xml",
            include_str!("../../assets/favicon.svg"),
        ),
    ]
});

fn asset(name: &'static str, content_type: &'static str, content: &'static str) -> Asset {
    let digest = Sha256::digest(content);
    let hash = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Asset {
        name,
        content_type,
        content,
        hash,
    }
}

/// Where a file is; a name that is none leads nowhere.
pub(super) fn address(name: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    let hash = found.map_or("none", |asset| &asset.hash);
    format!("/assets/{hash}/{name}")
}

/// `GET /assets/{hash}/{name}`. Under another version's hash the file is as good, but not for ever:
/// while versions change, pages of one ask for files of the other.
pub(super) async fn asset_file(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", asset.hash);
    let cached = match hash == asset.hash {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == etag)
        });
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, asset.content_type)], asset.content).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cached));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}
