//! The schema keeps what docs/adr/0006 decides.

use devstack::TestDatabase;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn tenant_column_of_every_table_is_left_out_of_the_statistics() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let columns = "select c.relname::text, a.attstattarget::int from pg_attribute a
        join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
        where a.attname = 'tenant_id' order by 1";
    let columns: Vec<(String, i32)> = sqlx::query_as(columns).fetch_all(&mut connection).await.unwrap();
    assert!(columns.len() > 10, "{columns:?}");
    let forgotten: Vec<_> = columns.iter().filter(|(_, target)| *target != 0).collect();
    assert!(
        forgotten.is_empty(),
        "add `alter table … alter column tenant_id set statistics 0`: {forgotten:?}"
    );
}
