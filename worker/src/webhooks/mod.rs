//! Delivering changes of the directory to webhooks.
//!
//! Every worker looks, without a leader: a webhook that another worker delivers to is leased. Each has
//! a task of its own for its turn, so that a slow one delays nobody else.

mod connect;
mod send;
mod signature;
mod trust;

use crate::context::Context;
use rand::Rng as _;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::webhooks::place;
use rollcall_shared::store::webhooks::turns::{self, Attempt, End, Lease, Next, Noted, Outcome};
use rollcall_shared::telemetry::{WebhookLabels, WebhookOutcome};
use rollcall_shared::webhooks::Reach;
use send::Sender;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use trust::TrustError;

/// Pause between two looks for webhooks that have something to be told.
const IDLE: Duration = Duration::from_millis(500);
/// How long one webhook is delivered to before it is another's turn.
const TURN: Duration = Duration::from_secs(20);
/// How often deliveries are looked for whose time is over, and webhooks whose place is gone.
const TIDYING: Duration = Duration::from_secs(60);

/// Delivers.
pub(crate) struct Deliverer {
    context: Arc<Context>,
    sender: Arc<Sender>,
    /// Webhooks delivered to at the same time.
    concurrency: usize,
}

impl Deliverer {
    /// Receivers' certificates may be of the authorities in this file, too.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub(crate) fn new(
        context: Arc<Context>,
        reach: Reach,
        ca_file: Option<&Path>,
        concurrency: usize,
    ) -> Result<Deliverer, TrustError> {
        let sender = Arc::new(Sender::new(reach, trust::client(ca_file)?));
        let concurrency = concurrency.max(1);
        Ok(Deliverer {
            context,
            sender,
            concurrency,
        })
    }

    /// Deliver until told to stop; what is on its way then gets its answer.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let mut turns: JoinSet<()> = JoinSet::new();
        let mut healthy = true;
        let mut tidied: Option<Instant> = None;
        while !stopping.is_cancelled() {
            while turns.try_join_next().is_some() {}
            let looked = self.look(&mut turns, &stopping, &mut tidied).await;
            if let Err(error) = &looked
                && std::mem::replace(&mut healthy, false)
            {
                // Once per outage: the next looks would only repeat it.
                let error = error as &dyn std::error::Error;
                tracing::warn!(error, "webhooks wait for Postgres");
            }
            healthy |= looked.is_ok();
            tokio::select! {
                () = stopping.cancelled() => {}
                () = tokio::time::sleep(IDLE) => {}
                Some(_) = turns.join_next(), if turns.len() >= self.concurrency => {}
            }
        }
        while turns.join_next().await.is_some() {}
    }

    /// Give those their turn who have something to be told.
    async fn look(
        &self,
        turns: &mut JoinSet<()>,
        stopping: &CancellationToken,
        tidied: &mut Option<Instant>,
    ) -> Result<(), StoreError> {
        let free = self.concurrency.saturating_sub(turns.len());
        let mut conn = self.context.pool.acquire().await.map_err(StoreError::from)?;
        if tidied.is_none_or(|tidied| tidied.elapsed() > TIDYING) {
            for (tenant, webhook) in place::disable_lost(&mut conn).await? {
                tell_lost(tenant, webhook);
            }
            if !turns::tidy(&mut conn).await? {
                *tidied = Some(Instant::now());
            }
        }
        let claimed = turns::claim(&mut conn, i64::try_from(free).unwrap_or(i64::MAX)).await?;
        drop(conn);
        for lease in claimed {
            let (context, sender) = (Arc::clone(&self.context), Arc::clone(&self.sender));
            let stopping = stopping.clone();
            turns.spawn(async move {
                if let Err(error) = turn(&context, &sender, &lease, &stopping).await {
                    // Its lease runs out, and whoever comes next sends what was not written down.
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(tenant = %lease.tenant, webhook = %lease.webhook, error, "a webhook's turn ended early");
                }
            });
        }
        Ok(())
    }
}

/// Deliver to one webhook what there is, one after the other, until something fails.
async fn turn(
    context: &Context,
    sender: &Sender,
    lease: &Lease,
    stopping: &CancellationToken,
) -> Result<(), StoreError> {
    let began = Instant::now();
    while began.elapsed() < TURN && !stopping.is_cancelled() {
        let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
        let next = turns::next(&mut tx, lease).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let attempt = match next {
            Next::Send(attempt) => attempt,
            Next::Look => continue,
            Next::Lost => {
                tell_lost(lease.tenant, lease.webhook);
                break;
            }
            Next::Nothing => break,
        };
        let jitter = rand::rng().random();
        let outcome = sender.send(&attempt, jitter).await;
        fail::fail_point!(crate::failpoints::DELIVERY_FAILPOINT, |argument: Option<
            String,
        >| {
            crate::failpoints::fire(crate::failpoints::DELIVERY_FAILPOINT, argument.as_deref());
            Err(StoreError::interrupted())
        });
        let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
        let noted = turns::note(&mut tx, lease, &attempt, &outcome).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tell(context, lease, &attempt, &outcome, noted);
        if outcome.end != End::Delivered || noted != Noted::Kept {
            break;
        }
    }
    let mut conn = context.pool.acquire().await.map_err(StoreError::from)?;
    turns::release(&mut conn, lease).await
}

fn tell_lost(tenant: TenantId, webhook: Uuid) {
    tracing::warn!(%tenant, %webhook, error = "lost", "a webhook was disabled");
}

fn tell(context: &Context, lease: &Lease, attempt: &Attempt, outcome: &Outcome, noted: Noted) {
    let (told, error) = match outcome.end {
        End::Delivered => (WebhookOutcome::Delivered, ""),
        End::Failed(error, Some(_)) => (WebhookOutcome::Failed, error),
        End::Failed(error, None) => (WebhookOutcome::Dead, error),
        End::Gone => (WebhookOutcome::Gone, "gone"),
    };
    let labels = WebhookLabels { outcome: told };
    context.metrics.webhook_deliveries.get_or_create(&labels).inc();
    let (tenant, webhook, delivery, status) = (lease.tenant, lease.webhook, attempt.delivery, outcome.status);
    let outcome = told.name();
    match told {
        WebhookOutcome::Delivered => {
            tracing::debug!(%tenant, %webhook, %delivery, status, outcome, "a webhook was delivered");
        }
        _ => {
            tracing::info!(%tenant, %webhook, %delivery, status, outcome, error, "a webhook was not delivered")
        }
    }
    match noted {
        Noted::Kept => {}
        Noted::Disabled => tracing::warn!(%tenant, %webhook, error, "a webhook was disabled"),
        Noted::Lost => {
            tracing::warn!(%tenant, %webhook, %delivery, "another worker delivers what was just delivered")
        }
    }
}
