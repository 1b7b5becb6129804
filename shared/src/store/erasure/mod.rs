//! Erasing people: every value of theirs goes, rows with nothing but ids stay (docs/adr/0014).
//!
//! One transaction under the tenant's lock, as every accepted write: it deletes what is still
//! live, empties documents, rows and history, and names the person by id where others named them
//! by a value. What follows for links is left to the workers, by way of `pending`.

mod columns;
mod meaning;
mod names;
mod references;
mod retention;
mod rows;
mod subjects;

pub use columns::{IMPERSONAL, PERSONAL};
pub use retention::due;

use super::accept::{self, Additions, Change, Newcomers, PendingRow};
use super::reconcile::{lock_people, lock_teams};
use super::{PgPool, StoreError};
use crate::directory::{Key, Lane, TenantId};
use meaning::Meaning;
use references::Scan;
use std::collections::BTreeSet;
use subjects::Subjects;
use uuid::Uuid;

/// Times an erasure is begun anew because others were in its way.
const ATTEMPTS: usize = 5;

/// Why people are erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An operator asked for it, with this token.
    Asked(Uuid),
    /// They have been deleted for so many days; who was not is left alone.
    Retention { days: i32 },
}

/// What was erased.
#[derive(Debug, Clone, Default)]
pub struct Erasure {
    /// The receipt; its first operations are the people, the others the documents that named them.
    pub txn: Uuid,
    /// Who was erased just now; who had been before is not among them.
    pub people: Vec<Uuid>,
    /// Documents of others that named them, and name their ids now.
    pub references: usize,
    /// Members taken out of groups.
    pub members: usize,
    /// What the workers must look at.
    pub keys: Vec<Key>,
    /// Folded values by which others may have named them; jobs in the queues may hold some.
    pub values: Vec<String>,
}

