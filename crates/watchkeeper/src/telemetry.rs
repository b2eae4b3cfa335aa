//! Logs, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};
use watchkeeper_config::{Log, LogFormat, LogLevel};

/// Changes the level of a running process.
pub(crate) struct LevelSwitch(reload::Handle<Targets, Registry>);

impl LevelSwitch {
    /// Lines of this level and above are logged from now on.
    pub(crate) fn set(&self, level: LogLevel) {
        // It fails only where logging is gone altogether.
        let _ = self.0.reload(filter(level));
    }
}

/// Only our own lines are shown below `warn`: libraries' chatter helps nobody.
fn filter(level: LogLevel) -> Targets {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_target("watchkeeper", ours)
        .with_default(ours.min(LevelFilter::WARN))
}

/// Sets up logging for the process.
pub(crate) fn start(log: &Log) -> LevelSwitch {
    let (filter, handle) = reload::Layer::new(filter(log.level));
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let layer = match log.format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(colours)
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer()
            .with_writer(std::io::stderr)
            .json()
            .flatten_event(true)
            .boxed(),
    };
    // A second subscriber is only tried for by tests; the first stays.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
    LevelSwitch(handle)
}
