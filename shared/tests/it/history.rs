//! History is read by its indexes, however much of it there is and whatever Postgres knows of it.

use crate::rows_read::RowsRead;
use chrono::{DateTime, Utc};
use devstack::TestDatabase;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::history::{self, Was, Window};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

const TENANT: TenantId = TenantId(1);
const PEOPLE: i64 = 10_000;

const NEXT_PERIOD: &str = "do $$ begin
    perform add_ledger_period(1);
    perform setval('history_ids', 1::bigint << 40, false);
end $$";

/// 10,000 people, each with twelve changes and a place in the one group. Person n reports to n / 10 since
/// the last of them; before, to n / 10 + 1.
const COMPANY: [&str; 6] = [
    "insert into people (tenant_id, id, resource_id, status, display_name, applied_mapping, applied_seq, created_at)
     select 1, to_hex_id(n), to_hex_id(n), 'active', 'Now ' || n, 1, n, '2024-01-01Z' from generate_series(1, $1) n",
    "insert into teams (tenant_id, id, kind, name) select 1, to_hex_id($1 + 1), 'group', 'All'",
    "insert into team_members (tenant_id, team_id, person_id, source)
     select 1, to_hex_id($1 + 1), to_hex_id(n), 'member:m' || n from generate_series(1, $1) n",
    "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq)
     select 1, to_hex_id(n), 1, 0, to_hex_id(n / 10), 'm', n from generate_series(10, $1) n",
    r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields, applied_at)
     select 1, 1, to_hex_id(n), n, 1, case change
             when 1 then jsonb_build_object('status', '[null, "active"]'::jsonb, 'display_name',
                 jsonb_build_array(null, 'Then ' || n))
             when 12 then jsonb_build_object('display_name', jsonb_build_array('Then ' || n, 'Now ' || n), 'manager',
                 jsonb_build_array(to_hex_id(n / 10 + 1), to_hex_id(n / 10)))
             else '{"position": ["a", "b"]}' end,
         '2024-01-01Z'::timestamptz + change * interval '1 month'
     from generate_series(1, 6) change, generate_series(1, $1) n order by change, n"#,
    "insert into history (tenant_id, key_kind, key_id, member, person_id, seq, mapping_version, fields, applied_at)
     select 1, 3, to_hex_id($1 + 1), 'm' || n, to_hex_id(n), n, 1,
         jsonb_build_object('members', jsonb_build_array(null, to_hex_id(n))), '2024-06-01Z'
     from generate_series(1, $1) n",
];

fn id(number: i64) -> Uuid {
    Uuid::from_u128(number.unsigned_abs().into())
}

#[tokio::test]
async fn history_of_a_large_company_is_read_by_its_indexes() {
    let database = TestDatabase::create().await.unwrap();
    let mut conn = PgConnection::connect(database.url()).await.unwrap();
    for statement in [
        "create function to_hex_id(n bigint) returns uuid language sql immutable
         as $$ select lpad(to_hex(n), 32, '0')::uuid $$",
    ] {
        sqlx::query(statement).execute(&mut conn).await.unwrap();
    }
    let [before, after] = ["generate_series(1, 6) change", "generate_series(7, 12) change"];
    let halves = |statement: &str| match statement.contains(before) {
        true => vec![
            statement.to_owned(),
            NEXT_PERIOD.to_owned(),
            statement.replace(before, after),
        ],
        false => vec![statement.to_owned()],
    };
    for statement in COMPANY.iter().flat_map(|statement| halves(statement)) {
        let bound = statement.contains("$1");
        let query = sqlx::query(AssertSqlSafe(statement));
        let query = if bound { query.bind(PEOPLE) } else { query };
        query.execute(&mut conn).await.unwrap();
    }
    for known in [false, true] {
        if known {
            sqlx::query("vacuum analyze").execute(&mut conn).await.unwrap();
        }
        let mut tx = conn.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;
        let window = Window {
            before: None,
            field: None,
            since: None,
            until: None,
            limit: 100,
        };
        let page = history::page(&mut tx, TENANT, id(4711), &window).await.unwrap();
        assert_eq!(page.len(), 13);
        counted.within(&mut tx, 200, "the history of a person").await;
        let page = history::page(&mut tx, TENANT, id(PEOPLE + 1), &window)
            .await
            .unwrap();
        assert_eq!(page.len(), 100);
        counted
            .within(&mut tx, 1_000, "the history of a large group")
            .await;

        let at: DateTime<Utc> = "2024-07-15T00:00:00Z".parse().unwrap();
        let was = history::person_at(&mut tx, TENANT, id(4711), at).await.unwrap();
        let Some(Was::There(then)) = was else {
            panic!("{was:?}")
        };
        assert_eq!(then.fields["displayName"], "Then 4711");
        assert_eq!((then.managers, then.teams.len()), (vec![id(472)], 1));
        counted.within(&mut tx, 200, "a person as of a time").await;
        let (page, next) = history::everybody(&mut tx, TENANT, at, Some(id(5_000)), 100)
            .await
            .unwrap();
        assert_eq!((page.len(), next), (100, Some(id(5_100))));
        counted.within(&mut tx, 100 * 40, "a page of everybody").await;
        let (tree, _) = history::below(&mut tx, TENANT, at, id(472), 2, 1_000)
            .await
            .unwrap();
        // Ten who reported to 472, and nobody to them.
        assert_eq!(tree.len(), 11);
        assert!(
            tree.iter()
                .skip(1)
                .all(|report| report.id >= id(4_710) && report.id < id(4_720))
        );
        counted.within(&mut tx, 3_000, "a tree").await;
        tx.rollback().await.unwrap();
    }
}
