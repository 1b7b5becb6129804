//! Reading the directory of a large company reads what is asked for, whatever Postgres knows of it.

use crate::rows_read::RowsRead;
use devstack::TestDatabase;
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::content::{self, Found, Order, Wanted};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const TENANT: TenantId = TenantId(1);
const PEOPLE: i64 = 20_000;
/// Everybody is in the group, and each in one of so many departments.
const DEPARTMENTS: i64 = 1_000;

/// People are made in parts: a transaction that writes for seconds holds up whoever follows history in the
/// same server, where other tests do.
const PART: i64 = 4_000;

const FUNCTION: &str = "create function to_hex_id(n bigint) returns uuid language sql immutable
     return lpad(to_hex(n), 32, '0')::uuid";
const TEAMS: &str = "insert into teams (tenant_id, id, kind, name)
     select 1, to_hex_id($1 + n), case n when 0 then 'group' else 'department' end, 'T' || n
     from generate_series(0, $2) n";
/// Person n reports to n / 10 and holds an externalId, an address and an employee number. As many people
/// again are another tenant's.
const PEOPLE_OF_A_PART: [&str; 4] = [
    "insert into people (tenant_id, id, resource_id, status, login, email, display_name, applied_mapping, applied_seq)
     select tenant, to_hex_id(n), to_hex_id(n), 'active', 'p' || n, 'p' || n || '@example.com', 'Person ' || n, 1, n
     from generate_series($3, $4) n, (values (1), (2 + 0 * $1 * $2)) t (tenant)",
    "insert into team_members (tenant_id, team_id, person_id, source)
     select 1, to_hex_id($1), to_hex_id(n), 'member:p' || n from generate_series($3, $4) n
     union all select 1, to_hex_id($1 + 1 + n % $2), to_hex_id(n), 'department' from generate_series($3, $4) n",
    "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq)
     select 1, to_hex_id(n), 1, 0, to_hex_id(n / 10), 'm', n from generate_series($3, $4) n where n >= 10 + 0 * $1 * $2",
    "insert into scim_keys (tenant_id, kind, attribute, value, folded, resource_id, directory_id, from_seq, is_unique)
     select 1, 1, a.attribute, a.value, a.value, to_hex_id(n), to_hex_id(n), n + 0 * $1 * $2, false
     from generate_series($3, $4) n
     cross join lateral (values (1, 'e-' || n), (3, 'p' || n || '@example.com'), (5, 'number ' || n)) a (attribute, value)",
];

/// A large company.
async fn found(conn: &mut PgConnection) {
    sqlx::query(FUNCTION).execute(&mut *conn).await.unwrap();
    let teams = sqlx::query(TEAMS).bind(PEOPLE).bind(DEPARTMENTS);
    teams.execute(&mut *conn).await.unwrap();
    for part in 0..PEOPLE / PART {
        let (first, last) = (part * PART + 1, (part + 1) * PART);
        for statement in PEOPLE_OF_A_PART {
            let insert = sqlx::query(statement).bind(PEOPLE).bind(DEPARTMENTS);
            insert.bind(first).bind(last).execute(&mut *conn).await.unwrap();
        }
    }
}

fn id(number: i64) -> Uuid {
    Uuid::from_u128(number.unsigned_abs().into())
}

