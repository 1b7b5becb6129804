//! Many requests over several connections, and how long each took.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use super::wire::Endpoint;

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// Each connection's next as soon as its last is answered.
    Unpaced,
    /// Evenly, this many a second over all connections. A latency counts from when its request was
    /// due, so that one late answer is not hidden by the requests that waited for it.
    PerSecond(f64),
}

/// What a flood took.
pub(super) struct Flooded {
    pub(super) elapsed: Duration,
    /// In microseconds.
    pub(super) latency: Histogram<u64>,
    count: usize,
}

impl Flooded {
    pub(super) fn rate(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds below which this share of the answers came.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        self.latency.value_at_quantile(share) as f64 / 1_000.0
    }
}

/// Sends everything; fails with the first answer that `check` refuses.
pub(super) async fn flood(
    endpoint: &Endpoint,
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
    pace: Pace,
    check: fn(u16, &[u8]) -> Result<()>,
) -> Result<Flooded> {
    let count = requests.len();
    let next = Arc::new(AtomicUsize::new(0));
    let mut wires = Vec::with_capacity(connections);
    for _ in 0..connections {
        wires.push(endpoint.connect().await?);
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for mut wire in wires {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        tasks.spawn(async move {
            let mut latency = Histogram::<u64>::new(3)?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(number) else {
                    return anyhow::Ok(latency);
                };
                let due = match pace {
                    Pace::Unpaced => Instant::now(),
                    Pace::PerSecond(rate) => {
                        let due = started + Duration::from_secs_f64(number as f64 / rate);
                        tokio::time::sleep_until(due.into()).await;
                        due
                    }
                };
                let (status, body) = wire.exchange(request).await?;
                latency.record(due.elapsed().as_micros() as u64)?;
                check(status, body)?;
            }
        });
    }
    let mut latency = Histogram::<u64>::new(3)?;
    while let Some(finished) = tasks.join_next().await {
        latency.add(finished??)?;
    }
    Ok(Flooded {
        elapsed: started.elapsed(),
        latency,
        count,
    })
}
