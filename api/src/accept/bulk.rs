//! `/Bulk` (RFC 7644 §3.7) on the same path as single writes.
//!
//! Ids are assigned before anything is written, so `bulkId` references resolve forward, backward
//! and in cycles. An operation goes into the line after all it refers to; operations that refer
//! to each other form a cluster that is committed whole. The acceptor's batches are the waves:
//! a second write to a resource, or a value another operation lets go, waits for the next one.

use super::components::Components;
use super::line::Item;
use super::{AcceptError, Accepted, Acceptor, Write, Writer};
use rollcall_shared::scim::bulk::{
    BadOperation, BulkRequest, IdOrBulkId, Method, Operation, Target, bulk_ids_referenced, replace_bulk_ids,
};
use rollcall_shared::scim::{Patch, ResourceType, Rules, ScimError, parse_resource};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use uuid::Uuid;

/// What became of one operation, in the request's order; `None`: not attempted, because
/// `failOnErrors` was reached.
pub struct BulkOutcome {
    /// As sent; in upper case where the dialect folds it.
    pub method: Option<String>,
    pub bulk_id: Option<String>,
    /// The resource, where the operation got far enough to have one.
    pub id: Option<(ResourceType, Uuid)>,
    pub result: Option<Result<Accepted, ScimError>>,
}

/// A bulk request under way, shared by its items.
#[derive(Debug)]
struct Request {
    id: Uuid,
    stops_on_errors: bool,
    errors_left: AtomicI64,
    /// Resources that could not be created.
    failed: Mutex<HashSet<Uuid>>,
}

/// An item's place in its bulk request.
#[derive(Debug, Clone)]
pub(super) struct BulkLink {
    request: Arc<Request>,
    pub cluster: usize,
    /// Resources of other operations this one refers to by `bulkId`.
    pub references: Vec<Uuid>,
    /// Operations before it that never got into the line; they count against `failOnErrors`.
    pub refused_before: i64,
}

impl BulkLink {
    pub(super) fn request(&self) -> Uuid {
        self.request.id
    }

    pub(super) fn stops_on_errors(&self) -> bool {
        self.request.stops_on_errors
    }

    pub(super) fn errors_left(&self) -> i64 {
        self.request.errors_left.load(Ordering::Acquire)
    }

    pub(super) fn has_failed(&self, resource: Uuid) -> bool {
        self.request
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&resource)
    }

    /// The operation failed for good. What refers to its bulkId fails with it only if it was to
    /// create the resource: one that could not be changed is there all the same.
    pub(super) fn failed(&self, write: &Write) {
        if let Write::Create { id, .. } = write {
            self.request
                .failed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*id);
        }
        self.request.errors_left.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Acceptor {
    /// Commit a bulk request's operations; each has its own outcome.
    ///
    /// # Errors
    /// [`AcceptError::Unavailable`] when operations could not be stored now: the client repeats
    /// the request, and what had been committed answers as its own duplicate.
    pub async fn bulk(
        &self,
        writer: &Writer,
        txn: Uuid,
        request: BulkRequest,
    ) -> Result<Vec<BulkOutcome>, AcceptError> {
        let assigned = assign_ids(&request.operations);
        let shared = Arc::new(Request {
            id: txn,
            stops_on_errors: request.fail_on_errors.is_some(),
            errors_left: AtomicI64::new(
                request
                    .fail_on_errors
                    .map_or(i64::MAX, |limit| limit.max(1) as i64),
            ),
            failed: Mutex::default(),
        });
        let mut outcomes: Vec<BulkOutcome> = vec![];
        let mut writes: Vec<Option<(Write, Vec<Uuid>)>> = vec![];
        for operation in request.operations {
            let (method, bulk_id, id, write) = match operation {
                Ok(operation) => {
                    let (id, write) = prepare(writer.rules, &operation, &assigned);
                    (
                        Some(operation.method.name().to_owned()),
                        operation.bulk_id,
                        id,
                        write,
                    )
                }
                Err(BadOperation {
                    method,
                    bulk_id,
                    error,
                }) => (method, bulk_id, None, Err(error)),
            };
            let (result, write) = match write {
                Ok(write) => (None, Some(write)),
                Err(error) => (Some(Err(error)), None),
            };
            outcomes.push(BulkOutcome {
                method,
                bulk_id,
                id,
                result,
            });
            writes.push(write);
        }
        let answers = self.submit_in_order(writer, txn, &shared, &mut outcomes, writes)?;
        for (place, answer) in answers {
            match answer.await.unwrap_or(Err(AcceptError::Unavailable)) {
                Ok(accepted) => outcomes[place].result = Some(Ok(accepted)),
                Err(AcceptError::Scim(error)) => outcomes[place].result = Some(Err(error)),
                Err(AcceptError::Skipped) => {}
                Err(AcceptError::Unavailable) => return Err(AcceptError::Unavailable),
            }
        }
        Ok(outcomes)
    }

    /// Put the well-formed operations into the line, dependencies first. An operation refused
    /// before it got there counts against `failOnErrors` at its place.
    #[expect(
        clippy::type_complexity,
        reason = "a list of places and the channels their answers come through"
    )]
    fn submit_in_order(
        &self,
        writer: &Writer,
        txn: Uuid,
        shared: &Arc<Request>,
        outcomes: &mut [BulkOutcome],
        mut writes: Vec<Option<(Write, Vec<Uuid>)>>,
    ) -> Result<Vec<(usize, oneshot::Receiver<Result<Accepted, AcceptError>>)>, AcceptError> {
        for (place, write) in writes.iter().enumerate() {
            if write.is_none()
                && outcomes[place].method.as_deref() == Some(Method::Post.name())
                && let Some((_, id)) = outcomes[place].id
            {
                shared
                    .failed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(id);
            }
        }
        let order = dependency_order(&writes);
        let mut items = vec![];
        let mut answers = vec![];
        let mut refused_before = 0;
        for (place, cluster) in order {
            match writes[place].take() {
                None => {
                    refused_before += 1;
                    if refused_before >= shared.errors_left.load(Ordering::Acquire) {
                        break;
                    }
                }
                Some((write, references)) => {
                    let (reply, answer) = oneshot::channel();
                    let bulk = BulkLink {
                        request: Arc::clone(shared),
                        cluster,
                        references,
                        refused_before,
                    };
                    let index = i32::try_from(place).unwrap_or(i32::MAX);
                    items.push(Item {
                        writer: writer.clone(),
                        txn,
                        index,
                        write,
                        bulk: Some(bulk),
                        reply,
                    });
                    answers.push((place, answer));
                }
            }
        }
        if !items.is_empty() {
            self.lines.put(writer.tenant, items)?;
        }
        Ok(answers)
    }
}

