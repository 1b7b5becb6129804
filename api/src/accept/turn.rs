//! A tenant's turns at writing. While one transaction commits, the next one of the process waits for the tenant's lock
//! in the database already: nothing goes back and forth while nobody has it.

use rollcall_shared::directory::TenantId;
use rollcall_shared::store::accept as store;
use rollcall_shared::store::{PgPool, Postgres, StoreError, Transaction};
use tokio::task::JoinHandle;

/// A transaction of the tenant's only writer.
type Turn = Transaction<'static, Postgres>;

pub(super) struct Turns {
    pool: PgPool,
    tenant: TenantId,
    next: Option<JoinHandle<Result<Turn, StoreError>>>,
}

impl Turns {
    pub(super) fn new(pool: PgPool, tenant: TenantId) -> Turns {
        Turns {
            pool,
            tenant,
            next: None,
        }
    }

    /// The next turn, once the one before it is over.
    ///
    /// # Errors
    /// When Postgres is out of reach.
    pub(super) async fn take(&mut self) -> Result<Turn, StoreError> {
        if let Some(next) = self.next.take()
            && let Ok(Ok(turn)) = next.await
        {
            return Ok(turn);
        }
        // What kept the one in line from beginning may be over.
        store::begin(&self.pool, self.tenant).await
    }

    /// Line up for the next turn, unless others need the connection.
    pub(super) fn line_up(&mut self) {
        let spare = self.pool.num_idle() > 0 || self.pool.size() < self.pool.options().get_max_connections();
        if spare && self.next.is_none() {
            let (pool, tenant) = (self.pool.clone(), self.tenant);
            self.next = Some(tokio::spawn(async move { store::begin(&pool, tenant).await }));
        }
    }
}
