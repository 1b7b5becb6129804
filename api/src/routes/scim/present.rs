//! From stored resources to representations, with what is derived from others.

use crate::error::Failure;
use crate::gather::User;
use futures::stream::{self, StreamExt as _};
use rollcall_shared::directory::{TenantId, fold};
use rollcall_shared::scim::{
    Derived, Member, Meta, ResourceType, Selection, name_group, names_managers, render, render_member, schema,
};
use rollcall_shared::store::search::{self, Stored};
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::Value;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use uuid::Uuid;

/// The representations of these resources as JSON, in their order and with commas between,
/// appended to `body`. The members of groups go from the database's rows straight into it: a group
/// may have more than should be held twice.
///
/// # Errors
/// When Postgres cannot answer.
pub(super) async fn present(
    connection: &mut PgConnection,
    tenant: TenantId,
    base: &str,
    resources: &[Stored],
    selection: &Selection,
    mut body: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    let ids_of = |kind: ResourceType| -> Vec<Uuid> {
        let those = resources.iter().filter(|resource| resource.kind == kind);
        those.map(|resource| resource.id).collect()
    };
    let users = ids_of(ResourceType::User);
    let managed: Vec<Uuid> = resources
        .iter()
        .filter(|resource| !resource.directory_id.is_nil() && names_managers(&resource.document))
        .map(|resource| resource.directory_id)
        .collect();
    let (mut groups_of, mut managers_of) = (HashMap::new(), HashMap::new());
    if let [user] = resources
        && user.kind == ResourceType::User
        && selects_derived(user.kind, selection)
    {
        let (groups, managers) = search::hanging_on(connection, tenant, user.id, user.directory_id).await?;
        groups_of.insert(user.id, groups);
        managers_of.insert(user.directory_id, managers);
    } else {
        if !users.is_empty() && selection.wants("groups") {
            groups_of = search::groups_of(connection, tenant, &users).await?;
        }
        if !managed.is_empty() && wants_managers(selection) {
            managers_of = search::managers_of(connection, tenant, &managed).await?;
        }
    }
    let groups = ids_of(ResourceType::Group);
    let mut nested = HashMap::new();
    let members = match groups.is_empty() || !selection.wants("members") {
        true => stream::empty().boxed(),
        false => {
            let teams: Vec<Uuid> = resources
                .iter()
                .filter(|resource| resource.kind == ResourceType::Group)
                .map(|resource| resource.directory_id)
                .collect();
            nested = search::nested_groups_of(connection, tenant, &teams).await?;
            search::members_of(connection, tenant, &groups)
        }
    };
    let mut members = pin!(members.peekable());
    for (index, resource) in resources.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        let derived = Derived {
            groups: groups_of.remove(&resource.id).unwrap_or_default(),
            managers: managers_of
                .get(&resource.directory_id)
                .cloned()
                .unwrap_or_default(),
        };
        append(&mut body, &representation(base, resource, &derived, selection));
        let mut any = false;
        let of_this = |row: &Result<(Uuid, Member), StoreError>| match row {
            Ok((group, _)) => *group == resource.id,
            Err(_) => true,
        };
        while let Some(row) = members.as_mut().next_if(of_this).await {
            let mut member = row?.1;
            if !nested.is_empty()
                && let Some(group) = nested.get(&(resource.directory_id, fold(&member.value)))
            {
                name_group(&mut member, base, *group);
            }
            let Some(member) = render_member(member, selection) else {
                continue;
            };
            if !any {
                // Behind the last attribute, before the end of the object.
                body.pop();
                body.extend_from_slice(br#","members":["#);
            } else {
                body.push(b',');
            }
            any = true;
            append(&mut body, &member);
        }
        if any {
            body.extend_from_slice(b"]}");
        }
    }
    Ok(body)
}

/// The representations of these Users, as [`present`] tells them.
pub(super) fn present_users(
    base: &str,
    users: &[Arc<User>],
    selection: &Selection,
    mut body: Vec<u8>,
) -> Vec<u8> {
    for (index, user) in users.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        append(
            &mut body,
            &representation(base, &user.resource, &user.derived, selection),
        );
    }
    body
}

/// The representation of one resource, with what hangs on it.
pub(super) fn represent_one(
    base: &str,
    resource: &Stored,
    derived: &Derived,
    selection: &Selection,
) -> Vec<u8> {
    let mut body = vec![];
    append(&mut body, &representation(base, resource, derived, selection));
    body
}

fn representation(base: &str, resource: &Stored, derived: &Derived, selection: &Selection) -> Value {
    let meta = meta(base, resource);
    render(resource.kind, &meta, &resource.document, derived, selection)
}

fn append(body: &mut Vec<u8>, value: &Value) {
    body.extend_from_slice(value.to_string().as_bytes());
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
