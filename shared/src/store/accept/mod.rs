//! The statements of the accept path: desired state, the ledger and the outbox.
//!
//! Every transaction here begins with [`lock_tenant`], so the writes of one tenant are
//! serialised over all processes: `seq` order is commit order, and whatever snapshot a worker
//! takes holds a prefix of it.

mod claims;
mod read;
mod write;

pub use claims::{Claimed, NewKey, claim_unique, close_keys, holders, insert_keys, open_keys, withdraw};
pub use read::{
    MemberRow, Resource, all_members, draw_seqs, former_people, live_resources, lock_tenant, some_members,
};
pub use write::{
    Change, PendingRow, TeamName, delete_members, delete_members_naming, insert_changes, insert_members,
    insert_pending, insert_resources, insert_team_names, update_resources,
};
