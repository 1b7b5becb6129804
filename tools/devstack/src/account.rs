//! The account servers run under: Postgres refuses to run as root.

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User, chown};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// An unprivileged account for Postgres, needed only when we are root.
#[derive(Clone, Debug)]
pub struct Account {
    name: String,
    uid: Uid,
    gid: Gid,
}

impl Account {
    /// `None` when we are not root and servers simply run as ourselves; otherwise `postgres`
    /// where it exists, else `nobody`.
    ///
    /// # Errors
    /// When we are root and neither account exists.
    pub fn for_servers() -> Result<Option<Account>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Some(Account {
                    name: name.to_owned(),
                    uid: user.uid,
                    gid: user.gid,
                }));
            }
        }
        anyhow::bail!(
            "running as root, and there is neither a user `postgres` nor `nobody` to run Postgres as"
        )
    }

    /// Run `command` under this account, without any of root's supplementary groups.
    pub fn run(&self, command: &mut Command) {
        command
            .uid(self.uid.as_raw())
            .gid(self.gid.as_raw())
            .env("HOME", "/")
            .env("USER", &self.name);
    }

    /// Hand `path` to this account.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn own(&self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("cannot give {} to {}", path.display(), self.name))
    }

    /// Can this account reach what lies in `folder`? (The folder exists.)
    #[must_use]
    pub fn reaches(&self, folder: &Path) -> bool {
        folder.ancestors().all(|folder| {
            folder.metadata().is_ok_and(|metadata| {
                let mode = metadata.permissions().mode();
                let needed = if metadata.uid() == self.uid.as_raw() {
                    0o100
                } else if metadata.gid() == self.gid.as_raw() {
                    0o010
                } else {
                    0o001
                };
                mode & needed != 0
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_behind_a_private_folder_reaches_nothing() {
        let stranger = Account {
            name: "stranger".into(),
            uid: Uid::from_raw(61234),
            gid: Gid::from_raw(61234),
        };
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.reaches(&inner));
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(stranger.reaches(&inner) || !stranger.reaches(&std::env::temp_dir()));
    }
}
