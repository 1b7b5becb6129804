//! What one write would change, given what is stored. Pure.

use super::membership::{membership, needs_all_members};
use super::{Write, Writer};
use chrono::{DateTime, Utc};
use rollcall_shared::directory::{Key, KeyAttribute, fold};
use rollcall_shared::mapping::Compiled;
use rollcall_shared::projection::{self, WantedTeam};
use rollcall_shared::scim::{
    self, Assertions, Body, Document, MemberOp, ResourceType, ScimError, ScimType, changed_attributes,
    etag_matches,
};
use rollcall_shared::store::accept::{Claimed, MemberRow, NewKey, Resource};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Most operations of one PATCH that look at every member of the group: each costs its size.
const WHOLE_GROUP: usize = 16;

/// A group's members by folded value, as far as they were read.
pub(super) type Members = HashMap<String, MemberRow>;

/// The write's new document, before anything but the document was looked at.
pub(super) struct Draft {
    document: Arc<Document>,
    pub members: Vec<MemberOp>,
    /// Values the resource is to be found by.
    pub keys: Vec<scim::KeyValue>,
    asserted: Assertions,
}

/// What [`plan`] looks at.
pub(super) struct Context<'a> {
    pub writer: &'a Writer,
    pub write: &'a Write,
    pub stored: Option<&'a Resource>,
    /// The keys the resource holds now.
    pub held: &'a [Claimed],
    /// Whom (source, externalId) belonged to before their User was deleted.
    pub former: &'a HashMap<(String, String), Uuid>,
    pub members: Option<&'a Members>,
    /// `None`: no team is named here; the workers name what they need.
    pub mapping: Option<&'a Compiled>,
    pub seq: i64,
    pub at: DateTime<Utc>,
}

/// Everything to be written for one write.
pub(super) struct Planned {
    pub resource: Resource,
    pub unchanged: bool,
    /// Names of what changed.
    pub attributes: Vec<String>,
    pub new_keys: Vec<NewKey>,
    pub ended: Vec<Claimed>,
    pub joined: Vec<MemberRow>,
    /// Folded values of members that left.
    pub left: Vec<String>,
    /// Attribute teams the document names.
    pub team_names: Vec<WantedTeam>,
    /// What the workers must look at.
    pub keys: Vec<Key>,
}

/// Apply the write to the stored document.
///
/// # Errors
/// 404 when there is no such resource, 412 when `If-Match` names another version, whatever
/// a PATCH is refused for, and 400 when a value cannot be a key (over 512 bytes normalised).
pub(super) fn draft(write: &Write, stored: Option<&Resource>) -> Result<Draft, ScimError> {
    let (kind, id) = (write.kind(), write.id());
    if let Write::Create { body, .. } = write {
        let members = body.members.clone().map(MemberOp::Add).into_iter().collect();
        return Draft::of(kind, Arc::clone(&body.document), members, body.asserted);
    }
    let stored = stored
        .filter(|stored| stored.kind == kind as i16)
        .ok_or_else(|| ScimError::not_found(format!("{} {id} does not exist", kind.name())))?;
    if let Some(wanted) = if_match(write)
        && !etag_matches(wanted, stored.version)
    {
        return Err(ScimError::precondition_failed());
    }
    match write {
        Write::Replace { body, .. } => {
            let body = Body::clone(body).replacing(&stored.document)?;
            let members = body.members.map(MemberOp::Replace).into_iter().collect();
            Draft::of(kind, body.document, members, body.asserted)
        }
        Write::Patch { patch, .. } => {
            let patched = patch.apply(&stored.document)?;
            if patched
                .members
                .iter()
                .filter(|operation| needs_all_members(operation))
                .count()
                > WHOLE_GROUP
            {
                return Err(ScimError::bad_request(
                    ScimType::TooMany,
                    format!("members: more than {WHOLE_GROUP} operations look at the whole group"),
                ));
            }
            let document = Arc::new(patched.document);
            Draft::of(kind, document, patched.members, patched.asserted)
        }
        Write::Create { .. } | Write::Delete { .. } => Ok(Draft {
            document: Arc::clone(&stored.document),
            members: vec![],
            keys: vec![],
            asserted: Assertions::default(),
        }),
    }
}

impl Draft {
    fn of(
        kind: ResourceType,
        document: Arc<Document>,
        members: Vec<MemberOp>,
        asserted: Assertions,
    ) -> Result<Draft, ScimError> {
        Ok(Draft {
            keys: scim::keys(kind, &document)?,
            document,
            members,
            asserted,
        })
    }
}

fn if_match(write: &Write) -> Option<&str> {
    match write {
        Write::Create { .. } => None,
        Write::Replace { if_match, .. } | Write::Patch { if_match, .. } | Write::Delete { if_match, .. } => {
            if_match.as_deref()
        }
    }
}

