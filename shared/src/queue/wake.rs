//! Waiting for work without asking for it: a blocking pop on a connection of its own.

use super::config::QueueConfig;
use super::place::Place;
use futures::future::BoxFuture;
use redis::{AsyncConnectionConfig, RedisResult, aio::MultiplexedConnection};
use std::sync::Arc;
use std::time::Duration;

/// The pause after a wait that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Rings when someone left a token on the queue's wake list, and when waiting has taken long.
pub(super) struct Bell {
    place: Arc<Place>,
    key: String,
    longest: Duration,
    /// Longest time connecting may take.
    timeout: Duration,
    config: AsyncConnectionConfig,
    connection: Option<MultiplexedConnection>,
    waiting: Option<BoxFuture<'static, Option<MultiplexedConnection>>>,
}

impl Bell {
    pub(super) fn new(place: Arc<Place>, wake: &str, config: &QueueConfig) -> Bell {
        Bell {
            place,
            key: wake.to_owned(),
            longest: config.idle_wait,
            timeout: config.response_timeout,
            config: AsyncConnectionConfig::new()
                .set_connection_timeout(Some(config.response_timeout))
                .set_response_timeout(Some(config.idle_wait + config.response_timeout)),
            connection: None,
            waiting: None,
        }
    }

    /// Wait for a token, a failure or the longest wait: after each of them it is time to look at
    /// the queue. May be dropped and called again; the wait goes on where it was.
    pub(super) async fn rung(&mut self) {
        let waiting = match &mut self.waiting {
            Some(waiting) => waiting,
            none => {
                let (place, config) = (Arc::clone(&self.place), self.config.clone());
                let (key, longest) = (self.key.clone(), self.longest.as_secs_f64());
                let timeout = self.timeout;
                let connection = self.connection.take();
                none.insert(Box::pin(async move {
                    let wait = async {
                        let mut connection = match connection {
                            Some(connection) => connection,
                            None => place.connect(&key, &config, timeout).await?,
                        };
                        let _: Option<(String, String)> = redis::cmd("BLPOP")
                            .arg(&key)
                            .arg(longest)
                            .query_async(&mut connection)
                            .await?;
                        RedisResult::Ok(connection)
                    };
                    match wait.await {
                        Ok(connection) => Some(connection),
                        // not worth a word: the fetch that follows meets it, too
                        Err(_) => {
                            tokio::time::sleep(AFTER_FAILURE).await;
                            None
                        }
                    }
                }))
            }
        };
        self.connection = waiting.await;
        self.waiting = None;
    }

    /// A wait was begun and has not ended: it may take a token.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Stop waiting; the server notices that the connection is gone.
    pub(super) fn silence(&mut self) {
        self.waiting = None;
        self.connection = None;
    }
}
