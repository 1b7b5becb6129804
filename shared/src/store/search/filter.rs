//! Filter → parameterised SQL over `scim_resources r`. Literals and names of attributes are
//! bound, never part of the text.

use super::compare::{Json, Root, push_instant, push_json, push_text};
use crate::directory::{KeyAttribute, TenantId, fold};
use crate::scim::filter::{AttributePath, Filter, Literal, Operator, Target, compared, target};
use crate::scim::schema::{Attribute, ENTERPRISE_USER, ROLLCALL_USER, Type};
use crate::scim::{ResourceType, ScimError, normalise};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

type Query = QueryBuilder<Postgres>;

/// Push the condition that a resource `r` satisfies the filter.
///
/// # Errors
/// 400 `invalidFilter` for attributes that do not exist and comparisons that make no sense.
pub(super) fn push_filter(
    query: &mut Query,
    tenant: TenantId,
    kind: ResourceType,
    filter: &Filter,
) -> Result<(), ScimError> {
    Compiler {
        query,
        tenant,
        kind,
        elements: 0,
    }
    .resource(filter)
}

struct Compiler<'a> {
    query: &'a mut Query,
    tenant: TenantId,
    kind: ResourceType,
    /// How many element sets there are: each has its own alias.
    elements: usize,
}

/// The values of a multi-valued attribute.
enum Set<'a> {
    Members,
    Groups,
    Schemas,
    Array(&'a Json),
}

