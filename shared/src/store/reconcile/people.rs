use crate::directory::TenantId;
use crate::projection::{PersonFields, Status};
use crate::store::StoreError;
use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `people`.
#[derive(Debug, Clone)]
pub struct PersonRow {
    pub id: Uuid,
    /// The SCIM User last applied.
    pub resource_id: Uuid,
    pub status: Status,
    pub fields: PersonFields,
    pub applied_mapping: i32,
    pub applied_seq: i64,
}

/// The rows of `people` with these ids, in id order, each read with a closing clause.
macro_rules! people_rows {
    ($conn:ident, $tenant:ident, $ids:ident, $clause:tt) => {{
        if $ids.is_empty() {
            return Ok(vec![]);
        }
        let rows = sqlx::query!(
            "select p.* from (select id from unnest($2::uuid[]) as id order by id) asked
             cross join lateral (
                 select id, resource_id, status, login, email, further_emails, external_id, employee_number, first_name,
                     last_name, display_name, position, level, location, gender, start_date, end_date, birthday,
                     employment_type, photo_url, custom, applied_mapping, applied_seq
                 from people where tenant_id = $1 and id = asked.id " + $clause + ") p",
            $tenant.0,
            $ids
        )
        .fetch_all($conn)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| PersonRow {
                id: row.id,
                resource_id: row.resource_id,
                status: Status::from_column(&row.status).unwrap_or(Status::Active),
                fields: PersonFields {
                    login: row.login,
                    email: row.email,
                    further_emails: texts(row.further_emails),
                    external_id: row.external_id,
                    employee_number: row.employee_number,
                    first_name: row.first_name,
                    last_name: row.last_name,
                    display_name: row.display_name,
                    position: row.position,
                    level: row.level,
                    location: row.location,
                    gender: row.gender,
                    start_date: row.start_date,
                    end_date: row.end_date,
                    birthday: row.birthday,
                    employment_type: row.employment_type,
                    photo_url: row.photo_url,
                    custom: match row.custom {
                        Value::Object(custom) => custom,
                        _ => Default::default(),
                    },
                },
                applied_mapping: row.applied_mapping,
                applied_seq: row.applied_seq,
            })
            .collect())
    }};
}

/// Lock these people, in id order, and return those there are as their last writer left them.
///
/// `FOR NO KEY UPDATE`: a stronger lock would wait for, and deadlock with, rows that refer to a
/// person by foreign key.
pub async fn lock_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<PersonRow>, StoreError> {
    people_rows!(conn, tenant, ids, "for no key update")
}

/// These people as they are, without waiting for whoever writes them.
pub async fn read_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<PersonRow>, StoreError> {
    people_rows!(conn, tenant, ids, "offset 0")
}

fn texts(value: Value) -> Vec<String> {
    match value {
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => vec![],
    }
}

/// Write people that are new, in id order. Returns the ids written: one that is missing was
/// written by somebody else in the meantime and must be locked and read again.
pub async fn insert_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[&PersonRow],
) -> Result<Vec<Uuid>, StoreError> {
    if people.is_empty() {
        return Ok(vec![]);
    }
    let c = Columns::of(people);
    Ok(sqlx::query_scalar!(
        "insert into people (tenant_id, id, resource_id, status, login, email, further_emails, external_id,
             employee_number, first_name, last_name, display_name, position, level, location, gender, start_date,
             end_date, birthday, employment_type, photo_url, custom, applied_mapping, applied_seq)
         select $1, n.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[],
             $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
             $16::text[], $17::date[], $18::date[], $19::date[], $20::text[], $21::text[], $22::jsonb[],
             $23::int4[], $24::int8[]) as n (id, resource_id, status, login, email, further_emails, external_id,
             employee_number, first_name, last_name, display_name, position, level, location, gender, start_date,
             end_date, birthday, employment_type, photo_url, custom, applied_mapping, applied_seq)
         order by n.id
         on conflict do nothing
         returning id",
        tenant.0,
        &c.id,
        &c.resource,
        &c.status,
        &c.login as _,
        &c.email as _,
        &c.further_emails,
        &c.external_id as _,
        &c.employee_number as _,
        &c.first_name as _,
        &c.last_name as _,
        &c.display_name as _,
        &c.position as _,
        &c.level as _,
        &c.location as _,
        &c.gender as _,
        &c.start_date as _,
        &c.end_date as _,
        &c.birthday as _,
        &c.employment_type as _,
        &c.photo_url as _,
        &c.custom,
        &c.mapping,
        &c.seq
    )
    .fetch_all(conn)
    .await?)
}

