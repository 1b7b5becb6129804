//! From stored resources to representations, with what is derived from others.

use crate::error::Failure;
use rollcall_shared::directory::TenantId;
use rollcall_shared::scim::{Derived, Document, Meta, ResourceType, Selection, render, schema};
use rollcall_shared::store::PgConnection;
use rollcall_shared::store::search::{self, Stored};
use serde_json::Value;
use uuid::Uuid;

/// The representations of these resources of one kind, in their order.
///
/// # Errors
/// When Postgres cannot answer.
pub(super) async fn present(
    connection: &mut PgConnection,
    tenant: TenantId,
    base: &str,
    resources: &[Stored],
    selection: &Selection,
) -> Result<Vec<Value>, Failure> {
    let ids_of = |kind: ResourceType| -> Vec<Uuid> {
        let those = resources.iter().filter(|resource| resource.kind == kind);
        those.map(|resource| resource.id).collect()
    };
    let groups = ids_of(ResourceType::Group);
    let users = ids_of(ResourceType::User);
    let mut members = Default::default();
    if !groups.is_empty() && selection.wants("members") {
        members = search::members_of(connection, tenant, &groups).await?;
    }
    let mut groups_of = Default::default();
    if !users.is_empty() && selection.wants("groups") {
        groups_of = search::groups_of(connection, tenant, &users).await?;
    }
    let managed: Vec<Uuid> = resources
        .iter()
        .filter(|resource| !resource.directory_id.is_nil() && names_managers(&resource.document))
        .map(|resource| resource.directory_id)
        .collect();
    let mut managers_of = Default::default();
    if !managed.is_empty() && wants_managers(selection) {
        managers_of = search::managers_of(connection, tenant, &managed).await?;
    }
    let representation = |resource: &Stored| {
        let meta = meta(base, resource);
        let derived = Derived {
            groups: groups_of.get(&resource.id).cloned().unwrap_or_default(),
            managers: managers_of
                .get(&resource.directory_id)
                .cloned()
                .unwrap_or_default(),
        };
        let members = match resource.kind {
            ResourceType::Group => Some(members.get(&resource.id).map(Vec::as_slice).unwrap_or_default()),
            ResourceType::User => None,
        };
        render(
            resource.kind,
            &meta,
            &resource.document,
            members,
            &derived,
            selection,
        )
    };
    Ok(resources.iter().map(representation).collect())
}

/// The representation of a resource without anything that hangs on others.
pub(super) fn represent_alone(base: &str, resource: &Stored, selection: &Selection) -> Value {
    let meta = meta(base, resource);
    render(
        resource.kind,
        &meta,
        &resource.document,
        None,
        &Derived::default(),
        selection,
    )
}

fn meta(base: &str, resource: &Stored) -> Meta {
    Meta {
        id: resource.id,
        version: resource.version,
        created: resource.created_at,
        modified: resource.modified_at,
        location: location(base, resource.kind, resource.id),
    }
}

/// The absolute URL of a resource.
pub(super) fn location(base: &str, kind: ResourceType, id: Uuid) -> String {
    format!("{base}{}/{id}", kind.endpoint())
}

/// Whether the selection holds anything that is not asserted by the resource itself. The entity
/// tag does not cover it, so a client's copy may be out of date under an unchanged tag.
pub(super) fn selects_derived(kind: ResourceType, selection: &Selection) -> bool {
    kind == ResourceType::User && (selection.wants("groups") || wants_managers(selection))
}

fn wants_managers(selection: &Selection) -> bool {
    selection.wants(schema::ENTERPRISE_USER) || selection.wants(schema::ROLLCALL_USER)
}

fn names_managers(document: &Document) -> bool {
    let names = |urn: &str, attribute: &str| {
        let extension = document.0.get(urn);
        extension.is_some_and(|extension| extension.get(attribute).is_some())
    };
    names(schema::ENTERPRISE_USER, "manager") || names(schema::ROLLCALL_USER, "additionalManagers")
}
