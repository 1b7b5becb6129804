use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Who is to be erased, and every value by which others may have named them.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    pub(super) all: Vec<Subject>,
    /// Folded values that one of them holds or held, ids aside, and whose.
    pub(super) values: BTreeMap<String, Uuid>,
}

#[derive(Debug)]
pub(super) struct Subject {
    pub(super) person: Uuid,
    /// The User that describes them: the live one, else the one deleted last.
    pub(super) resource: Uuid,
    pub(super) version: i64,
    /// All Users that ever described them.
    pub(super) resources: Vec<Uuid>,
}

impl Subjects {
    /// These people, without those of whom nothing is left.
    pub(super) async fn load(
        conn: &mut PgConnection,
        tenant: TenantId,
        people: &[Uuid],
    ) -> Result<Subjects, StoreError> {
        let rows = sqlx::query!(
            r#"select directory_id, id, version, deleted_seq is null or document <> '{}' as "told!"
               from unnest($2::uuid[]) as asked (person)
               cross join lateral (select directory_id, id, version, seq, deleted_seq, document from scim_resources
                   where tenant_id = $1 and directory_id = asked.person and kind = 1 offset 0) r
               order by deleted_seq is null desc, seq desc"#,
            tenant.0,
            people
        )
        .fetch_all(&mut *conn)
        .await?;
        let applied = sqlx::query!(
            r#"select p.id, p.resource_id, p.erased_at is not null as "erased!"
               from unnest($2::uuid[]) as asked (id)
               cross join lateral (select id, resource_id, erased_at from people
                   where tenant_id = $1 and id = asked.id offset 0) p"#,
            tenant.0,
            people
        )
        .fetch_all(&mut *conn)
        .await?;
        let mut found: BTreeMap<Uuid, Subject> = BTreeMap::new();
        let mut told: BTreeSet<Uuid> = BTreeSet::new();
        for row in rows {
            let subject = found.entry(row.directory_id).or_insert(Subject {
                person: row.directory_id,
                resource: row.id,
                version: row.version,
                resources: vec![],
            });
            subject.resources.push(row.id);
            if row.told {
                told.insert(row.directory_id);
            }
        }
        for row in applied {
            found.entry(row.id).or_insert(Subject {
                person: row.id,
                resource: row.resource_id,
                version: 0,
                resources: vec![],
            });
            if !row.erased {
                told.insert(row.id);
            }
        }
        let all: Vec<Subject> = found
            .into_values()
            .filter(|subject| told.contains(&subject.person))
            .collect();
        let values = values(conn, tenant, &all).await?;
        Ok(Subjects { all, values })
    }

    pub(super) fn people(&self) -> Vec<Uuid> {
        self.all.iter().map(|subject| subject.person).collect()
    }

    pub(super) fn resources(&self) -> Vec<Uuid> {
        self.all
            .iter()
            .flat_map(|subject| &subject.resources)
            .copied()
            .collect()
    }

    /// The ids of their Users as references name them, and whose they are.
    pub(super) fn ids(&self) -> HashMap<String, Uuid> {
        let named = |subject: &Subject| {
            let person = subject.person;
            subject
                .resources
                .iter()
                .map(move |id| (id.to_string(), person))
                .collect::<Vec<_>>()
        };
        self.all.iter().flat_map(named).collect()
    }

    /// Where a person stands in `all`.
    pub(super) fn place(&self, person: Uuid) -> Option<usize> {
        self.all.iter().position(|subject| subject.person == person)
    }
}

async fn values(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &[Subject],
) -> Result<BTreeMap<String, Uuid>, StoreError> {
    let resources: Vec<Uuid> = subjects
        .iter()
        .flat_map(|subject| &subject.resources)
        .copied()
        .collect();
    let rows = sqlx::query!(
        "select k.folded, k.directory_id from unnest($2::uuid[]) as asked (id)
         cross join lateral (select folded, directory_id from scim_keys
             where tenant_id = $1 and resource_id = asked.id and attribute <> 0 offset 0) k",
        tenant.0,
        &resources
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.folded, row.directory_id))
        .collect())
}
