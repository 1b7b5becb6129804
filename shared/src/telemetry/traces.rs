//! Traces (OpenTelemetry), sent to a collector by OTLP over HTTP where one is configured.
//!
//! A trace begins with a request. What it leads to happens later, in another process, and together
//! with what other requests lead to: so a change carries its request's `traceparent` through the
//! outbox, and the job that applies it has a link to each request. Only sampled requests leave one
//! there.
//!
//! Spans of traces are made by [`traced!`](crate::traced), apart from the span that gives log lines
//! their request: without a collector they are disabled where they are made, and every function here
//! returns at once. Attributes are names, counts and ids of tenants and receipts, never values.

use super::logs::{self, LogConfig, LogFilterError};
use async_trait::async_trait;
use clap::Args;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, propagation::Injector};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What tells spans of traces from others.
pub const TARGET: &str = "rollcall_trace";
/// Longest time a collector may take for one batch of spans, and at the end for what is left.
const LONGEST: Duration = Duration::from_secs(5);
/// Links of one span; OpenTelemetry keeps no more.
pub const MOST_LINKS: usize = 128;

static ON: AtomicBool = AtomicBool::new(false);

/// A span of a trace, as `tracing::trace_span!` makes one.
#[macro_export]
macro_rules! traced {
    ($($span:tt)*) => {
        tracing::trace_span!(target: $crate::telemetry::traces::TARGET, $($span)*)
    };
}

/// Whether requests are traced, and which.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Traces")]
pub struct TraceConfig {
    /// OpenTelemetry collector that takes OTLP over HTTP, e.g. http://127.0.0.1:4318; without it,
    /// nothing is traced
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,

    /// Share of requests that are traced, from 0 to 1; one whose traceparent says that it is
    /// sampled always is
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value_t = 1.0, value_name = "RATIO", value_parser = ratio)]
    trace_ratio: f64,
}

impl TraceConfig {
    /// Where a collector is set; an empty setting is none.
    fn endpoint(&self) -> Option<&str> {
        self.otlp_endpoint.as_deref().filter(|url| !url.is_empty())
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

/// A setting of logs or traces cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(transparent)]
    Logs(#[from] LogFilterError),
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT must begin with http://: the collector runs beside this process")]
    Scheme,
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used")]
    Exporter(#[source] ExporterBuildError),
}

/// Spans on their way to the collector.
#[must_use = "what is left must be sent in the end"]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Send what is left, for a few seconds at most.
    pub async fn finish(self) {
        let Some(provider) = self.0 else { return };
        let sent = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LONGEST)).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

/// Begin to log, and to trace where a collector is set. Must be called on the runtime.
///
/// # Errors
/// When a setting cannot be used. A collector out of reach is none: spans wait for it in a queue, and
/// are dropped when that is full.
pub fn init(logs: &LogConfig, traces: &TraceConfig, service: &'static str) -> Result<Traces, TelemetryError> {
    let Some(endpoint) = traces.endpoint() else {
        logs::init_logs(&logs.filter, logs.format)?;
        return Ok(Traces(None));
    };
    if !endpoint.starts_with("http://") {
        return Err(TelemetryError::Scheme);
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(OnRuntime {
            client: HyperClient::with_default_connector(LONGEST, None),
            runtime: Handle::current(),
        })
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(LONGEST)
        .build()
        .map_err(TelemetryError::Exporter)?;
    // The requests' own choice first, so that no trace has holes.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.trace_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name(service).build())
        .build();
    let installed = logs::init_logs_and_spans(logs, provider.tracer("rollcall"))?;
    ON.store(installed, Ordering::Relaxed);
    Ok(Traces(Some(provider)))
}

/// Sends from the exporter's thread by the runtime, which it is not part of.
#[derive(Debug)]
struct OnRuntime {
    client: HyperClient,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        sent.await?
    }
}

/// Whether anything is traced at all.
pub fn on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// What a traced caller sent in `traceparent` goes on in this span.
pub fn go_on(span: &Span, traceparent: Option<&str>) {
    if let (true, Some(traceparent)) = (on(), traceparent) {
        // Refused only for a span that is disabled or has begun: then there is nothing to go on.
        let _ = span.set_parent(context(traceparent));
    }
}

/// The W3C `traceparent` of the current span; `None` when it is not sampled.
pub fn current() -> Option<Arc<str>> {
    if !on() {
        return None;
    }
    let context = Span::current().context();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut carrier = Carrier::default();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.0.map(Arc::from)
}

/// A span of what comes of these requests, by their `traceparent`s: below the first and linked to each.
/// Disabled where there is none, so that nothing is traced which no sampled request led to.
pub fn comes_of<'a>(traceparents: impl IntoIterator<Item = &'a str>, make: impl FnOnce() -> Span) -> Span {
    if !on() {
        return Span::none();
    }
    let requests: BTreeSet<&str> = traceparents.into_iter().collect();
    let Some(first) = requests.first() else {
        return Span::none();
    };
    let span = make();
    go_on(&span, Some(first));
    for request in requests.into_iter().take(MOST_LINKS) {
        span.add_link(context(request).span().span_context().clone());
    }
    span
}

/// A step of what is being traced; disabled where nothing is.
pub fn step(make: impl FnOnce() -> Span) -> Span {
    match on() && Span::current().context().span().span_context().is_sampled() {
        true => make(),
        false => Span::none(),
    }
}

/// The part of a carrier that travels.
#[derive(Default)]
struct Carrier(Option<String>);

impl Injector for Carrier {
    fn set(&mut self, key: &str, value: String) {
        if key == "traceparent" {
            self.0 = Some(value);
        }
    }
}

fn context(traceparent: &str) -> Context {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_is_read_and_what_is_none_leads_nowhere() {
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = context(traceparent);
        let read = read.span().span_context().clone();
        assert!(read.is_valid() && read.is_sampled() && read.is_remote());
        assert_eq!(read.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(read.span_id().to_string(), "b7ad6b7169203331");
        for none in ["", "00-0-0-01", "nonsense", &traceparent[..52]] {
            assert!(!context(none).span().span_context().is_valid(), "{none}");
        }
    }

    #[test]
    fn ratio_is_a_number_from_0_to_1() {
        assert_eq!(
            (ratio("0"), ratio("0.25"), ratio("1")),
            (Ok(0.0), Ok(0.25), Ok(1.0))
        );
        for wrong in ["", "-0.1", "1.1", "NaN", "half"] {
            assert!(ratio(wrong).is_err(), "{wrong}");
        }
    }
}
