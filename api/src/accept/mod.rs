//! Accepting writes: durable in one group commit, acknowledged at once.
//!
//! `submit` puts a write into its tenant's line; a task per busy tenant takes what has gathered
//! there and commits it together (`batch`). While one commit is under way the next batch
//! gathers, so batches are of one when idle and large under pressure, without a timer.

mod batch;
mod bulk;
mod claim;
mod components;
mod knowledge;
mod line;
mod membership;
mod plan;
mod rows;
mod settle;
mod store_all;
mod turn;

pub use bulk::BulkOutcome;

use line::{Item, Lines};
use rollcall_shared::directory::{Lane, TenantId};
use rollcall_shared::queue::Queues;
use rollcall_shared::scim::bulk::Method;
use rollcall_shared::scim::{Body, Document, Patch, ResourceType, Rules, ScimError};
use rollcall_shared::store::PgPool;
use rollcall_shared::store::mappings::Mappings;
use rollcall_shared::telemetry::{Metrics, Operation};
use std::sync::Arc;
use tokio::sync::oneshot;
use uuid::Uuid;

/// Who writes, and how urgently.
#[derive(Debug, Clone)]
pub struct Writer {
    pub tenant: TenantId,
    pub token: Uuid,
    /// The token's source label: the namespace of its externalIds.
    pub source: Arc<str>,
    /// By what its bodies are read.
    pub rules: Rules,
    pub lane: Lane,
    /// Keep what becomes of a single write for who asks later.
    pub keeps_result: bool,
    /// `traceparent` of the request, where it is traced.
    pub traceparent: Option<Arc<str>>,
}

/// A validated write.
#[derive(Debug, Clone)]
pub enum Write {
    Create {
        kind: ResourceType,
        id: Uuid,
        body: Arc<Body>,
    },
    Replace {
        kind: ResourceType,
        id: Uuid,
        body: Arc<Body>,
        if_match: Option<String>,
    },
    Patch {
        kind: ResourceType,
        id: Uuid,
        patch: Arc<Patch>,
        if_match: Option<String>,
    },
    Delete {
        kind: ResourceType,
        id: Uuid,
        if_match: Option<String>,
    },
}

impl Write {
    /// The resource written to.
    pub fn id(&self) -> Uuid {
        match self {
            Write::Create { id, .. }
            | Write::Replace { id, .. }
            | Write::Patch { id, .. }
            | Write::Delete { id, .. } => *id,
        }
    }

    fn kind(&self) -> ResourceType {
        match self {
            Write::Create { kind, .. }
            | Write::Replace { kind, .. }
            | Write::Patch { kind, .. }
            | Write::Delete { kind, .. } => *kind,
        }
    }

    /// The method that asks for it.
    pub fn method(&self) -> Method {
        match self {
            Write::Create { .. } => Method::Post,
            Write::Replace { .. } => Method::Put,
            Write::Patch { .. } => Method::Patch,
            Write::Delete { .. } => Method::Delete,
        }
    }

    /// `changes.operation`.
    fn operation(&self) -> Operation {
        match self {
            Write::Create { .. } => Operation::Create,
            Write::Replace { .. } => Operation::Replace,
            Write::Patch { .. } => Operation::Patch,
            Write::Delete { .. } => Operation::Delete,
        }
    }
}

/// What was committed.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// As the client asked for it.
    pub method: Method,
    pub kind: ResourceType,
    pub id: Uuid,
    /// The receipt.
    pub txn: Uuid,
    pub version: i64,
    pub created_at: chrono::DateTime<chrono::Utc>,
    pub modified_at: chrono::DateTime<chrono::Utc>,
    pub document: Arc<Document>,
    /// Nothing new was asserted: the version stays.
    pub unchanged: bool,
}

/// Why nothing was committed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AcceptError {
    #[error(transparent)]
    Scim(#[from] ScimError),
    /// Postgres is out of reach or the line is full: 503 with `Retry-After`.
    #[error("the write could not be stored now")]
    Unavailable,
    /// Not attempted: an earlier operation of its bulk request used up `failOnErrors`.
    #[error("not attempted")]
    Skipped,
}

/// Limits of the accept path.
#[derive(Debug, Clone)]
pub struct AcceptConfig {
    /// Most writes in one commit.
    pub batch: usize,
    /// Most writes of one tenant waiting for their commit; over it, 503.
    pub line: usize,
}

impl Default for AcceptConfig {
    fn default() -> Self {
        AcceptConfig {
            batch: 256,
            line: 20_000,
        }
    }
}

/// The accept path; clones share it.
#[derive(Clone)]
pub struct Acceptor {
    lines: Arc<Lines>,
}

impl Acceptor {
    pub fn new(
        pool: PgPool,
        queues: Arc<Queues>,
        metrics: Arc<Metrics>,
        mappings: Arc<Mappings>,
        config: AcceptConfig,
    ) -> Acceptor {
        Acceptor {
            lines: Arc::new(Lines::new(pool, queues, metrics, mappings, config)),
        }
    }

    /// Commit one write; returns once it is durable.
    ///
    /// # Errors
    /// The SCIM error that refuses it, or that it could not be stored now.
    pub async fn submit(
        &self,
        writer: &Writer,
        txn: Uuid,
        index: i32,
        write: Write,
    ) -> Result<Accepted, AcceptError> {
        let (reply, answer) = oneshot::channel();
        self.lines.put(
            writer.tenant,
            vec![Item {
                writer: writer.clone(),
                txn,
                index,
                write,
                bulk: None,
                reply,
            }],
        )?;
        answer.await.unwrap_or(Err(AcceptError::Unavailable))
    }
}
