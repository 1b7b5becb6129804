//! Every table can be cut by tenant, or it is known why not (docs/guides/sizing.md).

use devstack::TestDatabase;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;

/// Tables whose primary key does not begin with the tenant.
const EXCEPTIONS: [(&str, &str); 8] = [
    ("tenants", "a row is a tenant"),
    ("secrets", "shared by all processes, whatever the tenant"),
    ("event_keys", "one key signs the events of all tenants"),
    (
        "queue_samples",
        "of the deployment's queues, which all tenants share",
    ),
    (
        "pace_samples",
        "of what the deployment accepts and applies, beside queue_samples",
    ),
    (
        "ledger_periods",
        "of the deployment's ledger, which is cut for all tenants at once",
    ),
    (
        "history",
        "appended to by every apply, and read by its indexes, which do begin with the tenant",
    ),
    (
        "wakes",
        "short-lived, and taken over from workers that died in order of age, whatever the tenant",
    ),
];

#[tokio::test]
async fn primary_key_of_every_table_begins_with_the_tenant_but_for_known_reasons() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let first = "select c.relname::text, (
            select a.attname::text from pg_index i
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where i.indrelid = c.oid and i.indisprimary)
        from pg_class c where c.relkind in ('r', 'p') and not c.relispartition
        and c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations'";
    let tables: Vec<(String, Option<String>)> =
        sqlx::query_as(first).fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let other: BTreeSet<&str> = tables
        .iter()
        .filter(|(_, column)| column.as_deref() != Some("tenant_id"))
        .map(|(table, _)| table.as_str())
        .collect();
    assert_eq!(other, EXCEPTIONS.map(|(table, _)| table).into());
}

#[tokio::test]
async fn foreign_key_between_tables_of_tenants_carries_the_tenant() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let without = "select conrelid::regclass::text || '.' || conname from pg_constraint
        where contype = 'f' and connamespace = 'public'::regnamespace
        and not exists (select from pg_attribute a
            where a.attrelid = conrelid and a.attnum = any (conkey) and a.attname = 'tenant_id')";
    let without: Vec<String> = sqlx::query_scalar(without)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(without.is_empty(), "{without:?}");
}
