//! Parameters that several routes have.

use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

/// Parameters by their place, name, type and meaning.
macro_rules! parameters {
    ($($(#[doc = $about:literal])* $kind:ident { $($place:ident $name:literal $type:ident: $meaning:literal),* $(,)? })*) => {$(
        $(#[doc = $about])*
        pub(crate) enum $kind {}

        impl IntoParams for $kind {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$(parameter(ParameterIn::$place, $name, Type::$type, $meaning)),*]
            }
        }
    )*};
}

parameters! {
    /// Of a list that goes on behind a cursor.
    Cursor {
        Query "cursor" String: "`nextCursor` of the page before.",
    }
    /// Of a list that goes on behind a cursor, with the size of its pages.
    Limit {
        Query "limit" Integer: "Items in a page, within bounds; more or less are brought into them.",
        Query "cursor" String: "`nextCursor` of the page before.",
    }
    /// Of what can be told of the past.
    At {
        Query "at" String: "A time (RFC 3339), such as `2026-11-27T08:00:00Z`: as it was then.",
    }
    /// Of a history.
    HistoryWindow {
        Query "field" String: "Changes of this field only.",
        Query "since" String: "From this time on (RFC 3339).",
        Query "until" String: "Before this time (RFC 3339).",
        Query "limit" Integer: "Entries in a page: 100 unless told, at most 1000.",
        Query "cursor" Integer: "`nextCursor` of the page before.",
    }
    /// Of what can be kept as a file.
    Download {
        Query "download" Boolean: "Answer with a `Content-Disposition` that names a file.",
    }
    /// Of a change that must not overwrite one it does not know.
    IfMatch {
        Header "If-Match" String: "The `ETag` of the version to change; another version is a 412.",
    }
    /// Of a change that may be the first.
    Preconditions {
        Header "If-Match" String: "The `ETag` of the version to change; another version is a 412.",
        Header "If-None-Match" String: "`*`: only if there is none yet; else 412.",
    }
    /// Of a SCIM write.
    Prefer {
        Header "Prefer" String: "`respond-async`: answer with 202 as soon as the write is accepted (RFC 9967); `wait=5`: or wait so many seconds for it to be applied.",
    }
    /// Of a SCIM resource.
    Selected {
        Query "attributes" String: "Attributes to return, separated by commas.",
        Query "excludedAttributes" String: "Attributes not to return, separated by commas.",
    }
    /// Of a SCIM list (RFC 7644 §3.4.2, RFC 9865).
    SearchParameters {
        Query "filter" String: "Which resources, such as `userName eq \"ada@example.com\"`.",
        Query "sortBy" String: "The attribute that orders them.",
        Query "sortOrder" String: "`ascending`, or `descending`.",
        Query "attributes" String: "Attributes to return, separated by commas.",
        Query "excludedAttributes" String: "Attributes not to return, separated by commas.",
        Query "startIndex" Integer: "The first of the page, from 1; not together with `cursor`.",
        Query "count" Integer: "Resources in a page at most.",
        Query "cursor" String: "Empty for the first page by cursor, then `nextCursor` of the page before.",
    }
}

fn parameter(place: ParameterIn, name: &str, schema_type: Type, meaning: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description(Some(meaning))
        .schema(Some(ObjectBuilder::new().schema_type(schema_type)))
        .build()
}
