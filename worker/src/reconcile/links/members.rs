use super::settlement::{LinkPlan, by_place};
use super::{Decision, LinkChange, Resolver, Settlement, Turn};
use rollcall_shared::directory::{Key, Names, Target, TenantId};
use rollcall_shared::store::links::{self, AssertedMember, MemberOf, Part, Slot, Waiter, WaiterPlace};
use rollcall_shared::store::reconcile::Membership;
use rollcall_shared::store::{PgConnection, StoreError};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Settle the links of these members. The caller holds the locks on the teams' rows.
pub(crate) async fn settle_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<Settlement, StoreError> {
    let plan = plan_members(conn, tenant, keys).await?;
    plan.write(conn, tenant).await
}

/// What is to become of the links of these members.
pub(crate) async fn plan_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<LinkPlan, StoreError> {
    let mut plan = LinkPlan::default();
    if keys.is_empty() {
        return Ok(plan);
    }
    let asserted: Vec<AssertedMember> = links::asserted_members(conn, tenant, keys).await?;
    let asked = |member: &AssertedMember| (member.member.clone(), member.names, member.asserted_seq);
    let resolver = Resolver::load(conn, tenant, asserted.iter().map(asked).collect()).await?;
    let actual: HashSet<Membership> = links::member_rows(conn, tenant, keys)
        .await?
        .into_iter()
        .collect();
    let actual_parts: HashSet<Part> = links::part_rows(conn, tenant, keys).await?.into_iter().collect();
    let waiters = by_place(links::member_waiters(conn, tenant, keys).await?);

    let asserted_seqs: HashMap<MemberOf, i64> = asserted
        .iter()
        .map(|member| ((member.team_id, member.member.clone()), member.asserted_seq))
        .collect();
    let mut wanted: HashSet<Membership> = HashSet::new();
    let mut wanted_parts: HashSet<Part> = HashSet::new();
    let mut wanted_waiters = vec![];
    let mut found = vec![];
    for member in asserted {
        let decision = resolver.decide(&asked(&member));
        let source = format!("member:{}", member.member);
        if let Decision::Link(_) = decision {
            let place = WaiterPlace {
                subject_id: member.team_id,
                slot: Slot::Member as i16,
                place: member.member.clone(),
            };
            found.push((place, member.asserted_seq));
        }
        match decision {
            Decision::Link(Target::Person(person_id)) => {
                wanted.insert(Membership {
                    team_id: member.team_id,
                    person_id,
                    source,
                });
            }
            Decision::Link(Target::Team(part_id)) => {
                wanted_parts.insert(Part {
                    team_id: member.team_id,
                    part_id,
                    source,
                });
            }
            Decision::Wait { key, reason } => wanted_waiters.push(Waiter {
                subject_id: member.team_id,
                slot: Slot::Member as i16,
                place: member.member,
                reference: member.value,
                names_group: member.names == Names::Group,
                wait_key: key,
                reason: reason.to_owned(),
                asserted_seq: member.asserted_seq,
            }),
        }
    }

    let change = |team: Uuid, source: &str, before, after| {
        let member = source.strip_prefix("member:").unwrap_or_default();
        let waited = WaiterPlace {
            subject_id: team,
            slot: Slot::Member as i16,
            place: member.to_owned(),
        };
        LinkChange {
            slot: Slot::Member,
            subject: team,
            waited_for: waiters.get(&waited).map(|waiter| waiter.wait_key.clone()),
            place: waited.place,
            before,
            after,
            waits_for: None,
        }
    };
    let turn = |team: Uuid, source: &str, target: Target, begins: bool| {
        let member = source.strip_prefix("member:").unwrap_or_default();
        let key = (team, member.to_owned());
        let id = Some(target.id());
        let (person, field) = match target {
            Target::Person(person) => (Some(person), "members"),
            Target::Team(_) => (None, "parts"),
        };
        Turn {
            person,
            field: field.into(),
            old: json!(id.filter(|_| !begins)),
            new: json!(id.filter(|_| begins)),
            asserted_seq: asserted_seqs.get(&key).copied(),
            target_seq: resolver.applied_seq(target),
            key: Key::Member(key.0, key.1),
        }
    };
    plan.ended_members = actual.difference(&wanted).cloned().collect();
    plan.begun_members = wanted.difference(&actual).cloned().collect();
    plan.ended_parts = actual_parts.difference(&wanted_parts).cloned().collect();
    plan.begun_parts = wanted_parts.difference(&actual_parts).cloned().collect();
    let person = |row: &Membership| (row.team_id, row.source.clone(), Target::Person(row.person_id));
    let part = |row: &Part| (row.team_id, row.source.clone(), Target::Team(row.part_id));
    let ended = plan.ended_members.iter().map(person);
    let ended = ended.chain(plan.ended_parts.iter().map(part));
    let begun = plan.begun_members.iter().map(person);
    let begun = begun.chain(plan.begun_parts.iter().map(part));
    let settlement = &mut plan.settlement;
    for (team, source, target) in ended {
        settlement.changes.push(change(team, &source, Some(target), None));
        settlement.turns.push(turn(team, &source, target, false));
    }
    for (team, source, target) in begun {
        settlement.changes.push(change(team, &source, None, Some(target)));
        settlement.turns.push(turn(team, &source, target, true));
        settlement.linked.insert(target);
        *settlement.resolved.entry(Slot::Member).or_default() += 1;
    }
    plan.note_found(&waiters, found);
    plan.plan_waiters(waiters, wanted_waiters);
    Ok(plan)
}
