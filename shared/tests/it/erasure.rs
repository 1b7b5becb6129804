//! The schema keeps what docs/adr/0014 decides.

use devstack::TestDatabase;
use rollcall_shared::store::erasure::{IMPERSONAL, PERSONAL};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;

fn listed(columns: &[(&str, &[&str])]) -> BTreeSet<String> {
    let of_table = |(table, columns): &(&str, &[&str])| {
        let table = (*table).to_owned();
        columns
            .iter()
            .map(move |column| format!("{table}.{column}"))
            .collect::<Vec<_>>()
    };
    columns.iter().flat_map(of_table).collect()
}

/// A value can be in any column whose type is not a number, a truth, a time or an id.
#[tokio::test]
async fn column_that_could_hold_a_value_is_erased_or_known_never_to_hold_one() {
    let database = TestDatabase::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let columns: Vec<String> = sqlx::query_scalar(
        "select format('%s.%s', c.table_name, c.column_name) from information_schema.columns c
         join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
         where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name <> '_sqlx_migrations'
           and not (select relispartition from pg_class where oid = format('public.%I', c.table_name)::regclass)
           and c.data_type not in ('smallint', 'integer', 'bigint', 'boolean', 'uuid', 'timestamp with time zone',
               'real', 'double precision')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let found: BTreeSet<String> = columns.into_iter().collect();
    assert!(
        found.contains("people.birthday") && found.contains("wakes.keys"),
        "{found:?}"
    );
    let (personal, impersonal) = (listed(PERSONAL), listed(IMPERSONAL));
    let both: Vec<_> = personal.intersection(&impersonal).collect();
    assert!(both.is_empty(), "on both lists: {both:?}");
    let known: BTreeSet<String> = personal.union(&impersonal).cloned().collect();
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "may these hold a value of a person's? Say so in shared/src/store/erasure/columns.rs, and have them \
         emptied: {unknown:?}"
    );
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "there are no such columns any more: {gone:?}");
}
