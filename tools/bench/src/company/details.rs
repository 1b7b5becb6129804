//! What a record says besides names and links.

use std::collections::BTreeMap;

use fake::Fake;
use fake::faker::job::raw::{Field, Position, Seniority};
use fake::locales::EN;
use fake::rand::RngExt;
use fake::rand::rngs::StdRng;
use fake::rand::seq::IndexedRandom;
use serde_json::{Value, json};

use super::{Facts, Place};

const DIVISIONS: [(&str, [&str; 5]); 6] = [
    (
        "Product & Technology",
        [
            "Engineering",
            "Product Management",
            "Design",
            "Data Science",
            "IT Betrieb",
        ],
    ),
    (
        "Vertrieb",
        [
            "Sales EMEA",
            "Sales Américas",
            "Sales APAC",
            "Partner Management",
            "Presales",
        ],
    ),
    (
        "Operations",
        ["Einkauf", "Logistik", "Qualität", "Facilities", "サポート"],
    ),
    (
        "Finance & Legal",
        ["Controlling", "Buchhaltung", "Treasury", "Legal", "Compliance"],
    ),
    (
        "People",
        [
            "Recruiting",
            "People Operations",
            "Learning",
            "Vergütung",
            "Communauté",
        ],
    ),
    (
        "Marketing",
        ["Brand", "Demand Generation", "Events", "Content", "Développement"],
    ),
];

/// Division, department and cost center, in the usual spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    division: usize,
    department: usize,
}

impl Unit {
    pub(super) fn any(rng: &mut StdRng) -> Unit {
        Unit {
            division: rng.random_range(0..6),
            department: rng.random_range(0..5),
        }
    }

    /// Mostly the manager's own; deep levels nearly always.
    pub(super) fn below(&self, depth: usize, rng: &mut StdRng) -> Unit {
        match depth {
            ..=2 => Unit::any(rng),
            3 => Unit {
                division: self.division,
                department: rng.random_range(0..5),
            },
            _ if rng.random_bool(0.97) => self.clone(),
            _ => Unit::any(rng),
        }
    }

    pub(super) fn division(&self) -> &'static str {
        DIVISIONS[self.division].0
    }

    pub(super) fn department(&self) -> &'static str {
        DIVISIONS[self.division].1[self.department]
    }

    pub(super) fn cost_center(&self, rng: &mut StdRng) -> String {
        format!(
            "CC-{}{}0{} Général",
            self.division + 1,
            self.department + 1,
            rng.random_range(1..4)
        )
    }
}

/// Another spelling of the same name, now and then.
pub(super) fn spell(name: &str, rng: &mut StdRng) -> String {
    match rng.random_range(0..60) {
        0 => name.to_uppercase(),
        1 => format!(" {name} "),
        2 => name.replace(' ', "  "),
        _ => name.to_owned(),
    }
}

pub(super) fn title(depth: usize, rng: &mut StdRng) -> String {
    let field: String = Field(EN).fake_with_rng(rng);
    let position: String = Position(EN).fake_with_rng(rng);
    match depth {
        1 => "Chief Executive Officer".to_owned(),
        2 => format!("Chief {field} Officer"),
        3 => format!("VP {field}"),
        4 => format!("Director {field}"),
        5 => format!("Head of {field} {position}s"),
        6 => format!("Team Lead {field}"),
        _ => {
            let seniority: String = Seniority(EN).fake_with_rng(rng);
            format!("{seniority} {field} {position}")
        }
    }
}

pub(super) fn facts(depth: usize, location: &str, rng: &mut StdRng) -> Facts {
    let place = match rng.random_range(0..10) {
        0 => Place::TopLevel,
        1..5 => Place::Enterprise,
        _ => Place::Extension,
    };
    let date = |years: std::ops::Range<i32>, rng: &mut StdRng| {
        format!(
            "{}-{:02}-{:02}",
            rng.random_range(years),
            rng.random_range(1..=12),
            rng.random_range(1..=28)
        )
    };
    let gender = ["female", "male", "diverse", "prefer not to say"];
    let employment = [
        "full-time",
        "part-time",
        "working student",
        "contractor",
        "befristet",
    ];
    Facts {
        place,
        level: format!("L{depth}"),
        location: location.to_owned(),
        gender: rng.random_bool(0.8).then(|| pick(&gender, rng)),
        start_date: date(2008..2026, rng),
        end_date: rng.random_bool(0.05).then(|| date(2027..2030, rng)),
        birthday: rng.random_bool(0.7).then(|| date(1960..2004, rng)),
        employment_type: pick(&employment, rng),
    }
}

fn pick(choices: &[&str], rng: &mut StdRng) -> String {
    choices.choose(rng).copied().unwrap_or_default().to_owned()
}

/// Attributes only this company knows, for about a third: keys with spaces, raw ids, values
/// of every JSON type.
pub(super) fn custom(rng: &mut StdRng) -> BTreeMap<String, Value> {
    let mut custom = BTreeMap::new();
    if !rng.random_bool(0.35) {
        return custom;
    }
    let candidates: [(&str, Value); 6] = [
        ("T-Shirt Size", json!(pick(&["S", "M", "L", "XL"], rng))),
        ("5f3a9c1e7b204d", json!(rng.random_range(1..1_000))),
        ("remoteAllowed", json!(rng.random_bool(0.5))),
        (
            "sprachen",
            json!(["de", "en", "日本語"][..rng.random_range(1..4)]),
        ),
        (
            "Büro / Etage",
            json!({ "haus": pick(&["A", "B"], rng), "etage": rng.random_range(0..9) }),
        ),
        ("badge colour", json!(pick(&["grün", "blau", "rot"], rng))),
    ];
    for (key, value) in candidates {
        if rng.random_bool(0.4) {
            custom.insert(key.to_owned(), value);
        }
    }
    custom
}
