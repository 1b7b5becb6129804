use super::references::Member;
use super::subjects::Subjects;
use crate::directory::{Holdings, Resolution, Target, TenantId, fold};
use crate::store::links::claims;
use crate::store::{PgConnection, StoreError};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Which references mean somebody who is erased, and by which id they are named from now on.
#[derive(Debug, Default)]
pub(super) struct Meaning {
    holdings: HashMap<String, Holdings>,
    /// Values that nobody else ever held: whatever names them, names nobody else.
    only_theirs: BTreeMap<String, Uuid>,
    ids: HashMap<String, Uuid>,
    names: BTreeMap<Uuid, String>,
    /// Everything they may be named by.
    pub(super) values: Vec<String>,
}

impl Meaning {
    pub(super) async fn load(
        conn: &mut PgConnection,
        tenant: TenantId,
        subjects: &Subjects,
    ) -> Result<Meaning, StoreError> {
        let values: Vec<String> = subjects.values.keys().cloned().collect();
        let of_others = sqlx::query_scalar!(
            "select distinct k.folded from unnest($2::text[]) as asked (folded)
             cross join lateral (select folded, directory_id from scim_keys
                 where tenant_id = $1 and folded = asked.folded offset 0) k
             where not k.directory_id = any($3)",
            tenant.0,
            &values,
            &subjects.people()
        )
        .fetch_all(&mut *conn)
        .await?;
        let of_others: HashSet<String> = of_others.into_iter().collect();
        let holdings = claims(conn, tenant, &values).await?;
        Ok(Meaning {
            holdings: holdings
                .into_iter()
                .map(|(folded, claims)| (folded, Holdings::of(&claims)))
                .collect(),
            only_theirs: subjects
                .values
                .iter()
                .filter(|(value, _)| !of_others.contains(*value))
                .map(|(value, person)| (value.clone(), *person))
                .collect(),
            ids: subjects.ids(),
            names: subjects
                .all
                .iter()
                .map(|subject| (subject.person, subject.resource.to_string()))
                .collect(),
            values,
        })
    }

    /// Whom of them a reference means.
    pub(super) fn whom(&self, reference: &str, asserted_seq: i64) -> Option<Uuid> {
        let folded = fold(reference);
        if let Some(person) = self.ids.get(&folded) {
            return Some(*person);
        }
        match self.holdings.get(&folded)?.meant_at(asserted_seq) {
            Resolution::Bound(Target::Person(person)) => self.names.contains_key(&person).then_some(person),
            Resolution::Bound(Target::Team(_)) => None,
            // The value goes, and nobody else can be meant by it as long as nobody else holds it.
            Resolution::Missing | Resolution::Ambiguous => self.only_theirs.get(&folded).copied(),
        }
    }

    /// The id that names whom this reference means.
    pub(super) fn id_for(&self, reference: &str, asserted_seq: i64) -> Option<String> {
        let folded = fold(reference);
        if self.ids.contains_key(&folded) {
            return Some(folded);
        }
        self.name(self.whom(reference, asserted_seq)?).map(str::to_owned)
    }

    /// The id that names a person from now on.
    pub(super) fn name(&self, person: Uuid) -> Option<&str> {
        self.names.get(&person).map(String::as_str)
    }

    /// Each of them with the id that names them.
    pub(super) fn names(&self) -> (Vec<Uuid>, Vec<String>) {
        self.names
            .iter()
            .map(|(person, name)| (*person, name.clone()))
            .unzip()
    }

    /// What waits for them waits for one of these.
    pub(super) fn wait_keys(&self) -> Vec<String> {
        let people = self.names.keys().map(|person| format!("person:{person}"));
        self.values
            .iter()
            .cloned()
            .chain(people)
            .chain(self.ids.keys().cloned())
            .collect()
    }

    /// The member values that are to be replaced by ids: everywhere where nobody else is meant by
    /// them, else in the groups where these members were.
    pub(super) fn renamed(&self, members: &[Member]) -> Names {
        let mut names = Names::default();
        for (value, person) in &self.only_theirs {
            names.add(None, value, self.name(*person));
        }
        for member in members
            .iter()
            .filter(|member| !self.only_theirs.contains_key(&member.member))
        {
            names.add(Some(member.team_id), &member.member, self.name(member.person));
        }
        names
    }
}

/// Folded values and the ids that stand for them from now on, in one team or in all.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) teams: Vec<Option<Uuid>>,
    pub(super) old: Vec<String>,
    pub(super) new: Vec<String>,
}

impl Names {
    fn add(&mut self, team: Option<Uuid>, old: &str, new: Option<&str>) {
        if let Some(new) = new.filter(|new| *new != old) {
            self.teams.push(team);
            self.old.push(old.to_owned());
            self.new.push(new.to_owned());
        }
    }
}

#[cfg(test)]
impl Meaning {
    /// Of one person with one value, and the id that names them.
    pub(super) fn of_one(value: &str, person: Uuid) -> (Meaning, String) {
        let id = Uuid::from_u128(0x1d).to_string();
        let meaning = Meaning {
            only_theirs: BTreeMap::from([(value.to_owned(), person)]),
            holdings: HashMap::from([(value.to_owned(), Holdings::default())]),
            ids: HashMap::from([(id.clone(), person)]),
            names: BTreeMap::from([(person, id.clone())]),
            values: vec![value.to_owned()],
        };
        (meaning, id)
    }
}
