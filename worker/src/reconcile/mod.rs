//! placeholder
use rollcall_shared::queue::Queues;
use rollcall_shared::store::PgPool;
use rollcall_shared::telemetry::Metrics;
use std::sync::Arc;
pub struct Engine;
impl Engine {
    pub fn new(_: PgPool, _: Arc<Queues>, _: Arc<Metrics>) -> Engine {
        Engine
    }
}
