//! Delivering to webhooks reads what is due, however much has been delivered and however long the history is.

use crate::rows_read::RowsRead;
use devstack::TestDatabase;
use devstack::wait::{self, SOON};
use rollcall_shared::directory::TenantId;
use rollcall_shared::store::follow::{self, Position};
use rollcall_shared::store::webhooks::turns::{self, End, Next, Outcome};
use rollcall_shared::store::webhooks::{self, deliveries, place};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const WEBHOOKS: i64 = 200;
/// So few webhooks are read one after the other rather than by their index: each time one is looked for, of which
/// a step does at most three.
const FEW: i64 = 3 * WEBHOOKS + 50;
/// The tenant whose webhook has something to be told, and one whose webhook has a delivery to be made.
const TOLD: TenantId = TenantId(3);
const DUE: TenantId = TenantId(4);

/// 200 tenants with a webhook each, which is at the end of its tenant's history; a long one of tenant 1. Each has
/// had 500 deliveries, given up and delivered, and one waits for its next attempt. Every other one is disabled.
const COMPANIES: [&str; 4] = [
    "insert into tenants (id, name) overriding system value select n, 't' || n from generate_series(1, $1) n",
    r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
       select tenant, 1, gen_random_uuid(), n, 1, '{"position": ["a", "b"]}'
       from generate_series(1, $1) tenant, lateral generate_series(1, case tenant when 1 then 50000 else 100 end) n"#,
    "insert into webhooks (tenant_id, id, url, description, types, enabled, disabled_reason, secret, after_xid, after_id)
     select tenant, gen_random_uuid(), 'https://hooks.example/', '', '{}', tenant % 2 = 1 or tenant = 4,
         case when tenant % 2 = 0 and tenant <> 4 then 'operator' end, '', last.order_xid::text::int8, last.id
     from generate_series(1, $1) tenant
     cross join lateral (select order_xid, id from history where tenant_id = tenant order by id desc limit 1) last",
    "insert into webhook_deliveries (tenant_id, webhook_id, id, kind, in_order, changes, changed_at, body, state,
         attempts, next_attempt_at, finished_at)
     select tenant_id, w.id, gen_random_uuid(), 'changes', true, 1, now(), '{}', state, 1,
         case state when 'pending' then now() + interval '1 hour' end, case when state <> 'pending' then now() end
     from webhooks w, generate_series(1, 500 + 0 * $1) n
     cross join lateral (select case when n = 1 then 'pending' when n % 50 = 0 then 'dead' else 'delivered' end as state) s
     where tenant_id <> 3 or n > 1",
];

async fn webhook(conn: &mut PgConnection, tenant: TenantId) -> Uuid {
    sqlx::query_scalar("select id from webhooks where tenant_id = $1")
        .bind(tenant.0)
        .fetch_one(conn)
        .await
        .unwrap()
}

/// One thing more happens to a tenant, another's delivery is due, and the time of a third one's is over.
async fn something_is_due(conn: &mut PgConnection) {
    sqlx::raw_sql(
        r#"insert into history (tenant_id, key_kind, key_id, seq, mapping_version, fields)
           values (3, 1, gen_random_uuid(), 101, 1, '{"position": ["a", "b"]}');
           update webhook_deliveries set next_attempt_at = now() where tenant_id = 4 and state = 'pending';
           update webhook_deliveries set finished_at = now() - interval '8 days' where tenant_id = 5 and state = 'delivered'"#,
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    wait::until("it can be told", SOON, async || {
        let after: (i64, i64) =
            sqlx::query_as("select after_xid, after_id from webhooks where tenant_id = 3")
                .fetch_one(&mut *conn)
                .await
                .unwrap();
        let (xid, id) = after;
        let behind = follow::behind(&mut *conn, &[(TOLD, Position { xid, id })]).await;
        behind.unwrap() == [TOLD]
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn webhooks_that_are_due_are_found_and_served_without_reading_what_was_delivered() {
    let database = TestDatabase::create().await.unwrap();
    let mut conn = PgConnection::connect(database.url()).await.unwrap();
    for statement in COMPANIES {
        sqlx::query(statement)
            .bind(WEBHOOKS)
            .execute(&mut conn)
            .await
            .unwrap();
    }
    something_is_due(&mut conn).await;
    let delivered = Outcome {
        status: Some(204),
        end: End::Delivered,
    };
    for known in [false, true] {
        if known {
            sqlx::query("vacuum analyze").execute(&mut conn).await.unwrap();
        }
        let mut tx = conn.begin().await.unwrap();
        let mut counted = RowsRead::from_now(&mut tx, known).await;
        let mut leases = turns::claim(&mut tx, 32).await.unwrap();
        leases.sort_by_key(|lease| lease.tenant.0);
        let tenants: Vec<TenantId> = leases.iter().map(|lease| lease.tenant).collect();
        assert_eq!(tenants, [TOLD, DUE]);
        // A look at each webhook, and at its tenant, its deliveries and its place in the feed.
        counted.within(&mut tx, WEBHOOKS * 6, "what is due").await;
        for lease in &leases {
            let Ok(Next::Send(attempt)) = turns::next(&mut tx, lease).await else {
                panic!("{lease:?} was due")
            };
            counted.within(&mut tx, FEW, "what is sent").await;
            turns::note(&mut tx, lease, &attempt, &delivered).await.unwrap();
            counted.within(&mut tx, FEW, "what came of it").await;
            turns::release(&mut tx, lease).await.unwrap();
        }
        assert_eq!(place::disable_lost(&mut tx).await.unwrap(), []);
        counted.within(&mut tx, WEBHOOKS * 3, "whose place is gone").await;
        if known {
            assert!(!turns::tidy(&mut tx).await.unwrap());
            counted.within(&mut tx, 1_100, "whose time is over").await;
        }
        let id = webhook(&mut tx, DUE).await;
        assert_eq!(webhooks::list(&mut tx, DUE, Some(id)).await.unwrap()[0].dead, 10);
        counted.within(&mut tx, FEW, "a webhook").await;
        let page = deliveries::page(&mut tx, DUE, id, Some("dead"), None, 5)
            .await
            .unwrap();
        assert_eq!(page.len(), 5);
        counted.within(&mut tx, 30, "dead letters").await;
        let page = deliveries::page(&mut tx, DUE, id, None, None, 50).await.unwrap();
        assert_eq!(page.len(), 50);
        counted.within(&mut tx, 60, "deliveries").await;
        tx.rollback().await.unwrap();
    }
}
