use clap::ValueEnum;

/// What a token may be used for.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Provisioning under /scim
    Scim,
    /// Reading the directory under /content
    Content,
    /// Running the service for one tenant under /ops
    Operator,
    /// Managing the tenants under /ops/v1/tenants
    Admin,
}

impl Scope {
    /// As stored in `tokens.scope` and shown to clients.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scope::Scim => "scim",
            Scope::Content => "content",
            Scope::Operator => "operator",
            Scope::Admin => "admin",
        }
    }

    /// What such tokens are for.
    pub(crate) fn purpose(self) -> &'static str {
        match self {
            Scope::Scim => "provisioning, under /scim",
            Scope::Content => "reading the directory, under /content",
            Scope::Operator => "running the service, under /ops",
            Scope::Admin => "managing tenants, under /ops/v1/tenants",
        }
    }

    /// The scope of this name; `None` for one this version does not know.
    pub(crate) fn from_name(name: &str) -> Option<Scope> {
        [Scope::Scim, Scope::Content, Scope::Operator, Scope::Admin]
            .into_iter()
            .find(|scope| scope.name() == name)
    }

    /// The scope of this name, unless a token of it would speak for more than one tenant.
    pub(crate) fn of_a_tenant(name: &str) -> Option<Scope> {
        Scope::from_name(name).filter(|scope| *scope != Scope::Admin)
    }
}
