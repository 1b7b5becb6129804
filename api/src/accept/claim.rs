//! Claiming unique values for a whole batch: each write wins all of its own or leaves the batch.

use super::line::{Item, cluster};
use super::settle::Standing;
use rollcall_shared::directory::{KeyAttribute, TenantId};
use rollcall_shared::store::accept::{self as store, Claimed, NewKey};
use rollcall_shared::store::{PgConnection, StoreError, settings};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Why a claim was not granted.
pub(super) enum Conflict {
    /// Another resource holds the value of this attribute: 409 `uniqueness`.
    Held(&'static str),
    /// An earlier write of this batch holds it and may be letting it go: ask again afterwards.
    HeldByEarlier,
}

/// The unique values that the batch asks for, in the order in which they are claimed.
pub(super) fn asked(standings: &[Standing]) -> Vec<NewKey> {
    let mut asked: Vec<NewKey> = vec![];
    for standing in standings {
        if let Standing::Write(planned) = standing {
            asked.extend(planned.new_keys.iter().filter(|key| key.unique).cloned());
        }
    }
    asked.sort();
    asked
}

/// The places of the writes that were not granted all they asked for.
pub(super) async fn conflicts(
    conn: &mut PgConnection,
    tenant: TenantId,
    items: &[Item],
    standings: &mut [Standing],
    asked: &[NewKey],
    granted: Vec<Claimed>,
) -> Result<Vec<(usize, Conflict)>, StoreError> {
    let granted: HashSet<(Uuid, i16, String)> = granted
        .into_iter()
        .map(|key| (key.resource_id, key.attribute, key.value))
        .collect();
    let mut denied: Vec<&NewKey> = asked
        .iter()
        .filter(|key| !granted.contains(&(key.resource_id, key.attribute, key.value.clone())))
        .collect();
    if denied.is_empty() {
        return Ok(vec![]);
    }
    let places: HashMap<Uuid, usize> = items
        .iter()
        .zip(&*standings)
        .enumerate()
        .filter(|(_, (_, standing))| matches!(standing, Standing::Write(_)))
        .map(|(place, (item, _))| (item.write.id(), place))
        .collect();
    if denied.iter().any(|key| is_group_name(key)) && names_may_be_shared(conn, tenant).await? {
        for key in denied.extract_if(.., |key| is_group_name(key)) {
            keep_unclaimed(key, &mut standings[places[&key.resource_id]]);
        }
    }
    let holders = store::holders(conn, tenant, &denied).await?;
    Ok(denied
        .into_iter()
        .map(|key| {
            let place = places[&key.resource_id];
            let holder = holders.get(&(key.kind, key.attribute, key.value.clone(), key.source.clone()));
            // Within a cluster nobody can wait for the others: it is committed whole or not at all.
            let apart = |holder: usize| {
                cluster(&items[place]).is_none() || cluster(&items[holder]) != cluster(&items[place])
            };
            let earlier = holder
                .and_then(|holder| places.get(holder))
                .is_some_and(|holder| *holder < place && apart(*holder));
            let conflict = if earlier {
                Conflict::HeldByEarlier
            } else {
                Conflict::Held(name(key.attribute))
            };
            (place, conflict)
        })
        .collect())
}

fn is_group_name(key: &NewKey) -> bool {
    key.attribute == KeyAttribute::DisplayName as i16
}

async fn names_may_be_shared(conn: &mut PgConnection, tenant: TenantId) -> Result<bool, StoreError> {
    let stored = settings::read(conn, tenant).await?;
    Ok(!stored.settings.unique_group_names)
}

/// The write begins to hold this value beside whoever has claimed it.
fn keep_unclaimed(denied: &NewKey, standing: &mut Standing) {
    if let Standing::Write(planned) = standing {
        let keys = planned.new_keys.iter_mut();
        keys.filter(|key| key.attribute == denied.attribute)
            .for_each(|key| key.unique = false);
    }
}

fn name(attribute: i16) -> &'static str {
    match KeyAttribute::from_column(attribute) {
        Some(KeyAttribute::ExternalId) => "externalId",
        Some(KeyAttribute::UserName) => "userName",
        Some(KeyAttribute::DisplayName) => "displayName",
        _ => "id",
    }
}
