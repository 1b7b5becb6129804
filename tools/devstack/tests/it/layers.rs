//! Imports run one way: shared → api | worker; the tools stand outside.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const ALLOWED: [(&str, &[&str]); 5] = [
    ("rollcall-shared", &[]),
    ("rollcall-api", &["rollcall-shared"]),
    ("rollcall-worker", &["rollcall-shared"]),
    ("devstack", &[]),
    ("bench", &[]),
];

/// What each of the project's crates uses of the others outside its tests.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(devstack::project_dir())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let array = |value: &Value| value.as_array().unwrap().clone();
    let packages = array(&metadata["packages"]);
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let used = |package: &Value| {
        let shipped = array(&package["dependencies"])
            .into_iter()
            .filter(|dependency| dependency["kind"].is_null());
        shipped
            .map(|dependency| name(&dependency))
            .filter(|name| ours.contains(name))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), used(package)))
        .collect()
}

#[test]
fn imports_between_the_crates_run_one_way() {
    let allowed: BTreeMap<String, BTreeSet<String>> = ALLOWED
        .iter()
        .map(|(name, used)| (name.to_string(), used.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(imports(), allowed);
}
