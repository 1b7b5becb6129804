//! The dashboard in a real browser: headless Chromium, looked at as people do.

mod axe;
mod checks;
mod checks_tests;
mod chromium;
mod entering;
mod locator;
mod look;
mod newcomer;
mod pages;
mod running;
mod site;
mod tokens;
mod up;
mod waiting;
mod watching;
mod window;

/// Longest wait for what the workers have to do.
const SOON: std::time::Duration = std::time::Duration::from_secs(30);
