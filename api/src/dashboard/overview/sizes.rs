//! How large the directory is: what takes longest to count, and changes least.

use crate::state::App;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::overview::{self, Counts};
use rollcall_shared::store::{PgConnection, StoreError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counting may keep a connection busy for this part of the time, so that a small directory is counted as
/// often as everything else, a large one every minute.
const SHARE: u32 = 50;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Of one tenant, as they were counted last.
#[derive(Default)]
pub(super) struct Sizes {
    counted: Arc<Mutex<Counted>>,
    asserted: Option<(Instant, i64)>,
}

#[derive(Default)]
struct Counted {
    counts: Option<Arc<Counts>>,
    /// Until when nobody needs to count again.
    until: Option<Instant>,
}

impl Sizes {
    /// The last counts, and see to it that there will be others when they are old. Nobody waits for that:
    /// with 100,000 people it takes a second.
    pub(super) fn counts(&self, app: &App, tenant: TenantId) -> Option<Arc<Counts>> {
        let mut counted = lock(&self.counted);
        let begun = Instant::now();
        if counted.until.is_none_or(|until| until <= begun) {
            counted.until = Some(begun + LONGEST);
            let (app, cell) = (Arc::clone(app), Arc::clone(&self.counted));
            tokio::spawn(async move {
                match count(&app, tenant).await {
                    Ok(counts) => {
                        let mut counted = lock(&cell);
                        counted.counts = Some(Arc::new(counts));
                        counted.until = Some(begun + lasts(begun));
                    }
                    Err(error) => {
                        let error: &dyn std::error::Error = &error;
                        tracing::debug!(error, "the size of a directory could not be counted");
                    }
                }
            });
        }
        counted.counts.clone()
    }

    /// People that the sources assert.
    ///
    /// # Errors
    /// When the statement fails.
    pub(super) async fn asserted(
        &mut self,
        connection: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<i64, StoreError> {
        if let Some((until, asserted)) = self.asserted
            && Instant::now() < until
        {
            return Ok(asserted);
        }
        let begun = Instant::now();
        let asserted = overview::people_asserted(connection, tenant).await?;
        self.asserted = Some((begun + lasts(begun), asserted));
        Ok(asserted)
    }
}

/// How long what took from `begun` until now is as good as new.
fn lasts(begun: Instant) -> Duration {
    (begun.elapsed() * SHARE).clamp(SHORTEST, LONGEST)
}

async fn count(app: &App, tenant: TenantId) -> Result<Counts, StoreError> {
    let mut connection = app.searches.acquire().await?;
    overview::counts(&mut connection, tenant).await
}

fn lock(counted: &Mutex<Counted>) -> std::sync::MutexGuard<'_, Counted> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}
