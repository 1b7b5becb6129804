//! What goes, and the rows that are locked before it does.

use super::meaning::Meaning;
use super::subjects::Subjects;
use super::{Cause, columns};
use crate::directory::{Key, TenantId};
use crate::projection::project_group;
use crate::store::StoreError;
use crate::store::mappings::version_in_force;
use crate::store::reconcile::{
    self, Book, DesiredGroup, HistoryRow, TeamRow, create_group_teams, desired_groups, insert_history,
    read_teams,
};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Whose rows, and those of which groups' teams, a worker may be at while it knows what is to go.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    pub(super) people: BTreeSet<Uuid>,
    pub(super) teams: BTreeSet<Uuid>,
}

pub(super) async fn concerned(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &Subjects,
    meaning: &Meaning,
) -> Result<Concerned, StoreError> {
    let people = subjects.people();
    let mut concerned = Concerned {
        people: people.iter().copied().collect(),
        ..Concerned::default()
    };
    let rows = sqlx::query!(
        r#"select l.person_id as person, null::uuid as team from unnest($2::uuid[]) as asked (id)
               cross join lateral (select person_id from reporting_lines
                   where tenant_id = $1 and manager_id = asked.id offset 0) l
           union select null, m.team_id from unnest($2::uuid[]) as asked (id)
               cross join lateral (select team_id from team_members
                   where tenant_id = $1 and person_id = asked.id and starts_with(source, 'member:') offset 0) m
           union select case when w.slot <> 3 then w.subject_id end, case when w.slot = 3 then w.subject_id end
               from unnest($3::text[]) as asked (wait_key)
               cross join lateral (select slot, subject_id from waiters
                   where tenant_id = $1 and wait_key = asked.wait_key offset 0) w
           union select null, key_id from pending
               where tenant_id = $1 and key_kind = 3 and member = any($3)"#,
        tenant.0,
        &people,
        &meaning.wait_keys()
    )
    .fetch_all(conn)
    .await?;
    concerned.people.extend(rows.iter().filter_map(|row| row.person));
    concerned.teams.extend(rows.iter().filter_map(|row| row.team));
    Ok(concerned)
}

/// Have the teams of these groups in the directory, as whoever needs them has: what is not there
/// cannot be locked.
pub(super) async fn create_teams(
    conn: &mut PgConnection,
    tenant: TenantId,
    teams: &BTreeSet<Uuid>,
) -> Result<(), StoreError> {
    let teams: Vec<Uuid> = teams.iter().copied().collect();
    let there: BTreeSet<Uuid> = read_teams(conn, tenant, &teams)
        .await?
        .into_iter()
        .map(|row| row.id)
        .collect();
    let missing: Vec<Uuid> = teams.into_iter().filter(|id| !there.contains(id)).collect();
    let mut rows: Vec<TeamRow> = desired_groups(conn, tenant, &missing)
        .await?
        .into_iter()
        .map(new_team)
        .collect();
    rows.sort_by_key(|row| row.id);
    if !rows.is_empty() {
        create_group_teams(conn, tenant, &rows).await?;
    }
    Ok(())
}

fn new_team(group: DesiredGroup) -> TeamRow {
    let projected = project_group(&group.document);
    TeamRow {
        id: group.id,
        name: projected.name.unwrap_or_default(),
        external_id: projected.external_id,
        resource_id: Some(group.resource_id),
        deleted: !group.live,
        applied_seq: 0,
    }
}

/// Give those who are not `there` a row with nothing but ids; false when somebody wrote one
/// meanwhile.
pub(super) async fn insert_tombstones(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &Subjects,
    there: &BTreeSet<Uuid>,
) -> Result<bool, StoreError> {
    let missing = subjects
        .all
        .iter()
        .filter(|subject| !there.contains(&subject.person));
    let (people, resources): (Vec<Uuid>, Vec<Uuid>) =
        missing.map(|subject| (subject.person, subject.resource)).unzip();
    if people.is_empty() {
        return Ok(true);
    }
    let inserted = sqlx::query!(
        "insert into people (tenant_id, id, resource_id, status, applied_mapping, applied_seq)
         select $1, n.id, n.resource_id, 'deprovisioned', 0, 0 from unnest($2::uuid[], $3::uuid[]) as n (id, resource_id)
         order by n.id on conflict do nothing",
        tenant.0,
        &people,
        &resources
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == people.len() as u64)
}

