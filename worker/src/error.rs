//! What can go wrong while applying, and what follows from it.

use rollcall_shared::store::StoreError;
use rollcall_shared::store::mappings::MappingError;

/// Why keys could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A newer process stored a mapping that this one cannot read.
    #[error("version {0} of the mapping cannot be read by this version of the program")]
    Mapping(i32),
    /// Other workers kept creating what this one was about to create.
    #[error("other workers kept getting in between")]
    Overtaken,
    #[error("applying panicked")]
    Panic,
    /// Postgres has not answered for minutes.
    #[error("applying took too long")]
    TooLong,
    /// A test asked for it.
    #[error("the failpoint {0} fired")]
    Injected(&'static str),
}

impl From<MappingError> for ReconcileError {
    fn from(error: MappingError) -> ReconcileError {
        match error {
            MappingError::Store(error) => ReconcileError::Store(error),
            MappingError::Unreadable(version) => ReconcileError::Mapping(version),
        }
    }
}

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing is wrong with the keys: try all of them again later.
    Later,
    /// Lost against a concurrent transaction: try again at once.
    Again,
    /// One of the keys cannot be applied: find it.
    Isolate,
}

impl ReconcileError {
    pub fn remedy(&self) -> Remedy {
        match self {
            ReconcileError::Store(StoreError::Unavailable(_))
            | ReconcileError::Mapping(_)
            | ReconcileError::TooLong
            | ReconcileError::Injected(_) => Remedy::Later,
            ReconcileError::Store(StoreError::Conflict(_)) | ReconcileError::Overtaken => Remedy::Again,
            ReconcileError::Panic => Remedy::Isolate,
            // The schema, the server's state or our rights are not what they should be: that is
            // nobody's document's fault.
            ReconcileError::Store(error @ StoreError::Statement(_)) => match error.sqlstate().as_deref() {
                Some(code)
                    if ["25", "28", "3D", "42", "55", "57", "58"]
                        .iter()
                        .any(|class| code.starts_with(class)) =>
                {
                    Remedy::Later
                }
                _ => Remedy::Isolate,
            },
        }
    }

    /// The kind of error in a word, without any value: for `key_failures` and logs.
    pub fn class(&self) -> String {
        match self {
            ReconcileError::Store(error) => match error.sqlstate() {
                Some(code) => format!("sqlstate {code}"),
                None => "statement".to_owned(),
            },
            ReconcileError::Mapping(_) => "mapping".to_owned(),
            ReconcileError::Overtaken => "overtaken".to_owned(),
            ReconcileError::Panic => "panic".to_owned(),
            ReconcileError::TooLong => "too long".to_owned(),
            ReconcileError::Injected(name) => (*name).to_owned(),
        }
    }
}