/// A page of a hundred.
fn page(wanted: Wanted<'_>) -> Wanted<'_> {
    Wanted { limit: 100, ..wanted }
}

/// Page after page, of everybody and of a group that everybody is in: of that the memberships are read, and of
/// people those of the page.
async fn lists_go_on_where_they_were(tx: &mut PgConnection, counted: &mut RowsRead) {
    let everybody = Wanted::default();
    let group = Wanted {
        team: Some(id(PEOPLE)),
        ..Wanted::default()
    };
    for (what, most, wanted) in [("everybody", 300, everybody), ("a group", PEOPLE + 300, group)] {
        let wanted = page(wanted);
        let (first, place) = content::list(tx, TENANT, &wanted).await.unwrap();
        assert_eq!((first.len(), first[99].id), (100, id(100)));
        counted
            .within(tx, most, &format!("the first page of {what}"))
            .await;
        let wanted = Wanted {
            after: place,
            ..wanted
        };
        let (second, _) = content::list(tx, TENANT, &wanted).await.unwrap();
        assert_eq!((second.len(), second[0].id), (100, id(101)));
        counted
            .within(tx, most, &format!("the second page of {what}"))
            .await;
    }
    let ids: Vec<Uuid> = (101..=200).map(id).collect();
    assert_eq!(content::managers(tx, TENANT, &ids).await.unwrap().len(), 100);
    assert_eq!(content::teams(tx, TENANT, &ids).await.unwrap().len(), 100);
    content::waiting(tx, TENANT, &ids).await.unwrap();
    counted.within(tx, 100 * 12, "what hangs on a page").await;
}

async fn filters_find_by_an_index(tx: &mut PgConnection, counted: &mut RowsRead) {
    let department = Wanted {
        team: Some(id(PEOPLE + 1)),
        ..Wanted::default()
    };
    let manager = Wanted {
        manager: Some(id(1711)),
        ..Wanted::default()
    };
    let address = Wanted {
        email: Some("p4711@example.com"),
        ..Wanted::default()
    };
    let both = Wanted {
        team: Some(id(PEOPLE + 1 + 7)),
        manager: Some(id(100)),
        ..Wanted::default()
    };
    let kind = Wanted {
        team_kind: Some("department"),
        ..Wanted::default()
    };
    for (what, wanted, found, most) in [
        ("a department", department, 20, 200),
        ("a kind of team", kind, 100, 1_000),
        ("a manager", manager, 10, 100),
        ("an address", address, 1, 20),
        ("a department and a manager", both, 1, 100),
    ] {
        let (people, _) = content::list(tx, TENANT, &page(wanted)).await.unwrap();
        assert_eq!(people.len(), found, "{what}");
        counted.within(tx, most, what).await;
    }
    // Whatever has no index looks at everybody, and at nobody else's people.
    let location = Wanted {
        order: Order::Name,
        location: Some("nowhere"),
        ..Wanted::default()
    };
    let name = Wanted {
        beginning: Some("person 4711"),
        ..Wanted::default()
    };
    let login = Wanted {
        beginning: Some("p4711@"),
        ..Wanted::default()
    };
    for (what, wanted, found) in [
        ("a location", location, 0),
        ("a name", name, 1),
        ("a login", login, 1),
    ] {
        let (people, _) = content::list(tx, TENANT, &page(wanted)).await.unwrap();
        assert_eq!(people.len(), found, "{what}");
        counted.within(tx, PEOPLE * 2 + 100, what).await;
    }
}

async fn one_person_is_found(tx: &mut PgConnection, counted: &mut RowsRead) {
    for key in [
        "e-4711",
        "p4711@example.com",
        "number 4711",
        &id(4711).to_string(),
    ] {
        let person = content::by_key(tx, TENANT, key, None).await.unwrap();
        assert_eq!(person, Found::Person(id(4711)), "{key}");
        counted.within(tx, 20, key).await;
    }
    let above = content::above(tx, TENANT, id(11_111), 100).await.unwrap();
    assert_eq!(above.chain.len(), 4);
    counted.within(tx, 100, "a chain of managers").await;
    let below = content::below(tx, TENANT, id(47), 2, 1_000).await.unwrap();
    assert_eq!(below.people.len(), 110);
    counted.within(tx, 1_000, "two levels of reports").await;
    let group = content::members(tx, TENANT, id(PEOPLE), true, Some(id(15_000)), 50);
    let (members, _) = group.await.unwrap();
    assert_eq!((members.len(), members[0].person.id), (50, id(15_001)));
    counted.within(tx, PEOPLE + 300, "members of a group").await;
}

#[tokio::test]
async fn directory_of_a_large_company_is_read_by_its_indexes() {
    let database = TestDatabase::create().await.unwrap();
    let mut conn = PgConnection::connect(database.url()).await.unwrap();
    found(&mut conn).await;
    for known in [false, true] {
        if known {
            sqlx::query("vacuum analyze").execute(&mut conn).await.unwrap();
        }
        let mut tx = conn.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;
        lists_go_on_where_they_were(&mut tx, &mut counted).await;
        filters_find_by_an_index(&mut tx, &mut counted).await;
        one_person_is_found(&mut tx, &mut counted).await;
        tx.rollback().await.unwrap();
    }
}
