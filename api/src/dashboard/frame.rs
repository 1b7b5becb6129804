use super::flash::Flash;
use super::session::Session;
use std::sync::Arc;

/// The dashboard's parts, in the order of its navigation.
pub(super) const NAVIGATION: &[Section] = &[
    Section::Overview,
    Section::Live,
    Section::Waiting,
    Section::Runs,
    Section::Rejections,
    Section::Queue,
    Section::People,
    Section::Org,
    Section::Mapping,
    Section::Tokens,
];

/// A part of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Live,
    Waiting,
    Runs,
    Rejections,
    Queue,
    People,
    Org,
    Mapping,
    Tokens,
}

impl Section {
    pub(super) fn name(self) -> &'static str {
        match self {
            Section::Overview => "Overview",
            Section::Live => "Live",
            Section::Waiting => "Waiting",
            Section::Runs => "Runs",
            Section::Rejections => "Rejections",
            Section::Queue => "Queue",
            Section::People => "People",
            Section::Org => "Org",
            Section::Mapping => "Mapping",
            Section::Tokens => "Tokens",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Section::Overview => "/",
            Section::Live => "/live",
            Section::Waiting => "/waiting",
            Section::Runs => "/runs",
            Section::Rejections => "/rejections",
            Section::Queue => "/queue",
            Section::People => "/people",
            Section::Org => "/org",
            Section::Mapping => "/mapping",
            Section::Tokens => "/tokens",
        }
    }
}

/// What stands around every page: `base.html` reads it from a template's field `frame`.
pub(super) struct Frame {
    pub section: Section,
    pub tenant: Arc<str>,
    /// Name of the token somebody is logged in with.
    pub token: Arc<str>,
    /// Goes into every form: `<input type="hidden" name="csrf" value="{{ frame.csrf }}">`.
    pub csrf: Arc<str>,
    pub flash: Option<Flash>,
}

impl Session {
    /// The frame of a page of this section.
    pub(super) fn frame(&self, section: Section) -> Frame {
        Frame {
            section,
            tenant: Arc::clone(&self.tenant_name),
            token: Arc::clone(&self.token_name),
            csrf: Arc::clone(&self.csrf),
            flash: self.flash.clone(),
        }
    }
}

impl Frame {
    pub(super) fn sections(&self) -> &'static [Section] {
        NAVIGATION
    }

    pub(super) fn is_at(&self, section: &Section) -> bool {
        self.section == *section
    }
}
