//! One group commit: every write of the batch with its own outcome, in one transaction.
//!
//! Order matters and is the same everywhere: the tenant's lock, then `seq`, then reading, then
//! claiming unique values, then writing.

use super::claim::{self, Conflict};
use super::knowledge::Knowledge;
use super::line::Item;
use super::membership::needs_all_members;
use super::plan::{self, Members, Planned};
use super::rows::Rows;
use super::settle::{Standing, settle};
use super::{Accepted, Write};
use chrono::{DateTime, Utc};
use rollcall_shared::directory::{Key, KeyAttribute, Lane, TenantId, fold};
use rollcall_shared::mapping::Compiled;
use rollcall_shared::scim::{MemberOp, ResourceType, ScimError};
use rollcall_shared::store::accept::{self as store, Additions, PendingRow, TeamName};
use rollcall_shared::store::async_results;
use rollcall_shared::store::{PgConnection, PgPool, StoreError};
use rollcall_shared::telemetry::traces;
use rollcall_shared::traced;
use std::collections::HashMap;
use tracing::Instrument as _;
use uuid::Uuid;

/// What became of one write.
pub(super) enum Answer {
    Accepted(Box<Accepted>),
    Refused(ScimError),
    /// Must wait for the next batch: an earlier write of this one is in its way.
    Deferred,
    Skipped,
}

/// What a committed batch answers, and the keys the workers should look at.
pub(super) struct Outcome {
    pub answers: Vec<Answer>,
    pub keys: HashMap<Lane, Vec<Key>>,
}

/// Run the batch's transaction.
pub(super) async fn run(
    pool: &PgPool,
    tenant: TenantId,
    items: &[Item],
    knowledge: &Knowledge,
) -> Result<Outcome, StoreError> {
    let mut tx = store::begin(pool, tenant).await?;
    let drawn = store::draw(&mut tx, tenant, items.len()).await?;
    let (seqs, at) = (drawn.seqs, drawn.at);
    let mapping = knowledge
        .mapping(&mut tx, tenant, drawn.mapping_version, items)
        .await?;
    let mut standings = plan_all(&mut tx, tenant, items, &seqs, at, mapping.as_deref()).await?;
    for (place, conflict) in claim::claim_all(&mut tx, tenant, items, &mut standings).await? {
        standings[place] = match conflict {
            Conflict::Held(attribute) => Standing::Refused(ScimError::uniqueness(attribute)),
            Conflict::HeldByEarlier => Standing::Deferred,
        };
    }
    let claimed = settle(items, &mut standings, &seqs);
    if !claimed.is_empty() {
        let (ids, froms): (Vec<_>, Vec<_>) = claimed.into_iter().unzip();
        store::withdraw(&mut tx, tenant, &ids, &froms).await?;
    }
    let (keys, names) = write_all(&mut tx, tenant, items, &standings, &seqs, at, knowledge).await?;
    fail::fail_point!("accept::before_commit", |_| {
        rollcall_shared::failpoint::hit("accept::before_commit");
        Err(StoreError::interrupted())
    });
    tx.commit().instrument(traces::step(|| traced!("commit"))).await?;
    fail::fail_point!("accept::after_commit", |_| {
        rollcall_shared::failpoint::hit("accept::after_commit");
        Err(StoreError::interrupted())
    });
    knowledge.learn(tenant, names);
    let answers = items
        .iter()
        .zip(standings)
        .map(|(item, standing)| match standing {
            Standing::Write(planned) => Answer::Accepted(Box::new(accepted(item, *planned))),
            Standing::Refused(error) => Answer::Refused(error),
            Standing::Deferred => Answer::Deferred,
            Standing::Skipped => Answer::Skipped,
        })
        .collect();
    Ok(Outcome { answers, keys })
}

/// Read what the writes start from and plan each of them.
async fn plan_all(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    seqs: &[i64],
    at: DateTime<Utc>,
    mapping: Option<&Compiled>,
) -> Result<Vec<Standing>, StoreError> {
    let existing: Vec<Uuid> = items
        .iter()
        .filter(|item| !matches!(item.write, Write::Create { .. }))
        .map(|item| item.write.id())
        .collect();
    let mut stored = HashMap::new();
    let mut held: HashMap<Uuid, Vec<store::Claimed>> = HashMap::new();
    if !existing.is_empty() {
        stored = store::live_resources(conn, tenant, &existing).await?;
        for key in store::open_keys(conn, tenant, &existing).await? {
            held.entry(key.resource_id).or_default().push(key);
        }
    }
    let drafts: Vec<Result<plan::Draft, ScimError>> = items
        .iter()
        .map(|item| plan::draft(&item.write, stored.get(&item.write.id())))
        .collect();
    let former = former_people(conn, tenant, items, &drafts).await?;
    let members = read_members(conn, tenant, items, &drafts).await?;
    Ok(items
        .iter()
        .zip(drafts)
        .zip(seqs)
        .map(|((item, draft), seq)| {
            let id = item.write.id();
            let planned = draft.and_then(|draft| {
                let context = plan::Context {
                    writer: &item.writer,
                    write: &item.write,
                    stored: stored.get(&id),
                    held: held.get(&id).map_or(&[], Vec::as_slice),
                    former: &former,
                    members: members.get(&id),
                    mapping,
                    seq: *seq,
                    at,
                };
                plan::plan(context, draft)
            });
            match planned {
                Ok(planned) => Standing::Write(Box::new(planned)),
                Err(error) => Standing::Refused(error),
            }
        })
        .collect())
}

