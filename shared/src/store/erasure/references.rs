//! Where others name somebody: their documents and their groups.

use super::meaning::Meaning;
use super::subjects::Subjects;
use crate::directory::{TenantId, fold};
use crate::mapping::Compiled;
use crate::projection::{ENTERPRISE, ROLLCALL, reference_of};
use crate::scim::Document;
use crate::store::StoreError;
use crate::store::accept::{Resource, resources};
use crate::store::mappings::{InForce, Mappings, version_in_force};
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use sqlx::PgConnection;
use sqlx::types::Json;
use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// The Users whose documents may name somebody, as of a moment.
pub(super) struct Scan {
    /// What was changed later has to be looked at again.
    upto: i64,
    values: HashSet<String>,
    found: Vec<Uuid>,
    /// By which they were read.
    mapping: InForce,
}

impl Scan {
    /// Look through all documents of the tenant, as its mapping reads them.
    pub(super) async fn of(
        conn: &mut PgConnection,
        tenant: TenantId,
        subjects: &Subjects,
    ) -> Result<Scan, StoreError> {
        let mut values: HashSet<String> = subjects.values.keys().cloned().collect();
        values.extend(subjects.ids().into_keys());
        // Before the documents: per tenant, what commits later has a greater seq (docs/adr/0001).
        let upto = sqlx::query_scalar!(
            r#"select coalesce(max(seq), 0) as "seq!" from changes where tenant_id = $1"#,
            tenant.0
        )
        .fetch_one(&mut *conn)
        .await?;
        let mapping = Mappings::default().in_force(conn, tenant).await?;
        let mut found = vec![];
        if !values.is_empty() && !mapping.mapping.reads_only_managers() {
            found = naming_in_lines(conn, tenant, &mapping.mapping, &values).await?;
        }
        if !values.is_empty() {
            let mut rows = sqlx::query!(
                "select id, document #> array[$2, 'manager'] as manager,
                     document #> array[$3, 'additionalManagers'] as additional
                 from scim_resources where tenant_id = $1 and kind = 1
                   and (document #> array[$2, 'manager'] is not null
                        or document #> array[$3, 'additionalManagers'] is not null)",
                tenant.0,
                ENTERPRISE,
                ROLLCALL
            )
            .fetch(conn);
            while let Some(row) = rows.try_next().await? {
                let additional = match &row.additional {
                    Some(Value::Array(several)) => several.as_slice(),
                    single => single.as_slice(),
                };
                let mut named = row.manager.iter().chain(additional).filter_map(reference_of);
                if named.any(|reference| values.contains(&fold(&reference))) {
                    found.push(row.id);
                }
            }
        }
        Ok(Scan {
            upto,
            values,
            found,
            mapping,
        })
    }

    /// Whether everything these people may be named by was looked for, wherever they may be named.
    ///
    /// # Errors
    /// When the statement fails.
    pub(super) async fn covers(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        subjects: &Subjects,
    ) -> Result<bool, StoreError> {
        let ids = subjects.ids();
        let mut named = subjects.values.keys().chain(ids.keys());
        let all = named.all(|value| self.values.contains(value));
        Ok(all && version_in_force(conn, tenant).await? == self.mapping.version)
    }

    /// The documents that name somebody. The caller holds the tenant's lock.
    pub(super) async fn documents(
        self,
        conn: &mut PgConnection,
        tenant: TenantId,
        subjects: &Subjects,
        meaning: &Meaning,
    ) -> Result<Vec<Naming>, StoreError> {
        let later = sqlx::query_scalar!(
            "select distinct resource_id from changes where tenant_id = $1 and seq > $2 and kind = 1",
            tenant.0,
            self.upto
        )
        .fetch_all(&mut *conn)
        .await?;
        let own = subjects.resources();
        let ids: BTreeSet<Uuid> = self
            .found
            .into_iter()
            .chain(later)
            .filter(|id| !own.contains(id))
            .collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut resources = resources(conn, tenant, &ids).await?;
        resources.sort_unstable_by_key(|resource| resource.id);
        Ok(resources
            .into_iter()
            .filter_map(|resource| Naming::of(resource, meaning, &self.mapping.mapping))
            .collect())
    }
}

/// A User whose document names somebody who is erased.
pub(super) struct Naming {
    pub(super) resource: Resource,
    /// Names of the attributes that do.
    pub(super) attributes: Vec<String>,
    document: Document,
}

impl Naming {
    fn of(resource: Resource, meaning: &Meaning, mapping: &Compiled) -> Option<Naming> {
        let mut document = Document::clone(&resource.document);
        let mut attributes = vec![];
        let seq = resource.manager_seq.unwrap_or(resource.seq);
        if let Some(manager) = attribute(&mut document, ENTERPRISE, "manager")
            && let Some(reference) = reference_of(manager)
            && let Some(id) = meaning.id_for(&reference, seq)
        {
            // Whatever else was said of the manager goes too: nobody knows what it is.
            let named = json!({ "value": id });
            if *manager != named {
                *manager = named;
                attributes.push(format!("{ENTERPRISE}:manager"));
            }
        }
        let seq = resource.additional_managers_seq.unwrap_or(resource.seq);
        if let Some(Value::Array(managers)) = attribute(&mut document, ROLLCALL, "additionalManagers") {
            let before = managers.clone();
            for manager in managers.iter_mut() {
                let Some(reference) = reference_of(manager) else {
                    continue;
                };
                if let Some(id) = meaning.id_for(&reference, seq) {
                    *manager = json!({ "value": id });
                }
            }
            if *managers != before {
                attributes.push(format!("{ROLLCALL}:additionalManagers"));
            }
        }
        let rename = |reference: &str| meaning.id_for(reference, resource.seq);
        attributes.extend(mapping.rename_in_lines(&mut document.0, &rename));
        (!attributes.is_empty()).then_some(Naming {
            resource,
            attributes,
            document,
        })
    }

