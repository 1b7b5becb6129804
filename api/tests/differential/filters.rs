//! The same filters to both, over the same resources.

use crate::both::{Both, Pair};
use crate::compare::Found;
use crate::generate::{self, Filter, Kind, Leaf};
use crate::{known, report, seeds, unlimited};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

const USERS: u64 = 60;
const GROUPS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_filters_find_what_scim2_server_finds_but_for_known_differences() {
    let app = unlimited().await;
    let both = Both::start(&app).await;
    for (kind, count) in [(Kind::User, USERS), (Kind::Group, GROUPS)] {
        for index in 0..count {
            let mut rng = StdRng::seed_from_u64(index);
            let document = generate::document(&mut rng, kind, &format!("n{index}"));
            both.create(kind.endpoint(), &document).await.unwrap();
        }
    }
    let mut counts = BTreeMap::new();
    let mut failures = Vec::new();
    for seed in seeds() {
        let mut rng = StdRng::seed_from_u64(seed);
        let kind = if rng.random_bool(0.2) {
            Kind::Group
        } else {
            Kind::User
        };
        let filter = generate::filter(&mut rng, kind);
        let (ours, theirs) = both.find(kind.endpoint(), &filter.to_string()).await;
        let name = match ours == theirs {
            true => match ours.names().is_some_and(|names| !names.is_empty()) {
                true => Some("equal"),
                false => Some("equal, nothing found"),
            },
            false => explained(&both, kind, &filter, &ours, &theirs).await,
        };
        match name {
            Some(name) => *counts.entry(name).or_default() += 1,
            None => failures.push(format!(
                "seed {seed}: {} {filter}\n  Rollcall: {ours:?}\n  scim2-server: {theirs:?}",
                kind.endpoint()
            )),
        }
    }
    report("filters", &counts, &failures);
}

/// The known difference by which both find different things: every part of the filter that
/// differs is known, and what each server finds is what its parts make.
async fn explained(
    both: &Both<'_>,
    kind: Kind,
    filter: &Filter,
    ours: &Found,
    theirs: &Found,
) -> Option<&'static str> {
    let everybody = both.find(kind.endpoint(), &format!("{} pr", kind.naming())).await;
    let mut parts = BTreeMap::new();
    let mut name = None;
    for leaf in filter.leaves() {
        let found = both.find(kind.endpoint(), &leaf.text).await;
        if found.0 != found.1 {
            name = Some(known::of_filter(leaf, &found.0, &found.1)?);
        }
        parts.insert(leaf.text.clone(), found);
    }
    let combined = |side: fn(&Pair<Found>) -> &Found| {
        let everybody = side(&everybody).names()?;
        combine(filter, everybody, &|leaf: &Leaf| side(&parts[&leaf.text]).names())
    };
    let holds = combined(|pair| &pair.0).as_ref() == ours.names()
        && combined(|pair| &pair.1).as_ref() == theirs.names();
    name.filter(|_| holds)
}

/// What a filter finds whose parts find this; `None` when one of them is refused.
fn combine<'a>(
    filter: &Filter,
    everybody: &BTreeSet<String>,
    found: &impl Fn(&Leaf) -> Option<&'a BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    Some(match filter {
        Filter::Leaf(leaf) => found(leaf)?.clone(),
        Filter::Grouped(filter) => combine(filter, everybody, found)?,
        Filter::Not(filter) => everybody - &combine(filter, everybody, found)?,
        Filter::And(left, right) => &combine(left, everybody, found)? & &combine(right, everybody, found)?,
        Filter::Or(left, right) => &combine(left, everybody, found)? | &combine(right, everybody, found)?,
    })
}
