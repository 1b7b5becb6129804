//! Requests at a steady pace, however long their answers take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

pub(super) use super::super::flood::Pace;
use super::mix::Mix;

/// A load that runs beside whoever started it.
pub(super) struct Load {
    tasks: JoinSet<Result<()>>,
    tally: Arc<Tally>,
}

/// What was answered since it was last taken.
struct Tally {
    latency: Mutex<Histogram<u64>>,
    next: AtomicU64,
}

/// Answers of a while.
pub(super) struct Answers {
    /// In microseconds, from when each request was due.
    latency: Histogram<u64>,
}

impl Load {
    /// Send for `length`. Of a pace nothing is left out: what is late is sent as soon as a connection is free.
    pub(super) async fn start(
        mix: &Arc<Mix>,
        connections: usize,
        pace: Pace,
        length: Duration,
    ) -> Result<Load> {
        let mut wires = Vec::with_capacity(connections);
        for _ in 0..connections {
            wires.push(mix.endpoint.connect().await?);
        }
        let tally = Arc::new(Tally {
            latency: Mutex::new(Histogram::new(3)?),
            next: AtomicU64::new(0),
        });
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for mut wire in wires {
            let (mix, tally) = (Arc::clone(mix), Arc::clone(&tally));
            tasks.spawn(async move {
                loop {
                    let number = tally.next.fetch_add(1, Ordering::Relaxed);
                    let due = match pace {
                        Pace::Unpaced => Instant::now(),
                        Pace::PerSecond(rate) => started + Duration::from_secs_f64(number as f64 / rate),
                    };
                    if due >= started + length {
                        return Ok(());
                    }
                    tokio::time::sleep_until(due.into()).await;
                    let request = mix.next()?;
                    let (status, body) = wire.exchange(&request.bytes).await?;
                    tally.answered(due.elapsed())?;
                    mix.answered(request, status, body)?;
                }
            });
        }
        Ok(Load { tasks, tally })
    }

    /// Fails when a request failed.
    pub(super) fn check(&mut self) -> Result<()> {
        while let Some(ended) = self.tasks.try_join_next() {
            ended??;
        }
        Ok(())
    }

    /// What was answered since this was last asked; fails when a request failed.
    pub(super) fn answers(&mut self) -> Result<Answers> {
        self.check()?;
        let mut latency = self.tally.latency.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = Histogram::new(3)?;
        Ok(Answers {
            latency: std::mem::replace(&mut *latency, empty),
        })
    }

    /// Until the last request is answered; what was answered since [`Load::answers`].
    pub(super) async fn end(mut self) -> Result<Answers> {
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        self.answers()
    }
}

impl Tally {
    fn answered(&self, after: Duration) -> Result<()> {
        let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(latency.record(after.as_micros() as u64)?)
    }
}

impl Answers {
    pub(super) fn count(&self) -> u64 {
        self.latency.len()
    }

    /// Milliseconds below which this share of the answers came.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1_000.0
    }
}
