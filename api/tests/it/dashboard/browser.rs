//! A browser, as far as the dashboard can tell: it keeps cookies and says where a form came from.

use crate::app::{Client, TestApp};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

pub(crate) struct Browser<'a> {
    pub app: &'a TestApp,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A page, or whatever else came.
#[derive(Debug)]
pub(crate) struct Page {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Page {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Page {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn leads_to(&self, path: &str) {
        let location = self.headers.get(LOCATION).map(|value| value.to_str().unwrap());
        assert_eq!((self.status, location), (303, Some(path)), "{self:?}");
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The token that the forms of this page send back.
    pub(crate) fn csrf(&self) -> String {
        let after = self.text.split(r#"name="csrf" value=""#).nth(1);
        let after = after.unwrap_or_else(|| panic!("no form: {self:?}"));
        after.split('"').next().unwrap().to_owned()
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Browser<'a> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Browser {
            app,
            http,
            cookies: Mutex::default(),
        }
    }

    /// Somebody who is logged in with this client's token.
    pub(crate) async fn logged_in(operator: &Client<'a>) -> Browser<'a> {
        let browser = Browser::new(operator.app);
        browser.log_in(&operator.secret).await.leads_to("/");
        browser
    }

    pub(crate) async fn log_in(&self, token: &str) -> Page {
        self.submit("/login", &[("token", token)]).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> = self
            .cookies()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.http.request(method, format!("{}{path}", self.app.url));
        match cookies.is_empty() {
            true => request,
            false => request.header(COOKIE, cookies.join("; ")),
        }
    }

    pub(crate) async fn open(&self, path: &str) -> Page {
        let request = self.request(Method::GET, path).header("accept", "text/html");
        self.send(request).await
    }

    /// Send a form from a page of ours.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.request(Method::POST, path).header("origin", &self.app.url);
        self.send(filled(request.header("sec-fetch-site", "same-origin"), fields))
            .await
    }

    /// Load `from` and send a form of it.
    pub(crate) async fn act(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.open(from).await.expect(200).csrf();
        self.submit(path, &[fields, &[("csrf", &csrf)]].concat()).await
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Page {
        self.read(request.send().await.unwrap()).await
    }

    async fn read(&self, response: Response) -> Page {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match cookie.contains("Max-Age=0") {
                true => self.cookies().remove(name),
                false => self.cookies().insert(name.to_owned(), value.to_owned()),
            };
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Page {
            status,
            headers,
            text,
        }
    }

    pub(crate) fn cookies(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap()
    }
}

/// A request with these fields of a form.
pub(crate) fn filled(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut form = form_urlencoded::Serializer::new(String::new());
    request
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.extend_pairs(fields).finish())
}
