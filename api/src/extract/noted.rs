//! What handlers ask of a query string, for the test that compares it with the description.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::Future;

/// What one request was asked.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    /// The handler takes the query string to look into it by itself.
    pub by_itself: bool,
    /// Parameters looked for, there or not.
    pub read: BTreeSet<String>,
    /// Parameters that are not refused, where others are.
    pub allowed: Option<BTreeSet<String>>,
}

tokio::task_local! {
    static NOTED: RefCell<Noted>;
}

/// Note what is asked while this goes on.
pub(crate) async fn during<T>(request: impl Future<Output = T>) -> (T, Noted) {
    let noting = async {
        let answer = request.await;
        (answer, NOTED.with(RefCell::take))
    };
    NOTED.scope(RefCell::default(), noting).await
}

pub(super) fn begin() {
    change(|noted| noted.by_itself = true);
}

pub(super) fn note(name: &str) {
    change(|noted| noted.read.extend([name.to_owned()]));
}

pub(super) fn allow(known: &[&str], prefix: Option<&str>) {
    let known = known.iter().map(|name| (*name).to_owned());
    let prefixed = prefix.map(|prefix| format!("{prefix}{{key}}"));
    change(|noted| noted.allowed = Some(known.chain(prefixed).collect()));
}

/// Other tests note nothing.
fn change(how: impl FnOnce(&mut Noted)) {
    let _ = NOTED.try_with(|noted| how(&mut noted.borrow_mut()));
}
