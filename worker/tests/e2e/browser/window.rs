//! A browser that is looking at one deployment, and what people do with it.
//!
//! Whatever is done is tried until it works or its deadline has passed: pages change under the
//! eyes of their reader.

use super::chromium::Chromium;
use super::locator::{Locator, button, field};
use super::look::Look;
use crate::harness::within_or;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{WebDriver, WebElement};

/// Longest wait for what a page shows.
const PATIENCE: Duration = Duration::from_secs(15);

/// In CSS pixels.
const HIGHEST_PICTURE: u64 = 2400;

pub(super) struct Window {
    chromium: Chromium,
    base: String,
}

impl Window {
    /// A browser for the deployment at `base`, with a wide light screen.
    pub(super) async fn onto(base: String, chromium: Chromium) -> Window {
        let window = Window { chromium, base };
        Look::Light.apply(window.driver()).await;
        window
    }

    pub(super) fn driver(&self) -> &WebDriver {
        self.chromium.driver()
    }

    /// `http://host:port` of what it looks at.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) async fn open(&self, path: &str) {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.base),
        };
        self.driver().goto(url.as_str()).await.expect("the page loads");
    }

    /// Path and query of the page it shows.
    pub(super) async fn path(&self) -> String {
        let url = self.driver().current_url().await.expect("a page is open");
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", url.path())
    }

    pub(super) async fn log_in(&self, token: &str) {
        self.open("/login").await;
        self.fill(&field("Operator token"), token).await;
        self.click(&button("Log in")).await;
        self.arrives("/").await;
    }

    pub(super) async fn click(&self, what: &Locator) {
        self.until(&format!("{what:?} can be clicked"), PATIENCE, async || {
            self.find(what).await?.click().await
        })
        .await;
    }

    pub(super) async fn fill(&self, what: &Locator, value: &str) {
        self.until(&format!("{what:?} can be filled"), PATIENCE, async || {
            let element = self.find(what).await?;
            element.clear().await?;
            element.send_keys(value).await
        })
        .await;
    }

    /// Choose the option `value` says.
    pub(super) async fn choose(&self, what: &Locator, value: &str) {
        self.until(
            &format!("{value} of {what:?} can be chosen"),
            PATIENCE,
            async || {
                let select = thirtyfour::components::SelectElement::new(&self.find(what).await?).await?;
                select.select_by_visible_text(value).await
            },
        )
        .await;
    }

    /// Wait until the page shows it; answers what it says.
    pub(super) async fn sees(&self, what: &Locator) -> String {
        self.sees_within(PATIENCE, what).await
    }

    pub(super) async fn sees_within(&self, deadline: Duration, what: &Locator) -> String {
        self.until(&format!("the page shows {what:?}"), deadline, async || {
            let element = self.find(what).await?;
            match element.is_displayed().await? {
                true => element.text().await,
                false => Err(not_yet("it is hidden")),
            }
        })
        .await
    }

    /// Load the page again and again until it shows it, as somebody impatient would.
    pub(super) async fn reloads_until(&self, what: &Locator) {
        self.until(
            &format!("the page shows {what:?} when it is loaded again"),
            PATIENCE,
            async || {
                self.driver().refresh().await?;
                self.find(what).await.map(|_| ())
            },
        )
        .await;
    }

    /// Say yes to what the page asks.
    pub(super) async fn agree(&self) {
        self.until("the page asks", PATIENCE, async || {
            self.driver().accept_alert().await
        })
        .await;
    }

    /// Wait until it says exactly this.
    pub(super) async fn says(&self, what: &Locator, words: &str) {
        self.until(&format!("{what:?} says {words:?}"), PATIENCE, async || {
            let said = self.find(what).await?.text().await?;
            match said == words {
                true => Ok(()),
                false => Err(not_yet(&said)),
            }
        })
        .await;
    }

    /// Wait until the page shown is the one at `path`, whatever its query.
    pub(super) async fn arrives(&self, path: &str) {
        self.until(&format!("{path} is open"), PATIENCE, async || {
            let url = self.driver().current_url().await?;
            match url.path() == path {
                true => Ok(()),
                false => Err(not_yet(url.path())),
            }
        })
        .await;
    }

    /// The page as HTML.
    pub(super) async fn source(&self) -> String {
        self.driver().source().await.expect("a page is open")
    }

    /// What a script on the page answers.
    pub(super) async fn script(&self, script: &str) -> Value {
        let answer = self.driver().execute(script, vec![]).await;
        answer.expect("the script works").json().clone()
    }

    /// What a script on the page gives to its last argument.
    pub(super) async fn script_async(&self, script: &str) -> Value {
        let answer = self.driver().execute_async(script, vec![]).await;
        answer.expect("the script works").json().clone()
    }

    async fn find(&self, what: &Locator) -> WebDriverResult<WebElement> {
        self.driver().find(what.by()).await
    }

    async fn until<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut attempt: impl AsyncFnMut() -> WebDriverResult<T>,
    ) -> T {
        let mut last = None;
        let done = within_or(deadline, async || {
            attempt().await.map_err(|error| last = Some(error)).ok()
        })
        .await;
        match done {
            Some(done) => done,
            None => {
                let picture = self.screenshot("failure").await;
                panic!(
                    "not within {deadline:?}: {what}\n{}\nat {}, see {}\n{}",
                    last.map(|error| error.to_string()).unwrap_or_default(),
                    self.path().await,
                    picture.display(),
                    self.script("return document.body.innerText")
                        .await
                        .as_str()
                        .unwrap_or_default()
                )
            }
        }
    }

    /// Keep what the window shows as `target/screenshots/<name>.png`.
    pub(super) async fn screenshot(&self, name: &str) -> PathBuf {
        let path = picture(name);
        self.driver().screenshot(&path).await.expect("a picture");
        path
    }

    /// Keep the page, also what has to be scrolled to, as `target/screenshots/<name>.png`.
    pub(super) async fn screenshot_of_page(&self, name: &str) -> PathBuf {
        let size = self
            .script("const { clientWidth, scrollHeight } = document.documentElement; return [clientWidth, scrollHeight]")
            .await;
        let height = size[1].as_u64().map(|height| height.min(HIGHEST_PICTURE));
        let area = json!({ "x": 0, "y": 0, "width": size[0], "height": height, "scale": 1 });
        let wanted = json!({ "captureBeyondViewport": true, "clip": area });
        let taken = self
            .driver()
            .cdp()
            .send_raw("Page.captureScreenshot", wanted)
            .await;
        let taken = taken.expect("a picture");
        let data = BASE64_STANDARD.decode(taken["data"].as_str().expect("a text"));
        let path = picture(name);
        std::fs::write(&path, data.expect("base64")).expect("a file under target");
        path
    }
}

fn picture(name: &str) -> PathBuf {
    let folder = devstack::project_dir().join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("a folder under target");
    folder.join(format!("{name}.png"))
}

fn not_yet(why: &str) -> thirtyfour::error::WebDriverError {
    thirtyfour::error::WebDriverError::from_inner(thirtyfour::error::WebDriverErrorInner::Timeout(
        why.to_owned(),
    ))
}
