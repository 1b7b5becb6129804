use crate::directory::{KeyAttribute, TenantId};
use crate::store::people::Person;
use crate::store::{PgConnection, StoreError};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow as _, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

/// Display name for the order.
const NAME: &str = r#"coalesce(lower(p.display_name), '') collate "C""#;

/// Which people are wanted; what is `None` is not asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    pub active: Option<bool>,
    /// In this team itself.
    pub team: Option<Uuid>,
    /// In some team of this kind.
    pub team_kind: Option<&'a str>,
    /// With this manager, additional ones aside.
    pub manager: Option<Uuid>,
    /// Without regard to case, like the two that follow.
    pub location: Option<&'a str>,
    pub level: Option<&'a str>,
    pub employment_type: Option<&'a str>,
    /// Folded; the primary address or another.
    pub email: Option<&'a str>,
    /// Whose own fields were written since.
    pub updated_since: Option<DateTime<Utc>>,
    /// Folded: the beginning of a key or of a name.
    pub beginning: Option<&'a str>,
    /// Custom attributes and their values as text.
    pub custom: Vec<(&'a str, &'a str)>,
    pub order: Order,
    pub after: Option<Place>,
    pub limit: i64,
}

/// By what a list is ordered; equals by id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Id,
    /// Display name, without regard to case; who has none comes first.
    Name,
    Updated,
}

/// Where somebody is in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    id: Uuid,
    name: Option<String>,
    at: Option<DateTime<Utc>>,
}

/// People, at most `limit`, and the place of the last when there may be more.
///
/// # Errors
/// When the statement fails; filters without an index look at everybody, which may take longer than
/// the connection allows.
pub async fn list(
    conn: &mut PgConnection,
    tenant: TenantId,
    wanted: &Wanted<'_>,
) -> Result<(Vec<Person>, Option<Place>), StoreError> {
    let mut query = QueryBuilder::<Postgres>::new("select p.*, ");
    query.push(NAME).push(" as sort_name from ");
    let ways = Way::all(wanted);
    push_source(&mut query, tenant, &ways);
    // Said so that without statistics half of all people are expected to be shown, and not one in 200.
    query.push(" where case when p.erased_at is null then p.status <> 'deprovisioned' end");
    push_ways(&mut query, tenant, &ways);
    push_filters(&mut query, tenant, wanted);
    let key = match wanted.order {
        // In this order they come out of an index, so that only the page is read.
        Order::Id if ways.is_empty() => "p.tenant_id, p.id".to_owned(),
        Order::Id => "found.id".to_owned(),
        Order::Name => format!("{NAME}, p.id"),
        Order::Updated => "p.updated_at, p.id".to_owned(),
    };
    if let Some(after) = &wanted.after {
        query.push(format!(" and ({key}) > ("));
        match wanted.order {
            Order::Id if ways.is_empty() => query.push_bind(tenant.0).push(", "),
            Order::Id => &mut query,
            Order::Name => query.push_bind(after.name.clone().unwrap_or_default()).push(", "),
            Order::Updated => query.push_bind(after.at.unwrap_or_default()).push(", "),
        };
        query.push_bind(after.id).push(")");
    }
    query
        .push(format!(" order by {key} limit "))
        .push_bind(wanted.limit);
    let rows = query.build().fetch_all(conn).await?;
    let people: Vec<Person> = rows.iter().map(Person::from_row).collect::<Result<_, _>>()?;
    let last = rows.last().zip(people.last());
    let next = last.filter(|_| i64::try_from(rows.len()) == Ok(wanted.limit));
    let place = match next {
        Some((row, person)) => Some(Place {
            id: person.id,
            name: match wanted.order {
                Order::Name => Some(row.try_get("sort_name")?),
                _ => None,
            },
            at: (wanted.order == Order::Updated).then_some(person.updated_at),
        }),
        None => None,
    };
    Ok((people, place))
}

/// A way to find people by an index.
#[derive(Clone, Copy)]
enum Way<'a> {
    Email(&'a str),
    Manager(Uuid),
    Team(Uuid),
}

