//! How large the tables are, and how much of them is dead: what vacuum has not cleaned up yet.

use super::{PgConnection, StoreError};

/// Room a table takes; of a partitioned one, the sum of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    pub name: String,
    /// Bytes of rows, with what of them is stored out of line; without indexes.
    pub bytes: i64,
    pub index_bytes: i64,
    /// Rows that live, as Postgres estimates them.
    pub rows: i64,
    /// Rows that nobody can see any more and whose room is not free yet, as Postgres estimates them.
    pub dead_rows: i64,
}

/// Sizes of those of `tables` that exist, in order of their names. Reads the catalog, the files' lengths and
/// Postgres's statistics, no rows.
///
/// # Errors
/// When the statement fails.
pub async fn table_sizes(
    connection: &mut PgConnection,
    tables: &[&str],
) -> Result<Vec<TableSize>, StoreError> {
    // Statistics are lost in a crash and begin at 0 on a standby that is promoted: until a vacuum or analyze counts
    // anew, what the last one left in the catalog is nearer to the truth.
    Ok(sqlx::query_as!(
        TableSize,
        r#"with recursive parts as (
               select relname, oid as part from pg_class
               where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname = any($1)
               union all
               select p.relname, i.inhrelid from parts p join pg_inherits i on i.inhparent = p.part),
           counted as (
               select parts.relname, part, c.relkind, c.reltuples, pg_stat_get_live_tuples(part) as live,
                      coalesce(pg_stat_get_last_vacuum_time(part), pg_stat_get_last_autovacuum_time(part),
                               pg_stat_get_last_analyze_time(part), pg_stat_get_last_autoanalyze_time(part)) as at
               from parts join pg_class c on c.oid = part)
           select relname::text as "name!",
                  coalesce(sum(pg_table_size(part)), 0)::bigint as "bytes!",
                  coalesce(sum(pg_indexes_size(part)), 0)::bigint as "index_bytes!",
                  coalesce(sum(case when at is null then greatest(reltuples, live) else live end)
                      filter (where relkind = 'r'), 0)::bigint as "rows!",
                  coalesce(sum(pg_stat_get_dead_tuples(part)), 0)::bigint as "dead_rows!"
           from counted group by relname order by relname"#,
        tables as &[&str]
    )
    .fetch_all(connection)
    .await?)
}
