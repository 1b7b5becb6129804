use super::chart::{self, Chart};
use super::sizes::Sizes;
use crate::error::Failure;
use crate::state::App;
use rollcall_shared::directory::{TenantId, WorkLane};
use rollcall_shared::queue::{Depth, QueueError};
use rollcall_shared::store::lanes::{self, Pause};
use rollcall_shared::store::overview::{self, Backlog, Counts, Pace};
use rollcall_shared::store::runs::{self, Run};
use rollcall_shared::store::{PgConnection, StoreError, queue_samples};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Figures are at least this long the same for everybody who looks.
const SHORTEST: Duration = Duration::from_secs(1);
/// Taking figures may keep a connection busy for this part of the time: the longer it takes, the older
/// they get.
const SHARE: u32 = 10;
/// Longest time the figures wait for Redis.
const LONGEST: Duration = Duration::from_secs(2);

/// How a tenant stands.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub backlog: Backlog,
    pub pace: Pace,
    /// `None`: they are being counted.
    pub counts: Option<Arc<Counts>>,
    /// People that the sources assert.
    pub asserted: i64,
    /// People with changes that are not applied yet.
    pub behind: i64,
    pub last_run: Option<Run>,
    /// Lanes that operators have paused.
    pub paused: Vec<Pause>,
    /// The deployment in the last hour.
    pub charts: Arc<Charts>,
    /// `None`: Redis does not answer.
    pub redis: Option<Redis>,
}

/// Pictures of the last hour.
#[derive(Debug, Default)]
pub(super) struct Charts {
    pub queues: Chart,
    pub pace: Chart,
}

impl Charts {
    async fn draw(connection: &mut PgConnection) -> Result<Charts, StoreError> {
        Ok(Charts {
            queues: chart::of_queues(&queue_samples::since(connection, chart::SPAN).await?),
            pace: chart::of_pace(&queue_samples::pace_since(connection, chart::SPAN).await?),
        })
    }
}

#[derive(Debug)]
pub(super) struct Redis {
    pub depths: [(WorkLane, Depth); 4],
    pub workers: usize,
}

impl Redis {
    /// Jobs that were given up on.
    pub(super) fn dead(&self) -> usize {
        self.depths.iter().map(|(_, depth)| depth.dead).sum()
    }
}

impl Snapshot {
    /// Percentage of the people who are in step; `None` without people.
    pub(super) fn in_step(&self) -> Option<f64> {
        overview::in_step_percent(self.asserted, self.behind)
    }

    /// Links that wait for their target.
    pub(super) fn waiting(&self) -> i64 {
        self.backlog.waiters.iter().map(|(_, count)| count).sum()
    }
}

/// The last figures of each tenant that somebody looks at: several who look share them.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<Last>>>>);

#[derive(Default)]
struct Last {
    sizes: Sizes,
    charts: Option<(Instant, Arc<Charts>)>,
    /// Until when the snapshot is as good as a new one.
    taken: Option<(Instant, Arc<Snapshot>)>,
}

impl Snapshots {
    /// The figures of a tenant, a second old at most unless it takes long to get them.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub(super) async fn take(&self, app: &App, tenant: TenantId) -> Result<Arc<Snapshot>, Failure> {
        let last = {
            let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tenants.entry(tenant).or_default())
        };
        // Whoever comes meanwhile waits for the same figures.
        let mut last = last.lock().await;
        let begun = Instant::now();
        if let Some((until, snapshot)) = &last.taken
            && begun < *until
        {
            return Ok(Arc::clone(snapshot));
        }
        let (redis, read) = tokio::join!(tokio::time::timeout(LONGEST, redis(app)), last.read(app, tenant));
        let mut snapshot = read?;
        snapshot.redis = redis.ok().and_then(Result::ok);
        let snapshot = Arc::new(snapshot);
        let lasts = SHORTEST.max(begun.elapsed() * SHARE);
        last.taken = Some((begun + lasts, Arc::clone(&snapshot)));
        Ok(snapshot)
    }
}

impl Last {
    /// Everything that Postgres knows.
    async fn read(&mut self, app: &App, tenant: TenantId) -> Result<Snapshot, StoreError> {
        let counts = self.sizes.counts(app, tenant);
        let mut connection = app.searches.acquire().await?;
        let charts = match &self.charts {
            Some((until, charts)) if Instant::now() < *until => Arc::clone(charts),
            _ => {
                let drawn = Arc::new(Charts::draw(&mut connection).await?);
                self.charts = Some((Instant::now() + queue_samples::EVERY, Arc::clone(&drawn)));
                drawn
            }
        };
        Ok(Snapshot {
            backlog: overview::backlog(&mut connection, Some(tenant)).await?,
            pace: overview::pace(&mut connection, tenant).await?,
            counts,
            asserted: self.sizes.asserted(&mut connection, tenant).await?,
            behind: overview::people_behind(&mut connection, tenant).await?,
            last_run: runs::list(&mut connection, tenant, None, 0, 1).await?.pop(),
            paused: lanes::paused(&mut connection, tenant).await?,
            charts,
            redis: None,
        })
    }
}

async fn redis(app: &App) -> Result<Redis, QueueError> {
    Ok(Redis {
        depths: app.queues.depths().await?,
        workers: app.queues.processes().await?,
    })
}
