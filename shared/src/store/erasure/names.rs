//! Ids in the place of values, wherever others named somebody by one.

use super::meaning::{Meaning, Names};
use crate::directory::TenantId;
use crate::store::StoreError;
use crate::store::links::{Slot, WaiterPlace, delete_waiters};
use crate::store::runs::forget_bounds;
use sqlx::PgConnection;
use uuid::Uuid;

/// Name them by id where they are members and managers; answers the teams and whom they lose.
pub(super) async fn rename_memberships(
    conn: &mut PgConnection,
    tenant: TenantId,
    meaning: &Meaning,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let (people, names) = meaning.names();
    sqlx::query!(
        "update reporting_lines l set reference = n.name from unnest($2::uuid[], $3::text[]) as n (person, name)
         cross join lateral (select ctid from reporting_lines
             where tenant_id = $1 and manager_id = n.person offset 0) found
         where l.ctid = found.ctid",
        tenant.0,
        &people,
        &names
    )
    .execute(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"with gone as (
               delete from team_members m using (
                   select m.ctid, n.name from unnest($2::uuid[], $3::text[]) as n (person, name)
                   cross join lateral (select ctid from team_members where tenant_id = $1 and person_id = n.person
                       and starts_with(source, 'member:') and source <> 'member:' || n.name for update) m) found
               where m.ctid = found.ctid
               returning m.team_id, m.person_id, m.since, found.name),
           renamed as (
               insert into team_members (tenant_id, team_id, person_id, source, since)
               select $1, team_id, person_id, 'member:' || name, min(since) from gone group by team_id, person_id, name
               on conflict do nothing)
           select distinct team_id as "team!", person_id as "person!" from gone"#,
        tenant.0,
        &people,
        &names
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.team, row.person)).collect())
}

/// Name them by id where links wait for them; member links go with the members. Answers the teams
/// of those and whom they waited for.
pub(super) async fn rename_waiters(
    conn: &mut PgConnection,
    tenant: TenantId,
    meaning: &Meaning,
) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
    let rows = sqlx::query!(
        "select w.subject_id, w.slot, w.place, w.reference, w.wait_key, w.asserted_seq
         from unnest($2::text[]) as asked (wait_key)
         cross join lateral (select subject_id, slot, place, reference, wait_key, asserted_seq from waiters
             where tenant_id = $1 and wait_key = asked.wait_key offset 0) w",
        tenant.0,
        &meaning.wait_keys()
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut left = vec![];
    let mut members = vec![];
    let (mut subject, mut slot, mut place, mut name) = (vec![], vec![], vec![], vec![]);
    for row in rows {
        let (Some(person), Some(id)) = (
            meaning.whom(&row.reference, row.asserted_seq),
            meaning.id_for(&row.reference, row.asserted_seq),
        ) else {
            continue;
        };
        if row.slot == Slot::Member as i16 {
            left.push((row.subject_id, person));
            members.push(WaiterPlace {
                subject_id: row.subject_id,
                slot: row.slot,
                place: row.place,
            });
        } else {
            subject.push(row.subject_id);
            slot.push(row.slot);
            place.push(row.place);
            name.push(id);
        }
    }
    delete_waiters(conn, tenant, &members).await?;
    sqlx::query!(
        "update waiters w set reference = n.name,
             wait_key = case when starts_with(w.wait_key, 'person:') then w.wait_key else n.name end
         from unnest($2::uuid[], $3::int2[], $4::text[], $5::text[]) as n (subject_id, slot, place, name)
         cross join lateral (select ctid from waiters where tenant_id = $1 and subject_id = n.subject_id
             and slot = n.slot and place = n.place offset 0) found
         where w.ctid = found.ctid",
        tenant.0,
        &subject,
        &slot,
        &place,
        &name
    )
    .execute(conn)
    .await?;
    Ok(left)
}

/// Name them by id in member keys: those to be looked at, those that failed, those of old.
pub(super) async fn rename_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    names: &Names,
) -> Result<(), StoreError> {
    sqlx::query!(
        "with moved as (
             delete from pending p using (
                 select p.ctid, n.new from unnest($2::uuid[], $3::text[], $4::text[]) as n (team, old, new)
                 cross join lateral (select ctid from pending where tenant_id = $1 and key_kind = 3
                     and member = n.old and (n.team is null or key_id = n.team) for update) p) found
             where p.ctid = found.ctid
             returning p.key_id, found.new, p.seq, p.lane, p.accepted_at)
         insert into pending (tenant_id, key_kind, key_id, member, seq, lane, accepted_at, due_at)
         select $1, 3, key_id, new, seq, lane, accepted_at, now() from moved
         on conflict do nothing",
        tenant.0,
        &names.teams as _,
        &names.old,
        &names.new
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from key_failures f using unnest($2::uuid[], $3::text[]) as n (team, old)
         where f.tenant_id = $1 and f.key_kind = 3 and f.member = n.old and (n.team is null or f.key_id = n.team)",
        tenant.0,
        &names.teams as _,
        &names.old
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update history h set member = n.new from unnest($2::uuid[], $3::text[], $4::text[]) as n (team, old, new)
         cross join lateral (select id from history where tenant_id = $1 and member = n.old and member <> ''
             and (n.team is null or key_id = n.team) offset 0) found
         where h.id = found.id",
        tenant.0,
        &names.teams as _,
        &names.old,
        &names.new
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Name them by id in the parts of runs under way. A part that begins or ends at one of them is
/// done with the keys it has now, so that none is left out.
pub(super) async fn rename_parts_of_runs(
    conn: &mut PgConnection,
    tenant: TenantId,
    names: &Names,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update run_chunks c set keys = (
             select jsonb_agg(case when n.new is null then key
                 else jsonb_build_object('m', jsonb_build_array(key -> 'm' -> 0, n.new)) end order by place)
             from jsonb_array_elements(c.keys) with ordinality as listed (key, place)
             left join lateral (select new from unnest($2::uuid[], $3::text[], $4::text[]) as n (team, old, new)
                 where old = key -> 'm' ->> 1 and (team is null or team = (key -> 'm' ->> 0)::uuid) limit 1) n on true)
         where c.tenant_id = $1 and c.kind = 3 and jsonb_typeof(c.keys) = 'array'
           and exists (select from jsonb_array_elements(c.keys) as key where key -> 'm' ->> 1 = any($3))",
        tenant.0,
        &names.teams as _,
        &names.old,
        &names.new
    )
    .execute(&mut *conn)
    .await?;
    forget_bounds(conn, tenant, &names.old).await
}

/// Nobody is to be woken for what they held: whoever waited for it is looked at anew.
pub(super) async fn forget_wakes(
    conn: &mut PgConnection,
    tenant: TenantId,
    names: &Names,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update wakes set keys = array(select key from unnest(keys) as key where not key = any($2))
         where tenant_id = $1 and keys && $2",
        tenant.0,
        &names.old
    )
    .execute(conn)
    .await?;
    Ok(())
}
