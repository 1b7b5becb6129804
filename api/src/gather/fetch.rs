//! What a fetch asks of Postgres.

use super::User;
use super::line::Source;
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{Derived, ResourceType, names_managers};
use rollcall_shared::store::search::{self, Claim, Stored};
use rollcall_shared::store::{PgConnection, PgPool, PooledConnection, StoreError};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Longest that a fetch takes. A connection whose other end is gone may never answer.
const LONGEST: Duration = Duration::from_secs(30);

pub(super) struct Users {
    pub pool: PgPool,
}

/// A question for Users.
pub(super) struct Asked {
    pub by: By,
    /// Whether groups and managers are wanted.
    pub derived: bool,
}

pub(super) enum By {
    Id(Uuid),
    Claim(Claim),
}

impl Source for Users {
    type Connection = PooledConnection;
    type Asked = Asked;
    type Answer = Vec<Arc<User>>;

    async fn connect(&self) -> Result<PooledConnection, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    async fn fetch(
        &self,
        mut connection: PooledConnection,
        tenant: TenantId,
        asked: &[Asked],
    ) -> Result<Vec<Vec<Arc<User>>>, StoreError> {
        let answers = tokio::time::timeout(LONGEST, answers(&mut connection, tenant, asked)).await;
        answers.unwrap_or_else(|_| {
            connection.close_on_drop();
            Err(StoreError::interrupted())
        })
    }
}

async fn answers(
    connection: &mut PgConnection,
    tenant: TenantId,
    asked: &[Asked],
) -> Result<Vec<Vec<Arc<User>>>, StoreError> {
    let found = find(connection, tenant, asked).await?;
    let wanting = asked.iter().filter(|asked| asked.derived);
    let wanted: HashSet<Uuid> = wanting.flat_map(|asked| found.ids(&asked.by)).copied().collect();
    let wanted: Vec<&Stored> = wanted.iter().filter_map(|id| found.resources.get(id)).collect();
    let mut derived = derived(connection, tenant, &wanted).await?;
    let Found { resources, holders } = found;
    let users = resources.into_iter().map(|(id, resource)| {
        let derived = derived.remove(&id).unwrap_or_default();
        (id, Arc::new(User { resource, derived }))
    });
    let users: HashMap<Uuid, Arc<User>> = users.collect();
    let answer = |asked: &Asked| {
        let ids = ids(&holders, &asked.by).iter();
        ids.filter_map(|id| users.get(id)).cloned().collect()
    };
    Ok(asked.iter().map(answer).collect())
}

struct Found<'a> {
    resources: HashMap<Uuid, Stored>,
    holders: Holders<'a>,
}

type Holders<'a> = HashMap<&'a Claim, Vec<Uuid>>;

impl Found<'_> {
    fn ids<'f>(&'f self, by: &'f By) -> &'f [Uuid] {
        ids(&self.holders, by)
    }
}

fn ids<'f>(holders: &'f Holders<'_>, by: &'f By) -> &'f [Uuid] {
    match by {
        By::Id(id) => std::slice::from_ref(id),
        By::Claim(claim) => holders.get(claim).map_or(&[], Vec::as_slice),
    }
}

/// The resources that are asked for, each question asked once.
async fn find<'a>(
    connection: &mut PgConnection,
    tenant: TenantId,
    asked: &'a [Asked],
) -> Result<Found<'a>, StoreError> {
    let (mut ids, mut claims) = (HashSet::new(), HashSet::new());
    for asked in asked {
        match &asked.by {
            By::Id(id) => {
                ids.insert(*id);
            }
            By::Claim(claim) => {
                claims.insert(claim);
            }
        }
    }
    let (ids, claims) = (Vec::from_iter(ids), Vec::from_iter(claims));
    let mut resources: HashMap<Uuid, Stored> = by_ids(connection, tenant, &ids)
        .await?
        .into_iter()
        .map(|resource| (resource.id, resource))
        .collect();
    let mut holders: Holders<'a> = HashMap::new();
    if !claims.is_empty() {
        for (place, holder) in search::holders(connection, tenant, ResourceType::User, &claims).await? {
            holders.entry(claims[place]).or_default().push(holder.id);
            resources.insert(holder.id, holder);
        }
    }
    Ok(Found { resources, holders })
}

async fn by_ids(
    connection: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<Stored>, StoreError> {
    match ids {
        [] => Ok(vec![]),
        [id] => {
            let found = search::get(connection, tenant, ResourceType::User, *id).await?;
            Ok(found.into_iter().collect())
        }
        ids => search::get_several(connection, tenant, ResourceType::User, ids).await,
    }
}

/// What hangs on these Users.
async fn derived(
    connection: &mut PgConnection,
    tenant: TenantId,
    users: &[&Stored],
) -> Result<HashMap<Uuid, Derived>, StoreError> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    if let [user] = users {
        let (groups, managers) = search::hanging_on(connection, tenant, user.id, user.directory_id).await?;
        return Ok(HashMap::from([(user.id, Derived { groups, managers })]));
    }
    let ids: Vec<Uuid> = users.iter().map(|user| user.id).collect();
    let mut groups = search::groups_of_each(connection, tenant, &ids).await?;
    let managed = users.iter().filter(|user| names_managers(&user.document));
    let managed: Vec<Uuid> = managed.map(|user| user.directory_id).collect();
    let managers = match managed.is_empty() {
        true => HashMap::new(),
        false => search::managers_of(connection, tenant, &managed).await?,
    };
    let derived = users.iter().map(|user| {
        let groups = groups.remove(&user.id).unwrap_or_default();
        let managers = managers.get(&user.directory_id).cloned().unwrap_or_default();
        (user.id, Derived { groups, managers })
    });
    Ok(derived.collect())
}
