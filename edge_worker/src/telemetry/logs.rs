//! Structured logs: one JSON object a line, with the fields of the request it belongs to.

use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Writes the log of the whole process to standard output, and panics into it.
pub fn install(filter: &str) {
    install_on(filter, std::io::stdout);
}

/// The same on standard error: for commands, whose standard output is what they found.
pub fn install_on_stderr(filter: &str) {
    install_on(filter, std::io::stderr);
}

fn install_on<W>(filter: &str, writer: W)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let subscriber = subscriber(EnvFilter::new(filter), writer);
    // Only a second call fails, and the first one's log is as good.
    if tracing_subscriber::util::SubscriberInitExt::try_init(subscriber).is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// `RUST_LOG`, or the default where there is none or it is not usable; [`crate::Config`] then says so.
pub fn filter_from(variable: impl Fn(&str) -> Option<String>) -> String {
    variable("RUST_LOG")
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty() && EnvFilter::try_new(text).is_ok())
        .unwrap_or_else(|| "info".to_owned())
}

/// The form of the log, on any writer.
pub fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}

/// The place alone: the text of a panic may hold the data it tripped over.
fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info
        .location()
        .map_or_else(|| "unknown".to_owned(), ToString::to_string);
    tracing::error!(place, "a panic, which is a bug");
}
