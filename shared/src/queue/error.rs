use crate::authorities::AuthoritiesError;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What an operation on a queue can fail with.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Redis is out of reach, too slow, starting or failing over. Go on without it: the feeder
    /// refills the queues.
    #[error("Redis is unavailable")]
    Unavailable(#[source] RedisError),
    /// Redis was unavailable a moment ago, so it was not asked.
    #[error("Redis was unavailable a moment ago")]
    Suspended,
    /// The URL of Redis cannot be used.
    #[error("the Redis URL is not valid")]
    Url(#[source] RedisError),
    /// The certificate authorities that Redis is to be believed by.
    #[error("ROLLCALL_REDIS_CA_FILE cannot be used")]
    Authorities(#[source] AuthoritiesError),
    /// The certificate that Redis is to be shown.
    #[error("ROLLCALL_REDIS_CERT_FILE and ROLLCALL_REDIS_KEY_FILE cannot be used")]
    Certificate(#[source] std::io::Error),
    /// Redis answered with an error of its own.
    #[error("Redis refused the command")]
    Refused(#[source] RedisError),
    /// A job cannot be written as JSON, or a dead letter cannot be read.
    #[error("the job is not valid JSON")]
    Json(#[from] serde_json::Error),
    /// The tenant has as many outstanding jobs as it may have.
    #[error("the tenant's share of the queue is full")]
    Full,
}

impl QueueError {
    /// Whether trying again later, unchanged, may work.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, QueueError::Unavailable(_) | QueueError::Suspended)
    }
}

impl From<RedisError> for QueueError {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::ReadOnly,
            ) => QueueError::Unavailable(error),
            _ => QueueError::Refused(error),
        }
    }
}
