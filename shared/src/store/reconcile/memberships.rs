use crate::directory::TenantId;
use crate::store::StoreError;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `team_members`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Membership {
    pub team_id: Uuid,
    pub person_id: Uuid,
    /// The rule that names the team, or `member:<folded value>` of a group.
    pub source: String,
}

/// The memberships of these people that come from no group, whoever wrote them.
pub async fn memberships(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<Vec<Membership>, StoreError> {
    if people.is_empty() {
        return Ok(vec![]);
    }
    Ok(sqlx::query_as!(
        Membership,
        "select m.* from unnest($2::uuid[]) as asked (person)
         cross join lateral (
             select team_id, person_id, source from team_members
             where tenant_id = $1 and person_id = asked.person and not starts_with(source, 'member:') offset 0) m",
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?)
}

pub async fn insert_memberships(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: &[Membership],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (team, person, source) = columns(rows);
    sqlx::query!(
        "insert into team_members (tenant_id, team_id, person_id, source)
         select $1, * from unnest($2::uuid[], $3::uuid[], $4::text[])
         on conflict do nothing",
        tenant.0,
        &team,
        &person,
        &source as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn delete_memberships(
    conn: &mut PgConnection,
    tenant: TenantId,
    rows: &[Membership],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let (team, person, source) = columns(rows);
    sqlx::query!(
        "delete from team_members m using (
             select m.ctid from unnest($2::uuid[], $3::uuid[], $4::text[]) as gone (team, person, source)
             cross join lateral (select ctid from team_members where tenant_id = $1 and team_id = gone.team
                 and person_id = gone.person and source = gone.source for update) m) found
         where m.ctid = found.ctid",
        tenant.0,
        &team,
        &person,
        &source as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn columns(rows: &[Membership]) -> (Vec<Uuid>, Vec<Uuid>, Vec<&str>) {
    (
        rows.iter().map(|row| row.team_id).collect(),
        rows.iter().map(|row| row.person_id).collect(),
        rows.iter().map(|row| row.source.as_str()).collect(),
    )
}
