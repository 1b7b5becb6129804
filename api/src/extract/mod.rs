//! What handlers take from a request. Every refusal is a [`crate::error::Failure`], so that a
//! client never sees a bare text from a library.

mod base_url;
mod body;
mod caller;
mod path;
mod query;

pub use base_url::BaseUrl;
pub use body::{Body, BulkBody};
pub use caller::Caller;
pub use path::Segment;
pub use query::{Page, SearchQuery};
