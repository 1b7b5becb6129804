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
pub(super) struct Suggestions {
    nearest: HashMap<String, Nearest>,
    holders: HashMap<String, Vec<Holder>>,
    people: HashMap<Uuid, Brief>,
    teams: HashMap<Uuid, TeamBrief>,
}

/// Why something is waited for, as far as a person may be suggested for it: whoever waits for a group
/// is not helped by people.
pub(super) fn reason(reason: &str, names_group: bool) -> Option<&str> {
    (!names_group).then_some(reason)
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

    /// Add what there is to say about this key.
    pub(super) fn add_to<'a>(
        &self,
        shown: &mut Value,
        key: &str,
        reasons: impl IntoIterator<Item = &'a str>,
    ) {
        match Target::of_wait_key(key) {
            Some(Target::Person(person)) => {
                shown["waitsForPerson"] = json!(self.people.get(&person));
                return;
            }
            Some(Target::Team(team)) => {
                shown["waitsForTeam"] = json!(self.teams.get(&team));
                return;
            }
            None => {}
        }
        if waited_for(key).is_some() {
            return;
        }
        for reason in reasons {
            match reason {
                "missing" => shown["nearest"] = self.nearest.get(key).map_or(Value::Null, |it| self.near(it)),
                "ambiguous" => {
                    let holders = self.holders.get(key).map(Vec::as_slice).unwrap_or_default();
                    shown["heldBy"] = holders.iter().map(|holder| self.holder(holder)).collect();
                }
                _ => {}
            }
        }
    }

    fn near(&self, nearest: &Nearest) -> Value {
        json!({
            "personId": nearest.person,
            "resourceId": nearest.resource,
            "attribute": nearest.attribute.name(),
            "value": nearest.value,
            "similarity": (f64::from(nearest.similarity) * 100.0).round() / 100.0,
            "person": self.people.get(&nearest.person),
        })
    }

    fn holder(&self, holder: &Holder) -> Value {
        json!({
            "personId": holder.person,
            "resourceId": holder.resource,
            "attribute": holder.attribute.name(),
            "person": self.people.get(&holder.person),
        })
    }
}
