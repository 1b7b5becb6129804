//! Who is calling: tokens, their secrets, and a short-lived cache of what they grant.

mod cache;
mod scope;
mod secret;

pub use cache::{Token, Tokens};
pub use scope::Scope;
pub use secret::Secret;