/// Everything the write changes.
///
/// # Errors
/// Whatever a change of members is refused for.
pub(super) fn plan(context: Context<'_>, draft: Draft) -> Result<Planned, ScimError> {
    let kind = context.write.kind();
    let deleting = matches!(context.write, Write::Delete { .. });
    let old = context.stored.map(|stored| &*stored.document);
    let (joined, left) = if deleting {
        Default::default()
    } else {
        membership(&context, &draft.members)?
    };
    let mut attributes = if deleting {
        vec![]
    } else {
        changed_attributes(old, &draft.document)
    };
    let document_changed = deleting || old != Some(&*draft.document);
    let unchanged = !document_changed && joined.is_empty() && left.is_empty();
    if !joined.is_empty() || !left.is_empty() {
        attributes.push("members".to_owned());
    }
    let resource = resource(&context, &draft, unchanged);
    let (new_keys, ended) = if unchanged {
        Default::default()
    } else {
        keys(&context, &resource, draft.keys)
    };
    let mut keys = vec![];
    match kind {
        ResourceType::User => keys.push(Key::Person(resource.directory_id)),
        ResourceType::Group => {
            if document_changed {
                keys.push(Key::Team(resource.directory_id));
            }
            let members = joined.iter().map(|row| &row.member).chain(&left);
            keys.extend(members.map(|member| Key::Member(resource.directory_id, member.clone())));
        }
    }
    let team_names = match (kind, context.mapping) {
        (ResourceType::User, Some(mapping)) if !deleting => projection::team_names(mapping, &draft.document),
        _ => vec![],
    };
    Ok(Planned {
        resource,
        unchanged,
        attributes,
        new_keys,
        ended,
        joined,
        left,
        team_names,
        keys,
    })
}

/// The resource as it will be stored.
fn resource(context: &Context<'_>, draft: &Draft, unchanged: bool) -> Resource {
    let document = Arc::clone(&draft.document);
    let asserted = |asserted: bool, before: Option<i64>| if asserted { Some(context.seq) } else { before };
    match context.stored {
        Some(stored) if unchanged => stored.clone(),
        Some(stored) => Resource {
            document,
            version: stored.version + 1,
            seq: context.seq,
            manager_seq: asserted(draft.asserted.manager, stored.manager_seq),
            additional_managers_seq: asserted(
                draft.asserted.additional_managers,
                stored.additional_managers_seq,
            ),
            modified_at: context.at,
            deleted_seq: matches!(context.write, Write::Delete { .. }).then_some(context.seq),
            ..stored.clone()
        },
        None => Resource {
            id: context.write.id(),
            kind: context.write.kind() as i16,
            directory_id: directory_id(context, &draft.keys),
            document,
            version: 1,
            seq: context.seq,
            manager_seq: asserted(draft.asserted.manager, None),
            additional_managers_seq: asserted(draft.asserted.additional_managers, None),
            source: context.writer.source.to_string(),
            created_seq: context.seq,
            created_at: context.at,
            modified_at: context.at,
            deleted_seq: None,
        },
    }
}

/// Who a new resource describes: somebody new, unless its externalId last belonged to a User of
/// the same source that was deleted; then it is that person again.
fn directory_id(context: &Context<'_>, keys: &[scim::KeyValue]) -> Uuid {
    if context.write.kind() != ResourceType::User || context.former.is_empty() {
        return Uuid::now_v7();
    }
    keys.iter()
        .filter(|key| key.attribute == KeyAttribute::ExternalId)
        .find_map(|key| {
            let held = (context.writer.source.to_string(), key.value.clone());
            context.former.get(&held).copied()
        })
        .unwrap_or_else(Uuid::now_v7)
}

/// Keys that begin and keys that end.
fn keys(
    context: &Context<'_>,
    resource: &Resource,
    wanted: Vec<scim::KeyValue>,
) -> (Vec<NewKey>, Vec<Claimed>) {
    let new_key =
        |attribute: KeyAttribute, value: String, folded: String, namespaced: bool, unique: bool| NewKey {
            kind: resource.kind,
            attribute: attribute as i16,
            value,
            source: if namespaced {
                resource.source.clone()
            } else {
                String::new()
            },
            folded,
            resource_id: resource.id,
            directory_id: resource.directory_id,
            from_seq: context.seq,
            unique,
        };
    let id = resource.id.to_string();
    let mut wanted: Vec<NewKey> = wanted
        .into_iter()
        .map(|key| new_key(key.attribute, key.value, key.folded, key.namespaced, key.unique))
        .collect();
    if resource.deleted_seq.is_none() {
        wanted.push(new_key(KeyAttribute::Id, id.clone(), fold(&id), false, false));
    }
    let is = |key: &NewKey, held: &Claimed| key.attribute == held.attribute && key.value == held.value;
    let ended = context
        .held
        .iter()
        .filter(|held| !wanted.iter().any(|key| is(key, held)))
        .cloned()
        .collect();
    wanted.retain(|key| !context.held.iter().any(|held| is(key, held)));
    (wanted, ended)
}
