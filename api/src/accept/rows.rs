//! What a group commit writes, gathered per table.

use super::Write;
use super::line::Item;
use super::plan::Planned;
use rollcall_shared::directory::{Lane, TenantId, fold};
use rollcall_shared::scim::ResourceType;
use rollcall_shared::scim::outcome::OperationOutcome;
use rollcall_shared::store::accept::{self as store, Change, PendingRow, Resource, TeamName};
use rollcall_shared::store::async_results::NewResult;
use rollcall_shared::store::{PgConnection, StoreError};
use std::collections::HashMap;
use uuid::Uuid;

/// The batch's rows, gathered per table.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) created: Vec<Resource>,
    pub(super) updated: Vec<Resource>,
    pub(super) keys: Vec<store::NewKey>,
    pub(super) ended: Vec<store::Claimed>,
    pub(super) ended_seqs: Vec<i64>,
    pub(super) ended_deleted: Vec<bool>,
    pub(super) joined: Vec<store::MemberRow>,
    pub(super) joined_seqs: Vec<i64>,
    pub(super) left_groups: Vec<Uuid>,
    pub(super) left_members: Vec<String>,
    pub(super) team_names: Vec<TeamName>,
    pub(super) changes: Vec<Change>,
    pub(super) pending: Vec<PendingRow>,
    pub(super) results: Vec<NewResult>,
    /// Deleted Users: their folded id → the change and its lane.
    deleted_users: HashMap<String, (i64, Lane)>,
    deleted_groups: Vec<Uuid>,
}

impl Rows {
    pub(super) fn add(&mut self, item: &Item, planned: &Planned, seq: i64) {
        let resource = &planned.resource;
        self.changes.push(Change {
            seq,
            txn: item.txn,
            txn_index: item.index,
            resource_id: resource.id,
            directory_id: resource.directory_id,
            kind: resource.kind,
            operation: item.write.operation().name(),
            unchanged: planned.unchanged,
            attributes: planned.attributes.clone(),
            version: resource.version,
            token: Some(item.writer.token),
        });
        if item.writer.keeps_result && item.bulk.is_none() {
            self.results.push(result(item, planned));
        }
        if planned.unchanged {
            return;
        }
        let deleted = resource.deleted_seq.is_some();
        match item.write {
            Write::Create { .. } => self.created.push(resource.clone()),
            _ => self.updated.push(resource.clone()),
        }
        if deleted && item.write.kind() == ResourceType::User {
            self.deleted_users
                .insert(fold(&resource.id.to_string()), (seq, item.writer.lane));
        } else if deleted {
            self.deleted_groups.push(resource.id);
        }
        self.keys
            .extend(planned.new_keys.iter().filter(|key| !key.unique).cloned());
        for key in &planned.ended {
            self.ended.push(key.clone());
            self.ended_seqs.push(seq);
            self.ended_deleted.push(deleted);
        }
        for member in &planned.joined {
            self.joined.push(member.clone());
            self.joined_seqs.push(seq);
        }
        for member in &planned.left {
            self.left_groups.push(resource.id);
            self.left_members.push(member.clone());
        }
        for team in &planned.team_names {
            self.team_names.push(TeamName {
                kind: team.kind.to_string(),
                folded: team.folded.clone(),
                name: team.name.clone(),
                team_id: Uuid::now_v7(),
                first_seq: seq,
            });
        }
        let lane = item.writer.lane;
        self.pending.extend(planned.keys.iter().map(|key| PendingRow {
            key: key.clone(),
            seq,
            lane,
            traceparent: item.writer.traceparent.clone(),
        }));
    }

    /// The memberships that go with deleted resources; answers the member keys of the groups a
    /// deleted User was in.
    pub(super) async fn cascade(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
    ) -> Result<Vec<(Uuid, String, i64, Lane)>, StoreError> {
        let (users, seqs): (Vec<String>, Vec<i64>) = self
            .deleted_users
            .iter()
            .map(|(user, (seq, _))| (user.clone(), *seq))
            .unzip();
        let left = store::delete_members_naming(conn, tenant, &users, &seqs, &self.deleted_groups).await?;
        Ok(left
            .into_iter()
            .filter_map(|(team, member)| {
                let (seq, lane) = *self.deleted_users.get(&member)?;
                Some((team, member, seq, lane))
            })
            .collect())
    }
}

/// What a single write that was asked for asynchronously comes to.
fn result(item: &Item, planned: &Planned) -> NewResult {
    let (kind, resource) = (item.write.kind(), &planned.resource);
    NewResult {
        txn: item.txn,
        index: item.index,
        bulk: false,
        outcome: OperationOutcome::accepted(item.write.method(), kind, resource.id, resource.version),
        external_id: resource.document.external_id(),
    }
}
