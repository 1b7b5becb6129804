/// Why the server did not do what was asked, in a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// It understood, and would not or could not.
    #[error("{0}")]
    Refused(String),
    /// Part of the command line makes no sense together with the rest of it.
    #[error("{0}")]
    Usage(String),
    /// Nobody answered, or only that it is too busy.
    #[error("{0}")]
    Unreachable(String),
    /// The token is no good here.
    #[error("{0}")]
    NotAllowed(String),
    /// A run that was to find nothing found something.
    #[error("the run found differences in {0} people and teams")]
    Drift(u64),
}

impl Failed {
    /// What the process exits with; told in `--help` and docs/guides/command-line.md.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failed::Refused(_) => 1,
            Failed::Usage(_) => 2,
            Failed::Unreachable(_) => 3,
            Failed::NotAllowed(_) => 4,
            Failed::Drift(_) => 5,
        }
    }
}
