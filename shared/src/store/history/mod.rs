//! What changed in the directory, when and why; and from that, how it was at any time.
//!
//! How something was at a time is how it is now, unless history knows a change of it after that time:
//! then it is what the first such change replaced.

mod log;
mod org;
mod past;

pub use log::{Behind, Entry, Window, Writer, page};
pub use org::{Report, above, below, everybody, now, tops};
pub(in crate::store) use past::camel;
pub use past::{Membership, PersonThen, Then, Was, briefs_at, person_at, teams_at};