/// Whom the externalIds of new Users belonged to before their Users were deleted.
async fn former_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    drafts: &[Result<plan::Draft, ScimError>],
) -> Result<HashMap<(String, String), Uuid>, StoreError> {
    let mut sources = vec![];
    let mut values = vec![];
    for (item, draft) in items.iter().zip(drafts) {
        let (
            Write::Create {
                kind: ResourceType::User,
                ..
            },
            Ok(draft),
        ) = (&item.write, draft)
        else {
            continue;
        };
        let external = draft.keys.iter();
        for key in external.filter(|key| key.attribute == KeyAttribute::ExternalId) {
            sources.push(item.writer.source.to_string());
            values.push(key.value.clone());
        }
    }
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    store::former_people(conn, tenant, &sources, &values).await
}

/// The stored members the batch's membership operations are about: all of a group only where
/// an operation needs to see all.
async fn read_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    drafts: &[Result<plan::Draft, ScimError>],
) -> Result<HashMap<Uuid, Members>, StoreError> {
    let mut whole = vec![];
    let mut groups = vec![];
    let mut named = vec![];
    for (item, draft) in items.iter().zip(drafts) {
        let Ok(draft) = draft else { continue };
        let id = item.write.id();
        if matches!(item.write, Write::Create { .. }) || draft.members.is_empty() {
            continue;
        }
        if draft.members.iter().any(needs_all_members) {
            whole.push(id);
            continue;
        }
        for operation in &draft.members {
            let values: Vec<&str> = match operation {
                MemberOp::Add(members) => members.iter().map(|member| member.value.as_str()).collect(),
                MemberOp::Remove(values) => values.iter().map(String::as_str).collect(),
                MemberOp::RemoveWhere(_) | MemberOp::Replace(_) => vec![],
            };
            for value in values {
                groups.push(id);
                named.push(fold(value));
            }
        }
    }
    let mut rows = vec![];
    if !whole.is_empty() {
        rows.extend(store::all_members(conn, tenant, &whole).await?);
    }
    if !groups.is_empty() {
        rows.extend(store::some_members(conn, tenant, &groups, &named).await?);
    }
    let mut members: HashMap<Uuid, Members> = HashMap::new();
    for row in rows {
        members
            .entry(row.group_id)
            .or_default()
            .insert(row.member.clone(), row);
    }
    Ok(members)
}

/// Write everything that stands.
async fn write_all(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    standings: &[Standing],
    seqs: &[i64],
    at: DateTime<Utc>,
    knowledge: &Knowledge,
) -> Result<(HashMap<Lane, Vec<Key>>, Vec<TeamName>), StoreError> {
    let mut rows = Rows::default();
    for ((item, standing), seq) in items.iter().zip(standings).zip(seqs) {
        if let Standing::Write(planned) = standing {
            rows.add(item, planned, *seq);
        }
    }
    rows.team_names.retain(|name| !knowledge.knows(tenant, name));
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
    let additions = Additions {
        resources: &rows.created,
        keys: &rows.keys,
        team_names: &rows.team_names,
        changes: &rows.changes,
        pending: &rows.pending,
        accepted_at: at,
    };
    store::add(conn, tenant, additions).await?;
    async_results::insert(conn, tenant, &rows.results).await?;
    let mut keys: HashMap<Lane, Vec<Key>> = HashMap::new();
    for row in rows.pending {
        keys.entry(row.lane).or_default().push(row.key);
    }
    Ok((keys, rows.team_names))
}

fn accepted(item: &Item, planned: Planned) -> Accepted {
    Accepted {
        method: item.write.method(),
        kind: item.write.kind(),
        id: planned.resource.id,
        txn: item.txn,
        version: planned.resource.version,
        created_at: planned.resource.created_at,
        modified_at: planned.resource.modified_at,
        document: planned.resource.document,
        unchanged: planned.unchanged,
    }
}
