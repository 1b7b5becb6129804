use super::{Session, origin};
use crate::auth::hash;
use crate::dashboard::flash::see_other;
use crate::error::{Failure, Surface};
use crate::middleware::drain;
use crate::state::App;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use rollcall_shared::telemetry::{Limit, LimitLabels};

/// Bytes of a form.
const LARGEST: usize = 256 * 1024;

/// Let those in who are logged in, with their [`Session`] and token attached, and from them only forms
/// that our own pages made.
pub(in crate::dashboard) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let session = match Session::find(&app, request.headers()).await {
        Ok(Some(session)) => session,
        Ok(None) => return to_login(request).await,
        Err(error) => return refuse(request, error.into()).await,
    };
    let token = session.token.clone();
    if let Err(wait) = app.rate_limit.check(token.id) {
        let limit = Limit::Token;
        let waits = &app.metrics.rate_limit_waits;
        waits.get_or_create(&LimitLabels { limit }).inc();
        let detail = "this token makes too many requests per second";
        return refuse(request, Failure::too_many_requests(detail, wait)).await;
    }
    if token.suspended && !reads(request.method()) && request.uri().path() != "/logout" {
        let detail = "the tenant is suspended: it can be read but not changed until an admin resumes it";
        return refuse(request, Failure::new(StatusCode::FORBIDDEN, detail)).await;
    }
    let mut request = match checked(&app, &session, request).await {
        Ok(request) => request,
        Err(failure) => return Surface::Page.response(failure),
    };
    request.extensions_mut().insert(token.clone());
    request.extensions_mut().insert(session);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(token);
    response
}

/// A request for a page leads to the log-in and from there to the page; anything else is refused.
async fn to_login(request: Request) -> Response {
    let detail = "You are not logged in, or not any more.";
    if !reads(request.method()) || is_stream(request.headers()) {
        return refuse(request, Failure::new(StatusCode::UNAUTHORIZED, detail)).await;
    }
    let page = request.uri().path_and_query().map_or("/", |page| page.as_str());
    let next: String = form_urlencoded::byte_serialize(page.as_bytes()).collect();
    match page {
        "/" => see_other("/login"),
        _ => see_other(&format!("/login?next={next}")),
    }
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

async fn refuse(request: Request, failure: Failure) -> Response {
    let (parts, body) = request.into_parts();
    drain(&parts.headers, body).await;
    Surface::Page.response(failure)
}

/// A form comes from a page of ours and has the session's token in it; reading changes nothing.
async fn checked(app: &App, session: &Session, request: Request) -> Result<Request, Failure> {
    if reads(request.method()) {
        return Ok(request);
    }
    let forged = || {
        let detail = "The form did not come from this page, or is from an earlier session. \
                      Go back, load the page again and repeat it.";
        Failure::new(StatusCode::FORBIDDEN, detail)
    };
    let (parts, body) = request.into_parts();
    if !origin::is_ours(app, &parts.headers) {
        drain(&parts.headers, body).await;
        return Err(forged());
    }
    let _room = app
        .bodies
        .take(LARGEST)
        .ok_or_else(|| Failure::unavailable("too many requests are under way; try again in a moment"))?;
    let form = to_bytes(body, LARGEST).await.map_err(|_| {
        let detail = format!("A form has at most {} KiB.", LARGEST / 1024);
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    })?;
    let sent = form_urlencoded::parse(&form).find(|(name, _)| name == "csrf");
    // Compared as hashes: how long it takes tells nothing of the value.
    match sent {
        Some((_, sent)) if hash(&sent) == hash(&session.csrf) => {}
        _ => return Err(forged()),
    }
    Ok(Request::from_parts(parts, Body::from(form)))
}
