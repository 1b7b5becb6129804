use crate::error::Failure;
use crate::state::App;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::StoreError;
use rollcall_shared::store::live::{self, Applied};
use rollcall_shared::store::periods::number_of;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what was read is the same for everybody who looks.
const LASTS: Duration = Duration::from_secs(1);
/// Changes kept of a tenant.
const KEPT: usize = 200;
/// Rows of the deployment's history that are looked through for a tenant's when nobody looked before.
const FAR: i64 = 50_000;
/// Rows looked through again, because of two transactions the later one may have the earlier ids.
const AGAIN: i64 = 2_000;

/// The newest changes of each tenant somebody looks at, read once a second however many look.
#[derive(Default)]
pub(crate) struct Recent(Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<Last>>>>);

#[derive(Default)]
struct Last {
    read: Option<Instant>,
    head: i64,
    changes: Arc<Vec<Applied>>,
}

impl Recent {
    /// A tenant's newest changes, the newest first.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub(super) async fn take(&self, app: &App, tenant: TenantId) -> Result<Arc<Vec<Applied>>, Failure> {
        let last = {
            let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tenants.entry(tenant).or_default())
        };
        let mut last = last.lock().await;
        if last.read.is_some_and(|read| read.elapsed() < LASTS) {
            return Ok(Arc::clone(&last.changes));
        }
        let read = Instant::now();
        let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
        let head = live::head(&mut connection).await?;
        let above = above(head, &last);
        let new = live::newest(&mut connection, tenant, above, KEPT as i64).await?;
        last.changes = Arc::new(merged(new, &last.changes));
        last.read = Some(read);
        last.head = head;
        Ok(Arc::clone(&last.changes))
    }
}

/// After which row to read. From one period of the ledger to the next, ids jump.
fn above(head: i64, last: &Last) -> i64 {
    let again = last.head - AGAIN;
    match last.read.is_some() && number_of(last.head) != number_of(head) {
        true => again,
        false => again.max(head - FAR),
    }
}

/// What was read now, and of what was read before what that did not reach.
fn merged(mut new: Vec<Applied>, old: &[Applied]) -> Vec<Applied> {
    let ids: HashSet<i64> = new.iter().map(|applied| applied.id).collect();
    new.extend(old.iter().filter(|applied| !ids.contains(&applied.id)).cloned());
    new.sort_by_key(|applied| std::cmp::Reverse(applied.id));
    new.truncate(KEPT);
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn above_over_the_end_of_a_period_goes_on_from_what_was_read_before() {
        let last = |head| Last {
            read: Some(Instant::now()),
            head,
            ..Last::default()
        };
        assert_eq!(above(100_000, &Last::default()), 50_000);
        assert_eq!(above(100_000, &last(99_000)), 97_000);
        assert_eq!(above(100_000, &last(10_000)), 50_000);
        assert_eq!(above((1 << 40) + 5, &last(99_000)), 97_000);
        assert_eq!(above((1 << 40) + 5, &Last::default()), (1 << 40) + 5 - FAR);
    }

    fn applied(id: i64) -> Applied {
        Applied {
            id,
            at: DateTime::UNIX_EPOCH,
            cause: "apply".to_owned(),
            person: None,
            team: None,
            fields: vec![],
            status: None,
            left: false,
            made: false,
            deleted: false,
            txn: None,
        }
    }

    #[test]
    fn merged_changes_are_each_there_once_in_order_and_bounded() {
        let ids = |changes: &[Applied]| changes.iter().map(|applied| applied.id).collect::<Vec<_>>();
        let old: Vec<Applied> = [7, 5, 3].map(applied).into();
        // 4 was committed later than 5.
        let new: Vec<Applied> = [8, 7, 5, 4].map(applied).into();
        assert_eq!(ids(&merged(new, &old)), [8, 7, 5, 4, 3]);
        let many: Vec<Applied> = (1..=300).rev().map(applied).collect();
        let kept = merged(many, &old);
        assert_eq!((kept.len(), kept[0].id, kept[199].id), (200, 300, 101));
    }
}
