use super::{Document, PersonFields, References, Rejection};
use crate::directory::fold_name;
use crate::mapping::{self, Compiled, CompiledRule, Field, Kind, Read, Step};
use crate::scim::Object;
use serde_json::Value;
use std::sync::Arc;

/// Longest name of a team after folding, in bytes.
pub const MAX_TEAM_BYTES: usize = 512;

/// What the document of a SCIM User asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectedPerson {
    /// `None`: the person keeps the last status.
    pub active: Option<bool>,
    pub fields: PersonFields,
    /// The attribute teams the person belongs to.
    pub teams: Vec<WantedTeam>,
    pub references: References,
    /// Includes those of the references.
    pub rejections: Vec<Rejection>,
}

/// A team named by a value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTeam {
    /// The rule that names it: the source of the membership.
    pub rule: Arc<str>,
    /// `department`, `division`, `cost_center`, or of the tenant's own.
    pub kind: Arc<str>,
    /// What identifies the team among those of its kind.
    pub folded: String,
    pub name: String,
}

/// Project the document of a SCIM User (RFC 7643 §4.1).
pub fn project_person(mapping: &Compiled, document: &Document) -> ProjectedPerson {
    let mut projected = ProjectedPerson {
        active: Some(true),
        fields: PersonFields::default(),
        teams: vec![],
        references: References::default(),
        rejections: vec![],
    };
    for rule in mapping.rules() {
        if rule.enabled {
            projected.read(mapping, rule, &document.0);
        } else if rule.to == Step::Field(Field::Active, Kind::Boolean) {
            projected.active = None;
        }
    }
    projected.references = super::references(mapping, document);
    let of_references = projected.references.rejections.iter().cloned();
    projected.rejections.extend(of_references);
    projected
}

/// The attribute teams a User's document names, as far as they are created of themselves.
pub fn team_names(mapping: &Compiled, document: &Document) -> Vec<WantedTeam> {
    let mut teams = vec![];
    for rule in mapping.rules().iter().filter(|rule| rule.enabled) {
        if let Step::Team(kind) = &rule.to
            && mapping.creates(kind)
        {
            read_teams(rule, kind, &document.0, &mut teams, &mut vec![]);
        }
    }
    teams
}

impl ProjectedPerson {
    fn read(&mut self, mapping: &Compiled, rule: &CompiledRule, document: &Object) {
        match &rule.to {
            Step::Field(field, Kind::Text) => {
                if let Some(column) = self.fields.text_mut(*field) {
                    *column = take(rule, document, mapping::text, &mut self.rejections).flatten();
                }
            }
            Step::Field(field, Kind::WebAddress) => {
                if let Some(column) = self.fields.text_mut(*field) {
                    *column = take(rule, document, mapping::web_address, &mut self.rejections).flatten();
                }
            }
            Step::Field(field, Kind::Date) => {
                if let Some(column) = self.fields.date_mut(*field) {
                    *column = take(rule, document, mapping::date, &mut self.rejections).flatten();
                }
            }
            Step::Field(_, Kind::Boolean) => {
                self.active = match take(rule, document, mapping::boolean, &mut self.rejections) {
                    Some(read) => read.or(Some(true)),
                    None => None,
                };
            }
            Step::Field(_, Kind::Texts) => {
                let read = texts(rule, document, &mut self.rejections);
                for (_, address) in read {
                    if !self.fields.further_emails.contains(&address) {
                        self.fields.further_emails.push(address);
                    }
                }
            }
            Step::Field(_, Kind::Emails) => {
                let read = texts(rule, document, &mut self.rejections);
                (self.fields.email, self.fields.further_emails) = emails(read);
            }
            Step::Team(kind) => read_teams(rule, kind, document, &mut self.teams, &mut self.rejections),
            Step::Custom(key) => {
                if let Some(value) = take(rule, document, any, &mut self.rejections).flatten() {
                    self.fields.custom.insert(key.clone(), value);
                }
            }
            Step::CustomRest => {
                for (key, value) in mapping.rest(document) {
                    if !mapping.names_custom(&key) {
                        self.fields.custom.insert(key, value);
                    }
                }
            }
            Step::Primary | Step::Additional => {}
        }
    }
}

