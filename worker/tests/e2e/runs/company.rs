//! A company whose directory was meddled with, always in the same way.

use crate::harness::bulk;
use crate::harness::people::user;
use crate::harness::{Stack, Tenant};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Three parts of a run each for people and members.
pub(super) const PEOPLE: usize = 1_100;
const DEPARTMENTS: usize = 40;
const REPORTS_EACH: usize = 8;
/// Parts: one for the departments, one for the groups, three each for people and members.
pub(super) const PARTS: usize = 8;
/// Who report to the first person.
pub(super) const REPORTS: i64 = REPORTS_EACH as i64;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CATCH_UP: Duration = Duration::from_secs(90);

/// `p0042`: names sort as numbers do.
fn name(number: usize) -> String {
    format!("p{number:04}")
}

/// Import it; nothing writes to the directory by itself afterwards.
pub(super) async fn import(stack: &mut Stack, tenant: &Tenant) {
    let people: Vec<Value> = (0..PEOPLE)
        .map(|number| {
            let manager = number.checked_sub(1).map(|before| name(before / REPORTS_EACH));
            let mut data = user(&name(number), manager.as_deref());
            data["title"] = json!("Clerk");
            data[ENTERPRISE]["department"] = json!(format!("Department {}", number % DEPARTMENTS));
            json!({ "method": "POST", "path": "/Users", "bulkId": name(number), "data": data })
        })
        .collect();
    for part in people.chunks(500) {
        tenant.scim.post("/Bulk", &bulk::request(part)).await.expect(200);
    }
    for group in 0..2 {
        // The first person is in none: the test that takes them away is about reporting lines.
        let members = (1..PEOPLE).skip(group).step_by(2);
        let members: Vec<Value> = members.map(|number| json!({ "value": name(number) })).collect();
        let body = json!({ "displayName": format!("Group {group}"), "members": members });
        tenant.scim.post("/Groups", &body).await.expect(201);
    }
    stack.converged(CATCH_UP).await;
}

/// What a foreign hand does to the directory: everything a run can find, the same every time,
/// and less than a hundred of a kind, so that a dry run names all. What earlier times left behind is taken away
/// first.
pub(super) async fn meddle(db: &PgPool, tenant: i64) {
    let numbered = |every: usize, rest: usize| {
        format!("(select id from people where login ~ '^p' and right(login, 4)::int % {every} = {rest})")
    };
    let statements = [
        "delete from people where login = 'ghost'".to_owned(),
        "delete from teams where name = 'Ghosts'".to_owned(),
        format!(
            "update people set position = 'Baron', custom = '{{\"x\": 1}}' where id in {}",
            numbered(50, 7)
        ),
        format!(
            "delete from team_members where source = 'department' and person_id in {}",
            numbered(40, 3)
        ),
        format!(
            "delete from team_members where source like 'member:%' and person_id in {}",
            numbered(60, 4)
        ),
        format!(
            "delete from reporting_lines where person_id in {}",
            numbered(60, 11)
        ),
        format!(
            "update reporting_lines set manager_id = (select id from people where login = 'p0001')
             where person_id in {}",
            numbered(70, 30)
        ),
        format!(
            "insert into team_members (tenant_id, team_id, person_id, source)
             select p.tenant_id, t.id, p.id, 'by hand' from people p
             join teams t on t.tenant_id = p.tenant_id and t.name = 'Department 1' where p.id in {}",
            numbered(100, 20)
        ),
        // A team that is gone has to be created again, by whichever part comes first.
        "delete from team_members m using teams t where m.team_id = t.id and t.name = 'Department 5'"
            .to_owned(),
        "delete from teams where name = 'Department 5'".to_owned(),
        "update teams set name = 'Purchasing' where name = 'Department 2'".to_owned(),
        "update teams set name = 'Gang' where name = 'Group 1'".to_owned(),
        format!(
            "insert into people (tenant_id, id, resource_id, status, login, applied_mapping, applied_seq)
             values ({tenant}, '{GHOST}', '{GHOST}', 'active', 'ghost', 1, 1)"
        ),
        format!(
            "insert into teams (tenant_id, id, kind, name, resource_id)
             values ({tenant}, '{GHOSTS}', 'group', 'Ghosts', '{GHOSTS}')"
        ),
    ];
    execute(db, &statements).await;
}

const GHOST: Uuid = Uuid::from_u128(0xf0f0_f0f0_f0f0_4000_8000_f0f0_f0f0_f0f0);
const GHOSTS: Uuid = Uuid::from_u128(0xf0f0_f0f0_f0f0_4000_8000_f0f0_f0f0_f0f1);

/// Take the first person away, as if they had never been there: those who reported to them wait,
/// and nobody will look by himself.
pub(super) async fn lose_the_first(db: &PgPool) {
    let first = "(select id from people where login = 'p0000')";
    let statements = [
        format!(
            "with gone as (delete from reporting_lines where manager_id = {first} returning *)
             insert into waiters (tenant_id, subject_id, slot, place, reference, wait_key, reason, asserted_seq,
                 next_attempt_at)
             select tenant_id, person_id, slot, ordinal::text, reference, 'person:' || manager_id, 'not_applied',
                 asserted_seq, null
             from gone"
        ),
        format!("delete from team_members where person_id = {first}"),
        "delete from people where login = 'p0000'".to_owned(),
    ];
    execute(db, &statements).await;
}

async fn execute(db: &PgPool, statements: &[String]) {
    let all = statements.join(";\n");
    sqlx::raw_sql(sqlx::AssertSqlSafe(all)).execute(db).await.unwrap();
}
