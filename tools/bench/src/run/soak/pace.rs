//! The most writes a second that are applied as they come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::super::stack::{Stack, Tenant};
use super::load::{Load, Pace};
use super::mix::Mix;
use super::{CONNECTIONS, drained, interval};

/// What the next attempt differs by.
const STEP: f64 = 0.1;
const ATTEMPTS: usize = 8;
/// Of the writes that were due, how many must have been answered.
const KEPT: f64 = 0.97;

/// The highest pace found that is kept, and after which no more is pending than one second brings.
///
/// First everything as fast as it goes, from the first request until the last is applied; from there up or down
/// by tenths.
pub(super) async fn most(stack: &Stack, tenant: &Tenant, mix: &Arc<Mix>, probe: Duration) -> Result<f64> {
    let started = Instant::now();
    let load = Load::start(mix, CONNECTIONS, Pace::Unpaced, probe).await?;
    let count = load.end().await?.count();
    let at = drained(stack, tenant, count as usize).await?;
    let mut rate = count as f64 / (at - started).as_secs_f64();
    eprintln!("soak: {rate:.0} writes/s from the first until all are applied");
    let (mut good, mut failed) = (None, false);
    for _ in 0..ATTEMPTS {
        let sustained = attempt(stack, tenant, mix, rate, probe).await?;
        eprintln!(
            "soak: {rate:.0} writes/s are {}",
            if sustained { "sustained" } else { "too many" }
        );
        match sustained {
            true => good = Some(rate),
            false => failed = true,
        }
        if failed && good.is_some() {
            break;
        }
        rate *= if sustained { 1.0 + STEP } else { 1.0 - STEP };
    }
    good.context("no pace was found at which the backlog stays as it is")
}

async fn attempt(stack: &Stack, tenant: &Tenant, mix: &Arc<Mix>, rate: f64, probe: Duration) -> Result<bool> {
    let started = Instant::now();
    let load = Load::start(mix, CONNECTIONS, Pace::PerSecond(rate), probe).await?;
    let count = load.end().await?.count();
    let kept = count as f64 / started.elapsed().as_secs_f64();
    let pending = interval::pending(stack).await?;
    drained(stack, tenant, count as usize).await?;
    Ok(kept >= KEPT * rate && pending as f64 <= rate)
}
