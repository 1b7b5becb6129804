//! The reporting tree around somebody, by their managers; additional ones have no part in it.

use crate::directory::TenantId;
use crate::store::people::{Brief, briefs};
use crate::store::{PgConnection, StoreError};
use std::collections::HashSet;
use uuid::Uuid;

/// Whoever is above somebody.
#[derive(Debug, Clone)]
pub struct Above {
    /// The manager first, then theirs.
    pub chain: Vec<Brief>,
    /// The last of the chain reports to somebody who is in it already, or to the one it began with.
    pub cycle: bool,
}

/// Somebody below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Below {
    pub id: Uuid,
    pub manager: Uuid,
    /// 1 for who reports to the root.
    pub depth: i64,
}

/// Whoever is below somebody, level by level, in the order of ids; nobody twice.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub people: Vec<Below>,
    /// There are more than was asked for: the levels that are here are whole.
    pub truncated: bool,
}

/// The chain of managers above somebody, at most `most`.
///
/// # Errors
/// When a statement fails.
pub async fn above(
    conn: &mut PgConnection,
    tenant: TenantId,
    person: Uuid,
    most: i32,
) -> Result<Above, StoreError> {
    let ids = sqlx::query_scalar!(
        r#"with recursive chain (id, depth, path) as (
               select $2::uuid, 0, array[$2::uuid]
               union all
               select l.manager_id, chain.depth + 1, chain.path || l.manager_id from chain
               cross join lateral (select manager_id from reporting_lines
                   where tenant_id = $1 and person_id = chain.id and slot = 1 order by ordinal limit 1) l
               cross join lateral (select 1 from people where tenant_id = $1 and id = l.manager_id
                   and status <> 'deprovisioned' and erased_at is null offset 0) p
               -- The first who comes twice is the last.
               where chain.depth < $3 and not chain.id = any(chain.path[:cardinality(chain.path) - 1]))
           select id as "id!" from chain where depth > 0 order by depth"#,
        tenant.0,
        person,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut met = HashSet::from([person]);
    let mut ids = ids;
    let cycle = ids.iter().any(|id| !met.insert(*id));
    if cycle {
        ids.pop();
    }
    let mut people = briefs(conn, tenant, &ids).await?;
    Ok(Above {
        chain: ids.iter().filter_map(|id| people.remove(id)).collect(),
        cycle,
    })
}

/// Whoever is below somebody, at most `depth` levels and `most` people.
///
/// # Errors
/// When a statement fails.
pub async fn below(
    conn: &mut PgConnection,
    tenant: TenantId,
    root: Uuid,
    depth: i64,
    most: usize,
) -> Result<Tree, StoreError> {
    let mut tree = Tree::default();
    let mut met = HashSet::from([root]);
    let mut level = vec![root];
    for depth in 1..=depth {
        if level.is_empty() {
            break;
        }
        let rows = sqlx::query!(
            r#"select l.person_id as id, l.manager_id as manager from unnest($2::uuid[]) as asked (id)
               cross join lateral (select person_id, manager_id, ordinal from reporting_lines
                   where tenant_id = $1 and manager_id = asked.id and slot = 1 offset 0) l
               cross join lateral (select 1 from people where tenant_id = $1 and id = l.person_id
                   and status <> 'deprovisioned' and erased_at is null offset 0) p
               order by l.person_id, l.ordinal"#,
            tenant.0,
            &level
        )
        .fetch_all(&mut *conn)
        .await?;
        let below = rows.into_iter().filter(|row| met.insert(row.id));
        let below: Vec<Below> = below
            .map(|row| Below {
                id: row.id,
                manager: row.manager,
                depth,
            })
            .collect();
        if tree.people.len() + below.len() > most {
            tree.truncated = true;
            break;
        }
        level = below.iter().map(|below| below.id).collect();
        tree.people.extend(below);
    }
    Ok(tree)
}
