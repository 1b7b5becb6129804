//! What resources are ordered by (RFC 7644 §3.4.2.3): of every resource a number or a text, or
//! neither when it has no value. Only their beginnings count, so that a position fits a cursor.

use super::compare::Json;
use super::values::{attribute, below, push_elements};
use crate::directory::TenantId;
use crate::scim::filter::{AttributePath, Target, compared, target};
use crate::scim::schema::{Attribute, Type};
use crate::scim::{ResourceType, Rules, ScimError};
use sqlx::{Postgres, QueryBuilder};

type Query = QueryBuilder<Postgres>;

/// Characters of a text that its place depends on.
const LENGTH: i32 = 200;

/// How texts are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collation {
    /// The Unicode order without a locale; case has been folded.
    Unicode,
    /// By code points: case counts.
    CodePoints,
}

impl Collation {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Collation::Unicode => r#" collate "und-x-icu""#,
            Collation::CodePoints => r#" collate "C""#,
        }
    }
}

/// The collation for this attribute; of several resource types, the first that has it decides.
///
/// # Errors
/// 400 `invalidPath` when none of the resource types can be ordered by it.
pub(super) fn collation(
    rules: Rules,
    kinds: &[ResourceType],
    by: &AttributePath,
) -> Result<Collation, ScimError> {
    let mut known = kinds.iter().filter_map(|kind| key(rules, *kind, by));
    let key = known
        .next()
        .ok_or_else(|| ScimError::invalid_path(format!("sortBy: {by} is nothing to sort by")))?;
    Ok(match key.case_exact() {
        true => Collation::CodePoints,
        false => Collation::Unicode,
    })
}

