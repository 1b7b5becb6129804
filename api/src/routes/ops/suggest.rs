//! What an operator may want to know about something links wait for: whom it nearly means, who
//! shares it, or who or which team it is. Shown, never applied.

use super::people::PersonBriefForm;
use crate::openapi::described;
use rollcall_shared::directory::{Target, TenantId};
use rollcall_shared::store::explain::{self, Holder, Nearest, TeamBrief};
use rollcall_shared::store::named_teams::waited_for;
use rollcall_shared::store::people::{self, Brief};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

described!(
    /// Whom a reference nearly names.
    NearestForm, {
        "personId": "uuid",
        "resourceId": "uuid",
        "attribute": "string: that holds the value",
        "value": "string",
        "similarity": "number: 1 is the same",
        "person": maybe::<PersonBriefForm>(),
    }
);
described!(
    /// One of several who hold a value.
    HolderForm, {
        "personId": "uuid",
        "resourceId": "uuid",
        "attribute": "string",
        "person": maybe::<PersonBriefForm>(),
    }
);

/// Suggestions for a number of wait keys.
pub(crate) struct Suggestions {
    nearest: HashMap<String, Nearest>,
    holders: HashMap<String, Vec<Holder>>,
    people: HashMap<Uuid, Brief>,
    teams: HashMap<Uuid, TeamBrief>,
}

/// Why something is waited for, as far as a person may be suggested for it: whoever waits for a group
/// is not helped by people.
pub(crate) fn reason(reason: &str, names_group: bool) -> Option<&str> {
    (!names_group).then_some(reason)
}

/// What may help with something that is waited for.
pub(crate) enum Hint<'a> {
    /// It is known who.
    Person(Option<&'a Brief>),
    /// It is known which team.
    Team(Option<&'a TeamBrief>),
    /// Nobody has it, but somebody has something like it.
    Nearest(&'a Nearest, Option<&'a Brief>),
    /// Several have it.
    Holders(Vec<(&'a Holder, Option<&'a Brief>)>),
}

impl Suggestions {
    /// For each wait key and the [`reason`] it is waited for.
    pub(super) async fn load(
        connection: &mut PgConnection,
        tenant: TenantId,
        waits_for: &[(&str, Option<&str>)],
    ) -> Result<Suggestions, StoreError> {
        let (mut missing, mut ambiguous) = (BTreeSet::new(), BTreeSet::new());
        let (mut known, mut teams) = (BTreeSet::new(), BTreeSet::new());
        for &(key, reason) in waits_for {
            match (reason, Target::of_wait_key(key)) {
                (_, Some(Target::Person(person))) => known.insert(person),
                (_, Some(Target::Team(team))) => teams.insert(team),
                (_, None) if waited_for(key).is_some() => false,
                (Some("missing"), None) => missing.insert(key.to_owned()),
                (Some("ambiguous"), None) => ambiguous.insert(key.to_owned()),
                _ => false,
            };
        }
        let nearest = explain::nearest(connection, tenant, &missing).await?;
        let holders = explain::holders(connection, tenant, &ambiguous).await?;
        known.extend(nearest.values().map(|nearest| nearest.person));
        known.extend(holders.values().flatten().map(|holder| holder.person));
        let known: Vec<Uuid> = known.into_iter().collect();
        let people = people::briefs(connection, tenant, &known).await?;
        let teams: Vec<Uuid> = teams.into_iter().collect();
        let teams = explain::team_briefs(connection, tenant, &teams).await?;
        Ok(Suggestions {
            nearest,
            holders,
            people,
            teams,
        })
    }

    /// What there is to say about this key.
    pub(crate) fn of<'a>(&'a self, key: &str, reasons: impl IntoIterator<Item = &'a str>) -> Vec<Hint<'a>> {
        match Target::of_wait_key(key) {
            Some(Target::Person(person)) => return vec![Hint::Person(self.people.get(&person))],
            Some(Target::Team(team)) => return vec![Hint::Team(self.teams.get(&team))],
            None if waited_for(key).is_some() => return vec![],
            None => {}
        }
        let person = |id: &Uuid| self.people.get(id);
        reasons
            .into_iter()
            .filter_map(|reason| match reason {
                "missing" => {
                    let nearest = self.nearest.get(key)?;
                    Some(Hint::Nearest(nearest, person(&nearest.person)))
                }
                "ambiguous" => {
                    let holders = self.holders.get(key).map(Vec::as_slice).unwrap_or_default();
                    let known = holders.iter().map(|holder| (holder, person(&holder.person)));
                    Some(Hint::Holders(known.collect()))
                }
                _ => None,
            })
            .collect()
    }

    /// Add what there is to say about this key.
    pub(super) fn add_to<'a>(
        &'a self,
        shown: &mut Value,
        key: &str,
        reasons: impl IntoIterator<Item = &'a str>,
    ) {
        let reasons: Vec<&str> = reasons.into_iter().collect();
        let by_value = Target::of_wait_key(key).is_none() && waited_for(key).is_none();
        if by_value && reasons.contains(&"missing") {
            shown["nearest"] = Value::Null;
        }
        for hint in self.of(key, reasons) {
            match hint {
                Hint::Person(person) => shown["waitsForPerson"] = json!(person),
                Hint::Team(team) => shown["waitsForTeam"] = json!(team),
                Hint::Nearest(nearest, person) => shown["nearest"] = near(nearest, person),
                Hint::Holders(holders) => {
                    shown["heldBy"] = holders
                        .into_iter()
                        .map(|(holder, person)| held(holder, person))
                        .collect();
                }
            }
        }
    }
}

fn near(nearest: &Nearest, person: Option<&Brief>) -> Value {
    json!({
        "personId": nearest.person,
        "resourceId": nearest.resource,
        "attribute": nearest.attribute.name(),
        "value": nearest.value,
        "similarity": (f64::from(nearest.similarity) * 100.0).round() / 100.0,
        "person": person,
    })
}

fn held(holder: &Holder, person: Option<&Brief>) -> Value {
    json!({
        "personId": holder.person,
        "resourceId": holder.resource,
        "attribute": holder.attribute.name(),
        "person": person,
    })
}
