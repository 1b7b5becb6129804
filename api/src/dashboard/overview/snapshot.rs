use crate::error::Failure;
use crate::state::App;
use rollcall_shared::directory::{TenantId, WorkLane};
use rollcall_shared::queue::{Depth, QueueError};
use rollcall_shared::store::lanes::{self, Pause};
use rollcall_shared::store::overview::{self, Backlog, Counts, Pace};
use rollcall_shared::store::runs::{self, Run};
use rollcall_shared::store::{PgConnection, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Figures are at least this long the same for everybody who looks.
const SHORTEST: Duration = Duration::from_secs(1);
/// Counting the directory takes longest and changes least: it may take this part of the time, so that a small
/// one is counted as often as the rest, and no size is older than this.
const SIZES_SHARE: u32 = 100;
const SIZES_LAST: Duration = Duration::from_secs(30);
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
    pub sizes: Arc<Sizes>,
    /// People with changes that are not applied yet.
    pub behind: i64,
    pub last_run: Option<Run>,
    /// Lanes that operators have paused.
    pub paused: Vec<Pause>,
    /// `None`: Redis does not answer.
    pub redis: Option<Redis>,
}

/// How large the directory is.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    pub counts: Counts,
    /// People that the sources assert.
    pub asserted: i64,
}

#[derive(Debug)]
pub(super) struct Redis {
    pub depths: [(WorkLane, Depth); 4],
    pub workers: usize,
}

impl Redis {
    /// Jobs of each lane that are not done, by its name.
    pub(super) fn lanes(&self) -> [(&'static str, usize); 4] {
        let jobs = |depth: &Depth| depth.ready + depth.running + depth.scheduled;
        self.depths
            .each_ref()
            .map(|(lane, depth)| (lane.name(), jobs(depth)))
    }

    pub(super) fn total(&self) -> usize {
        self.lanes().iter().map(|(_, jobs)| jobs).sum()
    }

    /// Jobs that were given up on.
    pub(super) fn dead(&self) -> usize {
        self.depths.iter().map(|(_, depth)| depth.dead).sum()
    }
}

impl Snapshot {
    /// Percentage of the people who are in step; `None` without people.
    pub(super) fn in_step(&self) -> Option<f64> {
        overview::in_step_percent(self.sizes.asserted, self.behind)
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
    sizes: Option<(Instant, Arc<Sizes>)>,
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
        let (redis, read) = tokio::join!(
            tokio::time::timeout(LONGEST, redis(app)),
            read(app, tenant, &mut last.sizes)
        );
        let mut snapshot = read?;
        snapshot.redis = redis.ok().and_then(Result::ok);
        let snapshot = Arc::new(snapshot);
        let lasts = SHORTEST.max(begun.elapsed() * SHARE);
        last.taken = Some((begun + lasts, Arc::clone(&snapshot)));
        Ok(snapshot)
    }
}

async fn read(
    app: &App,
    tenant: TenantId,
    known: &mut Option<(Instant, Arc<Sizes>)>,
) -> Result<Snapshot, StoreError> {
    let mut connection = app.searches.acquire().await?;
    let sizes = match known {
        Some((until, sizes)) if Instant::now() < *until => Arc::clone(sizes),
        _ => {
            let begun = Instant::now();
            let read = Arc::new(sizes(&mut connection, tenant).await?);
            let lasts = (begun.elapsed() * SIZES_SHARE).clamp(SHORTEST, SIZES_LAST);
            *known = Some((begun + lasts, Arc::clone(&read)));
            read
        }
    };
    Ok(Snapshot {
        backlog: overview::backlog(&mut connection, Some(tenant)).await?,
        pace: overview::pace(&mut connection, tenant).await?,
        behind: overview::people_behind(&mut connection, tenant).await?,
        last_run: runs::list(&mut connection, tenant, None, 0, 1).await?.pop(),
        paused: lanes::paused(&mut connection, tenant).await?,
        sizes,
        redis: None,
    })
}

async fn sizes(connection: &mut PgConnection, tenant: TenantId) -> Result<Sizes, StoreError> {
    Ok(Sizes {
        counts: overview::counts(connection, tenant).await?,
        asserted: overview::people_asserted(connection, tenant).await?,
    })
}

async fn redis(app: &App) -> Result<Redis, QueueError> {
    Ok(Redis {
        depths: app.queues.depths().await?,
        workers: app.queues.processes().await?,
    })
}
