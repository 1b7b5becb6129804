//! Where the values of an attribute are: in the document, beside it, in a set of elements.

use super::compare::{Json, Root};
use super::filter::Compiler;
use crate::scim::ScimError;
use crate::scim::schema::{Attribute, ENTERPRISE_USER, ROLLCALL_USER};
use sqlx::{Postgres, QueryBuilder};

/// The values of a multi-valued attribute.
pub(super) enum Set<'a> {
    Members,
    Groups,
    Schemas,
    Array(&'a Json),
}

impl Compiler<'_> {
    /// One of the values satisfies what `condition` pushes for it.
    pub(super) fn exists(
        &mut self,
        set: &Set<'_>,
        condition: impl FnOnce(&mut Self, Json) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        self.elements += 1;
        let alias = format!("e{}", self.elements);
        self.query.push("exists (select from ");
        match set {
            Set::Members => self.query.push(
                "(select case when exists (select from team_parts p where p.tenant_id = r.tenant_id
                          and p.team_id = r.directory_id and p.source = 'member:' || m.member)
                      then '{\"type\": \"Group\"}' else '{}'::jsonb end
                      || coalesce(m.attributes, '{}') || jsonb_build_object('value', m.value)
                  from scim_members m where m.tenant_id = r.tenant_id and m.group_id = r.id)",
            ),
            Set::Groups => self.query.push(
                "(with recursive above (id, direct) as (
                      select m.group_id, true from scim_members m
                      where m.tenant_id = r.tenant_id and m.member = r.id::text
                      union
                      select m.group_id, false from above a
                      cross join lateral (select group_id from scim_members
                          where tenant_id = r.tenant_id and member = a.id::text offset 0) m)
                  select jsonb_build_object('value', g.id, 'display', g.document -> 'displayName',
                      'type', case when bool_or(a.direct) then 'direct' else 'indirect' end)
                  from above a
                  cross join lateral (select id, document from scim_resources
                      where tenant_id = r.tenant_id and id = a.id and deleted_seq is null offset 0) g
                  group by g.id, g.document)",
            ),
            Set::Schemas => self
                .query
                .push("(select to_jsonb(")
                .push_bind(self.kind.schema_urn())
                .push(
                    "::text) union all
                      select to_jsonb(k) from jsonb_object_keys(r.document) k where k ilike 'urn:%')",
                ),
            Set::Array(json) => push_elements(self.query, json),
        };
        self.query.push(format!(" as {alias}(v) where "));
        condition(
            self,
            Json {
                root: Root::Sql(format!("{alias}.v")),
                keys: Vec::new(),
            },
        )?;
        self.query.push(")");
        Ok(())
    }
}

/// `jsonb_array_elements(…)` of the values of an attribute: none when it is absent, one when it
/// is no array.
pub(super) fn push_elements<'a>(
    query: &'a mut QueryBuilder<Postgres>,
    json: &Json,
) -> &'a mut QueryBuilder<Postgres> {
    query.push("jsonb_array_elements(case when ");
    json.push(query);
    query.push(" is null then '[]' when jsonb_typeof(");
    json.push(query);
    query.push(") = 'array' then ");
    json.push(query);
    query.push(" else jsonb_build_array(");
    json.push(query);
    query.push(") end)")
}

pub(super) fn attribute(urn: Option<String>, name: String, definition: Option<&'static Attribute>) -> Json {
    let document = |keys| Json {
        root: Root::Sql("r.document".to_owned()),
        keys,
    };
    match (urn, definition) {
        // What Rollcall defines stays where the client put it: in its extension, in the
        // enterprise extension or at the top. The names are the schema table's.
        (Some(urn), Some(definition)) if urn == ROLLCALL_USER => {
            let name = definition.name;
            let sql = format!(
                r#"coalesce(r.document #> '{{"{ROLLCALL_USER}",{name}}}', r.document #> '{{"{ENTERPRISE_USER}",{name}}}',
                   r.document -> '{name}')"#
            );
            Json {
                root: Root::Sql(sql),
                keys: Vec::new(),
            }
        }
        (Some(urn), None) => Json {
            root: Root::Custom { urn, name },
            keys: Vec::new(),
        },
        (urn, _) => document(urn.into_iter().chain([name]).collect()),
    }
}

pub(super) fn at(json: &Json, key: &str) -> Json {
    let mut json = json.clone();
    json.keys.push(key.to_owned());
    json
}

pub(super) fn below(json: &Json, sub: Option<&'static Attribute>) -> Json {
    match sub {
        Some(sub) => at(json, sub.name),
        None => json.clone(),
    }
}

/// The compared sub-attribute; of values without a schema, `value` when they are objects.
pub(super) fn below_or_value(element: &Json, sub: Option<&'static Attribute>) -> Json {
    match sub {
        Some(sub) => at(element, sub.name),
        None => match &element.root {
            Root::Sql(sql) => Json {
                root: Root::Sql(format!("coalesce({sql} -> 'value', {sql})")),
                keys: Vec::new(),
            },
            Root::Custom { .. } => element.clone(),
        },
    }
}
