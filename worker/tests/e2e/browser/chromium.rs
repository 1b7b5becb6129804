//! One headless Chromium and the driver it is steered by, gone when dropped.

use crate::harness::within;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel, WebDriver};

const START: Duration = Duration::from_secs(30);

/// A browser with a profile of its own.
pub(super) struct Chromium {
    driver: Option<WebDriver>,
    _processes: Processes,
}

impl Chromium {
    pub(super) async fn start() -> Chromium {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let processes = Processes::start(folder);
        let port = within(START, "chromedriver says on which port it listens", async || {
            processes.port()
        })
        .await;
        let driver = WebDriver::new(
            format!("http://127.0.0.1:{port}"),
            capabilities(processes.folder.path()),
        )
        .await;
        let driver = driver.unwrap_or_else(|error| {
            panic!(
                "Chromium does not start ({INSTALL}): {error}\n{}",
                processes.log()
            )
        });
        Chromium {
            driver: Some(driver),
            _processes: processes,
        }
    }

    pub(super) fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("kept until the end")
    }
}

impl Drop for Chromium {
    /// No goodbye, which would have to be waited for: the processes are killed.
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            let _ = driver.leak();
        }
    }
}

const INSTALL: &str = "scripts/setup.sh browser installs it";

fn capabilities(folder: &Path) -> ChromeCapabilities {
    let mut capabilities = ChromeCapabilities::new();
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let arguments = [
        "--headless=new",
        // It does not start as root, nor in most containers, with its sandbox. It sees our pages only.
        "--no-sandbox",
        // Containers give little of it.
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--hide-scrollbars",
        "--lang=en-GB",
        &profile,
    ];
    for argument in arguments {
        capabilities.add_arg(argument).expect("a text");
    }
    // Every request the page makes, and every word on its console.
    for log in ["browser", "performance"] {
        capabilities
            .set_logging_prefs(log, LoggingPrefsLogLevel::All)
            .expect("a log level");
    }
    capabilities
}

/// chromedriver and the Chromium it starts: one process group.
struct Processes {
    driver: Child,
    folder: TempDir,
}

impl Processes {
    fn start(folder: TempDir) -> Processes {
        let log = std::fs::File::create(folder.path().join("log")).expect("a file in our folder");
        let errors = log.try_clone().expect("a second handle");
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start chromedriver ({INSTALL}): {error}"));
        Processes { driver, folder }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn port(&self) -> Option<u16> {
        let log = self.log();
        let (_, rest) = log.split_once("started successfully on port ")?;
        rest.split_once('.')?.0.parse().ok()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.driver.id()).expect("a process id"));
        // Nothing to do about a group that is already gone.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.driver.wait();
    }
}
