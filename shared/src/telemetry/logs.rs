use super::traces;
use clap::{Args, ValueEnum};
use opentelemetry_sdk::trace::SdkTracer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// What is logged, and how. Logs go to standard error; standard output belongs to commands.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogConfig {
    /// What to log: a level, or directives such as info,rollcall_api=debug
    #[arg(
        long = "log",
        env = "ROLLCALL_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub filter: String,

    /// One JSON object per line, or text for people
    #[arg(long = "log-format", env = "ROLLCALL_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub format: LogFormat,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// The filter in the settings cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("ROLLCALL_LOG is not a log filter")]
pub struct LogFilterError(#[source] tracing_subscriber::filter::ParseError);

/// Send this process's logs to standard error. Without effect when logging is set up already,
/// as when several instances run in one process.
///
/// # Errors
/// When the filter cannot be read.
pub fn init_logs(filter: &str, format: LogFormat) -> Result<(), LogFilterError> {
    let filter = EnvFilter::try_new(filter).map_err(LogFilterError)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let installed = match format {
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
        LogFormat::Text => builder.try_init(),
    };
    if installed.is_err() {
        tracing::debug!("logging is set up already");
    }
    Ok(())
}

/// As [`init_logs`], and give the spans of traces to `tracer`; answers whether it is set up.
pub(super) fn init_logs_and_spans(config: &LogConfig, tracer: SdkTracer) -> Result<bool, LogFilterError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(LogFilterError)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // Neither what is logged nor where in the code: events and spans of logs stay in the logs.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_target(traces::TARGET, tracing::Level::TRACE));
    let lines = match config.format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_filter(filter)
            .boxed(),
        LogFormat::Text => lines.with_filter(filter).boxed(),
    };
    let installed = tracing_subscriber::registry().with(lines).with(spans).try_init();
    Ok(installed.is_ok())
}
