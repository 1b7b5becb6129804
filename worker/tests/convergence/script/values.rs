//! What clients write: made up, from few values, so that they meet.

use super::{Client, ENTERPRISE, ROLLCALL, TAG};
use crate::model::User;
use rand::{Rng as _, seq::IndexedRandom as _};
use serde_json::{Value, json};

impl Client {
    pub(super) fn pick(&mut self, prefix: &str, count: u32) -> String {
        format!("{prefix}{}", self.random.random_range(0..count))
    }

    pub(super) fn maybe(&mut self, percent: u32, prefix: &str, count: u32) -> Option<String> {
        self.random
            .random_ratio(percent, 100)
            .then(|| self.pick(prefix, count))
    }

    pub(super) fn email(&mut self) -> String {
        format!("{}@example.com", self.pick("mail", 9))
    }

    pub(super) fn reference(&mut self) -> String {
        let known = self.world.known.lock().unwrap().choose(&mut self.random).copied();
        match (self.random.random_range(0..6), known) {
            (0 | 1, Some(id)) => id.to_string(),
            (2, _) => self.pick("ext-", 10),
            (3, _) => self.pick("USER", 12),
            (4, _) => self.email(),
            _ => self.pick("E-", 7),
        }
    }

    pub(super) fn user(&mut self) -> User {
        let departments = ["Sales", "SALES", "sales ", "Überbau", "ÜBERBAU", "Ops"];
        let department = departments
            .choose(&mut self.random)
            .map(|name| (*name).trim().to_owned());
        let emails = (0..self.random.random_range(0..3))
            .map(|_| self.email())
            .collect::<std::collections::BTreeSet<_>>();
        User {
            user_name: self.pick("user", 12),
            external_id: match self.former.pop() {
                Some(former) if self.random.random_bool(0.7) => Some(former),
                _ => self.maybe(80, "ext-", 10),
            },
            emails: emails.into_iter().collect(),
            employee_number: self.maybe(60, "E-", 7),
            title: self.maybe(50, "Title ", 5),
            department: department.filter(|_| self.random.random_bool(0.7)),
            division: self.maybe(30, "Division ", 3),
            active: self.random.random_bool(0.9),
            manager: self.random.random_bool(0.7).then(|| self.reference()),
            additional: match self.random.random_bool(0.5) {
                true => self.values(2),
                false => vec![],
            },
        }
    }

    pub(super) fn body(&mut self, user: &User) -> Value {
        self.tags += 1;
        let mut enterprise = json!({});
        let fields = [
            ("employeeNumber", &user.employee_number),
            ("department", &user.department),
            ("division", &user.division),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                enterprise[name] = json!(value);
            }
        }
        if let Some(manager) = &user.manager {
            enterprise["manager"] = match self.random.random_range(0..3) {
                0 => json!(manager),
                1 => json!({ "value": manager }),
                _ => json!([{ "value": manager }]),
            };
        }
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "userName": user.user_name,
            "active": user.active,
            ENTERPRISE: enterprise,
            TAG: { "tag": format!("{}-{}", self.name, self.tags) },
        });
        if let Some(external_id) = &user.external_id {
            body["externalId"] = json!(external_id);
        }
        if let Some(title) = &user.title {
            body["title"] = json!(title);
        }
        if !user.emails.is_empty() {
            let emails = user.emails.iter().enumerate();
            let emails = emails.map(|(place, email)| match place {
                0 => json!({ "value": email, "type": "work", "primary": true }),
                _ => json!({ "value": email, "type": format!("other{place}") }),
            });
            body["emails"] = emails.collect();
        }
        if !user.additional.is_empty() {
            body[ROLLCALL] = json!({ "additionalManagers": user.additional });
        }
        body
    }

    pub(super) fn tag(&self) -> String {
        format!("{}-{}", self.name, self.tags)
    }

    /// Values of members, some of them ids of groups, their own among them.
    pub(super) fn member_values(&mut self, most: usize) -> Vec<String> {
        let mut values = self.values(most);
        let group = self
            .world
            .known_groups
            .lock()
            .unwrap()
            .choose(&mut self.random)
            .copied();
        if let Some(group) = group
            && self.random.random_bool(0.4)
        {
            values.push(group.to_string());
        }
        values
    }

    /// Members as sent; some say that they are groups, where they are.
    pub(super) fn members(&mut self, values: &[String]) -> Vec<Value> {
        let groups = self.world.known_groups.lock().unwrap().clone();
        values
            .iter()
            .map(|value| {
                let is_group = groups.iter().any(|group| group.to_string() == *value);
                match is_group && self.random.random_bool(0.5) {
                    true => json!({ "value": value, "type": "Group" }),
                    false => json!({ "value": value }),
                }
            })
            .collect()
    }

    pub(super) fn values(&mut self, most: usize) -> Vec<String> {
        let count = self.random.random_range(1..=most);
        let mut values: Vec<String> = (0..count).map(|_| self.reference()).collect();
        let mut seen = std::collections::BTreeSet::new();
        values.retain(|value| seen.insert(value.to_lowercase()));
        values
    }
}