/// Erase these people. Whoever is gone already is left as they are.
///
/// # Errors
/// When Postgres is out of reach, or others were in the way again and again; nothing is half-erased.
pub async fn erase(
    pool: &PgPool,
    tenant: TenantId,
    people: &[Uuid],
    cause: Cause,
) -> Result<Erasure, StoreError> {
    for _ in 0..ATTEMPTS {
        match attempt(pool, tenant, people, cause).await {
            Ok(Some(erasure)) => return Ok(erasure),
            Ok(None) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict(sqlx::Error::RowNotFound))
}

/// `None` when somebody wrote meanwhile what this must take into account.
async fn attempt(
    pool: &PgPool,
    tenant: TenantId,
    people: &[Uuid],
    cause: Cause,
) -> Result<Option<Erasure>, StoreError> {
    // Reads every document of the tenant, so it is done before anybody has to wait.
    let mut connection = pool.acquire().await?;
    let subjects = Subjects::load(&mut connection, tenant, people).await?;
    let scan = Scan::of(&mut connection, tenant, &subjects).await?;
    drop(connection);

    let mut tx = accept::begin(pool, tenant).await?;
    let people = match cause {
        Cause::Asked(_) => people.to_vec(),
        Cause::Retention { days } => retention::still_due(&mut tx, tenant, people, days).await?,
    };
    let subjects = Subjects::load(&mut tx, tenant, &people).await?;
    if subjects.all.is_empty() {
        return Ok(Some(Erasure::default()));
    }
    if !scan.covers(&mut tx, tenant, &subjects).await? {
        return Ok(None);
    }
    let meaning = Meaning::load(&mut tx, tenant, &subjects).await?;
    let documents = scan.documents(&mut tx, tenant, &subjects, &meaning).await?;
    let members = references::members(&mut tx, tenant, &meaning).await?;

    // Whoever works on one of these rows has read what is about to go. Locked, in the order of
    // every apply, and read again afterwards.
    let mut locked = rows::concerned(&mut tx, tenant, &subjects, &meaning).await?;
    locked
        .people
        .extend(documents.iter().map(|document| document.resource.directory_id));
    locked.teams.extend(members.iter().map(|member| member.team_id));
    rows::create_teams(&mut tx, tenant, &locked.teams).await?;
    let ids: Vec<Uuid> = locked.people.into_iter().collect();
    let there: BTreeSet<Uuid> = lock_people(&mut tx, tenant, &ids)
        .await?
        .into_iter()
        .map(|row| row.id)
        .collect();
    let teams: Vec<Uuid> = locked.teams.into_iter().collect();
    lock_teams(&mut tx, tenant, &teams).await?;
    // Who is not in the directory yet may be on the way into it with all values: with a row of
    // theirs here, that worker has to begin anew.
    if !rows::insert_tombstones(&mut tx, tenant, &subjects, &there).await? {
        return Ok(None);
    }

    let live = documents.iter().filter(|document| document.is_live()).count();
    let count = subjects.all.len() + live;
    let drawn = accept::draw(&mut tx, tenant, count, &Newcomers::default()).await?;
    let at = drawn.at;
    let (of_people, of_documents) = drawn.seqs.split_at(subjects.all.len());
    let mut ledger = Ledger::new(cause);
    for (subject, seq) in subjects.all.iter().zip(of_people) {
        ledger.add(
            *seq,
            subject.resource,
            subject.person,
            "erase",
            vec![],
            subject.version + 1,
        );
    }
    let references = documents.len();
    let mut of_documents = of_documents.iter();
    let mut changed = vec![];
    for document in documents {
        let attributes = document.attributes.clone();
        let seq = document.is_live().then(|| of_documents.next().copied()).flatten();
        let resource = document.rewritten(seq, at);
        if let Some(seq) = seq {
            ledger.add(
                seq,
                resource.id,
                resource.directory_id,
                "patch",
                attributes,
                resource.version,
            );
        }
        changed.push(resource);
    }
    accept::update_resources(&mut tx, tenant, &changed).await?;
    rows::empty_documents(&mut tx, tenant, &subjects, of_people, at).await?;
    rows::end_keys(&mut tx, tenant, &subjects, of_people).await?;
    let (groups, values) = members
        .iter()
        .map(|member| (member.group_id, member.member.clone()))
        .unzip::<_, _, Vec<_>, Vec<_>>();
    accept::delete_members(&mut tx, tenant, &groups, &values).await?;

    let renamed = meaning.renamed(&members);
    let mut left: BTreeSet<(Uuid, Uuid)> = members
        .iter()
        .map(|member| (member.team_id, member.person))
        .collect();
    left.extend(names::rename_memberships(&mut tx, tenant, &meaning).await?);
    left.extend(names::rename_waiters(&mut tx, tenant, &meaning).await?);
    names::rename_keys(&mut tx, tenant, &renamed).await?;
    names::rename_parts_of_runs(&mut tx, tenant, &renamed).await?;
    names::forget_wakes(&mut tx, tenant, &renamed).await?;
    rows::empty_people(&mut tx, tenant, &subjects, cause).await?;
    rows::tell(&mut tx, tenant, &subjects, of_people).await?;
    for (team, person) in left {
        if let (Some(place), Some(name)) = (subjects.place(person), meaning.name(person)) {
            ledger.pending.push(PendingRow {
                key: Key::Member(team, name.to_owned()),
                seq: of_people[place],
                lane: Lane::Live,
                traceparent: None,
            });
        }
    }
    let additions = Additions {
        changes: &ledger.changes,
        pending: &ledger.pending,
        accepted_at: at,
        ..Additions::default()
    };
    accept::add(&mut tx, tenant, additions).await?;
    fail::fail_point!("erasure::before_commit", |_| {
        crate::failpoint::hit("erasure::before_commit");
        Err(StoreError::interrupted())
    });
    tx.commit().await?;
    Ok(Some(Erasure {
        txn: ledger.txn,
        people: subjects.all.iter().map(|subject| subject.person).collect(),
        references,
        members: members.len(),
        keys: ledger.pending.into_iter().map(|row| row.key).collect(),
        values: meaning.values,
    }))
}

/// What is written down of an erasure: the changes, and what the workers must look at for them.
struct Ledger {
    txn: Uuid,
    token: Option<Uuid>,
    changes: Vec<Change>,
    pending: Vec<PendingRow>,
}

impl Ledger {
    fn new(cause: Cause) -> Ledger {
        Ledger {
            txn: Uuid::now_v7(),
            token: match cause {
                Cause::Asked(token) => Some(token),
                Cause::Retention { .. } => None,
            },
            changes: vec![],
            pending: vec![],
        }
    }

    fn add(
        &mut self,
        seq: i64,
        resource_id: Uuid,
        directory_id: Uuid,
        operation: &'static str,
        attributes: Vec<String>,
        version: i64,
    ) {
        self.changes.push(Change {
            seq,
            txn: self.txn,
            txn_index: i32::try_from(self.changes.len()).unwrap_or(i32::MAX),
            resource_id,
            directory_id,
            kind: 1,
            operation,
            unchanged: false,
            attributes,
            version,
            token: self.token,
        });
        self.pending.push(PendingRow {
            key: Key::Person(directory_id),
            seq,
            lane: Lane::Live,
            traceparent: None,
        });
    }
}