/// What `read` makes of the rule's one value: nothing of nothing, `None` of what becomes a
/// rejection.
fn take<T>(
    rule: &CompiledRule,
    document: &Object,
    read: fn(&Value) -> Result<Option<T>, &'static str>,
    rejections: &mut Vec<Rejection>,
) -> Option<Option<T>> {
    let Some(found) = rule.one(document) else {
        return Some(None);
    };
    match found
        .value
        .as_ref()
        .map_err(|complaint| *complaint)
        .and_then(|value| read(value))
    {
        Ok(taken) => Some(taken),
        Err(complaint) => {
            rejections.push(Rejection::of(rule, &found, complaint));
            None
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of several readers")]
fn any(value: &Value) -> Result<Option<Value>, &'static str> {
    Ok(Some(value.clone()).filter(|value| !value.is_null()))
}

/// Every text the rule finds, and whether its element is marked primary; at most one rejection.
fn texts(rule: &CompiledRule, document: &Object, rejections: &mut Vec<Rejection>) -> Vec<(bool, String)> {
    let mut texts = vec![];
    let mut rejected: Option<Rejection> = None;
    for found in rule.all(document) {
        let primary = found
            .source
            .as_object()
            .and_then(|element| mapping::get(element, "primary"))
            .is_some_and(|primary| mapping::boolean(primary) == Ok(Some(true)));
        let mut reject = |complaint| {
            if rejected.is_none() {
                rejected = Some(Rejection::of(rule, &found, complaint));
            }
        };
        match &found.value {
            Ok(values) => {
                for value in values.iter().filter_map(|value| inner(value)) {
                    match mapping::text(value) {
                        Ok(text) => texts.extend(text.map(|text| (primary, text))),
                        Err(complaint) => reject(complaint),
                    }
                }
            }
            Err(complaint) => reject(complaint),
        }
    }
    rejections.extend(rejected);
    texts
}

/// An element, or its `value` if it has sub-attributes.
pub(super) fn inner(element: &Value) -> Option<&Value> {
    match element {
        Value::Object(object) => mapping::get(object, "value"),
        plain => Some(plain),
    }
}

/// The address marked primary, else the first; and all others, in order, each once.
fn emails(read: Vec<(bool, String)>) -> (Option<String>, Vec<String>) {
    let first = read.iter().position(|(primary, _)| *primary).unwrap_or(0);
    let email = read.get(first).map(|(_, address)| address.clone());
    let mut further: Vec<String> = Vec::new();
    for (_, address) in read {
        if email.as_ref() != Some(&address) && !further.contains(&address) {
            further.push(address);
        }
    }
    (email, further)
}

fn read_teams(
    rule: &CompiledRule,
    kind: &Arc<str>,
    document: &Object,
    teams: &mut Vec<WantedTeam>,
    rejections: &mut Vec<Rejection>,
) {
    let names = texts(rule, document, rejections);
    for (_, name) in names {
        let folded = fold_name(&name);
        if folded.len() > MAX_TEAM_BYTES {
            if !rejections.iter().any(|rejection| *rejection.rule == *rule.name) {
                rejections.push(Rejection::new(
                    rule,
                    &Value::String(name),
                    "the name of a team is longer than 512 bytes".to_owned(),
                ));
            }
            continue;
        }
        let known = |team: &WantedTeam| team.rule == rule.name && team.folded == folded;
        if !teams.iter().any(known) {
            teams.push(WantedTeam {
                rule: rule.name.clone(),
                kind: kind.clone(),
                folded,
                name,
            });
        }
    }
}

impl Rejection {
    pub(super) fn of<T>(rule: &CompiledRule, found: &Read<'_, T>, complaint: &str) -> Rejection {
        Rejection::new(rule, found.source, format!("{} {complaint}", found.label()))
    }
}
