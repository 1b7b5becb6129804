//! `meta.lastModified` by the ledger. An index over the column would make every update of a
//! resource write all its index entries anew; the ledger has the same answer for nothing.

use super::compare::instant;
use super::source::Search;
use crate::directory::TenantId;
use crate::scim::filter::{Filter, Operator};
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Most changes that are cheaper to look up than to find in creation order.
const FEW: i64 = 10_000;

/// The change after which everything that matches was changed, when the filter demands a recent
/// `meta.lastModified` and the ledger reaches back so far.
pub(super) async fn since(
    connection: &mut PgConnection,
    tenant: TenantId,
    search: &Search<'_>,
) -> Result<Option<i64>, StoreError> {
    let Some(earliest) = search.filter.and_then(modified_since) else {
        return Ok(None);
    };
    // Per tenant, the order of changes is the order of their times (docs/adr/0001).
    let before = sqlx::query_scalar!(
        "select seq from changes where tenant_id = $1 and accepted_at < $2 order by seq desc limit 1",
        tenant.0,
        earliest,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(before) = before else { return Ok(None) };
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

/// The earliest `meta.lastModified` with which the filter can hold.
fn modified_since(filter: &Filter) -> Option<DateTime<Utc>> {
    match filter {
        Filter::And(all) => all.iter().filter_map(modified_since).max(),
        Filter::Compare {
            path,
            operator: Operator::Eq | Operator::Ge | Operator::Gt,
            value,
        } if path.name.eq_ignore_ascii_case("meta")
            && path
                .sub
                .as_deref()
                .is_some_and(|sub| sub.eq_ignore_ascii_case("lastModified")) =>
        {
            value.text().and_then(instant)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::Rules;
    use crate::scim::filter::parse;

    #[test]
    fn modified_since_is_the_latest_of_what_must_hold() {
        let since = |text: &str| modified_since(&parse(Rules::default(), text).unwrap());
        let day = |day: &str| instant(day);
        assert_eq!(since(r#"meta.lastModified gt "2024-05-13""#), day("2024-05-13"));
        assert_eq!(
            since(
                r#"active eq true and meta.lastmodified ge "2024-05-13" and meta.lastModified gt "2024-05-14""#
            ),
            day("2024-05-14")
        );
        for text in [
            r#"meta.lastModified lt "2024-05-13""#,
            r#"not (meta.lastModified gt "2024-05-13")"#,
            r#"meta.lastModified gt "2024-05-13" or active eq true"#,
            r#"meta.created gt "2024-05-13""#,
        ] {
            assert_eq!(since(text), None, "{text}");
        }
    }
}
