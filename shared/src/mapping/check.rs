//! What may be wrong with a mapping, told by rule and reason.

use super::compiled::{Compiled, Rule as CompiledRule, leaves_many};
use super::path::Path;
use super::{Field, Kind, Line, Mapping, Rule, Step, Target, Transform, boolean, date, text, web_address};
use crate::scim::schema::SchemaSet;
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;

/// Most rules of a mapping, and most kinds of team it may speak of.
const MAX_RULES: usize = 200;
const MAX_KINDS: usize = 50;
/// Most paths, transforms and date formats of a rule.
const MAX_STEPS: usize = 10;
/// Most values of a map.
const MAX_VALUES: usize = 1_000;
/// Longest path, key, separator, format or value, in bytes.
const MAX_BYTES: usize = 1_024;
const MAX_KEY_BYTES: usize = 256;
const MAX_NAME: usize = 64;
const MAX_KIND: usize = 32;

/// Why a mapping is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The rule's name, its place (`rules[3]`), or `teams.<kind>`.
    pub rule: String,
    pub reason: String,
}

impl Fault {
    pub(super) fn of(rule: &str, reason: impl Into<String>) -> Fault {
        Fault {
            rule: rule.to_owned(),
            reason: reason.into(),
        }
    }
}

impl Mapping {
    /// Make it ready, by the built-in schemas alone: what was checked once is not measured again
    /// against extensions that the tenant changed since.
    ///
    /// # Errors
    /// When a path cannot be read.
    pub fn compile(&self) -> Result<Compiled, Vec<Fault>> {
        Compiled::of(self)
    }

    /// Make it ready, unless something is wrong with it for a tenant with these schemas.
    ///
    /// # Errors
    /// Everything that is wrong, by rule.
    pub fn check(&self, schemas: SchemaSet) -> Result<Compiled, Vec<Fault>> {
        let mut faults = self.sizes();
        for (place, rule) in self.rules.iter().enumerate() {
            if let Some(reason) = name_fault(&rule.name) {
                faults.push(Fault::of(&format!("rules[{place}]"), reason));
            }
            let earlier = &self.rules[..place];
            if earlier.iter().any(|other| other.name == rule.name) {
                faults.push(Fault::of(&rule.name, "another rule has the same name"));
            }
            if let Some(other) = earlier.iter().find(|other| other.to.overlaps(&rule.to)) {
                let reason = format!("the rule {} fills {} already", other.name, rule.to);
                faults.push(Fault::of(&rule.name, reason));
            }
            faults.extend(rule.faults(schemas).map(|reason| Fault::of(&rule.name, reason)));
        }
        for kind in self.teams.keys() {
            if let Some(reason) = kind_fault(kind) {
                faults.push(Fault::of(&format!("teams.{kind}"), reason));
            }
        }
        // Paths that cannot be read are faults of their rules already.
        let Ok(compiled) = self.compile() else {
            return Err(faults);
        };
        for rule in compiled.rules() {
            faults.extend(own_values(rule).map(|reason| Fault::of(&rule.name, reason)));
        }
        if faults.is_empty() {
            Ok(compiled)
        } else {
            Err(faults)
        }
    }

    fn sizes(&self) -> Vec<Fault> {
        let mut faults = vec![];
        if self.rules.len() > MAX_RULES {
            faults.push(Fault::of(
                "rules",
                format!("there are more than {MAX_RULES} rules"),
            ));
        }
        if self.teams.len() > MAX_KINDS {
            faults.push(Fault::of(
                "teams",
                format!("there are more than {MAX_KINDS} kinds"),
            ));
        }
        faults
    }
}

impl Target {
    /// Whether filling both would fill one thing twice. Several rules may name teams of a kind.
    fn overlaps(&self, other: &Target) -> bool {
        match (self, other) {
            (Target::Team(_), Target::Team(_)) => false,
            (Target::Field(field), Target::Field(other)) => field.overlaps(*other),
            (one, other) => one == other,
        }
    }

    /// A list is what it takes.
    fn takes_many(&self) -> bool {
        match self {
            Target::Field(field) => matches!(field.kind(), Kind::Texts | Kind::Emails),
            Target::Team(_) | Target::Line(Line::Additional) | Target::Custom(_) => true,
            Target::Line(Line::Primary) | Target::CustomRest => false,
        }
    }

