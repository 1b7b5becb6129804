//! Filter → parameterised SQL over `scim_resources r`. Literals and names of attributes are
//! bound, never part of the text.

use super::compare::{Json, push_instant, push_json, push_text};
use super::values::{Set, attribute, below, below_or_value};
use crate::directory::TenantId;
use crate::scim::filter::{AttributePath, Filter, Literal, Operator, Target, compared, target};
use crate::scim::schema::{Attribute, ENTERPRISE_USER};
use crate::scim::{ResourceType, Rules, ScimError};
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
    rules: Rules,
    kind: ResourceType,
    filter: &Filter,
) -> Result<(), ScimError> {
    Compiler {
        query,
        tenant,
        rules,
        kind,
        elements: 0,
    }
    .resource(filter)
}

pub(super) struct Compiler<'a> {
    pub(super) query: &'a mut Query,
    pub(super) tenant: TenantId,
    pub(super) rules: Rules,
    pub(super) kind: ResourceType,
    /// How many element sets there are: each has its own alias.
    pub(super) elements: usize,
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

    pub(super) fn joined<T>(
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

    pub(super) fn negated(
        &mut self,
        push: impl FnOnce(&mut Self) -> Result<(), ScimError>,
    ) -> Result<(), ScimError> {
        self.query.push("(not ");
        push(self)?;
        self.query.push(")");
        Ok(())
    }

    fn present(&mut self, path: &AttributePath) -> Result<(), ScimError> {
        let sub = path.sub.as_deref();
        match target(self.rules, self.kind, path)? {
            Target::Members(members) => self.any_present(&Set::Members, self.named(path, members, sub)?),
            Target::Groups(groups) => self.any_present(&Set::Groups, self.named(path, groups, sub)?),
            Target::Attribute {
                urn,
                name,
                definition,
            } => {
                let json = attribute(urn, name, definition);
                match definition {
                    Some(definition) if definition.multi_valued => {
                        self.any_present(&Set::Array(&json), self.named(path, definition, sub)?)
                    }
                    Some(definition) => {
                        let json = below(&json, self.named(path, definition, sub)?);
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
        match target(self.rules, self.kind, path)? {
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
                let sub = compared(self.rules.dialect, path, groups, sub)?;
                self.compare_any(&Set::Groups, sub, operator, literal)
            }
            Target::Members(members) => {
                let sub = compared(self.rules.dialect, path, members, sub)?;
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
                self.query.push("(");
                if self.hint(urn.as_deref(), &name, sub, operator, literal) {
                    self.query.push(" and ");
                }
                self.compare_value(path, urn, name, definition, operator, literal)?;
                self.query.push(")");
                Ok(())
            }
        }
    }

    /// An attribute of the document.
    fn compare_value(
        &mut self,
        path: &AttributePath,
        urn: Option<String>,
        name: String,
        definition: Option<&'static Attribute>,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), ScimError> {
        let is_manager = urn.as_deref() == Some(ENTERPRISE_USER) && name == "manager";
        let json = attribute(urn, name, definition);
        let Some(definition) = definition else {
            return self.compare_any(&Set::Array(&json), None, operator, literal);
        };
        let sub = compared(self.rules.dialect, path, definition, path.sub.as_deref())?;
        if definition.multi_valued {
            return self.compare_any(&Set::Array(&json), sub, operator, literal);
        }
        let json = below(&json, sub);
        let is_manager = is_manager && sub.is_some_and(|sub| sub.name == "value");
        self.compare_one(&json, sub.unwrap_or(definition), is_manager, operator, literal)
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
        push_json(
            self.query,
            self.rules.dialect,
            json,
            Some(definition),
            operator,
            literal,
        )?;
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
                    compiler.rules.dialect,
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
            push_json(
                compiler.query,
                compiler.rules.dialect,
                &json,
                sub,
                Operator::Eq,
                literal,
            )
        })?;
        self.query.push(")");
        Ok(())
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

    /// The sub-attribute that a path names, if any.
    fn named(
        &self,
        path: &AttributePath,
        definition: &'static Attribute,
        sub: Option<&str>,
    ) -> Result<Option<&'static Attribute>, ScimError> {
        match sub {
            None => Ok(None),
            Some(_) => compared(self.rules.dialect, path, definition, sub),
        }
    }
}
