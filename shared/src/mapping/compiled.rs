//! A mapping made ready: paths parsed, rules checked. Made once, used for every document.

use super::path::Path;
use super::rest::Taken;
use super::{Apply, Asserted, Fault, Field, Kind, Mapping, Target, Transform, transform};
use crate::scim::Object;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// A mapping by which documents can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    rules: Vec<Rule>,
    /// Places of the rules that may leave what is there: all but `always` and switched on.
    holding: Vec<usize>,
    taken: Taken,
    /// Every kind of team it speaks of, and whether its teams are created.
    kinds: BTreeMap<String, bool>,
}

/// A rule made ready.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) to: Step,
    target: Target,
    pub(crate) apply: Apply,
    pub(crate) enabled: bool,
    from: Vec<Path>,
    transform: Vec<Transform>,
    /// Transforms leave several values.
    many: bool,
}

/// What a rule fills, made ready.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Field(Field, Kind),
    Team(Arc<str>),
    Primary,
    Additional,
    Custom(String),
    CustomRest,
}

/// What a rule finds in a document.
pub(crate) struct Read<'a, T> {
    /// After the transforms, or what the attribute is not.
    pub(crate) value: Result<T, &'static str>,
    /// As in the document.
    pub(crate) source: &'a Value,
    path: Option<&'a Path>,
}

static DEFAULT: LazyLock<Arc<Compiled>> = LazyLock::new(|| {
    let compiled = Mapping::default_mapping().compile();
    Arc::new(compiled.expect("the default mapping is tested to have no fault"))
});

impl Compiled {
    /// The default mapping.
    pub fn default_mapping() -> Arc<Compiled> {
        DEFAULT.clone()
    }

    pub(super) fn of(mapping: &Mapping) -> Result<Compiled, Vec<Fault>> {
        let mut faults = vec![];
        let mut rules = vec![];
        for rule in &mapping.rules {
            let mut from = vec![];
            for path in &rule.from {
                match Path::parse(path) {
                    Ok(path) => from.push(path),
                    Err(reason) => faults.push(Fault::of(&rule.name, reason)),
                }
            }
            rules.push(Rule {
                name: rule.name.as_str().into(),
                to: match &rule.to {
                    Target::Field(field) => Step::Field(*field, field.kind()),
                    Target::Team(kind) => Step::Team(kind.as_str().into()),
                    Target::Line(super::Line::Primary) => Step::Primary,
                    Target::Line(super::Line::Additional) => Step::Additional,
                    Target::Custom(key) => Step::Custom(key.clone()),
                    Target::CustomRest => Step::CustomRest,
                },
                target: rule.to.clone(),
                apply: rule.apply,
                enabled: rule.enabled,
                from,
                many: leaves_many(&rule.transform),
                transform: rule.transform.clone(),
            });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let holding = rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| !rule.enabled || rule.apply != Apply::Always)
            .map(|(place, _)| place)
            .collect();
        let named = mapping.rules.iter().filter_map(|rule| match &rule.to {
            Target::Team(kind) => Some((kind.clone(), true)),
            _ => None,
        });
        let settled = mapping
            .teams
            .iter()
            .map(|(kind, settings)| (kind.clone(), settings.create));
        Ok(Compiled {
            taken: Taken::by(rules.iter().flat_map(|rule| &rule.from)),
            holding,
            kinds: named.chain(settled).collect(),
            rules,
        })
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Rules that may leave what is there.
    pub(crate) fn holding(&self) -> impl Iterator<Item = &Rule> {
        self.holding.iter().map(|place| &self.rules[*place])
    }

    /// The rule of this name.
    pub(crate) fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| &*rule.name == name)
    }

    /// What the rule of this name fills.
    pub fn target(&self, rule: &str) -> Option<&Target> {
        self.rule(rule).map(|rule| &rule.target)
    }

    /// What no rule reads of a document.
    pub(crate) fn rest(&self, document: &Object) -> Object {
        self.taken.rest(document)
    }

    /// Whether a rule of its own fills this custom attribute.
    pub(crate) fn names_custom(&self, key: &str) -> bool {
        self.rules
            .iter()
            .any(|rule| matches!(&rule.to, Step::Custom(named) if named == key))
    }

    /// Whether a team of this kind is created when somebody is to be in it.
    pub fn creates(&self, kind: &str) -> bool {
        self.kinds.get(kind).copied().unwrap_or(true)
    }

    /// Whether it speaks of teams of this kind.
    pub fn knows_kind(&self, kind: &str) -> bool {
        self.kinds.contains_key(kind)
    }

    /// Whether every reporting line comes from `manager` and `additionalManagers` as SCIM has them.
    pub fn reads_only_managers(&self) -> bool {
        self.rules
            .iter()
            .filter(|rule| matches!(rule.to, Step::Primary | Step::Additional))
            .flat_map(|rule| &rule.from)
            .all(|path| path.asserted() != Asserted::Document)
    }
}

