//! `migrations`: every migration can be reverted, and reverting leaves nothing behind.

use anyhow::{Result, ensure};
use devstack::{PrivatePostgres, migrator};
use sqlx::{Connection, PgConnection};
use std::process::ExitCode;

/// Everything a migration can make in the schema `public`, one line each, with its definition.
/// sqlx's own ledger is not ours.
const SCHEMA: &str = "
    select line from (
        select 'relation ' || relkind::text || ' ' || relname as line
        from pg_class where relnamespace = 'public'::regnamespace and relname not like '\\_sqlx%'
      union all
        select 'column ' || attrelid::regclass || ' ' || attname || ' '
               || format_type(atttypid, atttypmod) || ' ' || attnotnull || ' ' || attidentity::text || attgenerated::text
               || ' ' || attcollation::regcollation || ' '
               || coalesce(pg_get_expr(adbin, adrelid), '')
        from pg_attribute
        join pg_class on pg_class.oid = attrelid
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where relnamespace = 'public'::regnamespace and relname not like '\\_sqlx%'
          and attnum > 0 and not attisdropped
      union all
        select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        from pg_constraint
        where connamespace = 'public'::regnamespace and conrelid::regclass::text not like '%\\_sqlx%'
      union all
        select 'index ' || indexdef from pg_indexes
        where schemaname = 'public' and tablename not like '\\_sqlx%'
      union all
        select 'function ' || pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
      union all
        select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
      union all
        select 'policy ' || polrelid::regclass || ' ' || polname from pg_policy
      union all
        select 'type ' || typname from pg_type
        where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'r')
    ) lines order by line";

pub(crate) async fn migrations() -> Result<ExitCode> {
    let postgres = PrivatePostgres::start().await?;
    postgres.create_database("migrations").await?;
    let mut connection = PgConnection::connect(&postgres.url_of("migrations")).await?;
    let migrator = migrator().await?;
    let mut versions: Vec<i64> = migrator.iter().map(|migration| migration.version).collect();
    versions.sort_unstable();
    versions.dedup();
    ensure!(!versions.is_empty(), "there are no migrations");

    // Up, noting the schema before each step, so that going down can be compared step by step.
    let mut before = Vec::new();
    for &version in &versions {
        before.push(schema(&mut connection).await?);
        migrator.run_to(version, &mut connection).await?;
    }
    let complete = schema(&mut connection).await?;
    for (step, &version) in versions.iter().enumerate().rev() {
        let previous = step.checked_sub(1).map_or(0, |step| versions[step]);
        migrator.undo(&mut connection, previous).await?;
        same(
            &before[step],
            &schema(&mut connection).await?,
            &format!("reverting {version}"),
        )?;
    }
    migrator.run(&mut connection).await?;
    same(
        &complete,
        &schema(&mut connection).await?,
        "applying all of them again",
    )?;
    println!(
        "{} migrations go up, down and up again ({} schema lines)",
        versions.len(),
        complete.len()
    );
    Ok(ExitCode::SUCCESS)
}

async fn schema(connection: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(SCHEMA).fetch_all(connection).await?)
}

fn same(wanted: &[String], found: &[String], after: &str) -> Result<()> {
    let missing: Vec<&String> = wanted.iter().filter(|line| !found.contains(line)).collect();
    let extra: Vec<&String> = found.iter().filter(|line| !wanted.contains(line)).collect();
    ensure!(
        missing.is_empty() && extra.is_empty(),
        "after {after} the schema differs\n  missing: {missing:#?}\n  left over: {extra:#?}"
    );
    Ok(())
}
