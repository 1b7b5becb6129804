//! The second opinion: `scim2-server` from PyPI, in memory, on a port of its own.

use devstack::{free_port, project_dir};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// For the server to listen; where it has to be installed first, for that too.
const START: Duration = Duration::from_secs(300);
/// The free port may be taken by somebody else before the server has it.
const ATTEMPTS: usize = 3;

pub(crate) struct Server {
    child: Child,
    /// With the prefix of its endpoints.
    pub url: String,
}

impl Server {
    pub(crate) async fn start(http: &reqwest::Client) -> Server {
        for _ in 0..ATTEMPTS {
            let port = free_port().unwrap();
            let child = Command::new(project_dir().join("scripts/scim2-server"))
                .arg(port.to_string())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("scripts/scim2-server starts");
            let url = format!("http://127.0.0.1:{port}/v2");
            let mut server = Server { child, url };
            if server.listens(http).await {
                return server;
            }
        }
        panic!("scripts/scim2-server ended {ATTEMPTS} times before it listened; run it by hand to see why");
    }

    /// Wait until it answers; false when it ended.
    async fn listens(&mut self, http: &reqwest::Client) -> bool {
        let deadline = Instant::now() + START;
        let url = format!("{}/ServiceProviderConfig", self.url);
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if http
                .get(&url)
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200)
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("scripts/scim2-server does not listen after {START:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
