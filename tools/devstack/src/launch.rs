//! Starting a server that takes a while to answer, on a port somebody else may snatch.

use crate::process::Process;
use anyhow::{Result, bail};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(10);

/// Start with `spawn` until a process stays and `answers`. A process that ends at once is tried
/// again: its port may have been taken, or its predecessor's last children are still leaving.
pub(crate) async fn launch(
    what: &str,
    mut spawn: impl FnMut() -> Result<Process>,
    mut answers: impl AsyncFnMut() -> bool,
) -> Result<Process> {
    let begin = Instant::now();
    let mut attempt = 0;
    loop {
        let mut process = spawn()?;
        loop {
            if process.exited()?.is_some() {
                break;
            }
            if answers().await {
                return Ok(process);
            }
            if begin.elapsed() > DEADLINE {
                bail!(
                    "{what} does not answer after {} s; {}",
                    DEADLINE.as_secs(),
                    process.last_words()
                );
            }
            tokio::time::sleep(POLL).await;
        }
        attempt += 1;
        if attempt == ATTEMPTS {
            bail!("{what} does not start: {}", process.last_words());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
