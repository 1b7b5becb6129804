//! Who reports to whom, now or at a time: from the top, or from anybody.

use super::documents::{Person, read};
use super::filters;
use super::form::Query;
use super::frame::{Frame, Section};
use super::html;
use super::people::moment;
use super::session::Session;
use crate::error::PageFailure;
use crate::extract::Asked;
use crate::routes::ops;
use crate::state::App;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use rollcall_shared::store::{StoreError, history};
use serde::Deserialize;
use std::collections::HashMap;
use uuid::Uuid;

/// Direct reports in a page.
const PAGE: usize = 100;
/// Reports of a report that are shown without asking for them.
const UNASKED: usize = 25;
/// People at the top that are shown.
const TOPS: i64 = 200;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Shown {
    root: String,
    at: String,
    q: String,
    page: usize,
}

#[derive(Deserialize)]
struct Tree {
    at: DateTime<Utc>,
    root: Uuid,
    people: Vec<Placed>,
    above: Vec<Person>,
    truncated: bool,
}

/// Somebody with their place in the tree.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    #[serde(flatten)]
    person: Person,
    manager_id: Option<Uuid>,
    depth: i64,
}

/// Somebody who reports to the one the page is about, and who reports to them.
struct Branch {
    person: Person,
    reports: Vec<Person>,
    /// Reports that are not shown.
    more: usize,
}

/// Where to go on from here.
struct Pages {
    number: usize,
    last: usize,
}

#[derive(Template)]
#[template(path = "org.html")]
struct OrgPage {
    frame: Frame,
    shown: Shown,
    found: Vec<Person>,
    tops: Vec<Person>,
}

#[derive(Template)]
#[template(path = "org_below.html")]
struct BelowPage {
    frame: Frame,
    /// As it is asked for; empty for now.
    at: String,
    time: DateTime<Utc>,
    root: Person,
    above: Vec<Person>,
    branches: Vec<Branch>,
    reports: usize,
    /// There were too many people further down to be told of.
    truncated: bool,
    pages: Pages,
}

impl BelowPage {
    /// The tree from somebody else, at the same time.
    fn from(&self, id: &Uuid) -> String {
        address(id, &self.at, 1)
    }

    fn page(&self, number: &usize) -> String {
        address(&self.root.id, &self.at, *number)
    }
}

fn address(root: &Uuid, at: &str, page: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("root", &root.to_string());
    if !at.is_empty() {
        query.append_pair("at", at);
    }
    if page > 1 {
        query.append_pair("page", &page.to_string());
    }
    format!("/org?{}", query.finish())
}

/// `GET /org`; with `root`, from somebody; with `at`, as of a time.
pub(super) async fn page(
    State(app): State<App>,
    session: Session,
    Query(shown): Query<Shown>,
) -> Result<Response, PageFailure> {
    match shown.root.is_empty() {
        true => from_the_top(app, session, shown).await,
        false => below(app, session, shown).await,
    }
}

async fn from_the_top(app: App, session: Session, shown: Shown) -> Result<Response, PageFailure> {
    #[derive(Deserialize)]
    struct Found {
        people: Vec<Person>,
    }
    let found = match shown.q.is_empty() {
        true => vec![],
        false => {
            let asked = Asked::of(&[("q", &shown.q), ("count", "20")]);
            let found = ops::people::search(State(app.clone()), session.caller(), asked).await;
            read::<Found>(found)?.people
        }
    };
    let mut connection = app.searches.acquire().await.map_err(StoreError::from)?;
    let tops = history::tops(&mut connection, session.tenant, TOPS).await?;
    let tops = tops.into_iter().map(|brief| Person {
        id: brief.id,
        status: Some(brief.status),
        login: brief.login,
        email: brief.email,
        display_name: brief.display_name,
    });
    let page = OrgPage {
        frame: session.frame(Section::Org),
        tops: tops.collect(),
        found,
        shown,
    };
    Ok(html::page(&session, &page))
}

async fn below(app: App, session: Session, shown: Shown) -> Result<Response, PageFailure> {
    let at = match shown.at.is_empty() {
        true => String::new(),
        false => moment(&shown.at),
    };
    let asked = Asked::of(&[("root", &shown.root), ("at", &at), ("depth", "2")]);
    let tree: Tree = read(ops::org::org(State(app), session.caller(), asked).await)?;
    let (mut root, mut reports, mut further) = (None, vec![], HashMap::<Uuid, Vec<Person>>::new());
    for placed in tree.people {
        match (placed.depth, placed.manager_id) {
            (0, _) => root = Some(placed.person),
            (1, _) => reports.push(placed.person),
            (_, Some(manager)) => further.entry(manager).or_default().push(placed.person),
            (_, None) => {}
        }
    }
    let root = root.unwrap_or(Person {
        id: tree.root,
        status: None,
        login: None,
        email: None,
        display_name: None,
    });
    let count = reports.len();
    let last = count.div_ceil(PAGE).max(1);
    let number = shown.page.clamp(1, last);
    let branches = reports
        .into_iter()
        .skip((number - 1) * PAGE)
        .take(PAGE)
        .map(|person| {
            let mut reports = further.remove(&person.id).unwrap_or_default();
            let more = reports.len().saturating_sub(UNASKED);
            reports.truncate(UNASKED);
            Branch {
                person,
                reports,
                more,
            }
        });
    let page = BelowPage {
        frame: session.frame(Section::Org),
        at,
        time: tree.at,
        root,
        // The top first.
        above: tree.above.into_iter().rev().collect(),
        branches: branches.collect(),
        reports: count,
        truncated: tree.truncated,
        pages: Pages { number, last },
    };
    Ok(html::page(&session, &page))
}
