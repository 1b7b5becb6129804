//! Where a stack lives, and what is known about the one that ran last.

use anyhow::{Context, Result, bail};
use devstack::{Account, ProcessId, STOP_POSTGRES, STOP_SERVICE, project_dir};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// `.devstack` itself for `up`, `.devstack/demo` for the demo: both may run at once.
pub(crate) struct Instance {
    folder: PathBuf,
}

/// What runs, in the order in which it is to be stopped.
#[derive(Serialize, Deserialize, Default)]
pub(crate) struct State {
    pub(crate) processes: Vec<(String, ProcessId)>,
}

impl State {
    pub(crate) fn all_alive(&self) -> bool {
        !self.processes.is_empty() && self.processes.iter().all(|(_, id)| id.alive())
    }

    pub(crate) fn any_alive(&self) -> bool {
        self.processes.iter().any(|(_, id)| id.alive())
    }
}

impl Instance {
    pub(crate) fn up() -> Result<Instance> {
        Instance::at(project_dir().join(".devstack"))
    }

    pub(crate) fn demo() -> Result<Instance> {
        Instance::at(project_dir().join(".devstack/demo"))
    }

    fn at(folder: PathBuf) -> Result<Instance> {
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Instance { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn env_file(&self) -> PathBuf {
        self.folder.join("env")
    }

    fn state_file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    /// Only one command at a time changes this instance. Released when dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        let file = File::create(self.folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                bail!("another command is at work in {}", self.folder.display())
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// What is recorded; an unreadable record counts as none.
    pub(crate) fn state(&self) -> State {
        let text = std::fs::read_to_string(self.state_file()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Record what runs, and write the variables for clients, readable by us alone.
    pub(crate) fn save(&self, state: &State, variables: &[(String, String)]) -> Result<()> {
        std::fs::write(self.state_file(), serde_json::to_string_pretty(state)?)?;
        let mut text = String::new();
        for (name, value) in variables {
            writeln!(text, "{name}={value}")?;
        }
        let _ = std::fs::remove_file(self.env_file());
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.env_file())?;
        Ok(std::io::Write::write_all(&mut file, text.as_bytes())?)
    }

    /// The variables that were written for clients.
    pub(crate) fn variables(&self) -> Result<Vec<(String, String)>> {
        let text = std::fs::read_to_string(self.env_file())?;
        let lines = text.lines().filter_map(|line| line.split_once('='));
        Ok(lines
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    /// Stop what is recorded and still runs, this process excepted.
    pub(crate) async fn clear(&self) -> Result<()> {
        let me = ProcessId::of(std::process::id());
        for (name, id) in self.state().processes {
            if Some(&id) == me.as_ref() {
                continue;
            }
            let steps = if name == "postgres" {
                &STOP_POSTGRES[..]
            } else {
                &STOP_SERVICE[..]
            };
            id.stop(steps)
                .await
                .with_context(|| format!("{name} cannot be stopped"))?;
        }
        for file in [self.state_file(), self.env_file()] {
            // Whoever else stops this instance may have removed it already.
            let _ = std::fs::remove_file(file);
        }
        Ok(())
    }

    /// An existing folder for Postgres's data: in here, or, where the account it runs under
    /// cannot reach this, under the system's temporary folder.
    pub(crate) fn postgres_folder(&self) -> Result<PathBuf> {
        let here = match Account::for_servers()? {
            Some(account) => account.reaches(&self.folder),
            None => true,
        };
        if here {
            let folder = self.folder.join("postgres");
            std::fs::create_dir_all(&folder)?;
            return Ok(folder);
        }
        let name = format!("rollcall-devstack-{:016x}", fingerprint(&self.folder));
        let root = std::env::temp_dir().join(name);
        own_folder(&root)?;
        let folder = root.join("postgres");
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// The temporary folder is everybody's: take only a real folder that is ours.
fn own_folder(folder: &Path) -> Result<()> {
    match std::fs::DirBuilder::new().mode(0o711).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let metadata = folder.symlink_metadata()?;
    if !metadata.is_dir() || metadata.uid() != nix::unistd::Uid::effective().as_raw() {
        bail!("{} belongs to somebody else: remove it", folder.display());
    }
    Ok(())
}

/// FNV-1a: stable between builds, unlike the standard library's hashers.
fn fingerprint(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> (tempfile::TempDir, Instance) {
        let folder = tempfile::tempdir().unwrap();
        let instance = Instance::at(folder.path().join("stack")).unwrap();
        (folder, instance)
    }

    #[tokio::test]
    async fn clear_stops_what_is_recorded_and_forgets_it() {
        let (_folder, instance) = instance();
        let mut sleeper = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let id = ProcessId::of(sleeper.id()).unwrap();
        instance
            .save(
                &State {
                    processes: vec![("api".into(), id)],
                },
                &[],
            )
            .unwrap();
        assert!(instance.state().all_alive());
        instance.clear().await.unwrap();
        sleeper.wait().unwrap();
        assert!(!instance.state().any_alive() && !instance.env_file().exists());
    }

    #[tokio::test]
    async fn clear_of_a_stale_record_leaves_the_pids_new_owner_alone() {
        let (_folder, instance) = instance();
        let me = serde_json::json!({ "pid": std::process::id(), "started": "long ago" });
        let stale = serde_json::json!({ "processes": [["postgres", me]] });
        std::fs::write(instance.state_file(), stale.to_string()).unwrap();
        instance.clear().await.unwrap();
    }

    #[test]
    fn lock_taken_twice_says_so() {
        let (_folder, instance) = instance();
        let _held = instance.lock().unwrap();
        assert!(
            instance
                .lock()
                .unwrap_err()
                .to_string()
                .contains("another command")
        );
    }
}