    /// Values with an inner `value` are read by it.
    fn takes_complex(&self) -> bool {
        self.takes_many() || matches!(self, Target::Line(_))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Field(field) => f.write_str(field.name()),
            Target::Team(kind) => write!(f, "teams of kind {kind}"),
            Target::Line(Line::Primary) => f.write_str("the primary line"),
            Target::Line(Line::Additional) => f.write_str("the additional lines"),
            Target::Custom(_) => f.write_str("that custom attribute"),
            Target::CustomRest => f.write_str("the other custom attributes"),
        }
    }
}

fn is_identifier(text: &str, longest: usize) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
        && text.len() <= longest
}

fn name_fault(name: &str) -> Option<String> {
    (!is_identifier(name, MAX_NAME))
        .then(|| format!("name must be a lower-case identifier of at most {MAX_NAME} characters"))
}

fn kind_fault(kind: &str) -> Option<String> {
    match kind {
        "group" => Some("teams of kind group come from SCIM Groups".to_owned()),
        kind if is_identifier(kind, MAX_KIND) => None,
        _ => Some(format!(
            "a kind of team is a lower-case identifier of at most {MAX_KIND} characters"
        )),
    }
}

/// What history tells of a person under these names is not their teams.
const NAMES_IN_HISTORY: [&str; 10] = [
    "id",
    "resource_id",
    "status",
    "manager",
    "additional_managers",
    "custom",
    "members",
    "created_at",
    "updated_at",
    "erased_at",
];

impl Rule {
    fn faults(&self, schemas: SchemaSet) -> impl Iterator<Item = String> {
        let mut faults: Vec<String> = vec![];
        faults.extend(self.target_fault());
        faults.extend(self.source_faults(schemas));
        faults.extend(self.transform_faults());
        faults.into_iter()
    }

    fn target_fault(&self) -> Option<String> {
        match &self.to {
            Target::Team(kind) => kind_fault(kind).or_else(|| {
                let taken = Field::ALL.iter().any(|field| field.name() == self.name)
                    || NAMES_IN_HISTORY.contains(&&*self.name);
                taken.then(|| "a rule for teams cannot have the name of a field".to_owned())
            }),
            Target::Custom(key)
                if key.trim().is_empty() || key.len() > MAX_KEY_BYTES || key.contains(char::is_control) =>
            {
                Some(format!(
                    "the key of a custom attribute has 1 to {MAX_KEY_BYTES} bytes, none of them controls"
                ))
            }
            Target::CustomRest if !self.from.is_empty() || !self.transform.is_empty() => {
                Some("custom_rest has no from and no transform: it is whatever no rule reads".to_owned())
            }
            Target::CustomRest if self.apply != super::Apply::Always => {
                Some("custom_rest is applied always".to_owned())
            }
            _ => None,
        }
    }

    fn source_faults(&self, schemas: SchemaSet) -> Vec<String> {
        let constant = matches!(self.transform.first(), Some(Transform::Constant(_)));
        if self.to == Target::CustomRest {
            return vec![];
        }
        if constant != self.from.is_empty() {
            let reason = if constant {
                "a rule with a constant reads nothing: from must be left out"
            } else {
                "from names no path"
            };
            return vec![reason.to_owned()];
        }
        if self.from.len() > MAX_STEPS {
            return vec![format!("from has more than {MAX_STEPS} paths")];
        }
        self.from
            .iter()
            .filter_map(|path| match Path::parse(path) {
                _ if path.len() > MAX_BYTES => Some(format!("a path has more than {MAX_BYTES} bytes")),
                Err(reason) => Some(reason),
                Ok(path) => path.fault(schemas, self.to.takes_complex()),
            })
            .collect()
    }

