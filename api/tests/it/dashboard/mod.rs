//! The dashboard over HTTP, without a browser.

mod browser;
mod login;
mod pages;

pub(crate) use browser::{Browser, filled};
