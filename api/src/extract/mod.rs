//! What handlers take from a request. Every refusal is a [`crate::error::Failure`], so that a
//! client never sees a bare text from a library.

mod admin;
mod asked;
mod base_url;
mod body;
mod caller;
mod json;
#[cfg(test)]
pub(crate) mod noted;
mod path;
mod prefer;
mod protocol;
mod query;
mod receipt;
mod session;

pub(crate) use admin::Admin;
pub(crate) use asked::Asked;
pub(crate) use base_url::{BaseUrl, Issuer, ScimRoot};
pub(crate) use body::{Body, BulkBody};
pub(crate) use caller::Caller;
pub(crate) use json::{JsonBody, merged, read_object};
pub(crate) use path::{Segment, Target};
pub(crate) use prefer::Prefer;
pub(crate) use protocol::Protocol;
pub(crate) use query::{Page, SearchQuery, Window};
pub(crate) use receipt::parse_receipt;
pub(crate) use session::Session;
