//! Where everything lies in Redis.
//!
//! Every key of a queue begins with `{<prefix>:<queue>}:`. The braces make it a hash tag: all
//! keys of one queue share a cluster slot, so each script may touch all of them at once. A
//! **job** is known by its id, a UUIDv7 drawn by whoever pushes it, never used twice, so that a
//! worker which still holds a job from before a `FLUSHALL` cannot touch a newer one.
//!
//! | Key | Type | Holds |
//! |---|---|---|
//! | `data` | hash | id → the job as JSON. Its fields are the outstanding jobs: ready, scheduled or running |
//! | `meta` | hash | id → `tenant attempt expired fence since`, blank-separated, see below |
//! | `ready` | sorted set | ids waiting for a worker; score = the job's *turn*, smallest first |
//! | `turns` | hash | tenant → the last turn given to it; field `clock` → the turn served last |
//! | `scheduled` | sorted set | ids snoozed or backing off; score = due time |
//! | `leases` | sorted set | ids held by a worker; score = the end of the lease |
//! | `wake` | list | tokens on which idle workers block (`BLPOP`); at most 8 |
//! | `tenants` | hash | tenant → how many outstanding jobs it has; no field at zero |
//! | `dead` | sorted set | ids of dead letters; score = when they were given up on |
//! | `letters` | hash | id → JSON `{tenant, attempts, error, job}` of a dead letter |
//! | `holders` | hash | id → the process that holds the lease |
//! | `pace` | hash | a 5-second slot, modulo 13 → `slot count`: jobs that finished in it; goes after a minute |
//!
//! One more key belongs to no queue: `{<prefix>}:processes`, a sorted set of live worker
//! processes whose score is the end of their heartbeat. One that fell silent stays for a while, so that
//! operators see who still holds leases.
//!
//! Every outstanding job is in exactly one of `ready`, `scheduled` and `leases`. All times are
//! milliseconds of the Redis server's own clock, read inside the scripts: a worker whose clock
//! is wrong changes nothing.
//!
//! **Meta.** `attempt` starts at 1 and grows with each failure; `expired` counts leases that ran
//! out; `fence` grows with each delivery and is what a worker must show to renew or finish the
//! job; `since` is when the job last became ready.
//!
//! **Turns** are start-time fair queueing: a job gets the turn `max(last turn of its tenant,
//! clock) + 1`. A tenant with a thousand jobs waiting holds the next thousand turns, another one
//! that pushes a single job gets the very next; within a tenant the order stays first in, first
//! out. When nothing is ready, the hash is dropped and turns start over.
//!
//! **Wake-up.** A push leaves one token per job, up to 8. A worker that found nothing blocks on
//! the list. One that takes jobs and leaves some behind puts a token back when there is none, so
//! that the next idle worker follows. Tokens are hints: losing one costs at most the idle wait,
//! and a fetch that empties the queue removes what is left of them.
//!
//! **Nothing wedges when keys vanish.** Counts are clamped at zero, and dropped whenever `data`
//! is empty; an id without data or meta is discarded when it is met; a renewal or finish of an
//! unknown job does nothing.

use redis::{Script, ScriptInvocation};

/// The keys of one queue, in the order in which every script expects them.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    all: [String; 12],
}

impl Keys {
    pub(super) fn new(prefix: &str, queue: &str) -> Keys {
        const NAMES: [&str; 12] = [
            "data",
            "meta",
            "ready",
            "turns",
            "scheduled",
            "leases",
            "wake",
            "tenants",
            "dead",
            "letters",
            "holders",
            "pace",
        ];
        Keys {
            all: NAMES.map(|name| format!("{{{prefix}:{queue}}}:{name}")),
        }
    }

    pub(super) fn data(&self) -> &str {
        &self.all[0]
    }

    pub(super) fn wake(&self) -> &str {
        &self.all[6]
    }

    pub(super) fn tenants(&self) -> &str {
        &self.all[7]
    }

    pub(super) fn dead(&self) -> &str {
        &self.all[8]
    }

    pub(super) fn letters(&self) -> &str {
        &self.all[9]
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &[String] {
        &self.all
    }

    /// An invocation of `script` with these keys and no arguments yet.
    pub(super) fn invoke<'s>(&self, script: &'s Script) -> ScriptInvocation<'s> {
        let mut invocation = script.prepare_invoke();
        for key in &self.all {
            invocation.key(key);
        }
        invocation
    }
}

/// The registry of live worker processes.
pub(super) fn processes(prefix: &str) -> String {
    format!("{{{prefix}}}:processes")
}
