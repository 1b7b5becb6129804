//! First steps: the guides that are about talking to the API, as they are in `docs/guides`.

use super::markdown;

/// A guide, and what it is called in the page's address.
pub(super) struct Guide {
    pub anchor: &'static str,
    pub title: &'static str,
    pub html: String,
}

const GUIDES: [(&str, &str, &str); 4] = [
    ("curl", "curl.md", include_str!("../../../../docs/guides/curl.md")),
    (
        "entra",
        "connect-entra.md",
        include_str!("../../../../docs/guides/connect-entra.md"),
    ),
    (
        "okta",
        "connect-okta.md",
        include_str!("../../../../docs/guides/connect-okta.md"),
    ),
    (
        "hris",
        "connect-your-hris.md",
        include_str!("../../../../docs/guides/connect-your-hris.md"),
    ),
];

pub(super) fn all() -> Vec<Guide> {
    let guides = GUIDES.into_iter();
    guides
        .map(|(anchor, _, text)| {
            let (title, text) = text.split_once('\n').unwrap_or((text, ""));
            Guide {
                anchor,
                title: title.trim_start_matches(['#', ' ']),
                html: markdown::html(text, 2, target),
            }
        })
        .collect()
}

/// Links to guides of the page stay on it; what only the repository has is no link here.
fn target(link: &str) -> Option<String> {
    let guide = GUIDES.iter().find(|(_, file, _)| *file == link);
    match guide {
        Some((anchor, _, _)) => Some(format!("#{anchor}")),
        None => (link.starts_with("https://") || link.starts_with('/')).then(|| link.to_owned()),
    }
}