/// The id of every resource a POST of the request will create, by its bulkId.
fn assign_ids(operations: &[Result<Operation, BadOperation>]) -> HashMap<String, (ResourceType, Uuid)> {
    operations
        .iter()
        .flatten()
        .filter_map(|operation| match (&operation.target, &operation.bulk_id) {
            (Target::Create(kind), Some(bulk_id)) => Some((bulk_id.clone(), (*kind, Uuid::now_v7()))),
            _ => None,
        })
        .collect()
}

type Prepared = (
    Option<(ResourceType, Uuid)>,
    Result<(Write, Vec<Uuid>), ScimError>,
);

/// From an operation to a write: references replaced by ids, the body parsed.
fn prepare(
    rules: Rules,
    operation: &Operation,
    assigned: &HashMap<String, (ResourceType, Uuid)>,
) -> Prepared {
    let target = match &operation.target {
        Target::Create(kind) => {
            let known = operation
                .bulk_id
                .as_ref()
                .and_then(|bulk_id| assigned.get(bulk_id));
            Ok((*kind, known.map_or_else(Uuid::now_v7, |(_, id)| *id)))
        }
        Target::Resource(kind, IdOrBulkId::Id(id)) => id
            .parse()
            .map(|id| (*kind, id))
            .map_err(|_| ScimError::not_found(format!("{} {id:?} does not exist", kind.name()))),
        Target::Resource(kind, IdOrBulkId::BulkId(bulk_id)) => match assigned.get(bulk_id) {
            Some((known, id)) if known == kind => Ok((*kind, *id)),
            _ => Err(unknown_bulk_id(bulk_id)),
        },
    };
    let (kind, id) = match target {
        Ok(target) => target,
        Err(error) => return (None, Err(error)),
    };
    (Some((kind, id)), write(rules, operation, kind, id, assigned))
}

fn write(
    rules: Rules,
    operation: &Operation,
    kind: ResourceType,
    id: Uuid,
    assigned: &HashMap<String, (ResourceType, Uuid)>,
) -> Result<(Write, Vec<Uuid>), ScimError> {
    let mut references = vec![];
    let mut data = operation.data.clone();
    if let Some(data) = &mut data {
        for bulk_id in bulk_ids_referenced(data) {
            let (_, referred) = assigned.get(&bulk_id).ok_or_else(|| unknown_bulk_id(&bulk_id))?;
            references.push(*referred);
        }
        replace_bulk_ids(data, &|bulk_id| assigned.get(bulk_id).map(|(_, id)| *id));
    }
    if let Target::Resource(_, IdOrBulkId::BulkId(_)) = operation.target {
        references.push(id);
    }
    let body = || {
        data.clone()
            .ok_or_else(|| ScimError::invalid_syntax("the operation has no data"))
    };
    let if_match = operation.version.clone();
    let write = match operation.method {
        Method::Post => Write::Create {
            kind,
            id,
            body: Arc::new(parse_resource(rules, kind, body()?)?),
        },
        Method::Put => Write::Replace {
            kind,
            id,
            body: Arc::new(parse_resource(rules, kind, body()?)?),
            if_match,
        },
        Method::Patch => Write::Patch {
            kind,
            id,
            patch: Arc::new(Patch::parse(rules, kind, body()?)?),
            if_match,
        },
        Method::Delete => Write::Delete { kind, id, if_match },
    };
    if matches!(write, Write::Create { .. }) {
        references.retain(|reference| *reference != id);
    }
    Ok((write, references))
}

fn unknown_bulk_id(bulk_id: &str) -> ScimError {
    ScimError::conflict(format!("no operation of this request has the bulkId {bulk_id:?}"))
}

/// The places in the order to submit them, each with its cluster: the request's order, except
/// that an operation comes after those that create what it refers to; operations that refer to
/// each other in a circle share a cluster (Tarjan's strongly connected components, found in
/// dependency order).
fn dependency_order(writes: &[Option<(Write, Vec<Uuid>)>]) -> Vec<(usize, usize)> {
    let creators: HashMap<Uuid, usize> = writes
        .iter()
        .enumerate()
        .filter_map(|(place, write)| match write {
            Some((Write::Create { id, .. }, _)) => Some((*id, place)),
            _ => None,
        })
        .collect();
    let edges: Vec<Vec<usize>> = writes
        .iter()
        .map(|write| match write {
            Some((_, references)) => references
                .iter()
                .filter_map(|id| creators.get(id).copied())
                .collect(),
            None => vec![],
        })
        .collect();
    Components::of(&edges)
}
