//! Value paths: a filter on the elements of a multi-valued attribute.

use super::compare::{Json, push_json};
use super::filter::Compiler;
use super::hot::value_equality;
use super::values::{Set, at, attribute};
use crate::scim::ScimError;
use crate::scim::filter::{AttributePath, Filter, Literal, Operator, Target, target};
use crate::scim::schema::{Attribute, Returned, Type};

impl Compiler<'_> {
    /// One element satisfies the whole inner filter.
    pub(super) fn element(&mut self, path: &AttributePath, filter: &Filter) -> Result<(), ScimError> {
        let value = value_equality(filter);
        self.query.push("(");
        match target(self.rules, self.kind, path)? {
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
            let known = path.urn.is_none()
                && path.sub.is_none()
                && (definition.is_none() || sub.is_some_and(|sub| sub.returned != Returned::Never));
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
                    (Operator::Ne, _) => self.negated(|compiler| {
                        push_json(
                            compiler.query,
                            compiler.rules.dialect,
                            &json,
                            sub,
                            Operator::Eq,
                            value,
                        )
                    }),
                    _ => push_json(self.query, self.rules.dialect, &json, sub, *operator, value),
                }
            }
            Filter::Element { path, .. } => {
                Err(ScimError::invalid_filter(format!("{path} is no sub-attribute")))
            }
        }
    }
}
