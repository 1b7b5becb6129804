//! Claiming and writing what a batch has planned.

use super::Write;
use super::claim::{self, Conflict};
use super::knowledge::Knowledge;
use super::line::Item;
use super::rows::Rows;
use super::settle::{Standing, settle};
use rollcall_shared::directory::{Key, Lane, TenantId};
use rollcall_shared::scim::ScimError;
use rollcall_shared::store::accept::{
    self as store, Additions, Claimed, Drawn, Granted, NewKey, PendingRow, TeamName,
};
use rollcall_shared::store::{PgConnection, StoreError, async_results};
use std::collections::HashMap;

/// What was written.
pub(super) struct Written {
    /// What the workers should look at.
    pub keys: HashMap<Lane, Vec<Key>>,
    /// Attribute teams that have a name now.
    pub names: Vec<TeamName>,
}

/// Claim the unique values and write everything that stands then.
pub(super) async fn store_all(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    standings: &mut [Standing],
    drawn: &Drawn,
    knowledge: &Knowledge,
) -> Result<Written, StoreError> {
    // What is refused already takes along what refers to it, and asks for nothing.
    settle(items, standings, &drawn.seqs);
    let asked = claim::asked(standings);
    // Where nobody lets a value go that another one asks for, nothing has to be known before all is written.
    let granted = if nothing_but_creates(items, standings) {
        let rows = rows(tenant, items, standings, drawn, knowledge);
        match create(conn, tenant, rows, &asked, drawn).await? {
            Created::All(written) => return Ok(written),
            Created::Nothing { granted } => granted,
        }
    } else {
        store::claim_unique(conn, tenant, &asked).await?
    };
    for (place, conflict) in claim::conflicts(conn, tenant, items, standings, &asked, granted).await? {
        standings[place] = match conflict {
            Conflict::Held(attribute) => Standing::Refused(ScimError::uniqueness(attribute)),
            Conflict::HeldByEarlier => Standing::Deferred,
        };
    }
    let claimed = settle(items, standings, &drawn.seqs);
    if !claimed.is_empty() {
        let (ids, froms): (Vec<_>, Vec<_>) = claimed.into_iter().unzip();
        store::withdraw(conn, tenant, &ids, &froms).await?;
    }
    let rows = rows(tenant, items, standings, drawn, knowledge);
    write(conn, tenant, rows, drawn).await
}

/// Whether all of them are to be written, and all create something.
fn nothing_but_creates(items: &[Item], standings: &[Standing]) -> bool {
    let mut writes = items.iter().zip(standings);
    writes.all(|(item, standing)| {
        matches!(item.write, Write::Create { .. }) && matches!(standing, Standing::Write(_))
    })
}

/// The rows of everything that stands.
fn rows(
    tenant: TenantId,
    items: &[Item],
    standings: &[Standing],
    drawn: &Drawn,
    knowledge: &Knowledge,
) -> Rows {
    let mut rows = Rows::default();
    for ((item, standing), seq) in items.iter().zip(standings).zip(&drawn.seqs) {
        if let Standing::Write(planned) = standing {
            rows.add(item, planned, *seq);
        }
    }
    rows.team_names.retain(|name| !knowledge.knows(tenant, name));
    rows
}

/// What came of creating all at once.
enum Created {
    All(Written),
    /// Somebody did not get all they asked for.
    Nothing {
        granted: Vec<Claimed>,
    },
}

/// Claim and write at once, if all claims are granted.
async fn create(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: Rows,
    asked: &[NewKey],
    drawn: &Drawn,
) -> Result<Created, StoreError> {
    if let Granted::Only(granted) = store::add(conn, tenant, additions(&rows, asked, drawn)).await? {
        return Ok(Created::Nothing { granted });
    }
    store::insert_members(conn, tenant, &rows.joined, &rows.joined_seqs).await?;
    async_results::insert(conn, tenant, &rows.results).await?;
    Ok(Created::All(written(rows)))
}

/// Write rows whose claims were granted.
async fn write(
    conn: &mut PgConnection,
    tenant: TenantId,
    mut rows: Rows,
    drawn: &Drawn,
) -> Result<Written, StoreError> {
    store::update_resources(conn, tenant, &rows.updated).await?;
    store::close_keys(conn, tenant, &rows.ended, &rows.ended_seqs, &rows.ended_deleted).await?;
    store::delete_members(conn, tenant, &rows.left_groups, &rows.left_members).await?;
    store::insert_members(conn, tenant, &rows.joined, &rows.joined_seqs).await?;
    for (team, member, seq, lane) in rows.cascade(conn, tenant).await? {
        rows.pending.push(PendingRow {
            key: Key::Member(team, member),
            seq,
            lane,
            // The change has keys of its own that tell.
            traceparent: None,
        });
    }
    store::add(conn, tenant, additions(&rows, &[], drawn)).await?;
    async_results::insert(conn, tenant, &rows.results).await?;
    Ok(written(rows))
}

fn additions<'a>(rows: &'a Rows, claims: &'a [NewKey], drawn: &Drawn) -> Additions<'a> {
    Additions {
        resources: &rows.created,
        keys: &rows.keys,
        claims,
        team_names: &rows.team_names,
        changes: &rows.changes,
        pending: &rows.pending,
        accepted_at: drawn.at,
    }
}

fn written(rows: Rows) -> Written {
    let mut keys: HashMap<Lane, Vec<Key>> = HashMap::new();
    for row in rows.pending {
        keys.entry(row.lane).or_default().push(row.key);
    }
    Written {
        keys,
        names: rows.team_names,
    }
}