impl Compiler<'_> {
    fn resource(&mut self, filter: &Filter) -> Result<(), ScimError> {
        match filter {
            Filter::And(all) => self.joined(all, " and ", Self::resource),
            Filter::Or(any) => self.joined(any, " or ", Self::resource),
            Filter::Not(filter) => self.negated(|compiler| compiler.resource(filter)),
            Filter::Present(path) => self.present(path),
            // Equality with nothing is absence.
            Filter::Compare {
                path,
                operator: Operator::Eq,
                value: Literal::Null,
            } => self.negated(|compiler| compiler.present(path)),
            Filter::Compare {
                path,
                value: Literal::Null,
                ..
            } => self.present(path),
            Filter::Compare {
                path,
                operator,
                value,
            } => self.compare(path, *operator, value),
            Filter::Element { path, filter } => self.element(path, filter),
        }
    }

    fn joined<T>(
        &mut self,
        filters: &[T],
        with: &str,
        one: impl Fn(&mut Self, &T) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        for (index, filter) in filters.iter().enumerate() {
            self.query.push(if index == 0 { "(" } else { with });
            one(self, filter)?;
        }
        self.query.push(")");
        Ok(())
    }

    fn negated(&mut self, push: impl FnOnce(&mut Self) -> Result<(), ScimError>) -> Result<(), ScimError> {
        self.query.push("(not ");
        push(self)?;
        self.query.push(")");
        Ok(())
    }

    fn present(&mut self, path: &AttributePath) -> Result<(), ScimError> {
        let sub = path.sub.as_deref();
        match target(self.kind, path)? {
            Target::Members(members) => self.any_present(&Set::Members, named(path, members, sub)?),
            Target::Groups(groups) => self.any_present(&Set::Groups, named(path, groups, sub)?),
            Target::Attribute {
                urn,
                name,
                definition,
            } => {
                let json = attribute(urn, name, definition);
                match definition {
                    Some(definition) if definition.multi_valued => {
                        self.any_present(&Set::Array(&json), named(path, definition, sub)?)
                    }
                    Some(definition) => {
                        let json = below(&json, named(path, definition, sub)?);
                        json.push_present(self.query);
                        Ok(())
                    }
                    None => {
                        json.push_present(self.query);
                        Ok(())
                    }
                }
            }
            _ => {
                self.query.push("true");
                Ok(())
            }
        }
    }

    fn any_present(&mut self, set: &Set<'_>, sub: Option<&'static Attribute>) -> Result<(), ScimError> {
        self.exists(set, |compiler, element| {
            below(&element, sub).push_present(compiler.query);
            Ok(())
        })
    }

    fn compare(
        &mut self,
        path: &AttributePath,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), ScimError> {
        let sub = path.sub.as_deref();
        match target(self.kind, path)? {
            Target::Id => self.compare_id(operator, literal),
            Target::Version => self.server_text("('W/\"' || r.version || '\"')", operator, literal),
            Target::ResourceType if self.kind == ResourceType::User => {
                self.server_text("'User'", operator, literal)
            }
            Target::ResourceType => self.server_text("'Group'", operator, literal),
            Target::Created => self.instant("r.created_at", operator, literal),
            Target::LastModified => self.instant("r.modified_at", operator, literal),
            Target::Schemas => self.compare_any(&Set::Schemas, None, operator, literal),
            Target::Groups(groups) => {
                let sub = compared(path, groups, sub)?;
                self.compare_any(&Set::Groups, sub, operator, literal)
            }
            Target::Members(members) => {
                let sub = compared(path, members, sub)?;
                if operator == Operator::Eq
                    && sub.is_some_and(|sub| sub.name == "value")
                    && self.member(literal)
                {
                    return Ok(());
                }
                self.compare_any(&Set::Members, sub, operator, literal)
            }
            Target::Attribute {
                urn,
                name,
                definition,
            } => {
                if operator == Operator::Eq && self.hot(urn.as_deref(), &name, sub, literal) {
                    return Ok(());
                }
                let is_manager = urn.as_deref() == Some(ENTERPRISE_USER) && name == "manager";
                let json = attribute(urn, name, definition);
                match definition {
                    None => self.compare_any(&Set::Array(&json), None, operator, literal),
                    Some(definition) => {
                        let sub = compared(path, definition, sub)?;
                        if definition.multi_valued {
                            return self.compare_any(&Set::Array(&json), sub, operator, literal);
                        }
                        let json = below(&json, sub);
                        let is_manager = is_manager && sub.is_some_and(|sub| sub.name == "value");
                        self.compare_one(&json, sub.unwrap_or(definition), is_manager, operator, literal)
                    }
                }
            }
        }
    }

    fn compare_one(
        &mut self,
        json: &Json,
        definition: &'static Attribute,
        is_manager: bool,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), ScimError> {
        if operator == Operator::Ne {
            return self.negated(|compiler| {
                compiler.compare_one(json, definition, is_manager, Operator::Eq, literal)
            });
        }
        let manager = match (is_manager, operator, literal.text()) {
            (true, Operator::Eq, Some(text)) => Uuid::parse_str(text).ok(),
            _ => None,
        };
        self.query.push("(");
        push_json(self.query, json, Some(definition), operator, literal)?;
        if let Some(manager) = manager {
            // A manager is found by its id too, whatever the client called it.
            self.query.push(
                " or exists (select from reporting_lines l
                   join people p on p.tenant_id = l.tenant_id and p.id = l.manager_id
                   where l.tenant_id = r.tenant_id and l.person_id = r.directory_id and l.slot = 1
                     and p.resource_id = ",
            );
            self.query.push_bind(manager).push(")");
        }
        self.query.push(")");
        Ok(())
    }

    /// Any value satisfies the comparison; with `ne`, none being there does too.
    fn compare_any(
        &mut self,
        set: &Set<'_>,
        sub: Option<&'static Attribute>,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), ScimError> {
        if operator != Operator::Ne {
            return self.exists(set, |compiler, element| {
                push_json(
                    compiler.query,
                    &below_or_value(&element, sub),
                    sub,
                    operator,
                    literal,
                )
            });
        }
        self.query.push("(");
        self.negated(|compiler| {
            compiler.exists(set, |compiler, element| {
                below_or_value(&element, sub).push_present(compiler.query);
                Ok(())
            })
        })?;
        self.query.push(" or ");
        self.exists(set, |compiler, element| {
            let json = below_or_value(&element, sub);
            json.push_present(compiler.query);
            compiler.query.push(" and not ");
            push_json(compiler.query, &json, sub, Operator::Eq, literal)
        })?;
        self.query.push(")");
        Ok(())
    }

    fn element(&mut self, path: &AttributePath, filter: &Filter) -> Result<(), ScimError> {
        let value = value_equality(filter);
        self.query.push("(");
        match target(self.kind, path)? {
            Target::Members(members) => {
                if value.is_some_and(|literal| self.member(literal)) {
                    self.query.push(" and ");
                }
                self.exists(&Set::Members, |compiler, element| {
                    compiler.inner(filter, &element, Some(members))
                })?;
            }
            Target::Groups(groups) => {
                self.exists(&Set::Groups, |compiler, element| {
                    compiler.inner(filter, &element, Some(groups))
                })?;
            }
            Target::Attribute {
                urn,
                name,
                definition,
            } => {
                if definition.is_some_and(|definition| definition.kind != Type::Complex) {
                    return Err(ScimError::invalid_filter(format!("{path} has no sub-attributes")));
                }
                if let Some(literal) = value
                    && self.hot(urn.as_deref(), &name, Some("value"), literal)
                {
                    self.query.push(" and ");
                }
                let json = attribute(urn, name, definition);
                self.exists(&Set::Array(&json), |compiler, element| {
                    compiler.inner(filter, &element, definition)
                })?;
            }
            _ => {
                return Err(ScimError::invalid_filter(format!(
                    "{path} cannot be filtered inside its values"
                )));
            }
        }
        self.query.push(")");
        Ok(())
    }

    /// The filter inside a value path, on one element.
    fn inner(
        &mut self,
        filter: &Filter,
        element: &Json,
        definition: Option<&'static Attribute>,
    ) -> Result<(), ScimError> {
        let resolve = |path: &AttributePath| {
            let sub = definition.and_then(|definition| definition.sub_attribute(&path.name));
            let known = path.urn.is_none() && path.sub.is_none() && (definition.is_none() || sub.is_some());
            let name = sub.map_or(path.name.as_str(), |sub| sub.name);
            match known {
                true => Ok((at(element, name), sub)),
                false => Err(ScimError::invalid_filter(format!("{path} is no sub-attribute"))),
            }
        };
        match filter {
            Filter::And(all) => self.joined(all, " and ", |compiler, one| {
                compiler.inner(one, element, definition)
            }),
            Filter::Or(any) => self.joined(any, " or ", |compiler, one| {
                compiler.inner(one, element, definition)
            }),
            Filter::Not(filter) => self.negated(|compiler| compiler.inner(filter, element, definition)),
            Filter::Present(path) => {
                resolve(path)?.0.push_present(self.query);
                Ok(())
            }
            Filter::Compare {
                path,
                operator,
                value,
            } => {
                let (json, sub) = resolve(path)?;
                match (operator, value) {
                    (Operator::Eq, Literal::Null) => self.negated(|compiler| {
                        json.push_present(compiler.query);
                        Ok(())
                    }),
                    (_, Literal::Null) => {
                        json.push_present(self.query);
                        Ok(())
                    }
                    (Operator::Ne, _) => {
                        self.negated(|compiler| push_json(compiler.query, &json, sub, Operator::Eq, value))
                    }
                    _ => push_json(self.query, &json, sub, *operator, value),
                }
            }
            Filter::Element { path, .. } => {
                Err(ScimError::invalid_filter(format!("{path} is no sub-attribute")))
            }
        }
    }

    /// One of the values satisfies what `condition` pushes for it.
    fn exists(
        &mut self,
        set: &Set<'_>,
        condition: impl FnOnce(&mut Self, Json) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        self.elements += 1;
        let alias = format!("e{}", self.elements);
        self.query.push("exists (select from ");
        match set {
            Set::Members => self.query.push(
                "(select coalesce(m.attributes, '{}') || jsonb_build_object('value', m.value)
                  from scim_members m where m.tenant_id = r.tenant_id and m.group_id = r.id)",
            ),
            Set::Groups => self.query.push(
                "(select jsonb_build_object('value', g.id, 'display', g.document -> 'displayName', 'type', 'direct')
                  from scim_members m
                  join scim_resources g on g.tenant_id = m.tenant_id and g.id = m.group_id and g.deleted_seq is null
                  where m.tenant_id = r.tenant_id and m.member = r.id::text)",
            ),
            Set::Schemas => {
                self.query.push("(select to_jsonb(").push_bind(self.kind.schema_urn()).push(
                    "::text) union all
                      select to_jsonb(k) from jsonb_object_keys(r.document) k where k ilike 'urn:%')",
                )
            }
            Set::Array(json) => {
                // An absent attribute has no values, not one that is null.
                self.query.push("jsonb_array_elements(case when ");
                json.push(self.query);
                self.query.push(" is null then '[]' when jsonb_typeof(");
                json.push(self.query);
                self.query.push(") = 'array' then ");
                json.push(self.query);
                self.query.push(" else jsonb_build_array(");
                json.push(self.query);
                self.query.push(") end)")
            }
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

    /// Equality that an index on the keys answers; `false` when none does (nothing is pushed).
    fn hot(&mut self, urn: Option<&str>, name: &str, sub: Option<&str>, literal: &Literal) -> bool {
        let whole = sub.is_none();
        let is_value = sub.is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        let user = self.kind == ResourceType::User;
        let attribute = match (urn, name) {
            (None, "userName") if user && whole => KeyAttribute::UserName,
            (None, "externalId") if whole => KeyAttribute::ExternalId,
            (None, "displayName") if !user && whole => KeyAttribute::DisplayName,
            (None, "emails") if user && is_value => KeyAttribute::PrimaryEmail,
            (Some(ENTERPRISE_USER), "employeeNumber") if whole => KeyAttribute::EmployeeNumber,
            _ => return false,
        };
        let Some(text) = literal.text().filter(|text| !text.trim().is_empty()) else {
            return false;
        };
        self.query
            .push("r.id = any(array(select k.resource_id from scim_keys k where k.to_seq is null and k.tenant_id = ")
            .push_bind(self.tenant.0)
            .push(" and k.kind = ")
            .push_bind(self.kind as i16);
        match attribute {
            KeyAttribute::PrimaryEmail => self.query.push(format!(
                " and k.attribute in ({}, {}) and k.folded = ",
                KeyAttribute::PrimaryEmail as i16,
                KeyAttribute::OtherEmail as i16
            )),
            KeyAttribute::EmployeeNumber => self
                .query
                .push(format!(" and k.attribute = {} and k.folded = ", attribute as i16)),
            _ => self.query.push(format!(
                " and k.is_unique and k.attribute = {} and k.value = ",
                attribute as i16
            )),
        };
        self.query.push_bind(normalise(attribute, text)).push("))");
        true
    }

    /// Groups that name this member, by the index on members.
    fn member(&mut self, literal: &Literal) -> bool {
        let Some(text) = literal.text() else { return false };
        self.query
            .push("r.id = any(array(select m.group_id from scim_members m where m.tenant_id = ")
            .push_bind(self.tenant.0)
            .push(" and m.member = ")
            .push_bind(fold(text))
            .push("))");
        true
    }

    fn compare_id(&mut self, operator: Operator, literal: &Literal) -> Result<(), ScimError> {
        match (operator, literal.text().map(Uuid::parse_str)) {
            (Operator::Eq, Some(Ok(id))) => {
                self.query.push("(r.id = ").push_bind(id).push(")");
                Ok(())
            }
            _ => self.server_text("r.id::text", operator, literal),
        }
    }

    fn server_text(
        &mut self,
        sql: &'static str,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), ScimError> {
        if operator == Operator::Ne {
            return self.negated(|compiler| compiler.server_text(sql, Operator::Eq, literal));
        }
        let text = |query: &mut Query| {
            query.push(sql);
        };
        push_text(self.query, &text, true, operator, literal);
        Ok(())
    }

    fn instant(
        &mut self,
        column: &'static str,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), ScimError> {
        match operator {
            Operator::Ne => self.negated(|compiler| compiler.instant(column, Operator::Eq, literal)),
            _ => push_instant(self.query, column, operator, literal),
        }
    }
}

