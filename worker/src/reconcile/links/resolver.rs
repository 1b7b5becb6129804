use rollcall_shared::directory::{Holdings, Names, Resolution, Target, TenantId};
use rollcall_shared::projection::Status;
use rollcall_shared::store::links::{self, Applied, AppliedTeam};
use rollcall_shared::store::{PgConnection, StoreError};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// A reference: folded, what it may name, and when it was asserted.
pub(crate) type Asked = (String, Names, i64);

/// Whom references mean, and what is to be done about it.
pub(crate) struct Resolver {
    answers: HashMap<Asked, Resolution>,
    people: HashMap<Uuid, Applied>,
    teams: HashMap<Uuid, AppliedTeam>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Link(Target),
    Wait { key: String, reason: &'static str },
}

impl Resolver {
    /// Answer all of these.
    pub(crate) async fn load(
        conn: &mut PgConnection,
        tenant: TenantId,
        asked: HashSet<Asked>,
    ) -> Result<Resolver, StoreError> {
        let values: BTreeSet<&String> = asked.iter().map(|(folded, ..)| folded).collect();
        let values: Vec<String> = values.into_iter().cloned().collect();
        let claims = links::claims(conn, tenant, &values).await?;
        let mut holdings: HashMap<(String, Names), Holdings> = HashMap::new();
        for (folded, names, _) in &asked {
            holdings.entry((folded.clone(), *names)).or_insert_with(|| {
                let claims = claims.get(folded).into_iter().flatten();
                let admitted = claims.filter(|claim| names.admits(claim.attribute, claim.who));
                Holdings::of(&admitted.cloned().collect::<Vec<_>>())
            });
        }
        let answers: HashMap<Asked, Resolution> = asked
            .into_iter()
            .map(|(folded, names, seq)| {
                let place = (folded, names);
                let answer = holdings
                    .get(&place)
                    .map_or(Resolution::Missing, |holdings| holdings.meant_at(seq));
                ((place.0, names, seq), answer)
            })
            .collect();
        let (mut people, mut teams) = (BTreeSet::new(), BTreeSet::new());
        for answer in answers.values() {
            match answer {
                Resolution::Bound(Target::Person(id)) => people.insert(*id),
                Resolution::Bound(Target::Team(id)) => teams.insert(*id),
                Resolution::Missing | Resolution::Ambiguous => false,
            };
        }
        let people: Vec<Uuid> = people.into_iter().collect();
        let teams: Vec<Uuid> = teams.into_iter().collect();
        Ok(Resolver {
            answers,
            people: links::applied(conn, tenant, &people).await?,
            teams: links::applied_teams(conn, tenant, &teams).await?,
        })
    }

    /// What becomes of a reference that was asked for in [`Resolver::load`].
    pub(crate) fn decide(&self, asked: &Asked) -> Decision {
        let wait = |key: String, reason| Decision::Wait { key, reason };
        let target = match self.answers.get(asked) {
            None | Some(Resolution::Missing) => return wait(asked.0.clone(), "missing"),
            Some(Resolution::Ambiguous) => return wait(asked.0.clone(), "ambiguous"),
            Some(Resolution::Bound(target)) => *target,
        };
        let is_there = match target {
            Target::Person(id) => self
                .people
                .get(&id)
                .map(|applied| applied.status != Status::Deprovisioned),
            Target::Team(id) => self.teams.get(&id).map(|applied| !applied.deleted),
        };
        match is_there {
            None => wait(target.wait_key(), "not_applied"),
            Some(false) => wait(target.wait_key(), "deprovisioned"),
            Some(true) => Decision::Link(target),
        }
    }

    /// The change last applied to somebody or something a reference means.
    pub(crate) fn applied_seq(&self, target: Target) -> Option<i64> {
        match target {
            Target::Person(id) => self.people.get(&id).map(|applied| applied.seq),
            Target::Team(id) => self.teams.get(&id).map(|applied| applied.seq),
        }
    }
}
