//! Compares the directory in Postgres with what it must hold, row by row, both ways.

mod actual;
mod columns;
mod difference;

use anyhow::Result;
use sqlx::PgPool;

use crate::expect::{Directory, Want};

pub(crate) use actual::tenant_id;
pub(crate) use difference::Difference;

/// What was looked at, and what was not as it must be.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Rows found, per table.
    pub(crate) found: Vec<(&'static str, usize)>,
    pub(crate) differences: Vec<Difference>,
}

/// Reads every row of the tenant's directory and compares it.
pub(crate) async fn compare(pool: &PgPool, tenant: i64, expected: &Directory<Want>) -> Result<Comparison> {
    let actual = actual::read(pool, tenant).await?;
    let found = actual
        .directory
        .tables()
        .map(|(table, rows)| (table, rows.len()))
        .to_vec();
    let mut differences = difference::between(expected, &actual.directory);
    differences.extend(actual.oddities);
    Ok(Comparison { found, differences })
}

impl Comparison {
    /// The counts, and the first of the differences.
    pub(crate) fn print(&self) {
        let found: Vec<String> = self
            .found
            .iter()
            .map(|(table, rows)| format!("{rows} {table}s"))
            .collect();
        println!("compared           {}", found.join(", "));
        println!("differences        {}", self.differences.len());
        for difference in self.differences.iter().take(20) {
            println!("  {difference}");
        }
        if self.differences.len() > 20 {
            println!("  … and {} more", self.differences.len() - 20);
        }
    }
}
