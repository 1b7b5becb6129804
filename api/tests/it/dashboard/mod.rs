//! The dashboard over HTTP, without a browser.

mod browser;
mod live;
mod login;
mod mapping;
mod pages;
mod people;
mod tokens;

pub(crate) use browser::{Browser, filled};
