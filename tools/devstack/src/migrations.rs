//! The schema's files, read from the source tree.

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use std::path::{Path, PathBuf};

/// The project's root folder.
#[must_use]
pub fn project_dir() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where the migrations lie.
#[must_use]
pub fn migrations_dir() -> PathBuf {
    project_dir().join("migrations")
}

/// The migrations as they are on disk now.
///
/// # Errors
/// When they cannot be read.
pub async fn migrator() -> Result<Migrator> {
    let folder = migrations_dir();
    let migrator = Migrator::new(folder.as_path()).await;
    migrator.with_context(|| format!("cannot read the migrations in {}", folder.display()))
}

/// Changes whenever a migration does.
pub(crate) fn fingerprint() -> Result<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(migrations_dir())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(
            file.file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
        );
        hash.update(std::fs::read(&file)?);
        hash.update([0]);
    }
    Ok(hash
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
