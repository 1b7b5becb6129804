use crate::directory::{Names, TenantId};
use crate::store::StoreError;
use crate::store::reconcile::Membership;
use sqlx::PgConnection;
use uuid::Uuid;

/// A member key: the group's team and the folded value.
pub type MemberOf = (Uuid, String);

/// A member as a live group asserts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertedMember {
    pub team_id: Uuid,
    /// Folded.
    pub member: String,
    /// As asserted.
    pub value: String,
    /// What the group says of its kind.
    pub names: Names,
    pub asserted_seq: i64,
}

/// Those of the member keys that their groups assert.
pub async fn asserted_members(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<Vec<AssertedMember>, StoreError> {
    if keys.is_empty() {
        return Ok(vec![]);
    }
    let (team, member) = columns(keys);
    let rows = sqlx::query!(
        r#"select r.directory_id, m.member, m.value, m.asserted_seq, m.names_group as "names_group!"
           from unnest($2::uuid[], $3::text[]) as k (team, member)
           cross join lateral (select id, directory_id, kind, deleted_seq from scim_resources
               where tenant_id = $1 and directory_id = k.team offset 0) r
           cross join lateral (select member, value, asserted_seq,
                   coalesce(lower(attributes ->> 'type') = 'group', attributes ->> '$ref' ~* '(^|/)Groups/[^/]+/?$',
                            false) as names_group
               from scim_members
               where tenant_id = $1 and group_id = r.id and member = k.member offset 0) m
           where r.kind = 2 and r.deleted_seq is null"#,
        tenant.0,
        &team,
        &member as _
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AssertedMember {
            team_id: row.directory_id,
            member: row.member,
            value: row.value,
            names: if row.names_group {
                Names::Group
            } else {
                Names::Member
            },
            asserted_seq: row.asserted_seq,
        })
        .collect())
}

/// The memberships that come from these member keys.
pub async fn member_rows(
    conn: &mut PgConnection,
    tenant: TenantId,
    keys: &[MemberOf],
) -> Result<Vec<Membership>, StoreError> {
    if keys.is_empty() {
        return Ok(vec![]);
    }
    let (team, member) = columns(keys);
    Ok(sqlx::query_as!(
        Membership,
        "select m.team_id, m.person_id, m.source
         from unnest($2::uuid[], $3::text[]) as k (team, member)
         cross join lateral (select team_id, person_id, source from team_members
             where tenant_id = $1 and team_id = k.team and source = 'member:' || k.member offset 0) m",
        tenant.0,
        &team,
        &member as _
    )
    .fetch_all(conn)
    .await?)
}

/// The member keys that still make one of these people a member although that person is
/// deprovisioned.
pub async fn members_of_the_gone(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[Uuid],
) -> Result<Vec<MemberOf>, StoreError> {
    let rows = sqlx::query!(
        r#"select m.team_id, substr(m.source, length('member:') + 1) as "member!"
           from unnest($2::uuid[]) as asked (id)
           cross join lateral (select id from people
               where tenant_id = $1 and id = asked.id and status = 'deprovisioned' offset 0) p
           cross join lateral (select team_id, source from team_members
               where tenant_id = $1 and person_id = p.id and starts_with(source, 'member:') offset 0) m"#,
        tenant.0,
        people
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.team_id, row.member)).collect())
}

pub(super) fn columns(keys: &[MemberOf]) -> (Vec<Uuid>, Vec<&str>) {
    (
        keys.iter().map(|(team, _)| *team).collect(),
        keys.iter().map(|(_, member)| member.as_str()).collect(),
    )
}
