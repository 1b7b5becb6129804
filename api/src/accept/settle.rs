//! From each write's own standing to the batch's: what refers to a failed operation fails, what
//! refers to a waiting one waits, and nothing is written after `failOnErrors` is reached.

use super::Write;
use super::line::Item;
use super::plan::Planned;
use rollcall_shared::scim::ScimError;
use std::collections::HashMap;
use uuid::Uuid;

/// Where a write stands.
pub(super) enum Standing {
    Write(Box<Planned>),
    Refused(ScimError),
    Deferred,
    Skipped,
}

/// Settle the batch; answers (resource, seq) of the writes that do not stand, whose claims are
/// to be withdrawn.
pub(super) fn settle(items: &[Item], standings: &mut [Standing], seqs: &[i64]) -> Vec<(Uuid, i64)> {
    refuse_orphans(items, standings);
    while step(items, standings) {}
    items
        .iter()
        .zip(standings.iter())
        .zip(seqs)
        .filter(|((_, standing), _)| !matches!(standing, Standing::Write(_)))
        .map(|((item, _), seq)| (item.write.id(), *seq))
        .collect()
}

/// A write to a resource that an operation of the same request failed to create was refused as
/// not found; what it lacks is that operation.
fn refuse_orphans(items: &[Item], standings: &mut [Standing]) {
    for (item, standing) in items.iter().zip(standings) {
        if let Some(link) = &item.bulk
            && matches!(standing, Standing::Refused(_))
            && link.references.contains(&item.write.id())
            && link.has_failed(item.write.id())
        {
            *standing = Standing::Refused(depends_on_failed());
        }
    }
}

/// One round; answers whether anything moved.
fn step(items: &[Item], standings: &mut [Standing]) -> bool {
    let places: HashMap<Uuid, usize> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| matches!(item.write, Write::Create { .. }))
        .map(|(place, item)| (item.write.id(), place))
        .collect();
    let mut errors_left: HashMap<Uuid, i64> = HashMap::new();
    let mut waiting: HashMap<Uuid, bool> = HashMap::new();
    let mut moved = false;
    for (place, item) in items.iter().enumerate() {
        let Some(link) = &item.bulk else { continue };
        let left = errors_left
            .entry(link.request())
            .or_insert_with(|| link.errors_left());
        let held_back = waiting.entry(link.request()).or_default();
        let next = if *left <= link.refused_before {
            Some(Standing::Skipped)
        } else if *held_back && link.stops_on_errors() {
            Some(Standing::Deferred)
        } else if matches!(standings[place], Standing::Write(_)) {
            link.references.iter().find_map(|reference| {
                if link.has_failed(*reference) {
                    return Some(Standing::Refused(depends_on_failed()));
                }
                match places.get(reference).map(|place| &standings[*place]) {
                    Some(Standing::Refused(_)) => Some(Standing::Refused(depends_on_failed())),
                    Some(Standing::Deferred) => Some(Standing::Deferred),
                    Some(Standing::Skipped) => Some(Standing::Skipped),
                    _ => None,
                }
            })
        } else {
            None
        };
        if let Some(next) = next
            && std::mem::discriminant(&next) != std::mem::discriminant(&standings[place])
        {
            standings[place] = next;
            moved = true;
        }
        match standings[place] {
            Standing::Refused(_) => *left -= 1,
            Standing::Deferred => *held_back = true,
            Standing::Write(_) | Standing::Skipped => {}
        }
    }
    moved
}

fn depends_on_failed() -> ScimError {
    ScimError::conflict("the operation refers to a bulkId whose operation failed")
}
