//! A filter as a condition on the resource `r`. Everything from the request is bound, never
//! spliced; names that end up in the statement come from the schema table.

use super::{compare, hot};
use crate::directory::{TenantId, fold};
use crate::scim::filter::{AttributePath, Filter, Literal, Operator};
use crate::scim::schema::{self, Attribute, ENTERPRISE_USER, ROLLCALL_USER};
use crate::scim::{ResourceType, ScimError};
use chrono::DateTime;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

pub(super) struct Compiler<'a> {
    pub query: &'a mut QueryBuilder<Postgres>,
    pub tenant: TenantId,
    pub kind: ResourceType,
}

/// Where an attribute's values are.
struct Place {
    /// The extension whose object holds it; `None`: the top level.
    urn: Option<String>,
    definition: Option<&'static Attribute>,
}

impl Compiler<'_> {
    /// Push the filter as one parenthesised condition.
    pub(super) fn condition(&mut self, filter: &Filter) -> Result<(), ScimError> {
        match filter {
            Filter::And(all) => self.joined(all, " and "),
            Filter::Or(any) => self.joined(any, " or "),
            Filter::Not(filter) => {
                self.query.push("not ");
                self.condition(filter)
            }
            Filter::Present(path) => self.leaf(path, Test::Present),
            Filter::Compare {
                path,
                operator,
                value,
            } => self.leaf(path, Test::Compare(*operator, value)),
            Filter::Element { path, filter } => self.leaf(path, Test::Element(filter)),
        }
    }

    fn joined(&mut self, filters: &[Filter], word: &str) -> Result<(), ScimError> {
        self.query.push("(");
        for (place, filter) in filters.iter().enumerate() {
            if place > 0 {
                self.query.push(word);
            }
            self.condition(filter)?;
        }
        self.query.push(")");
        Ok(())
    }

    fn leaf(&mut self, path: &AttributePath, test: Test<'_>) -> Result<(), ScimError> {
        let place = self.place(path)?;
        if let Test::Compare(Operator::Eq, value) = test
            && hot::push(self, place.urn.as_deref(), path, value)
        {
            return Ok(());
        }
        if place.urn.is_none() {
            match path.name.to_ascii_lowercase().as_str() {
                "id" => return self.column("r.id::text", true, test, path),
                "meta" => return self.meta(path, test),
                "schemas" => return self.schemas(test, path),
                "groups" => return self.elements(GROUPS, path, test),
                "members" => return self.members(path, test),
                _ => {}
            }
        }
        if place.urn.as_deref() == Some(ENTERPRISE_USER) && path.name.eq_ignore_ascii_case("manager") {
            return self.manager(path, &place, test);
        }
        self.document(path, &place, test)
    }

    /// What the path means, or that it means nothing.
    fn place(&self, path: &AttributePath) -> Result<Place, ScimError> {
        let unknown =
            || ScimError::invalid_filter(format!("{path} is not an attribute of {}", self.kind.name()));
        let checked = |urn: Option<&str>, definition: &'static Attribute| {
            let known = path
                .sub
                .as_deref()
                .is_none_or(|sub| definition.sub_attribute(sub).is_some());
            let place = Place {
                urn: urn.map(str::to_owned),
                definition: Some(definition),
            };
            known.then_some(place).ok_or_else(unknown)
        };
        let core = schema::core(self.kind);
        let at_top = || schema::common(&path.name).or_else(|| core.attribute(&path.name));
        match path.urn.as_deref() {
            None => {
                if path.name.eq_ignore_ascii_case("password") {
                    return Err(unknown());
                }
                if let Some(definition) = at_top() {
                    return checked(None, definition);
                }
                // Clients leave the URN out; the name decides.
                let extensions = schema::extensions(self.kind).iter();
                let found = extensions.filter_map(|schema| Some((schema.id, schema.attribute(&path.name)?)));
                let (urn, definition) = found.into_iter().next().ok_or_else(unknown)?;
                checked(Some(urn), definition)
            }
            Some(urn) if urn == core.id => at_top()
                .ok_or_else(unknown)
                .and_then(|found| checked(None, found)),
            Some(urn) => match schema::by_urn(urn).map(|schema| schema.attribute(&path.name)) {
                Some(Some(definition)) => checked(Some(urn), definition),
                // Any extension may carry attributes no schema lists.
                _ if path.name.is_empty() => Err(unknown()),
                _ => Ok(Place {
                    urn: Some(urn.to_owned()),
                    definition: None,
                }),
            },
        }
    }

    /// Conditions on `column`, a text that is always there.
    fn column(
        &mut self,
        column: &str,
        case_exact: bool,
        test: Test<'_>,
        path: &AttributePath,
    ) -> Result<(), ScimError> {
        match test {
            Test::Present => {
                self.query.push("true");
            }
            Test::Compare(operator, literal) => match literal.text() {
                Some(text) if column == "r.id::text" && operator == Operator::Eq => {
                    // By primary key; what is no id is nobody's.
                    self.query
                        .push("r.id = ")
                        .push_bind(text.parse::<Uuid>().unwrap_or_default());
                }
                Some(text) => compare::text(self.query, column, case_exact, operator, text),
                None => {
                    self.query
                        .push(if operator == Operator::Ne { "true" } else { "false" });
                }
            },
            Test::Element(_) => return Err(not_complex(path)),
        }
        Ok(())
    }

    fn meta(&mut self, path: &AttributePath, test: Test<'_>) -> Result<(), ScimError> {
        let column = match path.sub.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("created") => "r.created_at",
            Some("lastmodified") => "r.modified_at",
            Some("version") => return self.column("('W/\"' || r.version || '\"')", true, test, path),
            Some("resourcetype") => {
                return self.column(
                    "(case r.kind when 1 then 'User' else 'Group' end)",
                    true,
                    test,
                    path,
                );
            }
            _ => return Err(ScimError::invalid_filter(format!("{path} cannot be filtered by"))),
        };
        let Test::Compare(operator, literal) = test else {
            return self.column(column, true, test, path);
        };
        let instant = literal
            .text()
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .ok_or_else(|| ScimError::invalid_filter(format!("{path} is compared with a dateTime")))?;
        let symbol = match operator {
            Operator::Eq => "=",
            Operator::Ne => "<>",
            Operator::Gt => ">",
            Operator::Ge => ">=",
            Operator::Lt => "<",
            Operator::Le => "<=",
            Operator::Co | Operator::Sw | Operator::Ew => {
                return Err(ScimError::invalid_filter(format!(
                    "{path} is a dateTime and has no parts"
                )));
            }
        };
        // Answers show milliseconds: what a client read must compare equal.
        self.query
            .push(format!("date_trunc('milliseconds', {column}) {symbol} "))
            .push_bind(instant);
        Ok(())
    }

    fn schemas(&mut self, test: Test<'_>, path: &AttributePath) -> Result<(), ScimError> {
        match test {
            Test::Present => {
                self.query.push("true");
            }
            Test::Compare(Operator::Eq, literal) => {
                let urn = literal.text().unwrap_or_default();
                if urn.eq_ignore_ascii_case(schema::core(self.kind).id) {
                    self.query.push("true");
                } else {
                    self.query
                        .push("exists (select from jsonb_object_keys(r.document) k where lower(k) = lower(");
                    self.query.push_bind(urn.to_owned()).push("))");
                }
            }
            _ => {
                return Err(ScimError::invalid_filter(format!(
                    "{path} can only be compared with eq"
                )));
            }
        }
        Ok(())
    }

    /// Members of a group; a single one by its key, without looking at the others.
    fn members(&mut self, path: &AttributePath, test: Test<'_>) -> Result<(), ScimError> {
        let value = path
            .sub
            .as_deref()
            .is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        let literal = match &test {
            Test::Compare(Operator::Eq, literal) if value => literal.text(),
            Test::Element(Filter::Compare {
                path,
                operator: Operator::Eq,
                value,
            }) if path.sub.is_none() && path.name.eq_ignore_ascii_case("value") => value.text(),
            _ => None,
        };
        let Some(literal) = literal else {
            return self.elements(MEMBERS, path, test);
        };
        let tenant = self.tenant.0;
        self.query
            .push("r.id in (select m.group_id from scim_members m where m.tenant_id = ")
            .push_bind(tenant);
        self.query
            .push(" and m.member = ")
            .push_bind(fold(literal))
            .push(")");
        Ok(())
    }

    /// `manager eq "x"` means the value as sent, or the id of the person it turned out to be.
    fn manager(&mut self, path: &AttributePath, place: &Place, test: Test<'_>) -> Result<(), ScimError> {
        let value = path
            .sub
            .as_deref()
            .is_none_or(|sub| sub.eq_ignore_ascii_case("value"));
        let id = match &test {
            Test::Compare(Operator::Eq, literal) if value => {
                literal.text().and_then(|text| text.parse::<Uuid>().ok())
            }
            _ => None,
        };
        let Some(id) = id else {
            return self.document(path, place, test);
        };
        let tenant = self.tenant.0;
        self.query.push("(");
        self.document(path, place, test)?;
        self.query
            .push(" or r.directory_id in (select l.person_id from reporting_lines l join people m");
        self.query.push(
            " on m.tenant_id = l.tenant_id and m.id = l.manager_id where l.slot = 1 and l.tenant_id = ",
        );
        self.query
            .push_bind(tenant)
            .push(" and m.resource_id = ")
            .push_bind(id)
            .push("))");
        Ok(())
    }

    /// Conditions on an attribute of the stored document.
    fn document(&mut self, path: &AttributePath, place: &Place, test: Test<'_>) -> Result<(), ScimError> {
        // Bound once per use: the builder has no way to name a parameter.
        self.query.push("exists (select from (select ");
        match &place.urn {
            Some(urn) => self.query.push("r.document -> ").push_bind(urn.clone()),
            None => self.query.push("r.document"),
        };
        self.query.push(" as c) c, lateral (select ");
        match place.definition {
            Some(definition) => {
                self.query.push("c.c -> ").push_bind(definition.name);
                // What Rollcall defines is accepted in the enterprise extension and at the top too.
                if place.urn.as_deref() == Some(ROLLCALL_USER) {
                    self.query
                        .push(", r.document -> ")
                        .push_bind(ENTERPRISE_USER)
                        .push(" -> ")
                        .push_bind(definition.name);
                    self.query.push(", r.document -> ").push_bind(definition.name);
                }
            }
            None => {
                self.query
                    .push("(select value from jsonb_each(c.c) where lower(key) = lower(");
                self.query.push_bind(path.name.clone()).push(") limit 1)");
            }
        }
        let own = place.definition.is_some() && place.urn.as_deref() == Some(ROLLCALL_USER);
        let value = if own {
            ") v(a, b, d), lateral (select coalesce(v.a, v.b, v.d)) w(v)"
        } else {
            ") w(v)"
        };
        self.query.push(value).push(" where ");
        self.tested("w.v", place.definition, path, test)?;
        self.query.push(")");
        Ok(())
    }

    /// Conditions on the elements of a derived set: `set` is a lateral query of one column `v`,
    /// a JSON array of objects.
    fn elements(&mut self, set: &str, path: &AttributePath, test: Test<'_>) -> Result<(), ScimError> {
        let definition = schema::core(self.kind).attribute(&path.name);
        self.query
            .push("exists (select from lateral (")
            .push(set)
            .push(") w(v) where ");
        self.tested("w.v", definition, path, test)?;
        self.query.push(")");
        Ok(())
    }

    /// A test of the attribute value `value` (JSON, an array when multi-valued, null when absent).
    fn tested(
        &mut self,
        value: &str,
        definition: Option<&'static Attribute>,
        path: &AttributePath,
        test: Test<'_>,
    ) -> Result<(), ScimError> {
        let sub = match (&path.sub, definition) {
            (Some(sub), Some(definition)) => definition.sub_attribute(sub),
            _ => None,
        };
        let each = format!(
            "select from jsonb_array_elements(case when {value} is null then '[]' when jsonb_typeof({value}) = 'array' \
             then {value} else jsonb_build_array({value}) end) e(x)"
        );
        // Sub-attribute names come from the schema table.
        let inner = match sub {
            Some(sub) => format!("(e.x -> '{}')", sub.name),
            None => "e.x".to_owned(),
        };
        let present = format!("exists ({each} where {})", compare::present(&inner));
        match test {
            Test::Present => {
                self.query.push(present);
            }
            Test::Compare(Operator::Eq, Literal::Null) => {
                self.query.push(format!("not {present}"));
            }
            Test::Compare(Operator::Ne, Literal::Null) => {
                self.query.push(present);
            }
            Test::Compare(operator, literal) => {
                let compared = sub
                    .or_else(|| definition.and_then(|d| d.sub_attribute("value")))
                    .or(definition);
                let case_exact = compared.is_some_and(|attribute| attribute.case_exact);
                let scalar = format!(
                    "(case jsonb_typeof({inner}) when 'object' then {inner} -> 'value' else {inner} end)"
                );
                self.query.push("(");
                if operator == Operator::Ne {
                    self.query.push(format!("not {present} or "));
                }
                self.query.push(format!("exists ({each} where "));
                compare::json(self.query, &scalar, case_exact, operator, literal);
                self.query.push("))");
            }
            Test::Element(filter) => {
                let definition = definition.filter(|definition| !definition.sub_attributes.is_empty());
                let definition = definition.ok_or_else(|| not_complex(path))?;
                self.query.push(format!("exists ({each} where "));
                self.inner(filter, definition)?;
                self.query.push(")");
            }
        }
        Ok(())
    }

    /// A filter on the sub-attributes of the element `e.x`.
    fn inner(&mut self, filter: &Filter, definition: &'static Attribute) -> Result<(), ScimError> {
        match filter {
            Filter::And(all) | Filter::Or(all) => {
                let word = if matches!(filter, Filter::And(_)) {
                    " and "
                } else {
                    " or "
                };
                self.query.push("(");
                for (place, filter) in all.iter().enumerate() {
                    if place > 0 {
                        self.query.push(word);
                    }
                    self.inner(filter, definition)?;
                }
                self.query.push(")");
                Ok(())
            }
            Filter::Not(filter) => {
                self.query.push("not ");
                self.inner(filter, definition)
            }
            Filter::Element { path, .. } => Err(not_complex(path)),
            Filter::Present(path) => {
                let sub = sub_attribute(definition, path)?;
                self.query
                    .push(compare::present(&format!("(e.x -> '{}')", sub.name)));
                Ok(())
            }
            Filter::Compare {
                path,
                operator,
                value,
            } => {
                let sub = sub_attribute(definition, path)?;
                let scalar = format!("(e.x -> '{}')", sub.name);
                let present = compare::present(&scalar);
                match (operator, value) {
                    (Operator::Eq, Literal::Null) => self.query.push(format!("not {present}")),
                    (Operator::Ne, Literal::Null) => self.query.push(present),
                    _ => {
                        let absent = if *operator == Operator::Ne {
                            format!("not {present} or ")
                        } else {
                            String::new()
                        };
                        self.query.push(format!("({absent}coalesce("));
                        compare::json(self.query, &scalar, sub.case_exact, *operator, value);
                        self.query.push(", false))")
                    }
                };
                Ok(())
            }
        }
    }
}

