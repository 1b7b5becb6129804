//! What applying reads does not depend on what Postgres knows of a tenant.

use crate::company::{Company, engine};
use rollcall_shared::directory::Key;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// Users of `$tenant` as accepted, each with a manager who is another of them, a department, and
/// four keys.
const ACCEPTED: &str = r#"
    with people as (
        select n, gen_random_uuid() as resource, gen_random_uuid() as person, nextval('change_seq') as seq,
            format('$tenant-p%s@example.com', n) as name, format('$tenant-p%s@example.com', n % 1500 + 1) as manager
        from generate_series(1, 3000) n),
    resources as (
        insert into scim_resources (tenant_id, id, kind, directory_id, document, version, seq, manager_seq, source,
            created_seq, created_at, modified_at)
        select $tenant, resource, 1, person, jsonb_build_object('userName', name,
            'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
            jsonb_build_object('department', 'D' || n % 20, 'manager', jsonb_build_object('value', manager))),
            1, seq, seq, 'test', seq, now(), now() from people),
    changes as (
        insert into changes (tenant_id, seq, txn, resource_id, directory_id, kind, operation, attributes, version,
            accepted_at)
        select $tenant, seq, gen_random_uuid(), resource, person, 1, 'create', '{}', 1, now() from people),
    pending as (
        insert into pending (tenant_id, key_kind, key_id, seq, lane, accepted_at, due_at)
        select $tenant, 1, person, seq, 1, now(), now() from people)
    insert into scim_keys (tenant_id, kind, attribute, value, folded, resource_id, directory_id, from_seq, is_unique)
    select $tenant, 1, attribute, value, value, resource, person, seq, attribute = 2
    from people cross join lateral (values (0, resource::text), (2, name), (3, name), (5, 'e-' || name)) k (attribute, value)
"#;

/// Of the tables that are large by now; a small one may well be read whole.
async fn rows_read(company: &Company) -> i64 {
    company
        .scalar(
            "select ((select sum(idx_tup_read) from pg_stat_user_indexes)
                + (select sum(seq_tup_read) from pg_stat_user_tables
                   where relname in ('scim_resources', 'scim_keys', 'changes', 'pending')))::bigint",
        )
        .await
}

/// Wait until the backends that are measured have ended.
async fn ended(company: &Company) {
    devstack::wait::until("the backends have ended", devstack::wait::SOON, async || {
        let ended = "select not exists (select from pg_stat_activity where datname = current_database()
            and application_name = 'measured')";
        company.scalar(ended).await
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn apply_in_a_tenant_the_statistics_do_not_know_reads_only_what_its_keys_need() {
    let known = Company::new().await;
    let unknown = known.other_tenant().await;
    // What these read must not count: it is published when their backends end.
    let pool = known.another_pool("measured");
    let accepted =
        |company: &Company| AssertSqlSafe(ACCEPTED.replace("$tenant", &company.tenant.to_string()));
    sqlx::raw_sql(accepted(&known)).execute(&pool).await.unwrap();
    sqlx::raw_sql("analyze").execute(&pool).await.unwrap();
    sqlx::raw_sql(accepted(&unknown)).execute(&pool).await.unwrap();
    let people: Vec<Uuid> =
        sqlx::query_scalar("select key_id from pending where tenant_id = $1 order by seq limit 50")
            .bind(unknown.tenant.0)
            .fetch_all(&pool)
            .await
            .unwrap();
    pool.close().await;
    ended(&unknown).await;
    let before = rows_read(&unknown).await;
    for part in people.chunks(10) {
        let keys: Vec<Key> = part.iter().copied().map(Key::Person).collect();
        // A backend publishes what it read when it ends.
        let pool = unknown.another_pool("measured");
        engine(&pool, &unknown.redis)
            .reconcile(unknown.tenant, &keys)
            .await
            .unwrap();
        pool.close().await;
    }
    ended(&unknown).await;
    let read = rows_read(&unknown).await - before;
    assert!(read > 50, "nothing was counted");
    assert!(
        read < 50 * 60,
        "{read} rows were read to apply 50 people of 3,000"
    );
}

/// Rows of an outbox that is emptied then: much of its indexes stays behind, and few rows are counted in them.
const EMPTIED: &str = r#"
    insert into pending (tenant_id, key_kind, key_id, member, seq, lane, accepted_at, due_at)
    select $tenant, 3, md5((n % 8)::text)::uuid, gen_random_uuid()::text, n, 1, now(), now() from generate_series(1, 100000) n;
    delete from pending where seq % 200 > 0;
"#;

#[tokio::test]
async fn apply_after_the_outbox_was_emptied_reads_only_what_its_keys_need() {
    let company = Company::new().await;
    let of_tenant = |sql: &str| AssertSqlSafe(sql.replace("$tenant", &company.tenant.to_string()));
    let pool = company.another_pool("measured");
    sqlx::raw_sql(of_tenant(EMPTIED)).execute(&pool).await.unwrap();
    sqlx::raw_sql("vacuum analyze pending")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::raw_sql(of_tenant(ACCEPTED)).execute(&pool).await.unwrap();
    let people: Vec<Uuid> =
        sqlx::query_scalar("select key_id from pending where key_kind = 1 order by seq limit 50")
            .fetch_all(&pool)
            .await
            .unwrap();
    pool.close().await;
    ended(&company).await;
    let before: i64 = company.scalar(PENDING_READ).await;
    let keys: Vec<Key> = people.into_iter().map(Key::Person).collect();
    let pool = company.another_pool("measured");
    let measured = engine(&pool, &company.redis);
    let workable = measured.workable(company.tenant, &keys).await.unwrap();
    assert_eq!(workable.len(), 50);
    measured.reconcile(company.tenant, &keys).await.unwrap();
    pool.close().await;
    ended(&company).await;
    let read = company.scalar::<i64>(PENDING_READ).await - before;
    assert!(read >= 100, "nothing was counted");
    assert!(read < 50 * 20, "{read} rows of the outbox were read for 50 keys");
}

const PENDING_READ: &str =
    "select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'pending'";
