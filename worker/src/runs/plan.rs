//! Phase `plan`: cutting the scope into parts.

use super::Step;
use crate::context::Context;
use crate::error::ReconcileError;
use crate::failpoints::failpoint;
use rollcall_shared::directory::{Key, TenantId};
use rollcall_shared::mapping::Compiled;
use rollcall_shared::projection::{project_person, team_names};
use rollcall_shared::store::accept::{self, Additions, TeamName};
use rollcall_shared::store::mappings::{self, InForce};
use rollcall_shared::store::runs::plan::{self as store, NewChunk};
use rollcall_shared::store::runs::{ChunkKind, Run, Scope};
use rollcall_shared::store::{PgConnection, StoreError, rules};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Keys compared together: what is wrong with them is written in one transaction.
const CHUNK: usize = 500;
/// Documents looked through at a time.
const DOCUMENTS: i64 = 1_000;
/// Names of teams written at a time.
const NAMES: usize = 5_000;

/// Write down the parts of a run.
pub(crate) async fn plan(context: &Context, tenant: TenantId, run: &Run) -> Result<Step, ReconcileError> {
    if matches!(run.scope, Scope::Full | Scope::Mapping(_) | Scope::Dates) {
        // Whoever applied documents by yesterday's date, or by a former mapping, is to be seen.
        rules::settle(&context.pool, tenant).await?;
    }
    let mut tx = context.pool.begin().await.map_err(StoreError::from)?;
    let chunks = match run.scope {
        Scope::Full | Scope::Mapping(_) => {
            if !run.dry_run {
                name_teams(context, &mut tx, tenant).await?;
            }
            everything(&mut tx, tenant).await?
        }
        // Nothing else hangs on the mapping.
        Scope::Preview(_) => NewChunk::ranges(
            ChunkKind::People,
            store::people(&mut tx, tenant, CHUNK as i64).await?,
        ),
        Scope::Person(person) => vec![NewChunk::listed(ChunkKind::People, vec![Key::Person(person)])],
        Scope::Team(team) => {
            let mapping = context.engine.mapping(&mut tx, tenant).await?.mapping;
            of_team(&mut tx, tenant, &mapping, team).await?
        }
        Scope::Dates => {
            let day = rules::deciding_day(&mut tx, tenant).await?;
            listed(store::off_their_dates(&mut tx, tenant, day).await?)
        }
    };
    if !store::begin(&mut tx, tenant, run.id, &chunks).await? {
        return Ok(Step::Further);
    }
    failpoint!("runs::before_plan_commit");
    tx.commit().await.map_err(StoreError::from)?;
    failpoint!("runs::after_plan_commit");
    tracing::info!(%tenant, run = %run.id, parts = chunks.len(), dry_run = run.dry_run, "run planned");
    Ok(Step::Further)
}

/// Teams before people, so that nobody becomes a member of a team under a wrong name; people
/// before members, so that links find who was put right.
async fn everything(conn: &mut PgConnection, tenant: TenantId) -> Result<Vec<NewChunk>, StoreError> {
    let size = CHUNK as i64;
    let bounds = [
        (
            ChunkKind::AttributeTeams,
            store::attribute_teams(conn, tenant, size).await?,
        ),
        (
            ChunkKind::GroupTeams,
            store::group_teams(conn, tenant, size).await?,
        ),
        (ChunkKind::People, store::people(conn, tenant, size).await?),
        (
            ChunkKind::Members,
            store::members(conn, tenant, None, size).await?,
        ),
    ];
    Ok(bounds
        .into_iter()
        .flat_map(|(kind, bounds)| NewChunk::ranges(kind, bounds))
        .collect())
}

/// The team, its members, and everybody else who is in it or should be.
async fn of_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    mapping: &Compiled,
    team: Uuid,
) -> Result<Vec<NewChunk>, StoreError> {
    let found = store::scope_team(conn, tenant, team).await?;
    let mut people: BTreeSet<Uuid> = store::people_in(conn, tenant, team).await?.into_iter().collect();
    let mut chunks = vec![];
    let attribute = found.and_then(|found| Some((found.kind, found.folded?)));
    match attribute {
        None => chunks.push(NewChunk::listed(ChunkKind::GroupTeams, vec![Key::Team(team)])),
        Some((kind, folded)) => {
            chunks.push(NewChunk {
                kind: ChunkKind::AttributeTeams,
                after: Some((Uuid::from_u128(team.as_u128().saturating_sub(1)), String::new())),
                upto: (team, String::new()),
                keys: None,
            });
            let mut after = Uuid::nil();
            loop {
                let page = store::documents(conn, tenant, after, DOCUMENTS).await?;
                let Some(last) = page.last() else { break };
                after = last.person;
                let belong = page.iter().filter(|user| {
                    let teams = project_person(mapping, &user.document).teams;
                    teams
                        .iter()
                        .any(|team| *team.kind == *kind && team.folded == folded)
                });
                people.extend(belong.map(|user| user.person));
            }
        }
    }
    chunks.extend(listed(people));
    let members = store::members(conn, tenant, Some(team), CHUNK as i64).await?;
    let mut members = NewChunk::ranges(ChunkKind::Members, members);
    if let Some(first) = members.first_mut() {
        first.after = Some((team, String::new()));
    }
    chunks.extend(members);
    Ok(chunks)
}

fn listed(people: impl IntoIterator<Item = Uuid>) -> Vec<NewChunk> {
    let people: Vec<Key> = people.into_iter().map(Key::Person).collect();
    let parts = people.chunks(CHUNK);
    parts
        .map(|keys| NewChunk::listed(ChunkKind::People, keys.to_vec()))
        .collect()
}

/// Teams that a changed mapping names in documents accepted before it get their ids and names here,
/// in the order in which the documents were accepted, and not by which worker comes to need them
/// first. Once for each version.
async fn name_teams(
    context: &Context,
    conn: &mut PgConnection,
    tenant: TenantId,
) -> Result<(), ReconcileError> {
    let InForce { version, mapping } = context.engine.mapping(conn, tenant).await?;
    if mappings::is_named(conn, tenant, version).await? {
        return Ok(());
    }
    let mut names: BTreeMap<(String, String), (i64, String)> = BTreeMap::new();
    let mut after = Uuid::nil();
    loop {
        let page = store::documents(conn, tenant, after, DOCUMENTS).await?;
        let Some(last) = page.last() else { break };
        after = last.person;
        for user in &page {
            for team in team_names(&mapping, &user.document) {
                let named = (user.seq, team.name);
                let first = names
                    .entry((team.kind.to_string(), team.folded))
                    .or_insert_with(|| named.clone());
                if named < *first {
                    *first = named;
                }
            }
        }
    }
    let names: Vec<TeamName> = names
        .into_iter()
        .map(|((kind, folded), (first_seq, name))| TeamName {
            kind,
            folded,
            name,
            team_id: Uuid::now_v7(),
            first_seq,
        })
        .collect();
    for names in names.chunks(NAMES) {
        let additions = Additions {
            team_names: names,
            ..Additions::default()
        };
        accept::add(conn, tenant, additions).await?;
    }
    mappings::set_named(conn, tenant, version).await?;
    Ok(())
}
