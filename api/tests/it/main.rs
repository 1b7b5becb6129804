//! The API over real HTTP, Postgres and Redis.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod accept;
mod app;
mod async_requests;
mod async_results;
mod auth;
mod bad_input;
mod bulk;
mod command_line;
mod cursors;
mod dead_letters;
mod event_keys;
mod groups;
mod health;
mod large_groups;
mod leapsome;
mod limits;
mod lists;
mod quirks_entra;
mod quirks_hris;
mod quirks_okta;
mod quirks_scim2;
mod receipts;
mod schemas;
mod strict;
mod tenants;
mod users;
