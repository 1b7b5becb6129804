//! The directory as whoever builds on it reads it.

mod changes;
mod doors;
mod lists;
mod people;
mod teams;

use crate::app::{Answer, Client, TestApp};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::collections::BTreeMap;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Ada, whom Bob reports to; Cay and Dan, who report to Bob, Dan deactivated; Eve, whose source deleted her,
/// and Fay, who was erased, who report to Ada. Sales: Ada, Bob and Fay; Crew: Cay, with Band as its part: Dan.
struct Company<'a> {
    reader: Client<'a>,
    /// Directory and SCIM ids by name.
    ids: BTreeMap<&'static str, (String, String)>,
    sales: String,
    crew: String,
    band: String,
}

impl<'a> Company<'a> {
    async fn of(app: &'a TestApp) -> Company<'a> {
        let scim = app.scim().await;
        let mut ids = BTreeMap::new();
        for (name, number) in [
            ("ada", 1),
            ("bob", 2),
            ("cay", 3),
            ("dan", 4),
            ("eve", 5),
            ("fay", 6),
        ] {
            let body = json!({
                "userName": format!("{name}@example.com"),
                "externalId": format!("E-{number}"),
                "displayName": format!("{name} Love"),
                "emails": [{ "value": format!("{name}.mail@example.com"), "primary": true },
                    { "value": format!("{name}.other@example.com") }],
                ENTERPRISE: { "employeeNumber": if number > 4 { "0005".to_owned() } else { format!("000{}", number.min(3)) } },
            });
            let user = scim.post("/Users", body).await.expect(201);
            let directory: String = sqlx::query_scalar(
                "insert into people (tenant_id, id, resource_id, status, login, email, external_id, display_name,
                     last_name, location, custom, applied_mapping, applied_seq)
                 select tenant_id, directory_id, id, 'active', document ->> 'userName', $3, document ->> 'externalId',
                     document ->> 'displayName', 'Lovelace ' || $4, 'Bern', jsonb_build_object('Shoe size', $4), 1, seq
                 from scim_resources where tenant_id = $1 and id = $2::text::uuid returning id::text",
            )
            .bind(scim.tenant)
            .bind(user.id())
            .bind(format!("{name}.mail@example.com"))
            .bind(number.to_string())
            .fetch_one(&app.pool)
            .await
            .unwrap();
            ids.insert(name, (directory, user.id().to_owned()));
        }
        let team = || uuid::Uuid::now_v7().to_string();
        let company = Company {
            reader: app.client(scim.tenant, "content").await,
            ids,
            sales: team(),
            crew: team(),
            band: team(),
        };
        for (report, manager) in [
            ("bob", "ada"),
            ("cay", "bob"),
            ("dan", "bob"),
            ("eve", "ada"),
            ("fay", "ada"),
        ] {
            company.report(report, manager, 1).await;
        }
        let (sales, crew, band) = (&company.sales, &company.crew, &company.band);
        company
            .run(&format!(
                "insert into teams (tenant_id, id, kind, folded, name) values ($tenant, '{sales}', 'department', 'sales', 'Sales');
                 insert into teams (tenant_id, id, kind, name) values ($tenant, '{crew}', 'group', 'Crew'),
                     ($tenant, '{band}', 'group', 'Band');
                 insert into team_parts (tenant_id, team_id, part_id, source)
                     values ($tenant, '{crew}', '{band}', 'member:band'), ($tenant, '{band}', '{crew}', 'member:crew')"
            ))
            .await;
        for (team, name) in [
            (sales, "ada"),
            (sales, "bob"),
            (sales, "fay"),
            (crew, "cay"),
            (band, "dan"),
            (band, "cay"),
        ] {
            let person = company.id(name);
            company
                .run(&format!(
                    "insert into team_members (tenant_id, team_id, person_id, source)
                     values ($tenant, '{team}', '{person}', 'member:{name}')"
                ))
                .await;
        }
        company.set("dan", "status = 'deactivated'").await;
        company.set("eve", "status = 'deprovisioned'").await;
        company
            .set(
                "fay",
                "erased_at = now(), login = null, email = null, display_name = null, external_id = null",
            )
            .await;
        company
    }

    fn id(&self, name: &str) -> &str {
        &self.ids[name].0
    }

    /// Statements in which `$tenant` is this one.
    async fn run(&self, sql: &str) {
        let sql = sql.replace("$tenant", &self.reader.tenant.to_string());
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&self.reader.app.pool)
            .await
            .unwrap();
    }

    async fn set(&self, name: &str, assignment: &str) {
        let id = self.id(name);
        self.run(&format!(
            "update people set {assignment} where tenant_id = $tenant and id = '{id}'"
        ))
        .await;
    }

    async fn report(&self, name: &str, manager: &str, slot: i16) {
        let (report, manager) = (self.id(name), self.id(manager));
        self.run(&format!(
            "insert into reporting_lines (tenant_id, person_id, slot, ordinal, manager_id, reference, asserted_seq)
             values ($tenant, '{report}', {slot}, 0, '{manager}', 'm', 1)"
        ))
        .await;
    }

    async fn get(&self, path: &str) -> Answer {
        self.reader.get(&format!("/content/v1{path}")).await
    }

    /// The names of those a list names, in its order.
    async fn names(&self, path: &str, list: &str) -> Vec<&'static str> {
        let answer = self.get(path).await.expect(200);
        self.named(&answer.body[list])
    }

    fn named(&self, people: &Value) -> Vec<&'static str> {
        let name = |person: &Value| {
            let of = self.ids.iter().find(|(_, ids)| person["id"] == ids.0);
            of.map(|(name, _)| *name)
                .unwrap_or_else(|| panic!("nobody knows {person}"))
        };
        people.as_array().unwrap().iter().map(name).collect()
    }
}
