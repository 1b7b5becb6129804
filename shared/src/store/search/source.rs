//! The rows a search is about, as one subquery `q` over all its resource types.

use super::filter::push_filter;
use super::ledger::Span;
use super::sort::{Collation, collation, push_keys};
use crate::directory::TenantId;
use crate::scim::filter::{AttributePath, Filter};
use crate::scim::{ResourceType, Rules, ScimError};
use sqlx::{Postgres, QueryBuilder};

/// What a client looks for, without the window it looks through.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// By which attributes are known, and how literally the filter and the order are read.
    pub rules: Rules,
    pub kinds: &'a [ResourceType],
    pub filter: Option<&'a Filter>,
    /// `None`: creation order.
    pub sort: Option<&'a Sort>,
}

/// `sortBy` and `sortOrder` (RFC 7644 §3.4.2.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    pub by: AttributePath,
    pub descending: bool,
}

/// A search of which every part is known to make sense.
pub(super) struct Source<'a> {
    tenant: TenantId,
    search: Search<'a>,
    /// The resource types that can have a match.
    kinds: Vec<ResourceType>,
    /// How texts are ordered; `None` without an order.
    pub(super) collation: Option<Collation>,
    span: Span,
}

impl<'a> Source<'a> {
    /// A resource type that does not have an attribute of the filter has no match, and one
    /// without the attribute of the order comes where a missing value comes.
    ///
    /// # Errors
    /// 400 when no resource type of the search has the attribute.
    pub(super) fn new(tenant: TenantId, search: Search<'a>, span: Span) -> Result<Source<'a>, ScimError> {
        let mut refused = Ok(());
        let mut kinds = Vec::with_capacity(search.kinds.len());
        for kind in search.kinds {
            let answered = match search.filter {
                Some(filter) => {
                    push_filter(&mut QueryBuilder::default(), tenant, search.rules, *kind, filter)
                }
                None => Ok(()),
            };
            match answered {
                Ok(()) => kinds.push(*kind),
                Err(error) => refused = refused.and(Err(error)),
            }
        }
        if kinds.is_empty() {
            refused?;
        }
        let collation = match search.sort {
            Some(sort) => Some(collation(search.rules, search.kinds, &sort.by)?),
            None => None,
        };
        Ok(Source {
            tenant,
            search,
            kinds,
            collation,
            span,
        })
    }

    /// ` from (…) q`.
    pub(super) fn push(&self, query: &mut QueryBuilder<Postgres>) -> Result<(), ScimError> {
        query.push(" from (");
        for (index, kind) in self.kinds.iter().enumerate() {
            query.push(if index == 0 { "" } else { " union all " });
            self.push_kind(query, *kind)?;
        }
        query.push(") q");
        Ok(())
    }

    fn push_kind(&self, query: &mut QueryBuilder<Postgres>, kind: ResourceType) -> Result<(), ScimError> {
        query.push(
            "select r.id, r.kind, r.directory_id, r.document, r.version, r.seq, r.created_seq, r.created_at, r.modified_at",
        );
        if let Some(sort) = self.search.sort {
            push_keys(query, self.tenant, self.search.rules, kind, &sort.by);
        }
        query
            .push(" from scim_resources r where r.tenant_id = ")
            .push_bind(self.tenant.0);
        query.push(" and r.kind = ").push_bind(kind as i16);
        query.push(" and r.deleted_seq is null");
        if let Some(seq) = self.span.changed_after {
            query
                .push(" and r.id = any(array(select c.resource_id from changes c where c.tenant_id = ")
                .push_bind(self.tenant.0)
                .push(" and c.seq > ")
                .push_bind(seq)
                .push("))");
        }
        if let Some(seq) = self.span.created_until {
            query.push(" and r.created_seq <= ").push_bind(seq);
        }
        if let Some(filter) = self.search.filter {
            query.push(" and ");
            push_filter(query, self.tenant, self.search.rules, kind, filter)?;
        }
        Ok(())
    }
}
