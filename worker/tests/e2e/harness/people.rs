//! A plain company: people with at most a manager, to see whether all of it arrived.

use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeMap;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// userName → userName of the manager.
pub(crate) type Company = BTreeMap<String, Option<String>>;

/// The body of a POST.
pub(crate) fn user(name: &str, manager: Option<&str>) -> Value {
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "userName": name,
        "name": { "givenName": "Given", "familyName": name },
        "active": true,
    });
    if let Some(manager) = manager {
        user[ENTERPRISE] = json!({ "manager": { "value": manager } });
    }
    user
}

/// A bulk request of POSTs.
pub(crate) fn bulk_of_users(users: &[(String, Option<String>)]) -> Value {
    let operations: Vec<Value> = users
        .iter()
        .map(|(name, manager)| {
            let data = user(name, manager.as_deref());
            json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": data })
        })
        .collect();
    super::bulk::request(&operations)
}

/// Fail unless the directory of `tenant` is exactly `company`.
pub(crate) async fn expect_company(db: &PgPool, tenant: i64, company: &Company) {
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "select p.login, m.login
         from people p
         left join reporting_lines l on l.tenant_id = p.tenant_id and l.person_id = p.id
         left join people m on m.tenant_id = l.tenant_id and m.id = l.manager_id
         where p.tenant_id = $1 and p.status = 'active'",
    )
    .bind(tenant)
    .fetch_all(db)
    .await
    .unwrap();
    let count = rows.len();
    let found: Company = rows.into_iter().collect();
    assert_eq!(found.len(), count, "somebody is in the directory twice");
    let missing: Vec<_> = company
        .iter()
        .filter(|(name, boss)| found.get(*name) != Some(boss))
        .collect();
    let strange: Vec<_> = found.keys().filter(|name| !company.contains_key(*name)).collect();
    assert!(
        missing.is_empty() && strange.is_empty(),
        "{} of {} missing or wrong, e.g. {:?}; nobody sent {:?}",
        missing.len(),
        company.len(),
        &missing[..missing.len().min(5)],
        strange
    );
}
