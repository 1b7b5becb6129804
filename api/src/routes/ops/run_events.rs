//! A run's progress as server-sent events.

use super::runs::{not_found, shown};
use crate::error::{Failure, Problem};
use crate::extract::Caller;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::runs::{self, Phase, Run};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Who follows a run, and what they were told last.
struct Follower {
    app: App,
    tenant: TenantId,
    id: Uuid,
    told: Option<Run>,
    _place: OwnedSemaphorePermit,
}

/// `GET /ops/v1/runs/{id}/events`: follow a run (server-sent events); `progress` whenever something changed,
/// `done` with the report in the end. The stream also ends when this process stops or Postgres is out of reach:
/// reconnect.
#[utoipa::path(
    get,
    path = "/runs/{id}/events",
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub(super) async fn events(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let tenant = caller.0.tenant;
    let id = id.parse().map_err(|_| not_found())?;
    let place = Arc::clone(&app.followers)
        .try_acquire_owned()
        .map_err(|_| Failure::unavailable("too many clients follow runs"))?;
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    runs::find(&mut connection, tenant, id)
        .await?
        .ok_or_else(not_found)?;
    drop(connection);
    let follower = Follower {
        app,
        tenant,
        id,
        told: None,
        _place: place,
    };
    let events = futures::stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        if self.told.as_ref().is_some_and(|run| run.phase == Phase::Done) {
            return None;
        }
        loop {
            if self.told.is_some() {
                let pause = tokio::time::sleep(LOOK);
                self.app.stopping.run_until_cancelled(pause).await?;
            }
            let mut connection = self.app.pool.acquire().await.ok()?;
            let run = runs::find(&mut connection, self.tenant, self.id).await.ok()??;
            let progress = |run: &Run| (run.phase, run.chunks, run.chunks_done, run.cancelled);
            if self.told.as_ref().map(progress) == Some(progress(&run)) {
                continue;
            }
            let name = if run.phase == Phase::Done {
                "done"
            } else {
                "progress"
            };
            let event = Event::default().event(name).data(shown(&run).to_string());
            self.told = Some(run);
            return Some(event);
        }
    }
}
