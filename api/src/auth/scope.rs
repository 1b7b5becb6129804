use clap::ValueEnum;

/// What a token may be used for.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Provisioning under /scim
    Scim,
    /// Reading the directory under /content
    Content,
    /// Running the service under /ops
    Operator,
}

impl Scope {
    /// As stored in `tokens.scope` and shown to clients.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scope::Scim => "scim",
            Scope::Content => "content",
            Scope::Operator => "operator",
        }
    }

    /// The scope of this name; `None` for one this version does not know.
    pub(crate) fn from_name(name: &str) -> Option<Scope> {
        [Scope::Scim, Scope::Content, Scope::Operator]
            .into_iter()
            .find(|scope| scope.name() == name)
    }
}
