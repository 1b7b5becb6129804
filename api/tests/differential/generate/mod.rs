//! Random requests, all of them valid by the grammar and the schemas. Few different values, so
//! that they meet.

mod filter;
mod patch;
mod values;

pub(crate) use filter::{Filter, Leaf, filter};
pub(crate) use patch::operations;
pub(crate) use values::{Kind, document};
