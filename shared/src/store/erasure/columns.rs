//! What of the schema may hold values of people. A test compares both lists with the database, so
//! that no new column is forgotten, and another looks for values in a dump after an erasure.

/// Columns that may hold a value of a person's; [`super::erase`] empties each of them.
pub const PERSONAL: &[(&str, &[&str])] = &[
    ("scim_resources", &["document", "display_name"]),
    ("scim_members", &["member", "value", "attributes"]),
    ("scim_keys", &["value", "folded"]),
    ("pending", &["member"]),
    ("key_failures", &["member"]),
    ("async_results", &["external_id", "bulk_id"]),
    (
        "people",
        &[
            "login",
            "email",
            "further_emails",
            "external_id",
            "employee_number",
            "first_name",
            "last_name",
            "display_name",
            "position",
            "level",
            "location",
            "gender",
            "start_date",
            "end_date",
            "birthday",
            "employment_type",
            "photo_url",
            "custom",
        ],
    ),
    ("team_members", &["source"]),
    ("reporting_lines", &["reference"]),
    ("waiters", &["place", "reference", "wait_key"]),
    ("wakes", &["keys"]),
    ("rejections", &["value_hash", "discarded_note"]),
    ("history", &["member", "fields"]),
    ("run_samples", &["old", "new"]),
    ("run_chunks", &["after_member", "upto_member", "keys"]),
];

/// Columns that cannot: names of attributes and states, ids, names of teams, what operators configure,
/// secrets.
pub const IMPERSONAL: &[(&str, &[&str])] = &[
    ("tenants", &["name", "settings"]),
    ("tokens", &["name", "scope", "source", "secret_hash", "prefix"]),
    ("sessions", &["secret_hash"]),
    ("login_links", &["secret_hash"]),
    ("tenant_schemas", &["folded_urn", "definition"]),
    ("audit", &["action", "target"]),
    ("secrets", &["purpose", "secret"]),
    ("event_keys", &["private_key"]),
    ("scim_resources", &["source"]),
    ("scim_keys", &["source"]),
    ("mappings", &["document", "note"]),
    (
        "mapping_previews",
        &["document", "note", "at_most", "refused", "deciding_day"],
    ),
    ("team_names", &["kind", "folded", "name"]),
    ("changes", &["operation", "attributes"]),
    ("pending", &["traceparent"]),
    ("async_results", &["method", "error"]),
    ("people", &["status"]),
    ("teams", &["kind", "folded", "name", "external_id"]),
    ("reporting_lines", &["flag"]),
    ("waiters", &["reason"]),
    ("rejections", &["rule", "reason"]),
    ("history", &["cause", "order_xid"]),
    ("key_failures", &["error"]),
    ("runs", &["scope", "phase", "report"]),
    ("team_parts", &["source"]),
    ("schedules", &["name", "cron", "time_zone", "scope"]),
    ("schedule_ticks", &["outcome"]),
    (
        "webhooks",
        &[
            "url",
            "description",
            "types",
            "disabled_reason",
            "secret",
            "old_secret",
        ],
    ),
    ("webhook_deliveries", &["kind", "body", "state", "error"]),
    ("run_chunks", &["result"]),
    ("run_samples", &["kind", "field"]),
    ("paused_lanes", &["lane", "reason"]),
    ("queue_samples", &["lane"]),
];

/// The columns of a table that may hold values of people.
pub(super) fn of(table: &str) -> Vec<&'static str> {
    let tables = PERSONAL.iter().filter(|(name, _)| *name == table);
    tables.flat_map(|(_, columns)| columns.iter().copied()).collect()
}
