//! What a change of one member reads does not depend on how many there are.

use super::*;
use rollcall_shared::store::accept::{self, MemberRow};
use rollcall_shared::store::links;

const LARGE: u128 = 100_000;

impl Fixture {
    /// A group with this many members that are also applied.
    async fn group_of(&mut self, seq: u128, members: u128) -> Uuid {
        let group = json!({"displayName": format!("group {seq}")});
        let id = self.store(TENANT, ResourceType::Group, seq, group).await;
        for statement in [
            "insert into people (tenant_id, id, resource_id, status, applied_mapping, applied_seq)
             select 1, lpad(to_hex(n), 32, '0')::uuid, $1, 'active', 1, 1
             from generate_series(1, $2) n on conflict do nothing",
            "insert into teams (tenant_id, id, kind, name, applied_seq)
             select 1, $1, 'group', 'group', $2",
            "insert into scim_members (tenant_id, group_id, member, value, asserted_seq)
             select 1, $1, n || '-' || $2, n || '-' || $2, n from generate_series(1, $2) n",
            "insert into team_members (tenant_id, team_id, person_id, source)
             select 1, $1, lpad(to_hex(n), 32, '0')::uuid, 'member:' || n || '-' || $2 from generate_series(1, $2) n",
        ] {
            sqlx::query(statement)
                .bind(id)
                .bind(i64::try_from(members).unwrap())
                .execute(&mut self.connection)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        id
    }

    /// Rows read of each table by what accepting and applying a change of one member runs.
    async fn rows_read(&mut self, group: Uuid, members: u128) -> Vec<(String, i64, i64)> {
        let mut transaction = self.connection.begin().await.unwrap();
        let conn = &mut *transaction;
        let before = counters(conn).await;
        let row = |member: &str| MemberRow {
            group_id: group,
            member: member.to_owned(),
            value: member.to_owned(),
            attributes: None,
        };
        let (old, new) = (format!("5-{members}"), format!("new-{members}"));
        let names = [old.clone(), new.clone()];
        let stored = accept::live_resources(conn, TENANT, &[group]).await.unwrap();
        let known = accept::some_members(conn, TENANT, &[group, group], &names)
            .await
            .unwrap();
        assert_eq!((stored.len(), known.len()), (1, 1));
        let resources: Vec<_> = stored.into_values().collect();
        accept::update_resources(conn, TENANT, &resources).await.unwrap();
        accept::insert_members(conn, TENANT, &[row(&new)], &[9])
            .await
            .unwrap();
        accept::delete_members(conn, TENANT, &[group], std::slice::from_ref(&old))
            .await
            .unwrap();
        let keys = [(group, old), (group, new)];
        let asserted = links::asserted_members(conn, TENANT, &keys).await.unwrap();
        let applied = links::member_rows(conn, TENANT, &keys).await.unwrap();
        assert_eq!((asserted.len(), applied.len()), (1, 1));
        let after = counters(conn).await;
        transaction.rollback().await.unwrap();
        let read = after.into_iter().zip(before);
        read.map(|((table, scanned, fetched), before)| (table, scanned - before.1, fetched - before.2))
            .collect()
    }
}

/// Rows read by scans and through indexes, as this connection has counted so far.
async fn counters(conn: &mut PgConnection) -> Vec<(String, i64, i64)> {
    let counters =
        "select relname::text, seq_tup_read, coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
         where relname in ('scim_resources', 'scim_members', 'team_members') order by relname";
    sqlx::query_as(counters).fetch_all(conn).await.unwrap()
}

#[tokio::test]
async fn member_changed_in_a_group_of_100_000_reads_as_many_rows_as_in_a_group_of_10() {
    let mut fixture = Fixture::new().await;
    let large = fixture.group_of(900_001, LARGE).await;
    let small = fixture.group_of(900_002, 10).await;
    // Enough others that no plan is made for a table of two rows.
    for seq in 1..=500 {
        let group = json!({"displayName": format!("other {seq}")});
        fixture.store(TENANT, ResourceType::Group, seq, group).await;
    }
    sqlx::query("vacuum analyze")
        .execute(&mut fixture.connection)
        .await
        .unwrap();
    let (in_small, in_large) = (
        fixture.rows_read(small, 10).await,
        fixture.rows_read(large, LARGE).await,
    );
    assert_eq!(in_large, in_small);
    assert!(
        in_large.iter().all(|(_, scanned, _)| *scanned == 0),
        "{in_large:?}"
    );
}
