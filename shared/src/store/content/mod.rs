//! The directory as its readers see it: who and what is part of the company now. Who was removed or
//! erased is not, nor is a link that leads to them.

mod attached;
mod by_key;
mod list;
mod members;
mod tree;

pub use attached::{ManagerOf, TeamOf, managers, teams, waiting};
pub use by_key::{Found, by_key};
pub use list::{Order, Place, Wanted, list};
pub use members::{MemberOf, members};
pub use tree::{Above, Below, Tree, above, below};
