//! The statements of the accept path: desired state, the ledger and the outbox.
//!
//! Every transaction here is begun by [`begin`], so the writes of one tenant are
//! serialised over all processes: `seq` order is commit order, and whatever snapshot a worker
//! takes holds a prefix of it.

mod add;
mod claims;
mod read;
mod write;

pub use add::{Additions, Change, Granted, PendingRow, TeamName, add};
pub use claims::{Claimed, NewKey, claim_unique, close_keys, holders, open_keys, withdraw};
pub(in crate::store) use read::resources;
pub use read::{
    Drawn, MemberRow, Newcomers, Resource, all_members, begin, draw, live_resources, some_members,
};
pub use write::{delete_members, delete_members_naming, insert_members, update_resources};
