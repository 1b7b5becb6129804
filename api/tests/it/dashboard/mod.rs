//! The dashboard over HTTP, without a browser.

mod browser;
mod live;
mod login;
mod mapping;
mod pages;
mod people;
mod queue;
mod rejections;
mod runs;
mod suspended;
mod tokens;
mod waiting;

pub(crate) use browser::{Browser, filled};
