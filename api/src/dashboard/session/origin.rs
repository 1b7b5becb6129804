use crate::state::App;
use axum::http::{HeaderMap, Uri, header};

/// Whether a form was sent from a page of ours, as far as the browser says; those that say nothing
/// are left to the form's own token.
pub(super) fn is_ours(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        // `none`: typed or reloaded by the person in front of it.
        return matches!(site, "same-origin" | "none");
    }
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let origin = text("origin").and_then(host_of);
    let public = app.http.public_url.as_deref().and_then(host_of);
    origin.is_some() && (origin.as_deref() == text("host") || origin == public)
}

fn host_of(url: &str) -> Option<String> {
    Some(url.parse::<Uri>().ok()?.authority()?.to_string())
}
