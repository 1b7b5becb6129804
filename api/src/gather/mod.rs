//! Reads of single Users, gathered under load: those that wait are answered together, by one set of statements.

mod fetch;
mod line;

use fetch::{Asked, By, Users};
use line::Lines;
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::Derived;
use rollcall_shared::store::search::{Claim, Stored};
use rollcall_shared::store::{PgPool, StoreError};
use std::sync::Arc;
use uuid::Uuid;

/// The way to single Users. What is asked after a write was acknowledged sees that write.
pub(crate) struct Gather {
    lines: Arc<Lines<Users>>,
}

/// A live User.
#[derive(Debug)]
pub(crate) struct User {
    pub resource: Stored,
    /// Empty unless somebody asked for it.
    pub derived: Derived,
}

/// Why there is no answer. Whoever was to be answered by the same statements gets the same error.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum GatherError {
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    #[error("a gathered read panicked")]
    Panicked,
}

impl Gather {
    /// Over connections for batches ([`Plans::ByKey`](rollcall_shared::store::Plans::ByKey)).
    pub(crate) fn new(pool: PgPool) -> Gather {
        Gather {
            lines: Arc::new(Lines::new(Users { pool })),
        }
    }

    /// Give its connections back.
    pub(crate) async fn close(&self) {
        self.lines.source().pool.close().await;
    }

    /// The live User of this id; with its groups and managers if they are wanted.
    ///
    /// # Errors
    /// When Postgres cannot answer.
    pub(crate) async fn user(
        &self,
        tenant: TenantId,
        id: Uuid,
        derived: bool,
    ) -> Result<Option<Arc<User>>, GatherError> {
        let by = By::Id(id);
        let found = self.lines.ask(tenant, Asked { by, derived }).await?;
        Ok(found.into_iter().next())
    }

    /// The live Users that hold this claim, in the order in which they were created.
    ///
    /// # Errors
    /// When Postgres cannot answer.
    pub(crate) async fn holders(
        &self,
        tenant: TenantId,
        claim: Claim,
        derived: bool,
    ) -> Result<Vec<Arc<User>>, GatherError> {
        let by = By::Claim(claim);
        self.lines.ask(tenant, Asked { by, derived }).await
    }
}
