//! What an OpenTelemetry collector is sent: a real one, as far as taking spans goes.

use super::harness::{Options, Stack, Tenant, people, within};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Spans by the service that sent them.
type Spans = Arc<Mutex<Vec<(String, Span)>>>;

struct Collector {
    url: String,
    spans: Spans,
}

impl Collector {
    async fn start() -> Collector {
        let spans = Spans::default();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&spans));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Collector { url, spans }
    }

    /// Those of a trace, once there are spans of all these names.
    async fn trace(&self, id: &str, names: &[&str]) -> Vec<(String, Span)> {
        within(SOON, "the collector has the spans", async || {
            let spans = self.spans.lock().unwrap().clone();
            let spans: Vec<_> = spans
                .into_iter()
                .filter(|(_, span)| hex(&span.trace_id) == id)
                .collect();
            let there = |name: &&str| spans.iter().any(|(_, span)| span.name == *name);
            names.iter().all(there).then_some(spans)
        })
        .await
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) {
    let sent = ExportTraceServiceRequest::decode(body).unwrap();
    for of_service in sent.resource_spans {
        let service = attribute(&of_service.resource.unwrap().attributes, "service.name");
        let scopes = of_service.scope_spans.into_iter();
        let found = scopes
            .flat_map(|scope| scope.spans)
            .map(|span| (service.clone(), span));
        spans.lock().unwrap().extend(found);
    }
}

fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?} of {attributes:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn settings(endpoint: &str) -> Vec<(&'static str, String)> {
    vec![
        (ENDPOINT, endpoint.to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
    ]
}

/// Create a User within the caller's trace; answers the receipt.
async fn create(tenant: &Tenant, user_name: &str, traceparent: &str) -> String {
    let (base, token) = tenant.scim.credentials();
    let answer = reqwest::Client::new()
        .post(format!("{base}/Users"))
        .bearer_auth(token)
        .header("traceparent", traceparent)
        .json(&people::user(user_name, None))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    answer.headers()["set-txn"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn request_of_a_traced_caller_is_followed_to_its_apply_and_names_nobody() {
    let collector = Collector::start().await;
    let options = Options {
        environment: settings(&collector.url),
        ..Options::default()
    };
    let mut stack = Stack::start(options).await;
    let tenant = stack.tenant("traced").await;
    let unsampled = "11111111111111111111111111111111";
    create(
        &tenant,
        "untraced@example.com",
        &format!("00-{unsampled}-2222222222222222-00"),
    )
    .await;
    let (id, caller) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let receipt = create(
        &tenant,
        "ada.lovelace@example.com",
        &format!("00-{id}-{caller}-01"),
    )
    .await;
    stack.converged(SOON).await;

    let request = "POST /scim/v2/Users";
    let names = [request, "accept batch", "commit", "reconcile job", "apply"];
    let spans = collector.trace(id, &names).await;
    let span = |name: &str| spans.iter().find(|(_, span)| span.name == name).unwrap();
    let (service, request) = span(request);
    assert_eq!(
        (service.as_str(), hex(&request.parent_span_id)),
        ("rollcall-api", caller.to_owned())
    );
    assert_eq!(attribute(&request.attributes, "txn"), receipt);
    assert_eq!(attribute(&request.attributes, "http.response.status_code"), "201");
    assert_eq!(attribute(&request.attributes, "tenant"), tenant.id.to_string());
    for (name, service) in [
        ("accept batch", "rollcall-api"),
        ("reconcile job", "rollcall-worker"),
    ] {
        let (sender, span) = span(name);
        assert_eq!(sender, service, "{name}");
        let linked = span
            .links
            .iter()
            .any(|link| link.span_id == request.span_id && hex(&link.trace_id) == id);
        assert!(linked, "{name} is not linked to the request: {span:?}");
    }
    let (_, job) = span("reconcile job");
    assert_eq!(span("apply").1.parent_span_id, job.span_id);

    let all = collector.spans.lock().unwrap().clone();
    assert!(
        all.iter().all(|(_, span)| hex(&span.trace_id) != unsampled),
        "an unsampled request is traced"
    );
    let told = format!("{all:?}").to_lowercase();
    for value in ["lovelace", "example.com"] {
        assert!(!told.contains(value), "spans tell {value}");
    }
    // What is left is sent when the process ends.
    let last = "33333333333333333333333333333333";
    create(
        &tenant,
        "last@example.com",
        &format!("00-{last}-4444444444444444-01"),
    )
    .await;
    assert!(stack.apis[0].terminate(SOON).await.success());
    collector.trace(last, &["POST /scim/v2/Users"]).await;
}

#[tokio::test]
async fn process_without_a_collector_set_sends_nothing_and_leaves_no_trace_in_the_outbox() {
    let collector = Collector::start().await;
    let mut environment = settings("");
    // Ours decides, not what the library would read.
    environment.push((
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        format!("{}/v1/traces", collector.url),
    ));
    let options = Options {
        environment,
        ..Options::default()
    };
    let mut stack = Stack::prepare(options).await;
    stack.apis[0].start();
    stack.apis[0].ready().await;
    let tenant = stack.tenant("untraced").await;
    create(
        &tenant,
        "ada@example.com",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    .await;
    let traced: (i64, i64) = sqlx::query_as("select count(*), count(traceparent) from pending")
        .fetch_one(&stack.db)
        .await
        .unwrap();
    assert_eq!(traced, (1, 0));
    stack.workers[0].start();
    stack.workers[0].ready().await;
    stack.converged(SOON).await;
    assert!(stack.apis[0].terminate(SOON).await.success());
    assert_eq!(collector.spans.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn collector_out_of_reach_keeps_nobody_from_anything() {
    // Nobody listens there any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let options = Options {
        environment: settings(&endpoint),
        ..Options::default()
    };
    let mut stack = Stack::start(options).await;
    let tenant = stack.tenant("unreachable").await;
    for number in 0..50 {
        let trace = format!("00-{:032x}-b7ad6b7169203331-01", number + 1);
        create(&tenant, &format!("u{number}"), &trace).await;
    }
    stack.converged(SOON).await;
    for process in stack.apis.iter_mut().chain(&mut stack.workers) {
        assert!(process.terminate(SOON).await.success());
    }
}