fn attribute(urn: Option<String>, name: String, definition: Option<&'static Attribute>) -> Json {
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

fn at(json: &Json, key: &str) -> Json {
    let mut json = json.clone();
    json.keys.push(key.to_owned());
    json
}

fn below(json: &Json, sub: Option<&'static Attribute>) -> Json {
    match sub {
        Some(sub) => at(json, sub.name),
        None => json.clone(),
    }
}

/// The compared sub-attribute; of values without a schema, `value` when they are objects.
fn below_or_value(element: &Json, sub: Option<&'static Attribute>) -> Json {
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

fn named(
    path: &AttributePath,
    definition: &'static Attribute,
    sub: Option<&str>,
) -> Result<Option<&'static Attribute>, ScimError> {
    match sub {
        None => Ok(None),
        Some(_) => compared(path, definition, sub),
    }
}

/// The literal that `value` must equal for the filter to hold.
fn value_equality(filter: &Filter) -> Option<&Literal> {
    match filter {
        Filter::Compare {
            path,
            operator: Operator::Eq,
            value,
        } if path.urn.is_none() && path.sub.is_none() && path.name.eq_ignore_ascii_case("value") => {
            Some(value)
        }
        Filter::And(all) => all.iter().find_map(value_equality),
        _ => None,
    }
}