    pub(super) fn is_live(&self) -> bool {
        self.resource.deleted_seq.is_none()
    }

    /// The User with the ids instead: as a new version when it is live. When a reference was
    /// asserted stays as it was.
    pub(super) fn rewritten(self, seq: Option<i64>, at: DateTime<Utc>) -> Resource {
        let Naming {
            mut resource,
            document,
            ..
        } = self;
        resource.document = Arc::new(document);
        if let Some(seq) = seq {
            resource.manager_seq = Some(resource.manager_seq.unwrap_or(resource.seq));
            resource.additional_managers_seq = Some(resource.additional_managers_seq.unwrap_or(resource.seq));
            resource.version += 1;
            resource.seq = seq;
            resource.modified_at = at;
        }
        resource
    }
}

/// The Users in whose documents a line of the mapping's own, not one of SCIM, leads to one of these values.
async fn naming_in_lines(
    conn: &mut PgConnection,
    tenant: TenantId,
    mapping: &Compiled,
    values: &HashSet<String>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut rows = sqlx::query!(
        r#"select id, document as "document: Json<Document>" from scim_resources where tenant_id = $1 and kind = 1"#,
        tenant.0
    )
    .fetch(conn);
    let mut found = vec![];
    while let Some(mut row) = rows.try_next().await? {
        let named = Cell::new(false);
        let look = |reference: &str| {
            named.set(named.get() || values.contains(&fold(reference)));
            None
        };
        mapping.rename_in_lines(&mut row.document.0.0, &look);
        if named.get() {
            found.push(row.id);
        }
    }
    Ok(found)
}

fn attribute<'a>(document: &'a mut Document, extension: &str, name: &str) -> Option<&'a mut Value> {
    document.0.get_mut(extension)?.get_mut(name)
}

/// A member of a group that means somebody who is erased.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) group_id: Uuid,
    pub(super) team_id: Uuid,
    /// Folded.
    pub(super) member: String,
    pub(super) person: Uuid,
}

/// The members that mean somebody who is erased.
pub(super) async fn members(
    conn: &mut PgConnection,
    tenant: TenantId,
    meaning: &Meaning,
) -> Result<Vec<Member>, StoreError> {
    let rows = sqlx::query!(
        "select m.group_id, m.member, m.asserted_seq, r.directory_id from unnest($2::text[]) as asked (member)
         cross join lateral (select group_id, member, asserted_seq from scim_members
             where tenant_id = $1 and member = asked.member offset 0) m
         cross join lateral (select directory_id from scim_resources
             where tenant_id = $1 and id = m.group_id offset 0) r",
        tenant.0,
        &meaning.wait_keys()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Member {
                group_id: row.group_id,
                team_id: row.directory_id,
                person: meaning.whom(&row.member, row.asserted_seq)?,
                member: row.member,
            })
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(document: Value, meaning: &Meaning) -> Option<Naming> {
        let resource = Resource {
            id: Uuid::from_u128(9),
            kind: 1,
            directory_id: Uuid::from_u128(10),
            document: Arc::new(serde_json::from_value(document).unwrap()),
            version: 3,
            seq: 30,
            manager_seq: None,
            additional_managers_seq: Some(20),
            source: "test".to_owned(),
            created_seq: 1,
            created_at: DateTime::UNIX_EPOCH,
            modified_at: DateTime::UNIX_EPOCH,
            deleted_seq: None,
        };
        Naming::of(resource, meaning, &Compiled::default_mapping())
    }

    #[test]
    fn document_that_names_the_erased_names_their_id_as_of_when_it_was_asserted() {
        let (meaning, id) = Meaning::of_one("ada@x.y", Uuid::from_u128(1));
        let sent = json!({
            "userName": "grace",
            ENTERPRISE: { "department": "Navy", "manager": { "value": " ADA@x.y", "mail": "ada@x.y" } },
            ROLLCALL: { "additionalManagers": [{ "value": "bob" }, { "value": "Ada@X.Y" }] },
        });
        let naming = naming(sent, &meaning).unwrap();
        assert_eq!(
            naming.attributes,
            [
                format!("{ENTERPRISE}:manager"),
                format!("{ROLLCALL}:additionalManagers")
            ]
        );
        let resource = naming.rewritten(Some(40), DateTime::UNIX_EPOCH);
        assert_eq!(
            serde_json::to_value(&*resource.document).unwrap(),
            json!({
                "userName": "grace",
                ENTERPRISE: { "department": "Navy", "manager": { "value": id } },
                ROLLCALL: { "additionalManagers": [{ "value": "bob" }, { "value": id }] },
            })
        );
        assert_eq!(
            (
                resource.version,
                resource.seq,
                resource.manager_seq,
                resource.additional_managers_seq
            ),
            (4, 40, Some(30), Some(20))
        );
    }

    #[test]
    fn document_that_names_them_by_id_alone_or_names_others_stays_as_it_is() {
        let (meaning, id) = Meaning::of_one("ada@x.y", Uuid::from_u128(1));
        for manager in [json!({ "value": id }), json!({ "value": "bob" }), json!(null)] {
            assert!(naming(json!({ ENTERPRISE: { "manager": manager } }), &meaning).is_none());
        }
        assert!(naming(json!({ "userName": "ada@x.y" }), &meaning).is_none());
    }
}
