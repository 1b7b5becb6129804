//! How a tenant's SCIM Users become people of the directory: rules from attributes to fields, teams,
//! reporting lines and custom attributes. Pure. The language is told in `docs/mapping.md`.
//!
//! A [`Mapping`] is what operators write. [`Mapping::check`] finds what is wrong with it;
//! [`Mapping::compile`] makes it a [`Compiled`], by which `projection` reads documents.

mod check;
mod compiled;
pub mod effect;
mod field;
mod lines;
mod lookup;
mod path;
mod read;
mod rest;
mod sources;
mod transform;
mod values;

pub use check::Fault;
pub use compiled::Compiled;
pub(crate) use compiled::{Read, Rule as CompiledRule, Step};
pub use field::Field;
pub(crate) use field::Kind;
pub(crate) use lookup::get;
pub use path::Asserted;
pub(crate) use values::{boolean, date, text, web_address};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The version of the mapping of a tenant that never changed it: the default, kept in no row.
pub const FIRST_VERSION: i32 = 1;

/// The rules by which a tenant's Users are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// At most one for each target; a field without a rule is empty.
    pub rules: Vec<Rule>,
    /// What holds for the teams of a kind; kinds that are not named are created.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<String, TeamKind>,
}

/// Where something of the directory comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Names the rule in rejections, history and memberships.
    pub name: String,
    /// SCIM paths; the first that a document has a value for is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    pub to: Target,
    /// What is done to the value, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transform: Vec<Transform>,
    #[serde(default, skip_serializing_if = "Apply::is_always")]
    pub apply: Apply,
    /// Switched off, the target keeps what it has.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
}

/// What a rule fills.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Field(Field),
    /// Membership in teams of this kind, named by the values.
    Team(String),
    /// Reporting lines to the people whom the values name.
    Line(Line),
    /// A custom attribute of this key.
    Custom(String),
    /// Custom attributes: every attribute of an extension, or unknown to the core schema, that no
    /// rule reads, under its key as sent.
    CustomRest,
}

/// Which reporting line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// To the manager: the first value.
    Primary,
    /// To additional managers, in order.
    Additional,
}

/// A step between the attribute and its target. Texts are what is changed; other values pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    Trim,
    Lower,
    Upper,
    /// Several values, by a separator; blank ones are left out.
    Split(String),
    /// One of several values: 1 is the first, -1 the last.
    Part(i32),
    /// A date in the first of these formats (those of C's `strftime`) that fits, as ISO 8601.
    Date(Vec<String>),
    Map(ValueMap),
    /// This value for everybody; the rule reads nothing.
    Constant(Value),
    /// This value where there is none.
    Default(Value),
}

/// Values in place of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueMap {
    pub values: BTreeMap<String, Value>,
    #[serde(default)]
    pub others: Others,
}

/// What becomes of a value that a [`ValueMap`] does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Others {
    /// It stays as it is.
    #[default]
    Keep,
    /// It counts as none.
    Drop,
    /// It becomes a rejection.
    Reject,
}

/// When a rule writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    #[default]
    Always,
    /// When the person comes into the directory, and never again.
    OnCreate,
    /// While the directory has nothing there.
    IfEmpty,
}

/// Teams of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeamKind {
    /// Whether a team is created when somebody is to be in it; if not, the membership waits until
    /// an operator creates the team.
    pub create: bool,
}

impl Apply {
    fn is_always(&self) -> bool {
        *self == Apply::Always
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_yes(enabled: &bool) -> bool {
    *enabled
}

static DEFAULT: LazyLock<Mapping> = LazyLock::new(|| {
    serde_json::from_str(Mapping::DEFAULT_JSON).expect("the default mapping is tested to be one")
});

impl Mapping {
    /// The default mapping as operators read it.
    pub const DEFAULT_JSON: &str = include_str!("default.json");

    /// The mapping of a tenant that never changed it.
    pub fn default_mapping() -> &'static Mapping {
        &DEFAULT
    }
}

#[cfg(test)]
mod tests;
