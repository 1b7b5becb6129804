//! Whether Redis is there and keeps what it is given.

use super::error::QueueError;
use super::queues::Queues;
use redis::{InfoDict, RedisResult, aio::MultiplexedConnection};
use std::collections::HashMap;

/// What readiness checks ask about Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisHealth {
    /// The server never drops keys under memory pressure (`maxmemory-policy noeviction`). Also
    /// true when the server does not let us ask.
    pub noeviction: bool,
}

impl Queues {
    /// Whether Redis answers, and whether it is set up to keep what it is given.
    ///
    /// # Errors
    /// When one of its servers does not answer within the push timeout, or holds none of our keys.
    pub async fn ping(&self) -> Result<RedisHealth, QueueError> {
        let mut noeviction = true;
        for (link, keys) in &self.pinged {
            noeviction &= link
                .try_run(async |connection| {
                    // Asked for a key, a node of a cluster tells when it is the wrong one.
                    for key in keys {
                        redis::cmd("EXISTS").arg(key).exec_async(connection).await?;
                    }
                    evicts_nothing(connection).await
                })
                .await?;
        }
        Ok(RedisHealth { noeviction })
    }
}

/// See [`RedisHealth::noeviction`].
async fn evicts_nothing(connection: &mut MultiplexedConnection) -> RedisResult<bool> {
    let asked: RedisResult<HashMap<String, String>> = redis::cmd("CONFIG")
        .arg("GET")
        .arg("maxmemory-policy")
        .query_async(connection)
        .await;
    let policy = match asked {
        Ok(mut settings) => settings.remove("maxmemory-policy"),
        Err(error) if error.is_io_error() => return Err(error),
        // managed servers often forbid CONFIG, yet tell it here
        Err(_) => {
            let info: RedisResult<InfoDict> = redis::cmd("INFO").arg("memory").query_async(connection).await;
            info.ok().and_then(|info| info.get("maxmemory_policy"))
        }
    };
    Ok(policy.is_none_or(|policy| policy == "noeviction"))
}