/// Write people that are there and locked, unless something newer was applied to them. Returns
/// the ids written.
pub async fn update_people(
    conn: &mut PgConnection,
    tenant: TenantId,
    people: &[&PersonRow],
) -> Result<Vec<Uuid>, StoreError> {
    if people.is_empty() {
        return Ok(vec![]);
    }
    let c = Columns::of(people);
    Ok(sqlx::query_scalar!(
        "update people p set resource_id = n.resource_id, status = n.status, login = n.login, email = n.email,
             further_emails = n.further_emails, external_id = n.external_id, employee_number = n.employee_number,
             first_name = n.first_name, last_name = n.last_name, display_name = n.display_name,
             position = n.position, level = n.level, location = n.location, gender = n.gender,
             start_date = n.start_date, end_date = n.end_date, birthday = n.birthday,
             employment_type = n.employment_type, photo_url = n.photo_url, custom = n.custom,
             applied_mapping = n.applied_mapping, applied_seq = n.applied_seq, updated_at = now()
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[],
             $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
             $16::text[], $17::date[], $18::date[], $19::date[], $20::text[], $21::text[], $22::jsonb[],
             $23::int4[], $24::int8[]) as n (id, resource_id, status, login, email, further_emails, external_id,
             employee_number, first_name, last_name, display_name, position, level, location, gender, start_date,
             end_date, birthday, employment_type, photo_url, custom, applied_mapping, applied_seq)
         cross join lateral (select ctid from people where tenant_id = $1 and id = n.id offset 0) found
         where p.ctid = found.ctid
             and (p.applied_mapping, p.applied_seq) <= (n.applied_mapping, n.applied_seq)
         returning p.id",
        tenant.0,
        &c.id,
        &c.resource,
        &c.status,
        &c.login as _,
        &c.email as _,
        &c.further_emails,
        &c.external_id as _,
        &c.employee_number as _,
        &c.first_name as _,
        &c.last_name as _,
        &c.display_name as _,
        &c.position as _,
        &c.level as _,
        &c.location as _,
        &c.gender as _,
        &c.start_date as _,
        &c.end_date as _,
        &c.birthday as _,
        &c.employment_type as _,
        &c.photo_url as _,
        &c.custom,
        &c.mapping,
        &c.seq
    )
    .fetch_all(conn)
    .await?)
}

type Texts<'a> = Vec<Option<&'a str>>;

struct Columns<'a> {
    id: Vec<Uuid>,
    resource: Vec<Uuid>,
    status: Vec<String>,
    login: Texts<'a>,
    email: Texts<'a>,
    further_emails: Vec<Value>,
    external_id: Texts<'a>,
    employee_number: Texts<'a>,
    first_name: Texts<'a>,
    last_name: Texts<'a>,
    display_name: Texts<'a>,
    position: Texts<'a>,
    level: Texts<'a>,
    location: Texts<'a>,
    gender: Texts<'a>,
    start_date: Vec<Option<NaiveDate>>,
    end_date: Vec<Option<NaiveDate>>,
    birthday: Vec<Option<NaiveDate>>,
    employment_type: Texts<'a>,
    photo_url: Texts<'a>,
    custom: Vec<Value>,
    mapping: Vec<i32>,
    seq: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(people: &'a [&'a PersonRow]) -> Columns<'a> {
        fn texts<'a>(
            people: &'a [&'a PersonRow],
            field: impl Fn(&'a PersonFields) -> &'a Option<String>,
        ) -> Texts<'a> {
            people
                .iter()
                .map(|person| field(&person.fields).as_deref())
                .collect()
        }
        Columns {
            id: people.iter().map(|person| person.id).collect(),
            resource: people.iter().map(|person| person.resource_id).collect(),
            status: people
                .iter()
                .map(|person| person.status.name().to_owned())
                .collect(),
            login: texts(people, |fields| &fields.login),
            email: texts(people, |fields| &fields.email),
            further_emails: people
                .iter()
                .map(|person| Value::from(person.fields.further_emails.clone()))
                .collect(),
            external_id: texts(people, |fields| &fields.external_id),
            employee_number: texts(people, |fields| &fields.employee_number),
            first_name: texts(people, |fields| &fields.first_name),
            last_name: texts(people, |fields| &fields.last_name),
            display_name: texts(people, |fields| &fields.display_name),
            position: texts(people, |fields| &fields.position),
            level: texts(people, |fields| &fields.level),
            location: texts(people, |fields| &fields.location),
            gender: texts(people, |fields| &fields.gender),
            start_date: people.iter().map(|person| person.fields.start_date).collect(),
            end_date: people.iter().map(|person| person.fields.end_date).collect(),
            birthday: people.iter().map(|person| person.fields.birthday).collect(),
            employment_type: texts(people, |fields| &fields.employment_type),
            photo_url: texts(people, |fields| &fields.photo_url),
            custom: people
                .iter()
                .map(|person| Value::Object(person.fields.custom.clone()))
                .collect(),
            mapping: people.iter().map(|person| person.applied_mapping).collect(),
            seq: people.iter().map(|person| person.applied_seq).collect(),
        }
    }
}
