//! The domain: identities, keys and the normal form of names. Pure.

mod fold;
mod key;
mod reference;

pub use fold::{fold, fold_name};
pub use key::{Key, Lane, TenantId};
pub use reference::{Claim, Holdings, KeyAttribute, Resolution, resolve};
