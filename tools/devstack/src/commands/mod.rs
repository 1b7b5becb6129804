//! One module per command, and what they share.

pub(crate) mod demo;
pub(crate) mod exec;
mod instance;
pub(crate) mod migrations;
pub(crate) mod prepare;
mod run;
pub(crate) mod up;
