//! The checks find what they look for, and nothing on a page that is as it should be.

use super::axe::Axe;
use super::checks::faults;
use super::chromium::Chromium;
use super::look::Look;
use super::window::Window;
use axum::Router;
use axum::response::Html;
use axum::routing::get;

/// What Rollcall sends with its pages, more or less: nothing of it may keep the checks from working.
const POLICY: &str = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'self'";

const SOUND: &str = r##"<!doctype html><html lang="en"><head>
    <meta name="viewport" content="width=device-width"><title>Sound</title><link rel="icon" href="data:,"></head>
    <body><a href="#content">Skip to content</a><nav><a href="/">Home</a></nav>
    <main id="content" tabindex="-1"><h1>Sound</h1>
    <form><label>Name <input name="name"></label>
    <label><input type="radio" name="kind" value="a">A</label>
    <label><input type="radio" name="kind" value="b">B</label><button>Go</button></form>
    <details><summary>More</summary><a href="/more">Hidden until it is opened</a></details>
    </main></body></html>"##;

const FAULTY: &str = r##"<!doctype html><html><head><meta name="viewport" content="width=device-width"><title>Faulty</title>
    <link rel="icon" href="data:,"><style>
    .faint { color: #bbb; background: #fff } a.blind:focus { outline: none } .wide { width: 900px }
    </style></head>
    <body><nav><a href="/faulty">This page</a></nav><main><h1>Faulty</h1><a class="blind" href="/">Home</a>
    <p class="faint">Hardly to be read</p><input name="unlabelled">
    <button tabindex="-1">Shy</button>
    <p class="wide">Wide</p>
    <img alt="" src="http://elsewhere.invalid/pixel.png">
    <script>console.error("something broke")</script></main></body></html>"##;

async fn serve() -> String {
    let policy = [("content-security-policy", POLICY)];
    let router = Router::new()
        .route("/sound", get(move || async move { (policy, Html(SOUND)) }))
        .route("/faulty", get(|| async { Html(FAULTY) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_of_a_sound_and_of_a_faulty_page_find_every_fault_and_no_other() {
    let window = Window::onto(serve().await, Chromium::start().await).await;
    let axe = Axe::load();

    for look in Look::ALL {
        look.apply(window.driver()).await;
        window.open("/sound").await;
        assert_eq!(faults(&window, &axe, look).await, [] as [&str; 0], "{look:?}");
    }

    Look::Phone.apply(window.driver()).await;
    window.open("/faulty").await;
    let found = faults(&window, &axe, Look::Phone).await;
    for expected in [
        "console: SEVERE",
        "something broke",
        "requests http://elsewhere.invalid/pixel.png",
        "axe, serious: Elements must meet minimum color contrast",
        "axe, critical: Form elements must have labels",
        "scrolls sideways",
        "keyboard does not reach button Shy",
        "focus does not show on a / Home",
        "begins with something else than a skip link",
    ] {
        let told = found.iter().any(|fault| fault.contains(expected));
        assert!(told, "nothing says {expected:?} in {found:#?}");
    }
}
