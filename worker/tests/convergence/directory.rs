//! The directory as Postgres holds it, in the model's terms.

use crate::model::Rows;
use sqlx::PgPool;

/// Every row of the tenant's directory as a line of text; people are named by the resource that
/// describes them.
pub(crate) async fn rows(pool: &PgPool, tenant: i64) -> Rows {
    let queries = [
        "select format('person %s %s login=%s external=%s number=%s email=%s position=%s', resource_id, status, login,
             shown(external_id), shown(employee_number), shown(email), shown(position))
         from people where tenant_id = $1",
        "select format('member %s %s %s %s', t.kind, case t.kind when 'group' then t.resource_id::text else t.name end,
             p.resource_id, m.source)
         from team_members m join teams t on t.tenant_id = $1 and t.id = m.team_id
         join people p on p.tenant_id = $1 and p.id = m.person_id where m.tenant_id = $1",
        "select format('part %s %s %s', o.resource_id, i.resource_id, n.source)
         from team_parts n join teams o on o.tenant_id = $1 and o.id = n.team_id
         join teams i on i.tenant_id = $1 and i.id = n.part_id where n.tenant_id = $1",
        "select format('line %s %s %s -> %s self=%s', p.resource_id, l.slot, l.ordinal, m.resource_id,
             case when l.flag = 'self' then 'true' else 'false' end)
         from reporting_lines l join people p on p.tenant_id = $1 and p.id = l.person_id
         join people m on m.tenant_id = $1 and m.id = l.manager_id where l.tenant_id = $1",
        "select format('waiter %s %s %s %s', coalesce(p.resource_id, t.resource_id), w.slot, w.place, w.reference)
         from waiters w left join people p on p.tenant_id = $1 and p.id = w.subject_id
         left join teams t on t.tenant_id = $1 and t.id = w.subject_id where w.tenant_id = $1",
        "select format('team %s %s', resource_id, name) from teams
         where tenant_id = $1 and kind = 'group' and not deleted",
    ];
    let mut rows = Rows::new();
    for query in queries {
        let query = query.replace("shown(", "pg_temp.shown(");
        let mut connection = pool.acquire().await.unwrap();
        sqlx::raw_sql(
            "create or replace function pg_temp.shown(value text) returns text language sql immutable
             as $$ select case when value is null then 'None' else 'Some(\"' || value || '\")' end $$",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .bind(tenant)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        rows.extend(found);
    }
    rows
}

/// Whether nothing is left to do: the outbox is empty and nobody is to be woken.
pub(crate) async fn quiet(pool: &PgPool, tenant: i64) -> bool {
    sqlx::query_scalar(
        "select not exists (select from pending where tenant_id = $1)
            and not exists (select from wakes where tenant_id = $1)",
    )
    .bind(tenant)
    .fetch_one(pool)
    .await
    .unwrap()
}
