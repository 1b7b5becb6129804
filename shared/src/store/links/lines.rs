use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `reporting_lines`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub person_id: Uuid,
    /// 1 manager, 2 additional manager.
    pub slot: i16,
    /// Place in the asserted list.
    pub ordinal: i16,
    pub manager_id: Uuid,
    /// As asserted.
    pub reference: String,
    pub asserted_seq: i64,
    /// `self` for a person who manages themselves.
    pub flag: Option<String>,
}

/// The lines of these people to their managers.
pub async fn lines_of(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<Vec<Line>, StoreError> {
    if people.is_empty() {
        return Ok(vec![]);
    }
    Ok(sqlx::query_as!(
        Line,
        "select l.* from unnest($2::uuid[]) as asked (person)
         cross join lateral (
             select person_id, slot, ordinal, manager_id, reference, asserted_seq, flag from reporting_lines
             where tenant_id = $1 and person_id = asked.person offset 0) l",
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?)
}

pub async fn delete_lines(
    conn: &mut PgConnection,
    tenant: TenantId,
    places: &[(Uuid, i16, i16)],
) -> Result<(), StoreError> {
    if places.is_empty() {
        return Ok(());
    }
    let person: Vec<Uuid> = places.iter().map(|place| place.0).collect();
    let slot: Vec<i16> = places.iter().map(|place| place.1).collect();
    let ordinal: Vec<i16> = places.iter().map(|place| place.2).collect();
    sqlx::query!(
        "delete from reporting_lines l using (
             select l.ctid from unnest($2::uuid[], $3::int2[], $4::int2[]) as gone (person, slot, ordinal)
             cross join lateral (select ctid from reporting_lines where tenant_id = $1 and person_id = gone.person
                 and slot = gone.slot and ordinal = gone.ordinal for update) l) found
         where l.ctid = found.ctid",
        tenant.0,
        &person,
        &slot,
        &ordinal
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn upsert_lines(
    conn: &mut PgConnection,
    tenant: TenantId,
    lines: &[&Line],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let person: Vec<Uuid> = lines.iter().map(|line| line.person_id).collect();
    let slot: Vec<i16> = lines.iter().map(|line| line.slot).collect();
    let ordinal: Vec<i16> = lines.iter().map(|line| line.ordinal).collect();
    let manager: Vec<Uuid> = lines.iter().map(|line| line.manager_id).collect();
    let reference: Vec<&str> = lines.iter().map(|line| line.reference.as_str()).collect();
    let seq: Vec<i64> = lines.iter().map(|line| line.asserted_seq).collect();
    let flag: Vec<Option<&str>> = lines.iter().map(|line| line.flag.as_deref()).collect();
    sqlx::query!(
        "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq, flag)
         select $1, * from unnest($2::uuid[], $3::int2[], $4::int2[], $5::uuid[], $6::text[], $7::int8[], $8::text[])
         on conflict (tenant_id, person_id, slot, ordinal)
         do update set manager_id = excluded.manager_id, reference = excluded.reference,
             asserted_seq = excluded.asserted_seq, flag = excluded.flag,
             since = case when reporting_lines.manager_id = excluded.manager_id then reporting_lines.since
                          else now() end",
        tenant.0,
        &person,
        &slot,
        &ordinal,
        &manager,
        &reference as _,
        &seq,
        &flag as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who still has a line to one of these people although that person is deprovisioned.
pub async fn people_reporting_to_the_gone(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select distinct l.person_id from unnest($2::uuid[]) as asked (id)
         cross join lateral (select id from people
             where tenant_id = $1 and id = asked.id and status = 'deprovisioned' offset 0) p
         cross join lateral (select person_id from reporting_lines
             where tenant_id = $1 and manager_id = p.id offset 0) l",
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?)
}
