//! How many rows a transaction reads, for tests that bound it.

use sqlx::PgConnection;

/// Counts what one transaction reads, part by part.
pub(crate) struct RowsRead {
    before: i64,
    /// Whether Postgres knows how many rows there are; told when a bound is passed.
    known: bool,
}

impl RowsRead {
    /// Count from here on.
    pub(crate) async fn from_now(tx: &mut PgConnection, known: bool) -> RowsRead {
        RowsRead {
            before: so_far(tx).await,
            known,
        }
    }

    /// Something was read since the last part was looked at, and at most this many rows.
    pub(crate) async fn within(&mut self, tx: &mut PgConnection, most: i64, what: &str) {
        let read = self.since(tx).await;
        assert!(read > 0, "nothing was counted for {what}");
        assert!(read <= most, "{what} read {read} rows (known: {})", self.known);
    }

    /// Rows read since the last part was looked at.
    pub(crate) async fn since(&mut self, tx: &mut PgConnection) -> i64 {
        let now = so_far(tx).await;
        let read = now - self.before;
        self.before = now;
        read
    }
}

/// Rows read of indexes and in sequence; of indexes Postgres has no view for one transaction.
async fn so_far(tx: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select ((select sum(coalesce(pg_stat_get_xact_tuples_returned(indexrelid), 0)) from pg_stat_user_indexes)
            + (select sum(seq_tup_read) from pg_stat_xact_user_tables))::bigint",
    )
    .fetch_one(tx)
    .await
    .unwrap()
}