/// What an attribute path names, with the sub-attribute that counts.
enum Key {
    Server(Target),
    Members(&'static Attribute),
    Groups(&'static Attribute),
    /// One value of the document; of several the primary or else the first.
    Value {
        json: Json,
        multi_valued: bool,
        sub: Option<&'static Attribute>,
        /// `None` for attributes no schema describes.
        definition: Option<&'static Attribute>,
    },
}

impl Key {
    fn case_exact(&self) -> bool {
        match self {
            Key::Server(_) => true,
            Key::Members(sub) | Key::Groups(sub) => sub.case_exact,
            Key::Value { definition, sub, .. } => sub.or(*definition).is_some_and(|known| known.case_exact),
        }
    }
}

fn key(rules: Rules, kind: ResourceType, by: &AttributePath) -> Option<Key> {
    let sub = by.sub.as_deref();
    Some(match target(rules, kind, by).ok()? {
        Target::Members(members) => Key::Members(compared(rules.dialect, by, members, sub).ok()??),
        Target::Groups(groups) => Key::Groups(compared(rules.dialect, by, groups, sub).ok()??),
        Target::Attribute {
            urn,
            name,
            definition,
        } => Key::Value {
            sub: match definition {
                Some(definition) => compared(rules.dialect, by, definition, sub).ok()?,
                None => None,
            },
            multi_valued: definition.is_some_and(|definition| definition.multi_valued),
            json: attribute(urn, name, definition),
            definition,
        },
        server => Key::Server(server),
    })
}

/// `, … sort_number, … sort_text`.
pub(super) fn push_keys(
    query: &mut Query,
    tenant: TenantId,
    rules: Rules,
    kind: ResourceType,
    by: &AttributePath,
) {
    match key(rules, kind, by) {
        None => push_number(query, "null"),
        Some(Key::Server(server)) => match server {
            Target::Created => push_number(query, "extract(epoch from r.created_at) * 1000000"),
            Target::LastModified => push_number(query, "extract(epoch from r.modified_at) * 1000000"),
            Target::Version => push_number(query, "r.version"),
            Target::Id => push_exact(query, |query| {
                query.push("r.id::text");
            }),
            // The same for all of a type: its name and its schema.
            _ => push_exact(query, |query| {
                query.push_bind(kind.name()).push("::text");
            }),
        },
        Some(Key::Members(sub)) => push_typed(query, sub, |query| {
            query.push("(select ");
            match sub.name {
                "value" => query.push("m.value"),
                name => query.push("m.attributes ->> ").push_bind(name),
            };
            query
                .push(" from scim_members m where m.group_id = r.id and m.tenant_id = ")
                .push_bind(tenant.0)
                .push(" order by m.asserted_seq, m.member limit 1)");
        }),
        Some(Key::Groups(sub)) => push_typed(query, sub, |query| {
            query.push("(select ");
            query.push(match sub.name {
                "value" => "g.id::text",
                "display" => "g.document ->> 'displayName'",
                _ => "null",
            });
            query
                .push(
                    " from scim_members m join scim_resources g on g.tenant_id = m.tenant_id and g.id = m.group_id
                      where m.member = r.id::text and g.deleted_seq is null and m.tenant_id = ",
                )
                .push_bind(tenant.0)
                .push(" order by g.created_seq limit 1)");
        }),
        Some(Key::Value {
            json,
            multi_valued: true,
            sub,
            definition,
        }) => {
            let text = |query: &mut Query| {
                query.push("(select ");
                query.push(match sub {
                    Some(_) => "e.v ->> ",
                    None => "e.v #>> ",
                });
                match sub {
                    Some(sub) => query.push_bind(sub.name),
                    None => query.push("'{}'"),
                };
                query.push(" from ");
                push_elements(query, &json);
                query.push(
                    " with ordinality e (v, place)
                      order by coalesce(e.v -> 'primary' = 'true', false) desc, e.place limit 1)",
                );
            };
            match sub.or(definition) {
                Some(known) => push_typed(query, known, text),
                None => push_text(query, text),
            }
        }
        Some(Key::Value {
            json,
            multi_valued: false,
            sub,
            definition,
        }) => {
            let json = below(&json, sub);
            match sub.or(definition) {
                Some(known) => push_typed(query, known, |query| json.push_text(query)),
                None => push_untyped(query, &json),
            }
        }
    }
}

/// The text of a value, ordered as its type is.
fn push_typed(query: &mut Query, known: &'static Attribute, text: impl Fn(&mut Query)) {
    match known.kind {
        Type::Integer | Type::Decimal => {
            query.push(", case when ");
            text(query);
            query.push(r" ~ '^-?\d+(\.\d+)?([eE][+-]?\d{1,2})?$' then (");
            text(query);
            query.push(")::float8 end as sort_number, null::text as sort_text");
        }
        Type::DateTime => {
            query.push(", (extract(epoch from instant_of(");
            text(query);
            query.push(")) * 1000000)::float8 as sort_number, null::text as sort_text");
        }
        _ if known.case_exact => push_exact(query, text),
        _ => push_text(query, text),
    }
}

/// A value that no schema describes: numbers first, by size.
fn push_untyped(query: &mut Query, json: &Json) {
    let value = |query: &mut Query| {
        query.push("coalesce(");
        json.push(query);
        query.push(" -> 0 -> 'value', ");
        json.push(query);
        query.push(" -> 0, ");
        json.push(query);
        query.push(" -> 'value', ");
        json.push(query);
        query.push(")");
    };
    query.push(", case jsonb_typeof(");
    value(query);
    query.push(") when 'number' then ");
    value(query);
    query.push("::float8 end as sort_number, case when jsonb_typeof(");
    value(query);
    query.push(") <> 'number' then ");
    push_folded(query, |query| {
        query.push("(");
        value(query);
        query.push(" #>> '{}')");
    });
    query.push(" end as sort_text");
}

fn push_number(query: &mut Query, sql: &'static str) {
    query
        .push(", (")
        .push(sql)
        .push(")::float8 as sort_number, null::text as sort_text");
}

fn push_text(query: &mut Query, text: impl Fn(&mut Query)) {
    query.push(", null::float8 as sort_number, ");
    push_folded(query, text);
    query.push(" as sort_text");
}

fn push_exact(query: &mut Query, text: impl Fn(&mut Query)) {
    query.push(", null::float8 as sort_number, left(normalize(nullif(");
    text(query);
    query
        .push(", ''), nfc), ")
        .push_bind(LENGTH)
        .push(") as sort_text");
}

fn push_folded(query: &mut Query, text: impl Fn(&mut Query)) {
    query.push("left(upper(normalize(nullif(");
    text(query);
    query
        .push(r#", ''), nfc) collate "und-x-icu"), "#)
        .push_bind(LENGTH)
        .push(")");
}
