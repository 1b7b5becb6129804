//! What an operator may want to know about something links wait for: whom it nearly means, who
//! shares it, or who it is. Shown, never applied.

use rollcall_shared::directory::TenantId;
use rollcall_shared::store::explain::{self, Holder, Nearest};
use rollcall_shared::store::people::{self, Brief};
use rollcall_shared::store::teams::waited_for;
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Suggestions for a number of wait keys.
pub(super) struct Suggestions {
    nearest: HashMap<String, Nearest>,
    holders: HashMap<String, Vec<Holder>>,
    people: HashMap<Uuid, Brief>,
}

impl Suggestions {
    /// For each wait key and the reason it is waited for.
    pub(super) async fn load(
        connection: &mut PgConnection,
        tenant: TenantId,
        waits_for: &[(&str, &str)],
    ) -> Result<Suggestions, StoreError> {
        let (mut missing, mut ambiguous, mut known) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for &(key, reason) in waits_for {
            match (reason, person_of(key)) {
                (_, Some(person)) => {
                    known.insert(person);
                }
                ("ambiguous", None) => {
                    ambiguous.insert(key.to_owned());
                }
                (_, None) if waited_for(key).is_some() => {}
                (_, None) => {
                    missing.insert(key.to_owned());
                }
            }
        }
        let nearest = explain::nearest(connection, tenant, &missing).await?;
        let holders = explain::holders(connection, tenant, &ambiguous).await?;
        known.extend(nearest.values().map(|nearest| nearest.person));
        known.extend(holders.values().flatten().map(|holder| holder.person));
        let known: Vec<Uuid> = known.into_iter().collect();
        let people = people::briefs(connection, tenant, &known).await?;
        Ok(Suggestions {
            nearest,
            holders,
            people,
        })
    }

    /// Add what there is to say about this key.
    pub(super) fn add_to<'a>(
        &self,
        shown: &mut Value,
        key: &str,
        reasons: impl IntoIterator<Item = &'a str>,
    ) {
        if let Some(person) = person_of(key) {
            shown["waitsForPerson"] = json!(self.people.get(&person));
            return;
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

/// Of a key that names a certain person.
fn person_of(key: &str) -> Option<Uuid> {
    Uuid::try_parse(key.strip_prefix("person:")?).ok()
}
