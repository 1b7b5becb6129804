//! Keeping a page that is open current: parts of it, rendered again, as server-sent events.
//!
//! An element with `data-live="/address"` is followed by the script: an event's name is the id of an element in
//! it, its data the element's new HTML.

use super::session::Session;
use crate::error::{Failure, PageFailure};
use crate::state::App;
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// How often a stream asks whether its session still holds.
const LOOK_AT_SESSION: Duration = Duration::from_secs(2);

/// A part of a page.
pub(super) enum Part {
    /// Takes the place of the element of this id; sent when it differs from what was sent before.
    Whole { id: &'static str, html: String },
    /// Goes before everything in the element of this id; always sent.
    First { id: &'static str, html: String },
}

/// Render parts of a page every `pause` and send what is new, until the page is closed, its session
/// ends (the event `gone`), or this process stops. While they cannot be rendered, the event `trouble`
/// says so once.
///
/// # Errors
/// 503 when as many pages as may are followed already.
pub(super) fn follow<F, R>(
    app: App,
    session: Session,
    pause: Duration,
    render: F,
) -> Result<Response, PageFailure>
where
    F: FnMut() -> R + Send + 'static,
    R: Future<Output = Result<Vec<Part>, PageFailure>> + Send + 'static,
{
    let place = Arc::clone(&app.viewers)
        .try_acquire_owned()
        .map_err(|_| Failure::unavailable("Too many pages are open."))?;
    let follower = Follower {
        app,
        session,
        pause,
        render,
        looked: None,
        told: HashMap::new(),
        waiting: VecDeque::new(),
        trouble: false,
        over: false,
        _place: place,
    };
    let events = futures::stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that would collect events before they pass them on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Somebody in front of a page, and what they were told last.
struct Follower<F> {
    app: App,
    session: Session,
    pause: Duration,
    render: F,
    /// When the session was found to hold.
    looked: Option<Instant>,
    told: HashMap<&'static str, String>,
    waiting: VecDeque<Event>,
    trouble: bool,
    over: bool,
    _place: OwnedSemaphorePermit,
}

impl<F, R> Follower<F>
where
    F: FnMut() -> R,
    R: Future<Output = Result<Vec<Part>, PageFailure>>,
{
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let stopping = self.app.stopping.clone();
            stopping.run_until_cancelled(self.round()).await?;
        }
    }

    /// Wait, look, render, and note what is to be sent.
    async fn round(&mut self) {
        if self.looked.is_some() {
            tokio::time::sleep(self.pause).await;
        }
        if self
            .looked
            .is_none_or(|looked| looked.elapsed() >= LOOK_AT_SESSION)
        {
            match self.session.holds(&self.app).await {
                Ok(true) => {}
                Ok(false) => {
                    self.over = true;
                    self.waiting
                        .push_back(Event::default().event("gone").data("gone"));
                    return;
                }
                Err(_) => self.troubled(),
            }
            self.looked = Some(Instant::now());
        }
        match (self.render)().await {
            Ok(parts) => {
                self.trouble = false;
                parts.into_iter().for_each(|part| self.note(part));
            }
            Err(_) => self.troubled(),
        }
    }

    fn troubled(&mut self) {
        if !std::mem::replace(&mut self.trouble, true) {
            self.waiting
                .push_back(Event::default().event("trouble").data("trouble"));
        }
    }

    fn note(&mut self, part: Part) {
        let (id, html) = match part {
            Part::Whole { id, html } => {
                if self.told.get(id) == Some(&html) {
                    return;
                }
                self.told.insert(id, html.clone());
                (id, html)
            }
            Part::First { id, html } => (id, html),
        };
        // A carriage return would end the event's line; in HTML it is a space.
        let data = html.replace('\r', " ");
        self.waiting.push_back(Event::default().event(id).data(data));
    }
}
