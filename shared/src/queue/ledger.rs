//! The scripts a worker runs.

use super::error::QueueError;
use super::finish::Finished;
use super::keys::Keys;
use super::link::{Link, millis};
use super::scripts;
use std::time::Duration;

/// Most scheduled jobs one fetch makes ready, and most expired leases.
const PROMOTED: usize = 500;
const RECLAIMED: usize = 200;

/// One queue, as a worker reads and writes it.
pub(super) struct Ledger {
    pub(super) keys: Keys,
    pub(super) link: Link,
    pub(super) lease: Duration,
    pub(super) dead_letters: usize,
    /// Who holds what is fetched.
    pub(super) process: String,
}

/// A fetched job: id, data, attempt, expired leases, fence.
pub(super) type Fetch = (String, Vec<u8>, u32, u32, u64);

impl Ledger {
    /// Lease at most `most` jobs. Also returns how many stay ready, and the milliseconds until
    /// something is due (-1: nothing is).
    pub(super) async fn fetch(&self, most: usize) -> Result<(usize, i64, Vec<Fetch>), QueueError> {
        let mut fetch = self.keys.invoke(&scripts::FETCH);
        fetch
            .arg(most)
            .arg(millis(self.lease))
            .arg(PROMOTED)
            .arg(RECLAIMED)
            .arg(&self.process);
        self.link
            .run(async |connection| fetch.invoke_async(connection).await)
            .await
    }

    /// Extend the leases of these jobs (id and fence); returns which of them are still held.
    pub(super) async fn renew(&self, held: &[(String, u64)]) -> Result<Vec<bool>, QueueError> {
        let mut renew = self.keys.invoke(&scripts::RENEW);
        renew.arg(millis(self.lease));
        for (id, fence) in held {
            renew.arg(id).arg(*fence);
        }
        self.link
            .run(async |connection| renew.invoke_async(connection).await)
            .await
    }

    /// Write these endings; returns which of the jobs were still held. In any case, if jobs are
    /// ready and no token says so, one is left for an idle worker.
    pub(super) async fn write(&self, ends: &[Finished]) -> Result<Vec<bool>, QueueError> {
        let mut finish = self.keys.invoke(&scripts::FINISH);
        finish.arg(self.dead_letters);
        for end in ends {
            let (verdict, delay, error) = end.verdict.words();
            finish
                .arg(&end.ticket.id)
                .arg(end.ticket.fence)
                .arg(verdict)
                .arg(millis(delay))
                .arg(error);
        }
        self.link
            .run(async |connection| finish.invoke_async(connection).await)
            .await
    }
}
