//! One group commit: every write of the batch with its own outcome, in one transaction.
//!
//! Order matters and is the same everywhere: the tenant's lock, then `seq`, then reading, then
//! claiming unique values, then writing.

use super::knowledge::Knowledge;
use super::line::Item;
use super::membership::needs_all_members;
use super::plan::{self, Draft, Members, Planned};
use super::settle::Standing;
use super::store_all::{Written, store_all};
use super::turn::Turns;
use super::{Accepted, Write};
use rollcall_shared::directory::{Key, KeyAttribute, Lane, TenantId, fold};
use rollcall_shared::mapping::Compiled;
use rollcall_shared::scim::{MemberOp, ResourceType, ScimError};
use rollcall_shared::store::accept::{self as store, Drawn, Newcomers};
use rollcall_shared::store::{PgConnection, StoreError};
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

/// Run the batch in the tenant's next turn. Lines up for the turn after it if `waited_for` says that there is a batch
/// for it.
pub(super) async fn run(
    turns: &mut Turns,
    tenant: TenantId,
    items: &[Item],
    knowledge: &Knowledge,
    waited_for: impl Fn() -> bool,
) -> Result<Outcome, StoreError> {
    let creations: Vec<Option<Drafted>> = items.iter().map(creation).collect();
    let newcomers = newcomers(items, &creations);
    let mut turn = turns.take().await?;
    let drawn = store::draw(&mut turn, tenant, items.len(), &newcomers).await?;
    let mapping = knowledge
        .mapping(&mut turn, tenant, drawn.mapping_version, items)
        .await?;
    let mut standings = plan_all(&mut turn, tenant, items, creations, &drawn, mapping.as_deref()).await?;
    let Written { keys, names } =
        store_all(&mut turn, tenant, items, &mut standings, &drawn, knowledge).await?;
    fail::fail_point!("accept::before_commit", |_| {
        rollcall_shared::failpoint::hit("accept::before_commit");
        Err(StoreError::interrupted())
    });
    if waited_for() {
        turns.line_up();
    }
    turn.commit()
        .instrument(traces::step(|| traced!("commit")))
        .await?;
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

/// A write's new document, or why there is none.
type Drafted = Result<Draft, ScimError>;

/// The draft of a write that starts from nothing.
fn creation(item: &Item) -> Option<Drafted> {
    let creates = matches!(item.write, Write::Create { .. });
    creates.then(|| plan::draft(&item.write, None))
}

/// The externalIds of new Users, who may have been here before.
fn newcomers(items: &[Item], creations: &[Option<Drafted>]) -> Newcomers {
    let mut newcomers = Newcomers::default();
    for (item, creation) in items.iter().zip(creations) {
        let (ResourceType::User, Some(Ok(draft))) = (item.write.kind(), creation) else {
            continue;
        };
        let external = draft.keys.iter();
        for key in external.filter(|key| key.attribute == KeyAttribute::ExternalId) {
            newcomers.sources.push(item.writer.source.to_string());
            newcomers.external_ids.push(key.value.clone());
        }
    }
    newcomers
}

/// Read what the writes start from and plan each of them; `creations` are drafted already.
async fn plan_all(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    creations: Vec<Option<Drafted>>,
    drawn: &Drawn,
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
    let drafts: Vec<Drafted> = items
        .iter()
        .zip(creations)
        .map(|(item, creation)| {
            creation.unwrap_or_else(|| plan::draft(&item.write, stored.get(&item.write.id())))
        })
        .collect();
    let members = read_members(conn, tenant, items, &drafts).await?;
    Ok(items
        .iter()
        .zip(drafts)
        .zip(&drawn.seqs)
        .map(|((item, draft), seq)| {
            let id = item.write.id();
            let planned = draft.and_then(|draft| {
                let context = plan::Context {
                    writer: &item.writer,
                    write: &item.write,
                    stored: stored.get(&id),
                    held: held.get(&id).map_or(&[], Vec::as_slice),
                    former: &drawn.former,
                    members: members.get(&id),
                    mapping,
                    seq: *seq,
                    at: drawn.at,
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

/// The stored members the batch's membership operations are about: all of a group only where
/// an operation needs to see all.
async fn read_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    drafts: &[Drafted],
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
