//! The floor: plain SQL writing the product's rows, under the same constraints and indexes, in
//! batches on one connection, with nothing decided, read or sent over HTTP.

use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use super::rows::{Batched, Row};

/// Changes or people per transaction.
pub(super) const BATCH: usize = 500;

const SCHEMA: &str = "bench_floor";
const TABLES: [&str; 12] = [
    "scim_resources",
    "scim_members",
    "scim_keys",
    "team_names",
    "changes",
    "pending",
    "people",
    "teams",
    "team_members",
    "reporting_lines",
    "waiters",
    "history",
];

/// Empty copies of the tables in a schema of their own.
pub(super) struct Scratch {
    connection: PgConnection,
}

impl Scratch {
    pub(super) async fn create(pool: &PgPool, database_url: &str) -> Result<Scratch> {
        let keys: Vec<(String, String)> = sqlx::query_as(
            "select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
             where contype = 'f' and conrelid = any (select c::regclass from unnest($1::text[]) as c)",
        )
        .bind(TABLES.as_slice())
        .fetch_all(pool)
        .await?;
        let mut connection = PgConnection::connect(database_url).await?;
        let mut script = format!("drop schema if exists {SCHEMA} cascade; create schema {SCHEMA};");
        for table in TABLES {
            script += &format!("create table {SCHEMA}.{table} (like public.{table} including all);");
        }
        script += &format!("set search_path = {SCHEMA};");
        for (table, definition) in keys {
            script += &format!("alter table {table} add {definition};");
        }
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(&mut connection)
            .await?;
        Ok(Scratch { connection })
    }

    /// How long it takes to write `tables` batch by batch.
    pub(super) async fn write(&mut self, tables: &[Batched]) -> Result<Duration> {
        let batches = batches(tables, insert);
        self.run(batches).await
    }

    /// The same, the rows of `pending` being deleted in the batch that applies them.
    pub(super) async fn write_and_settle(
        &mut self,
        tables: &[Batched],
        pending: &Batched,
    ) -> Result<Duration> {
        let mut all = batches(tables, insert);
        let settled = batches(std::slice::from_ref(pending), settle);
        all.resize_with(all.len().max(settled.len()), Vec::new);
        for (batch, settled) in all.iter_mut().zip(settled) {
            batch.extend(settled);
        }
        self.run(all).await
    }

    async fn run(&mut self, batches: Vec<Vec<Statement>>) -> Result<Duration> {
        let started = Instant::now();
        for batch in &batches {
            let mut transaction = self.connection.begin().await?;
            for statement in batch {
                let mut query = sqlx::query(AssertSqlSafe(statement.sql.clone()));
                for column in &statement.columns {
                    query = query.bind(column);
                }
                query.execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        Ok(started.elapsed())
    }

    pub(super) async fn drop(mut self) -> Result<()> {
        let script = format!("drop schema {SCHEMA} cascade");
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(&mut self.connection)
            .await?;
        self.connection.close().await?;
        Ok(())
    }
}

struct Statement {
    sql: String,
    /// One array per column.
    columns: Vec<Vec<Option<String>>>,
}

fn batches(tables: &[Batched], statement: fn(&Batched) -> String) -> Vec<Vec<Statement>> {
    let count = tables
        .iter()
        .flat_map(|table| &table.batch_of)
        .max()
        .map_or(0, |last| last + 1);
    let mut batches: Vec<Vec<Statement>> = (0..count).map(|_| Vec::new()).collect();
    for table in tables {
        let sql = statement(table);
        let mut rows: Vec<Vec<&Row>> = vec![Vec::new(); count];
        for (row, batch) in table.table.rows.iter().zip(&table.batch_of) {
            rows[*batch].push(row);
        }
        for (batch, rows) in rows.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            let column = |place: usize| rows.iter().map(|row| row[place].clone()).collect();
            let columns = (0..table.table.columns.len()).map(column).collect();
            batches[batch].push(Statement {
                sql: sql.clone(),
                columns,
            });
        }
    }
    batches
}

fn insert(rows: &Batched) -> String {
    let columns = &rows.table.columns;
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<String> = columns
        .iter()
        .map(|(name, kind)| format!("r.{name}::{kind}"))
        .collect();
    let (table, names) = (rows.table.name, names.join(", "));
    format!(
        "insert into {table} ({names}) select {} from {}",
        values.join(", "),
        unnest(rows)
    )
}

/// Deletes by primary key.
fn settle(rows: &Batched) -> String {
    let keys = ["tenant_id", "key_kind", "key_id", "member", "seq"];
    let columns = rows
        .table
        .columns
        .iter()
        .filter(|(name, _)| keys.contains(&name.as_str()));
    let equal: Vec<String> = columns
        .map(|(name, kind)| format!("p.{name} = r.{name}::{kind}"))
        .collect();
    format!(
        "delete from pending p using {} where {}",
        unnest(rows),
        equal.join(" and ")
    )
}

fn unnest(rows: &Batched) -> String {
    let arrays: Vec<String> = (1..=rows.table.columns.len())
        .map(|place| format!("${place}::text[]"))
        .collect();
    let names: Vec<&str> = rows.table.columns.iter().map(|(name, _)| name.as_str()).collect();
    format!("unnest({}) as r ({})", arrays.join(", "), names.join(", "))
}
