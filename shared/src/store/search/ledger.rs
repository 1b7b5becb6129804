//! `meta.lastModified` by the ledger. An index over the column would make every update of a
//! resource write all its index entries anew; the ledger has the same answer for nothing.

use super::compare::instant;
use super::source::Search;
use crate::directory::TenantId;
use crate::scim::filter::{Filter, Operator};
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

/// Most changes that are cheaper to look up than to find in creation order.
const FEW: i64 = 10_000;

/// Changes between which everything lies that can match.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    /// It was changed after this one.
    pub(super) changed_after: Option<i64>,
    /// It was created by this one at the latest: nothing is modified before it is created.
    pub(super) created_until: Option<i64>,
}

/// The span of a search whose filter bounds `meta.lastModified`.
pub(super) async fn span(
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'_>,
) -> Result<Span, StoreError> {
    let Some(filter) = search.filter else {
        return Ok(Span::default());
    };
    Ok(Span {
        changed_after: match bound(filter, Bound::Earliest) {
            Some(earliest) => few_after(connection, tenant, earliest).await?,
            None => None,
        },
        created_until: match bound(filter, Bound::End) {
            Some(end) => last_before(connection, tenant, end).await?.map(|last| last.seq),
            None => None,
        },
    })
}

/// The change after which all have come since then, when they are few and the ledger reaches
/// back so far.
async fn few_after(
    connection: &mut PgConnection,
    tenant: TenantId,
    earliest: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    let before = last_before(&mut *connection, tenant, earliest).await?;
    let Some(before) = before.filter(|before| before.any).map(|before| before.seq) else {
        return Ok(None);
    };
    let changes = sqlx::query_scalar!(
        r#"select count(*) as "changes!" from (
               select from changes where tenant_id = $1 and seq > $2 limit $3) few"#,
        tenant.0,
        before,
        FEW + 1,
    )
    .fetch_one(connection)
    .await?;
    Ok((changes <= FEW).then_some(before))
}

pub(in crate::store) struct Last {
    /// All changes up to this one came before the moment, all others did not.
    pub(in crate::store) seq: i64,
    /// There are such changes.
    any: bool,
}

/// The last change before a moment; `None` without a ledger. Per tenant the order of changes is
/// the order of their times (docs/adr/0001), so halving finds it in as many steps as the ledger's
/// length has bits.
pub(in crate::store) async fn last_before(
    connection: &mut PgConnection,
    tenant: TenantId,
    moment: DateTime<Utc>,
) -> Result<Option<Last>, StoreError> {
    let found = sqlx::query_as!(
        Last,
        r#"with recursive ends as materialized (
               select (select seq from changes where tenant_id = $1 order by seq limit 1) - 1 as low,
                      (select seq from changes where tenant_id = $1 order by seq desc limit 1) as high),
           halved (low, high) as (
               select low, high from ends where high is not null
               union all
               select case when probe.accepted_at >= $2 then halved.low else half.middle end,
                      case when probe.accepted_at >= $2 then probe.seq - 1 else halved.high end
               from halved
               cross join lateral (select halved.high - (halved.high - halved.low) / 2 as middle) half
               left join lateral (
                   select seq, accepted_at from changes
                   where tenant_id = $1 and seq > halved.low and seq <= half.middle
                   order by seq desc limit 1) probe on true
               where halved.low < halved.high)
           select halved.low as "seq!", halved.low > ends.low as "any!"
           from halved, ends where halved.low = halved.high"#,
        tenant.0,
        moment,
    )
    .fetch_optional(connection)
    .await?;
    Ok(found)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// The earliest `meta.lastModified` with which the filter can hold.
    Earliest,
    /// The moment before which it must be.
    End,
}

fn bound(filter: &Filter, which: Bound) -> Option<DateTime<Utc>> {
    match filter {
        Filter::And(all) => {
            let bounds = all.iter().filter_map(|one| bound(one, which));
            match which {
                Bound::Earliest => bounds.max(),
                Bound::End => bounds.min(),
            }
        }
        Filter::Compare {
            path,
            operator,
            value,
        } if path.name.eq_ignore_ascii_case("meta")
            && path
                .sub
                .as_deref()
                .is_some_and(|sub| sub.eq_ignore_ascii_case("lastModified")) =>
        {
            let moment = || value.text().and_then(instant);
            match (which, operator) {
                (Bound::Earliest, Operator::Eq | Operator::Ge | Operator::Gt)
                | (Bound::End, Operator::Lt) => moment(),
                // Postgres tells microseconds apart.
                (Bound::End, Operator::Eq | Operator::Le) => {
                    moment()?.checked_add_signed(TimeDelta::microseconds(1))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Rules;
    use crate::scim::filter::parse;

    fn bounds(text: &str) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let filter = parse(Rules::default(), text).unwrap();
        (bound(&filter, Bound::Earliest), bound(&filter, Bound::End))
    }

    #[test]
    fn whichis_the_narrowest_of_what_must_hold() {
        let day = |day: &str| instant(day);
        let after = |day: &str| instant(&format!("{day}T00:00:00.000001Z"));
        for (text, expected) in [
            (r#"meta.lastModified gt "2024-05-13""#, (day("2024-05-13"), None)),
            (
                r#"active eq true and meta.lastmodified ge "2024-05-13" and meta.lastModified gt "2024-05-14""#,
                (day("2024-05-14"), None),
            ),
            (
                r#"meta.lastModified lt "2024-05-13" and META.lastModified le "2024-05-14""#,
                (None, day("2024-05-13")),
            ),
            (
                r#"meta.lastModified eq "2024-05-13""#,
                (day("2024-05-13"), after("2024-05-13")),
            ),
            (
                r#"meta.lastModified le "2024-05-13""#,
                (None, after("2024-05-13")),
            ),
            (r#"meta.lastModified ne "2024-05-13""#, (None, None)),
            (r#"not (meta.lastModified gt "2024-05-13")"#, (None, None)),
            (
                r#"meta.lastModified gt "2024-05-13" or active eq true"#,
                (None, None),
            ),
            (r#"meta.created gt "2024-05-13""#, (None, None)),
        ] {
            assert_eq!(bounds(text), expected, "{text}");
        }
    }
}
