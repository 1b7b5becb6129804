//! Listing receipts costs the same however long the ledger is.

use crate::rows_read::RowsRead;
use chrono::{DateTime, Utc};
use devstack::TestDatabase;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::receipt_list::{self, Among, Filter, LOOKED};
use rollcall_shared::store::receipts;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const TENANT: TenantId = TenantId(1);
const CHANGES: i64 = 300_000;
/// Rows that looking at one row of the ledger may read.
const BESIDE: i64 = 4;

/// A change a second. Resource n has every thousandth change; the thousand newest are pending, and one in
/// ten thousand waits or was rejected. One in a hundred asserted nothing new; one client wrote a single time.
const LEDGER: [&str; 5] = [
    "insert into changes (tenant_id, seq, txn, resource_id, directory_id, kind, operation, unchanged, attributes, version,
         token_id, accepted_at)
     select 1, n, to_hex_id(n), to_hex_id(n % 1000), to_hex_id(n % 1000), 1, 'replace', n % 100 = 0, '{}', 1,
         to_hex_id(case n when 7 then 1 else 2 end), timestamptz '2024-01-01Z' + n * interval '1 second'
     from generate_series(1, $1::bigint) n",
    "insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
     select 1, 1, to_hex_id(n % 1000), n, 1, now(), now() from generate_series($1::bigint - 999, $1::bigint) n",
    "insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
     select 1, 1, to_hex_id(n % 1000), n, 1, '{}' from generate_series(1, $1::bigint - 1000) n",
    "insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq)
     select 1, to_hex_id(n % 1000), 1, n::text, 'm', 'm', 'missing', n from generate_series(5001, $1::bigint, 10000) n",
    "insert into rejections (tenant_id, resource_id, rule, value_hash, reason, seq)
     select 1, to_hex_id(n), 'level', '', 'no', n + 100000 from generate_series(1, 20) n where $1::bigint > 0",
];

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn filter(among: Among) -> Filter {
    Filter {
        among,
        resource: None,
        token: None,
        after: 0,
    }
}

#[tokio::test]
async fn list_of_a_long_ledger_looks_at_a_bounded_part_of_it() {
    let database = TestDatabase::create().await.unwrap();
    let mut conn = PgConnection::connect(database.url()).await.unwrap();
    for statement in [
        "create function to_hex_id(n bigint) returns uuid language sql immutable
         as $$ select lpad(to_hex(n), 32, '0')::uuid $$",
        // As the pool for lists and searches has it.
        "set plan_cache_mode = force_custom_plan",
    ] {
        sqlx::query(statement).execute(&mut conn).await.unwrap();
    }
    for statement in LEDGER {
        sqlx::query(statement)
            .bind(CHANGES)
            .execute(&mut conn)
            .await
            .unwrap();
    }
    for known in [false, true] {
        if known {
            sqlx::query("vacuum analyze").execute(&mut conn).await.unwrap();
        }
        let mut tx = conn.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;

        let all = receipt_list::part(&mut tx, TENANT, &filter(Among::All), i64::MAX, 50)
            .await
            .unwrap();
        assert_eq!(
            (all.seqs[0], all.seqs.len(), all.next),
            (CHANGES, 50, Some(CHANGES - 49))
        );
        counted.within(&mut tx, 50 * BESIDE, "the newest").await;
        let rows = receipts::find(&mut tx, TENANT, &all.seqs).await.unwrap();
        assert!(rows.iter().map(|row| row.seq).eq(all.seqs.iter().copied()));
        counted.within(&mut tx, 50 * 20, "what became of fifty").await;

        let pending = receipt_list::part(&mut tx, TENANT, &filter(Among::Pending), CHANGES - 900, 500)
            .await
            .unwrap();
        assert_eq!((pending.seqs.len(), pending.next), (99, None));
        counted.within(&mut tx, 1_000, "what is pending").await;

        let flawed = receipt_list::part(&mut tx, TENANT, &filter(Among::Flawed), i64::MAX, 500)
            .await
            .unwrap();
        assert_eq!(flawed.seqs.len(), 30 + 20);
        counted
            .within(&mut tx, 30_000, "what waits or was rejected")
            .await;

        let resource = Filter {
            resource: Some(id(77)),
            ..filter(Among::All)
        };
        let of_one = receipt_list::part(&mut tx, TENANT, &resource, i64::MAX, 500)
            .await
            .unwrap();
        assert_eq!((of_one.seqs.len(), of_one.next), (300, None));
        counted.within(&mut tx, 700, "one resource").await;

        let unchanged = receipt_list::part(&mut tx, TENANT, &filter(Among::Unchanged), i64::MAX, 50)
            .await
            .unwrap();
        assert!(unchanged.seqs.iter().all(|seq| seq % 100 == 0) && unchanged.seqs.len() == 50);
        counted
            .within(&mut tx, LOOKED * BESIDE, "what asserted nothing new")
            .await;

        // A needle: each part is bounded, and says where to go on.
        let needle = Filter {
            token: Some(id(1)),
            ..filter(Among::All)
        };
        let (mut from, mut parts, mut found) = (i64::MAX, 0, vec![]);
        loop {
            let part = receipt_list::part(&mut tx, TENANT, &needle, from, 50)
                .await
                .unwrap();
            if from > 1 {
                counted
                    .within(&mut tx, LOOKED * BESIDE, "a token that wrote once")
                    .await;
            }
            parts += 1;
            found.extend(part.seqs);
            match part.next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!((found, parts), (vec![7], CHANGES / LOOKED + 1));

        let noon: DateTime<Utc> = "2024-01-02T12:00:00Z".parse().unwrap();
        let last = receipt_list::seq_before(&mut tx, TENANT, noon).await.unwrap();
        assert_eq!(last, 36 * 3_600 - 1);
        counted.within(&mut tx, 100, "a time").await;
        tx.rollback().await.unwrap();
    }
}
