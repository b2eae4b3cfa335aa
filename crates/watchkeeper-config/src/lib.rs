//! Text to validated [`Config`].
//!
//! ```text
//!   defaults < seed's env < LiteLLM file < TOML < WATCHKEEPER__… < flags      (figment keeps who said what)
//!        └──────────── raw (strings) ── resolve (references, units) ── validate (relations) ──▶ Config
//! ```
//!
//! The process environment is never read: it comes in as a map, so a test needs no process of its own.

mod config;
mod error;
mod litellm;
mod shown;
mod source;
mod units;
mod yaml;

pub use config::{
    Backend, BackendKind, Config, Coordination, EtcdSettings, Fleet, Http, Litellm, LockScope, Log,
    LogFormat, LogLevel, Probe, RedisSettings, TlsFiles,
};
pub use error::ConfigError;

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a pod was started with.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--litellm-config`.
    pub litellm_config: Option<PathBuf>,
    /// Dotted key, value, and where it came from (`--listen`).
    pub overrides: Vec<(String, String, String)>,
    /// Where relative paths start, and where `watchkeeper.toml` is looked for.
    pub working_dir: PathBuf,
}

/// A configuration with its history.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is odd but usable, one line each, to be logged at start.
    pub warnings: Vec<String>,
    /// Who set a key, by dotted key: `default`, a file and line, a variable, a flag.
    pub origins: BTreeMap<String, String>,
}

impl Loaded {
    /// Every value with its origin, secrets as stars, as an aligned table.
    #[must_use]
    pub fn show(&self) -> String {
        String::new()
    }
}

/// Reads, merges, resolves and checks everything.
///
/// # Errors
/// The first [`ConfigError`] met.
pub fn load(_inputs: &Inputs) -> Result<Loaded, ConfigError> {
    Err(ConfigError::NothingGiven("to be written".into()))
}
