//! The domain: identities, keys and the normal form of names. Pure.

mod cycle;
mod fold;
mod key;
mod reference;
mod similarity;
mod target;

pub use cycle::in_cycles;
pub use fold::{fold, fold_name};
pub use key::{Key, Lane, TenantId, WorkLane};
pub use reference::{Claim, Holdings, KeyAttribute, Resolution, resolve};
pub use similarity::{ALIKE, probes, similarity};
pub use target::{Names, Target};
