//! Text to validated [`Config`].
//!
//! ```text
//!   defaults < seed's env < LiteLLM file < TOML < WATCHKEEPER__… < flags      (figment keeps who said what)
//!        └──────────── raw (as written) ── resolve (references, units, relations) ──▶ Config
//! ```
//!
//! The process environment is never read: it comes in as a map, so a test needs no process of its own.

mod config;
mod error;
mod keys;
mod layers;
mod lenient;
mod load;
mod raw;
mod reference;
mod resolve;
mod show;
mod source;
mod units;

pub use config::{
    Backend, BackendKind, Config, Coordination, EtcdSettings, Fleet, HostPort, Http, Litellm,
    LockScope, Log, LogFormat, LogLevel, Probe, ProviderProbe, RedisAddress, RedisSettings,
    SentinelSettings, TlsFiles,
};
pub use error::ConfigError;
pub use load::{BuiltIn, Inputs, Loaded, load};
pub use reference::{markdown as reference_markdown, schema as reference_schema};
pub use units::duration;