impl<'a> Way<'a> {
    /// Those that are asked for; who is likely to find fewest comes first.
    fn all(wanted: &Wanted<'a>) -> Vec<Way<'a>> {
        let email = wanted.email.map(Way::Email);
        let ways = [
            email,
            wanted.manager.map(Way::Manager),
            wanted.team.map(Way::Team),
        ];
        ways.into_iter().flatten().collect()
    }

    /// The ids of those it finds.
    fn push(self, query: &mut QueryBuilder<Postgres>, tenant: TenantId) {
        match self {
            Way::Email(email) => {
                let (primary, other) = (KeyAttribute::PrimaryEmail as i16, KeyAttribute::OtherEmail as i16);
                query.push(format!(
                    "select directory_id as id from scim_keys where kind = 1 and to_seq is null
                         and attribute in ({primary}, {other}) and folded = "
                ));
                query.push_bind(email.to_owned())
            }
            Way::Manager(manager) => {
                query.push("select person_id as id from reporting_lines where slot = 1 and manager_id = ");
                query.push_bind(manager)
            }
            Way::Team(team) => {
                query.push("select person_id as id from team_members where team_id = ");
                query.push_bind(team)
            }
        };
        query.push(" and tenant_id = ").push_bind(tenant.0);
    }
}

/// Whom to look at: who is found by an index, one by one, else everybody in the order of ids. That the
/// tenant is told by comparisons leaves no cheaper way than that order, whatever is known of the tenant.
fn push_source(query: &mut QueryBuilder<Postgres>, tenant: TenantId, ways: &[Way<'_>]) {
    if let Some(first) = ways.first() {
        query.push("(");
        first.push(query, tenant);
        query.push(" group by 1) found cross join lateral (select * from people where tenant_id = ");
        query.push_bind(tenant.0).push(" and id = found.id offset 0) p");
    } else {
        // Nobody has the id that is all zeros.
        query.push("(select * from people where (tenant_id, id) > (");
        query.push_bind(tenant.0).push(", ").push_bind(Uuid::nil());
        query.push(") and tenant_id <= ").push_bind(tenant.0).push(") p");
    }
}

/// Whoever was found the first way must be found the others: a look at an index for each.
fn push_ways(query: &mut QueryBuilder<Postgres>, tenant: TenantId, ways: &[Way<'_>]) {
    for way in ways.iter().skip(1) {
        query.push(" and exists (select from (");
        way.push(query, tenant);
        query.push(") too where too.id = p.id offset 0)");
    }
}

fn push_filters(query: &mut QueryBuilder<Postgres>, tenant: TenantId, wanted: &Wanted<'_>) {
    if let Some(active) = wanted.active {
        query.push(" and (p.status = 'active') = ").push_bind(active);
    }
    if let Some(kind) = wanted.team_kind {
        // One person after the other, so that no more are looked at than the page takes.
        query.push(" and exists (select from team_members m cross join lateral (select from teams t where t.tenant_id = ");
        query
            .push_bind(tenant.0)
            .push(" and t.id = m.team_id and not t.deleted and t.kind = ")
            .push_bind(kind.to_owned())
            .push(" offset 0) of_kind where m.person_id = p.id and m.tenant_id = ")
            .push_bind(tenant.0)
            .push(" offset 0)");
    }
    for (column, value) in [
        ("location", wanted.location),
        ("level", wanted.level),
        ("employment_type", wanted.employment_type),
    ] {
        if let Some(value) = value {
            query.push(format!(" and lower(p.{column}) = lower("));
            query.push_bind(value.to_owned()).push(")");
        }
    }
    if let Some(since) = wanted.updated_since {
        query.push(" and p.updated_at >= ").push_bind(since);
    }
    if let Some(beginning) = wanted.beginning {
        let beyond = format!("{beginning}\u{10FFFF}");
        query.push(" and (p.id in (select directory_id from scim_keys where kind = 1 and to_seq is null and tenant_id = ");
        query
            .push_bind(tenant.0)
            .push(" and folded >= ")
            .push_bind(beginning.to_owned());
        query.push(" and folded < ").push_bind(beyond).push(")");
        for column in ["display_name", "first_name", "last_name"] {
            query.push(format!(" or starts_with(lower(p.{column}), "));
            query.push_bind(beginning.to_owned()).push(")");
        }
        query.push(")");
    }
    for (key, value) in &wanted.custom {
        query.push(" and p.custom ->> ").push_bind((*key).to_owned());
        query.push(" = ").push_bind((*value).to_owned());
    }
}
