//! The page: everything is in it, nothing needs a script.

use super::guides::{self, Guide};
use super::reference::{self, Schema, Section};
use crate::dashboard::filters;
use askama::Template;

#[derive(Template)]
#[template(path = "docs.html")]
struct Page {
    version: &'static str,
    about: String,
    guides: Vec<Guide>,
    sections: Vec<Section>,
    schemas: Vec<Schema>,
}

pub(super) fn render() -> String {
    let page = Page {
        version: env!("CARGO_PKG_VERSION"),
        about: reference::about(),
        guides: guides::all(),
        sections: reference::sections(),
        schemas: reference::schemas(),
    };
    page.render().unwrap_or_else(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "the page about the API cannot be rendered");
        "The page cannot be shown; /openapi.json tells the same.".to_owned()
    })
}
