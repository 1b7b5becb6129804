//! What must hold of every page, however it is looked at.

use super::axe::Axe;
use super::look::{Look, PHONE_WIDTH};
use super::window::Window;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use thirtyfour::Key;

/// The longest way through a page by keyboard that is walked.
const LONGEST_WALK: usize = 250;

/// Everything wrong with the page that is open; empty if nothing is.
pub(super) async fn faults(window: &Window, axe: &Axe, look: Look) -> Vec<String> {
    let mut faults = axe.violations(window).await;
    if look == Look::Phone {
        faults.extend(overflow(window).await);
    }
    // What a keyboard reaches does not depend on colours, but may on the width.
    if look != Look::Dark {
        faults.extend(keyboard(window).await);
        faults.extend(skip_link(window).await);
    }
    faults.extend(console(window).await);
    faults.extend(foreign_requests(window).await);
    faults
}

/// What the console said since it was last asked.
pub(super) async fn console(window: &Window) -> Vec<String> {
    let entries = window.driver().get_log("browser").await.expect("it keeps a log");
    let loud = entries
        .into_iter()
        .filter(|entry| !matches!(entry.level.as_str(), "INFO" | "DEBUG" | "FINE"));
    loud.map(|entry| format!("console: {} {}", entry.level, entry.message))
        .collect()
}

/// Requests to anybody but the API since this was last asked.
async fn foreign_requests(window: &Window) -> Vec<String> {
    let entries = window
        .driver()
        .get_log("performance")
        .await
        .expect("it keeps a log");
    let requested = entries.iter().filter_map(|entry| {
        let event: Value = serde_json::from_str(&entry.message).expect("an event of the protocol");
        let event = &event["message"];
        let url = event["params"]["request"]["url"].as_str()?;
        (event["method"] == "Network.requestWillBeSent").then(|| url.to_owned())
    });
    let ours = format!("{}/", window.base());
    let foreign = requested.filter(|url| url.starts_with("http") && !url.starts_with(&ours));
    foreign.map(|url| format!("requests {url}")).collect()
}

/// What reaches over the right edge of a phone.
async fn overflow(window: &Window) -> Vec<String> {
    let found = window
        .script(
            "const { clientWidth, scrollWidth } = document.documentElement;
             const wide = [...document.body.querySelectorAll('*')]
                 .filter(e => e.getBoundingClientRect().right > clientWidth + 1);
             return [clientWidth, scrollWidth, wide.slice(0, 3).map(e => e.outerHTML.slice(0, 160))]",
        )
        .await;
    let width = u64::from(PHONE_WIDTH);
    if found[0] != width {
        return vec![format!("is laid out for {} pixels, not for {width}", found[0])];
    }
    match found[1].as_u64() <= Some(width) {
        true => vec![],
        false => vec![format!(
            "scrolls sideways: {} pixels wide, for {}",
            found[1], found[2]
        )],
    }
}

/// Controls that Tab does not reach, or that do not show when it did.
async fn keyboard(window: &Window) -> Vec<String> {
    let controls = strings(&window.script(&script("return controls().map(name)")).await);
    let steps = window.script(&script("return steps()")).await;
    let steps = steps
        .as_u64()
        .map_or(LONGEST_WALK, |steps| LONGEST_WALK.min(steps as usize));
    window
        .script(&script(
            "document.activeElement.blur();
             window.scrollTo(0, 0);
             window.getSelection().removeAllRanges();
             window.walk = [];
             document.addEventListener('focusin', event => {
                 const style = getComputedStyle(event.target);
                 const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
                 window.walk.push([name(event.target), ring]);
             })",
        ))
        .await;
    press_tab(window, steps).await;
    let walk = window.script("return window.walk").await;
    let walk = walk.as_array().expect("a list");
    let reached: BTreeSet<&str> = walk.iter().filter_map(|step| step[0].as_str()).collect();
    let unreached = controls
        .iter()
        .take(LONGEST_WALK)
        .filter(|control| !reached.contains(control.as_str()));
    let unseen: BTreeSet<&str> = walk
        .iter()
        .filter(|step| step[1] == false)
        .filter_map(|step| step[0].as_str())
        .collect();
    unreached
        .map(|control| format!("keyboard does not reach {control}"))
        .chain(
            unseen
                .iter()
                .map(|control| format!("focus does not show on {control}")),
        )
        .collect()
}

/// Where a page has a navigation, its first control leads past it, into the content.
async fn skip_link(window: &Window) -> Vec<String> {
    let target = window
        .script(&script(
            "if (!document.querySelector('nav')) return '';
             const skip = controls()[0];
             if (!skip || !(skip.getAttribute('href') || '').startsWith('#')) return null;
             skip.focus();
             return skip.getAttribute('href')",
        ))
        .await;
    let Some(target) = target.as_str() else {
        return vec!["begins with something else than a skip link".to_owned()];
    };
    if target.is_empty() {
        return vec![];
    }
    let enter = window.driver().action_chain().send_keys(Key::Enter);
    enter.perform().await.expect("a key can be pressed");
    press_tab(window, 1).await;
    let inside = window
        .script(&script(&format!(
            "const content = document.querySelector({});
             if (!content) return false;
             const within = controls().filter(control => content.contains(control));
             return within.length === 0 || content.contains(document.activeElement)",
            json!(target)
        )))
        .await;
    match inside == true {
        true => vec![],
        false => vec![format!("the skip link does not lead to {target}")],
    }
}

async fn press_tab(window: &Window, times: usize) {
    let keys = vec![Key::Tab.value(); times].into_iter().collect::<String>();
    let chain = window
        .driver()
        .action_chain_with_delay(Some(Duration::ZERO), Some(Duration::ZERO));
    chain
        .send_keys(keys)
        .perform()
        .await
        .expect("keys can be pressed");
}

/// `body`, with the functions that all of these share.
fn script(body: &str) -> String {
    format!("{}\n{body}", include_str!("controls.js"))
}

fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}
