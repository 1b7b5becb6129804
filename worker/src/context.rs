use crate::arrivals::Arrivals;
use crate::limiter::Limiter;
use crate::pauses::Pauses;
use crate::reconcile::Engine;
use crate::runs::Courtesy;
use crate::together::Together;
use rollcall_shared::queue::Queues;
use rollcall_shared::store::PgPool;
use rollcall_shared::telemetry::Metrics;
use std::sync::Arc;

/// What every handler works with.
pub(crate) struct Context {
    pub(crate) pool: PgPool,
    pub(crate) queues: Arc<Queues>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limiter: Limiter,
    pub(crate) engine: Engine,
    pub(crate) courtesy: Courtesy,
    pub(crate) pauses: Pauses,
    pub(crate) together: Together,
    pub(crate) arrivals: Arrivals,
}