/// Delete the Users that are live, and empty the documents of all.
pub(super) async fn empty_documents(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &Subjects,
    seqs: &[i64],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let current: Vec<Uuid> = subjects.all.iter().map(|subject| subject.resource).collect();
    sqlx::query!(
        "update scim_resources r set document = '{}', manager_seq = null, additional_managers_seq = null,
             deleted_seq = coalesce(r.deleted_seq, n.seq),
             seq = case when r.id = n.current then n.seq else r.seq end,
             version = case when r.id = n.current then r.version + 1 else r.version end,
             modified_at = case when r.id = n.current then $5 else r.modified_at end
         from unnest($2::uuid[], $3::uuid[], $4::int8[]) as n (person, current, seq)
         cross join lateral (select ctid from scim_resources
             where tenant_id = $1 and directory_id = n.person and kind = 1 offset 0) found
         where r.ctid = found.ctid",
        tenant.0,
        &subjects.people(),
        &current,
        seqs,
        at
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from rejections where tenant_id = $1 and resource_id = any($2)",
        tenant.0,
        &subjects.resources()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update async_results set external_id = null, bulk_id = null
         where tenant_id = $1 and resource_id = any($2) and (external_id is not null or bulk_id is not null)",
        tenant.0,
        &subjects.resources()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Let them hold nothing, now or earlier, but their ids, and end these.
pub(super) async fn end_keys(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &Subjects,
    seqs: &[i64],
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from scim_keys k using (
             select k.ctid from unnest($2::uuid[]) as asked (id)
             cross join lateral (select ctid from scim_keys
                 where tenant_id = $1 and resource_id = asked.id and attribute <> 0 offset 0) k) found
         where k.ctid = found.ctid",
        tenant.0,
        &subjects.resources()
    )
    .execute(&mut *conn)
    .await?;
    let of_person = |(subject, seq): (&super::subjects::Subject, &i64)| {
        let seq = *seq;
        subject
            .resources
            .iter()
            .map(move |id| (*id, seq))
            .collect::<Vec<_>>()
    };
    let (resources, seqs): (Vec<Uuid>, Vec<i64>) = subjects.all.iter().zip(seqs).flat_map(of_person).unzip();
    sqlx::query!(
        "update scim_keys k set to_seq = n.seq, deleted = true
         from unnest($2::uuid[], $3::int8[]) as n (id, seq)
         cross join lateral (select ctid from scim_keys where tenant_id = $1 and resource_id = n.id
             and attribute = 0 and to_seq is null offset 0) found
         where k.ctid = found.ctid",
        tenant.0,
        &resources,
        &seqs
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Tell that they were erased.
pub(super) async fn tell(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &Subjects,
    seqs: &[i64],
) -> Result<(), StoreError> {
    let book = Book {
        mapping: version_in_force(&mut *conn, tenant).await?,
        run: None,
    };
    let row = |(subject, seq): (&super::subjects::Subject, &i64)| HistoryRow {
        key: Key::Person(subject.person),
        person: None,
        cause: reconcile::Cause::Erase,
        seq: *seq,
        asserted_seq: None,
        fields: json!({ "erased": [false, true] }),
    };
    let rows: Vec<HistoryRow> = subjects.all.iter().zip(seqs).map(row).collect();
    insert_history(conn, tenant, book, &rows).await
}

/// Empty the rows of the directory; what it did and when stays, without values.
pub(super) async fn empty_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    subjects: &Subjects,
    cause: Cause,
) -> Result<(), StoreError> {
    let people = subjects.people();
    // Status, managers and teams are states and ids: so much of the past is still told.
    let fields = columns::of("people");
    let by = match cause {
        Cause::Asked(token) => Some(token),
        Cause::Retention { .. } => None,
    };
    sqlx::query!(
        "update people p set login = null, email = null, further_emails = '[]', external_id = null,
             employee_number = null, first_name = null, last_name = null, display_name = null, position = null,
             level = null, location = null, gender = null, start_date = null, end_date = null, birthday = null,
             employment_type = null, photo_url = null, custom = '{}', erased_at = now(), erased_by = $3,
             updated_at = now()
         from unnest($2::uuid[]) as asked (id)
         cross join lateral (select ctid from people where tenant_id = $1 and id = asked.id offset 0) found
         where p.ctid = found.ctid",
        tenant.0,
        &people,
        by
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update history h set fields = h.fields - $3::text[] from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id from history
             where tenant_id = $1 and key_id = asked.id and key_kind = 1 and fields <> '{}' offset 0) found
         where h.id = found.id",
        tenant.0,
        &people,
        &fields as _
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from run_samples where tenant_id = $1 and subject_id = any($2)",
        tenant.0,
        &people
    )
    .execute(conn)
    .await?;
    Ok(())
}