    fn transform_faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = vec![];
        if self.transform.len() > MAX_STEPS {
            faults.push(format!("there are more than {MAX_STEPS} transforms"));
        }
        for (place, step) in self.transform.iter().enumerate() {
            if matches!(step, Transform::Constant(_)) && place > 0 {
                faults.push("constant must be the first transform".to_owned());
            }
            faults.extend(step.fault());
        }
        if leaves_many(&self.transform) && !self.to.takes_many() {
            faults.push(format!(
                "split makes a list and {} holds one value: add part",
                self.to
            ));
        }
        let dates = self
            .transform
            .iter()
            .any(|step| matches!(step, Transform::Date(_)));
        let holds_dates = match self.to {
            Target::Field(field) => matches!(field.kind(), Kind::Date | Kind::Text),
            Target::Custom(_) => true,
            _ => false,
        };
        if dates && !holds_dates {
            faults.push(format!("date makes a date, which {} cannot be", self.to));
        }
        faults
    }
}

impl Transform {
    fn fault(&self) -> Option<String> {
        let scalar = |value: &Value| match value {
            Value::String(text) if text.len() > MAX_BYTES => {
                Some(format!("a value has more than {MAX_BYTES} bytes"))
            }
            Value::String(text) if text.contains('\0') => Some("a value contains a NUL character".to_owned()),
            Value::String(_) | Value::Bool(_) | Value::Number(_) => None,
            _ => Some("a value must be text, a number, true or false".to_owned()),
        };
        match self {
            Transform::Split(separator) if separator.is_empty() || separator.len() > MAX_BYTES => {
                Some(format!("the separator of split has 1 to {MAX_BYTES} bytes"))
            }
            Transform::Part(0) => Some("part counts from 1, or from -1 at the end".to_owned()),
            Transform::Date(formats) if formats.is_empty() || formats.len() > MAX_STEPS => {
                Some(format!("date has 1 to {MAX_STEPS} formats"))
            }
            Transform::Date(formats) => formats
                .iter()
                .find(|format| format.len() > MAX_BYTES || !tells_a_date(format))
                .map(|_| "a format of date does not tell year, month and day".to_owned()),
            Transform::Map(map) if map.values.is_empty() || map.values.len() > MAX_VALUES => {
                Some(format!("map has 1 to {MAX_VALUES} values"))
            }
            Transform::Map(map) if map.values.keys().any(|key| key.len() > MAX_BYTES) => {
                Some(format!("a value of map has more than {MAX_BYTES} bytes"))
            }
            Transform::Map(map) => map.values.values().find_map(scalar),
            Transform::Constant(value) | Transform::Default(value) => scalar(value),
            _ => None,
        }
    }
}

/// Whether a date written in this format can be read back.
fn tells_a_date(format: &str) -> bool {
    let Some(day) = NaiveDate::from_ymd_opt(2019, 11, 28) else {
        return false;
    };
    let mut written = String::new();
    let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
    use std::fmt::Write as _;
    write!(written, "{}", midnight.format(format)).is_ok()
        && NaiveDate::parse_from_str(&written, format) == Ok(day)
}

/// Constants, defaults and mapped values, as the target would take them.
fn own_values(rule: &CompiledRule) -> impl Iterator<Item = String> {
    let mut faults = vec![];
    for (place, step) in rule.steps().iter().enumerate() {
        let values: Vec<&Value> = match step {
            Transform::Constant(value) | Transform::Default(value) => vec![value],
            Transform::Map(map) => map.values.values().collect(),
            _ => vec![],
        };
        let complaint = values.into_iter().find_map(|value| {
            let made = match rule.transformed(place + 1, value) {
                Ok(made) => made,
                Err(complaint) => return Some(complaint),
            };
            made.iter().find_map(|made| rule.to.complaint(made))
        });
        faults.extend(complaint.map(|complaint| format!("a value of its transforms {complaint}")));
    }
    faults.into_iter()
}

impl Step {
    /// Why this cannot be the value of the target.
    fn complaint(&self, value: &Value) -> Option<&'static str> {
        match self {
            Step::Field(_, Kind::Boolean) => boolean(value).err(),
            Step::Field(_, Kind::Date) => date(value).err(),
            Step::Field(_, Kind::WebAddress) => web_address(value).err(),
            Step::Field(_, Kind::Text | Kind::Texts | Kind::Emails)
            | Step::Team(_)
            | Step::Primary
            | Step::Additional => text(value).err(),
            Step::Custom(_) | Step::CustomRest => None,
        }
    }
}