/// Whether a list is what comes out.
pub(super) fn leaves_many(steps: &[Transform]) -> bool {
    steps.iter().fold(false, |many, step| match step {
        Transform::Split(_) => true,
        Transform::Part(_) | Transform::Constant(_) => false,
        _ => many,
    })
}

impl Rule {
    /// The one value this rule finds; `None` when there is none.
    pub(crate) fn one<'a>(&'a self, document: &'a Object) -> Option<Read<'a, Cow<'a, Value>>> {
        let found = self
            .from
            .iter()
            .find_map(|path| Some((path, path.first(document)?)));
        let (path, source) = found.map_or((None, &Value::Null), |(path, source)| (Some(path), source));
        if self.transform.is_empty() {
            path?;
            return Some(Read {
                value: Ok(Cow::Borrowed(source)),
                source,
                path,
            });
        }
        let values = path.map(|_| Cow::Borrowed(source)).into_iter().collect();
        let value = match transform::apply(&self.transform, values) {
            Ok(values) if self.many => {
                let values: Vec<Value> = values.into_iter().map(Cow::into_owned).collect();
                (!values.is_empty()).then(|| Ok(Cow::Owned(Value::Array(values))))?
            }
            Ok(values) => Ok(values.into_iter().next()?),
            Err(complaint) => Err(complaint),
        };
        Some(Read { value, source, path })
    }

    /// Every value this rule finds, each by itself: one that cannot be transformed does not hinder
    /// the others. An object is passed on as it is unless there are transforms, which look at its
    /// `value`.
    pub(crate) fn all<'a>(&'a self, document: &'a Object) -> Vec<Read<'a, Vec<Cow<'a, Value>>>> {
        let found = self.from.iter().find_map(|path| {
            let all = path.all(document);
            (!all.is_empty()).then_some((path, all))
        });
        let path = found.as_ref().map(|(path, _)| *path);
        let sources = found.map(|(_, sources)| sources).unwrap_or_default();
        if self.transform.is_empty() {
            return sources
                .into_iter()
                .map(|source| Read {
                    value: Ok(vec![Cow::Borrowed(source)]),
                    source,
                    path,
                })
                .collect();
        }
        let whole = self.transform.iter().any(|step| {
            matches!(
                step,
                Transform::Part(_) | Transform::Default(_) | Transform::Constant(_)
            )
        });
        if whole {
            let source = sources.first().copied().unwrap_or(&Value::Null);
            let values = sources.into_iter().map(plain).map(Cow::Borrowed).collect();
            let value = transform::apply(&self.transform, values);
            return vec![Read { value, source, path }];
        }
        sources
            .into_iter()
            .map(|source| Read {
                value: transform::apply(&self.transform, vec![Cow::Borrowed(plain(source))]),
                source,
                path,
            })
            .collect()
    }

    pub(super) fn from(&self) -> &[Path] {
        &self.from
    }

    pub(super) fn steps(&self) -> &[Transform] {
        &self.transform
    }

    /// What the rule does to a value that is not a document's: a constant or a default.
    pub(super) fn transformed<'a>(
        &'a self,
        from: usize,
        value: &'a Value,
    ) -> Result<Vec<Cow<'a, Value>>, &'static str> {
        transform::apply(&self.transform[from..], vec![Cow::Borrowed(value)])
    }
}

/// The value of an element: what its `value` says.
fn plain(element: &Value) -> &Value {
    match element {
        Value::Object(object) => super::get(object, "value").unwrap_or(&Value::Null),
        plain => plain,
    }
}

impl<T> Read<'_, T> {
    /// How a rejection names where the value came from.
    pub(crate) fn label(&self) -> String {
        self.path
            .map_or_else(|| "the rule's own value".to_owned(), Path::label)
    }

    pub(crate) fn asserted(&self) -> Asserted {
        self.path.map_or(Asserted::Document, Path::asserted)
    }
}
