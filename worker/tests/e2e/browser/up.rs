//! The same that `make up` starts, and somebody in front of it.

use super::chromium::Chromium;
use super::window::Window;
use devstack::{Stack, StackSettings, programs};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::sync::MutexGuard;

pub(super) struct Up {
    // Before the deployment: a page that loses it says so on its console.
    pub(super) window: Window,
    stack: Stack,
    pub(super) programs: PathBuf,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Up {
    pub(super) async fn start() -> Up {
        let turn = crate::harness::turn().await;
        let folder = tempfile::tempdir().unwrap();
        // Postgres may have to run as another user than this process.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let postgres_folder = folder.path().join("postgres");
        std::fs::create_dir(&postgres_folder).unwrap();
        let programs = programs(&["rollcall-api", "rollcall-worker", "bench"]).unwrap();
        let settings = StackSettings {
            folder: folder.path().to_owned(),
            postgres_folder,
            programs: programs.clone(),
            environment: vec![("ROLLCALL_REQUESTS_PER_SECOND".to_owned(), "0".to_owned())],
            worker: true,
        };
        let (stack, chromium) = tokio::join!(Stack::start(&settings), Chromium::start());
        let stack = stack.unwrap();
        let window = Window::onto(stack.api.url(), chromium).await;
        Up {
            window,
            stack,
            programs,
            folder,
            _turn: turn,
        }
    }

    /// A folder of its own.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What clients need to know, by name.
    pub(super) fn variables(&self) -> &[(String, String)] {
        self.stack.variables()
    }

    pub(super) fn variable(&self, name: &str) -> &str {
        let found = self.variables().iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .expect("a variable of the stack")
    }
}
