//! Rows the product has written, read back so that plain SQL can write the very same.

use std::collections::HashMap;

use anyhow::Result;
use sqlx::{AssertSqlSafe, PgPool};

/// A table's rows as text.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Name and type.
    pub(super) columns: Vec<(String, String)>,
    pub(super) rows: Vec<Row>,
}

pub(super) type Row = Vec<Option<String>>;

impl Table {
    /// All rows of `tenant` in the table, by `order`. Columns the server fills are left out.
    pub(super) async fn read(pool: &PgPool, name: &'static str, order: &str, tenant: i64) -> Result<Table> {
        let columns: Vec<(String, String)> = sqlx::query_as(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute
             where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = ''
             order by attnum",
        )
        .bind(name)
        .fetch_all(pool)
        .await?;
        let cast: Vec<String> = columns
            .iter()
            .map(|(column, _)| format!("{column}::text"))
            .collect();
        let query = format!(
            "select array[{}] from {name} where tenant_id = $1 order by {order}",
            cast.join(", ")
        );
        let rows = sqlx::query_scalar(AssertSqlSafe(query))
            .bind(tenant)
            .fetch_all(pool)
            .await?;
        Ok(Table { name, columns, rows })
    }

    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| column == name)
    }

    /// The values of one column, missing ones as empty text.
    pub(super) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let place = self.column(name);
        self.rows
            .iter()
            .map(move |row| place.and_then(|place| row[place].as_deref()).unwrap_or_default())
    }

    fn numbers(&self, name: &str) -> Vec<i64> {
        self.values(name)
            .map(|value| value.parse().unwrap_or_default())
            .collect()
    }
}

/// What accepting wrote, with the batch each row belongs to.
pub(super) struct Batched {
    pub(super) table: Table,
    pub(super) batch_of: Vec<usize>,
}

/// The rows accepting left, in batches of `size` changes.
pub(super) async fn accepted(pool: &PgPool, tenant: i64, size: usize) -> Result<Vec<Batched>> {
    let changes = Table::read(pool, "changes", "seq", tenant).await?;
    let seqs = changes.numbers("seq");
    let batch_of = |seq: &i64| seqs.partition_point(|other| other < seq) / size;
    let mut tables = Vec::new();
    for (name, column) in [
        ("scim_resources", "seq"),
        ("scim_members", "asserted_seq"),
        ("scim_keys", "from_seq"),
        ("team_names", "first_seq"),
        ("changes", "seq"),
        ("pending", "seq"),
    ] {
        let table = Table::read(pool, name, column, tenant).await?;
        let batch_of = table.numbers(column).iter().map(batch_of).collect();
        tables.push(Batched { table, batch_of });
    }
    Ok(tables)
}

/// The rows applying left, in batches of `size` people; whoever a row refers to is written in
/// the same batch or before.
pub(super) async fn applied(pool: &PgPool, tenant: i64, size: usize) -> Result<Vec<Batched>> {
    let people = Table::read(pool, "people", "applied_seq", tenant).await?;
    let batches = people.rows.len().div_ceil(size).max(1);
    let place: HashMap<String, usize> = people
        .values("id")
        .enumerate()
        .map(|(place, id)| (id.to_owned(), place / size))
        .collect();
    let of = |id: &str| place.get(id).copied();
    let spread = |row: usize, rows: usize| row * batches / rows.max(1);

    let teams = Table::read(pool, "teams", "id", tenant).await?;
    let members = Table::read(pool, "team_members", "since, person_id", tenant).await?;
    let lines = Table::read(pool, "reporting_lines", "since, person_id", tenant).await?;
    let waiters = Table::read(pool, "waiters", "since", tenant).await?;
    let history = Table::read(pool, "history", "id", tenant).await?;

    let member_batches = members
        .values("person_id")
        .map(|id| of(id).unwrap_or(batches))
        .collect();
    let line_batches = (lines.values("person_id").zip(lines.values("manager_id")))
        .map(|(person, manager)| of(person).max(of(manager)).unwrap_or(batches))
        .collect();
    let waiter_batches = waiters
        .values("subject_id")
        .map(|id| of(id).unwrap_or(batches - 1))
        .collect();
    let rows = history.rows.len();
    let history_batches = (history.values("key_id").enumerate())
        .map(|(row, id)| of(id).unwrap_or_else(|| spread(row, rows)))
        .collect();
    Ok(vec![
        Batched {
            batch_of: people.values("id").map(|id| of(id).unwrap_or(0)).collect(),
            table: people,
        },
        Batched {
            batch_of: vec![0; teams.rows.len()],
            table: teams,
        },
        Batched {
            batch_of: member_batches,
            table: members,
        },
        Batched {
            batch_of: line_batches,
            table: lines,
        },
        Batched {
            batch_of: waiter_batches,
            table: waiters,
        },
        Batched {
            batch_of: history_batches,
            table: history,
        },
    ])
}

/// `pending` as it was before it was worked off: a row for every key that was applied.
pub(super) async fn pending_of(pool: &PgPool, history: &Batched) -> Result<Batched> {
    let mut table = Table::read(pool, "pending", "seq", -1).await?;
    let mut batch_of = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let source = &history.table;
    for (row, batch) in source.rows.iter().zip(&history.batch_of) {
        let from = |name: &str| source.column(name).and_then(|place| row[place].clone());
        // A link that settled later had no outbox row of its own.
        if from("cause").as_deref() != Some("apply") {
            continue;
        }
        let at = from("applied_at");
        let pending: Row = table
            .columns
            .iter()
            .map(|(column, _)| match column.as_str() {
                "lane" => Some("2".to_owned()),
                "accepted_at" | "due_at" => at.clone(),
                name => from(name),
            })
            .collect();
        if seen.insert(pending[..5.min(pending.len())].to_vec()) {
            table.rows.push(pending);
            batch_of.push(*batch);
        }
    }
    Ok(Batched { table, batch_of })
}