/// What is asked of an attribute.
enum Test<'a> {
    Present,
    Compare(Operator, &'a Literal),
    Element(&'a Filter),
}

/// The groups of a User.
const GROUPS: &str = "select jsonb_agg(jsonb_build_object('value', g.id, 'display', g.document -> 'displayName', \
     'type', 'direct')) from scim_members m join scim_resources g on g.tenant_id = m.tenant_id and g.id = m.group_id \
     and g.deleted_seq is null where m.tenant_id = r.tenant_id and m.member = r.id::text";

/// The members of a Group.
const MEMBERS: &str = "select jsonb_agg(coalesce(m.attributes, '{}') || jsonb_build_object('value', m.value)) \
     from scim_members m where m.tenant_id = r.tenant_id and m.group_id = r.id";

fn sub_attribute(
    definition: &'static Attribute,
    path: &AttributePath,
) -> Result<&'static Attribute, ScimError> {
    let found = definition
        .sub_attribute(&path.name)
        .filter(|_| path.sub.is_none());
    found.ok_or_else(|| {
        ScimError::invalid_filter(format!("{path} is not a sub-attribute of {}", definition.name))
    })
}

fn not_complex(path: &AttributePath) -> ScimError {
    ScimError::invalid_filter(format!("{path} has no sub-attributes to filter by"))
}
