//! axe-core, which finds what keeps people from using a page.

use super::window::Window;
use serde_json::Value;
use std::process::Command;

pub(super) struct Axe {
    source: String,
}

impl Axe {
    /// Installed on first use, see `scripts/axe`.
    pub(super) fn load() -> Axe {
        let output = Command::new(devstack::project_dir().join("scripts/axe"))
            .output()
            .expect("scripts/axe starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "scripts/axe failed: {said}");
        let path = String::from_utf8(output.stdout).expect("a path");
        let source = std::fs::read_to_string(path.trim()).expect("axe.min.js is there");
        Axe { source }
    }

    /// What breaks a rule on the page that is open, however little.
    pub(super) async fn violations(&self, window: &Window) -> Vec<String> {
        // Scripts of the driver are not the page's: its Content-Security-Policy does not bind them.
        window.script(&self.source).await;
        let found = window
            .script_async(
                "const done = arguments[arguments.length - 1];
                 axe.run({ resultTypes: ['violations'] }).then(
                     results => done(results.violations),
                     error => done(String(error)))",
            )
            .await;
        let found = found.as_array().unwrap_or_else(|| panic!("axe failed: {found}"));
        found.iter().flat_map(described).collect()
    }
}

/// One line for each element that breaks the rule.
fn described(violation: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (impact, rule) = (text(&violation["impact"]), text(&violation["help"]));
    let nodes = violation["nodes"].as_array().into_iter().flatten();
    nodes
        .map(|node| {
            let html = text(&node["html"]).chars().take(160).collect::<String>();
            let why = text(&node["failureSummary"])
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            format!("axe, {impact}: {rule}: {html}: {why}")
        })
        .collect()
}
