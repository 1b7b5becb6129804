//! Who is calling: tokens, their secrets, and a short-lived cache of what they grant.

mod cache;
mod scope;
mod secret;

pub(crate) use cache::{Token, Tokens};
pub(crate) use scope::Scope;
pub(crate) use secret::{Secret, hash};
