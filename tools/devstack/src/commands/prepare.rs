//! `prepare`: the metadata that sqlx's query macros need for a build without a database.
//!
//! With a database at hand the macros describe every query and, told a folder, save what they
//! learnt; so a build of the crate that holds the queries is all it takes.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use devstack::{PrivatePostgres, migrator, project_dir};
use sqlx::{Connection, PgConnection};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::SystemTime;

const DATABASE: &str = "prepare";
/// The crate that holds the queries is built anew when this file is newer than its last build.
const QUERIES: &str = "shared/src/lib.rs";

/// The files of a folder by name.
type Files = BTreeMap<String, Vec<u8>>;

#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing; fail when .sqlx is not what the queries and the migrations make of it
    #[arg(long)]
    check: bool,
}

pub(crate) async fn prepare(options: Options) -> Result<ExitCode> {
    let postgres = PrivatePostgres::start().await?;
    postgres.create_database(DATABASE).await?;
    let url = postgres.url_of(DATABASE);
    let mut connection = PgConnection::connect(&url).await?;
    migrator().await?.run(&mut connection).await?;
    connection.close().await?;

    let fresh = tempfile::tempdir()?;
    let complete = describe(&url, fresh.path())?;
    let target = project_dir().join(".sqlx");
    let (now, wanted) = (read(&target)?, read(fresh.path())?);
    let differing = now
        .iter()
        .filter(|(name, text)| wanted.get(*name) != Some(text))
        .chain(wanted.iter().filter(|(name, _)| !now.contains_key(*name)))
        .count();
    if options.check {
        ensure!(complete, "the build against a migrated database fails");
        if differing > 0 {
            bail!(
                "{differing} files in .sqlx are missing, stale or too many: run `make prepare` and commit it"
            );
        }
        println!(".sqlx is up to date ({} queries)", wanted.len());
        return Ok(ExitCode::SUCCESS);
    }
    write(&target, &now, &wanted)?;
    ensure!(
        complete,
        "not everything builds: the metadata of what does was added, none removed"
    );
    remove(&target, &now, &wanted)?;
    println!("{} queries in .sqlx, {differing} files changed", wanted.len());
    Ok(ExitCode::SUCCESS)
}

/// Build with the database at `url`; the macros write into `folder`. False when a part of the
/// project does not build.
fn describe(url: &str, folder: &Path) -> Result<bool> {
    let queries = project_dir().join(QUERIES);
    let file = std::fs::File::options().append(true).open(&queries);
    let file = file.with_context(|| format!("cannot open {}", queries.display()))?;
    let modified = file.metadata()?.modified()?;
    file.set_modified(now())?;
    let mut cargo = Command::new("cargo");
    cargo.args([
        "check",
        "--locked",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--quiet",
    ]);
    cargo.current_dir(project_dir());
    cargo
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", folder);
    let status = cargo.status();
    // As it was: builds of other kinds need not be repeated.
    file.set_modified(modified)?;
    Ok(status.context("cannot run cargo")?.success())
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo compares with the clock of the file system"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn read(folder: &Path) -> Result<Files> {
    if !folder.exists() {
        return Ok(BTreeMap::new());
    }
    std::fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            Ok((
                entry.file_name().to_string_lossy().into_owned(),
                std::fs::read(entry.path())?,
            ))
        })
        .collect()
}

fn write(folder: &Path, now: &Files, wanted: &Files) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, text) in wanted.iter().filter(|(name, text)| now.get(*name) != Some(text)) {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}

fn remove(folder: &Path, now: &Files, wanted: &Files) -> Result<()> {
    for name in now.keys().filter(|name| !wanted.contains_key(*name)) {
        std::fs::remove_file(folder.join(name))?;
    }
    Ok(())
}
