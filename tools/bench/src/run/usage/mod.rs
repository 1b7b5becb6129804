//! What the processes under test take of the machine.

#[cfg_attr(not(target_os = "linux"), path = "none.rs")]
mod proc;

use std::fmt;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::median;

/// Processes of the stack; whoever starts it knows them.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Processes {
    /// Process of the API
    #[arg(long, env = "API_PID")]
    api_pid: i32,
    /// Process of Redis
    #[arg(long, env = "REDIS_PID")]
    redis_pid: i32,
    /// Postgres's first process
    #[arg(long, env = "POSTGRES_PID")]
    postgres_pid: i32,
}

/// Processor time taken so far, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    at: Instant,
    pub(super) load: f64,
    pub(super) api: f64,
    pub(super) worker: f64,
    pub(super) redis: f64,
    pub(super) postgres: f64,
}

/// Shares of one processor over a while: 1 is one of them all the time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Shares {
    pub(super) load: f64,
    pub(super) api: f64,
    pub(super) worker: f64,
    pub(super) redis: f64,
    pub(super) postgres: f64,
}

/// Most memory that was resident, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peaks {
    pub(super) api: u64,
    pub(super) worker: u64,
    pub(super) redis: u64,
}

/// Memory that is resident, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Memory {
    pub(super) api: f64,
    pub(super) worker: f64,
    pub(super) redis: f64,
}

impl Memory {
    /// Of each process by itself.
    pub(super) fn median(readings: &[Memory]) -> Memory {
        let of = |process: fn(&Memory) -> f64| median(&readings.iter().map(process).collect::<Vec<_>>());
        Memory {
            api: of(|memory| memory.api),
            worker: of(|memory| memory.worker),
            redis: of(|memory| memory.redis),
        }
    }
}

impl Processes {
    /// `worker` is none while none runs.
    pub(super) fn read(&self, worker: Option<i32>) -> Result<Reading> {
        Ok(Reading {
            at: Instant::now(),
            load: proc::seconds(std::process::id().cast_signed())?,
            api: proc::seconds(self.api_pid)?,
            worker: worker.map_or(Ok(0.0), proc::seconds)?,
            redis: proc::seconds(self.redis_pid)?,
            postgres: proc::seconds_with_children(self.postgres_pid)?,
        })
    }

    pub(super) fn memory(&self, worker: Option<i32>) -> Result<Memory> {
        Ok(Memory {
            api: proc::resident(self.api_pid)? as f64,
            worker: worker.map_or(Ok(0), proc::resident)? as f64,
            redis: proc::resident(self.redis_pid)? as f64,
        })
    }

    /// Let peaks be counted from now on.
    pub(super) fn forget_peaks(&self) -> Result<()> {
        for pid in [self.api_pid, self.redis_pid] {
            proc::forget_peak(pid)?;
        }
        Ok(())
    }

    pub(super) fn peaks(&self, worker: Option<i32>) -> Result<Peaks> {
        Ok(Peaks {
            api: proc::peak(self.api_pid)?,
            worker: worker.map_or(Ok(0), proc::peak)?,
            redis: proc::peak(self.redis_pid)?,
        })
    }
}

impl Reading {
    pub(super) fn until(self, later: Reading) -> Shares {
        let seconds = (later.at - self.at).as_secs_f64().max(f64::EPSILON);
        Shares {
            load: (later.load - self.load) / seconds,
            api: (later.api - self.api) / seconds,
            worker: (later.worker - self.worker) / seconds,
            redis: (later.redis - self.redis) / seconds,
            postgres: (later.postgres - self.postgres) / seconds,
        }
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| (share * 100.0).round();
        write!(
            f,
            "processor: load generator {} %, API {} %, ",
            percent(self.load),
            percent(self.api)
        )?;
        if self.worker > 0.0 {
            write!(f, "worker {} %, ", percent(self.worker))?;
        }
        write!(
            f,
            "Postgres {} %, Redis {} %",
            percent(self.postgres),
            percent(self.redis)
        )
    }
}

impl fmt::Display for Peaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mega = |bytes: u64| bytes.div_ceil(1024 * 1024);
        let (api, worker, redis) = (mega(self.api), mega(self.worker), mega(self.redis));
        write!(
            f,
            "at most {api} MB in the API, {worker} MB in the worker, {redis} MB in Redis"
        )
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn reading_of_a_process_that_worked_shows_its_time() -> Result<()> {
        let own = std::process::id().cast_signed();
        let processes = Processes {
            api_pid: own,
            redis_pid: own,
            postgres_pid: own,
        };
        let before = processes.read(Some(own))?;
        let deadline = Instant::now() + std::time::Duration::from_secs(20);
        while processes.read(None)?.load - before.load < 0.02 {
            anyhow::ensure!(Instant::now() < deadline, "no processor time is counted");
        }
        let shares = before.until(processes.read(Some(own))?);
        assert!(shares.load > 0.0 && shares.api > 0.0, "{shares:?}");
        assert!(processes.peaks(None)?.api > 0);
        assert!(processes.memory(None)?.api > 0.0);
        Ok(())
    }
}
