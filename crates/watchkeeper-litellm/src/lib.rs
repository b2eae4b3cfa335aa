//! Everything this project knows of LiteLLM (version 1.106.2): what its configuration file means, which ids it gives its
//! deployments, what its answers look like, and what its own pods write into Redis and read from it.
//!
//! ```text
//!   proxy_config.yaml ──▶ yaml (1.1) ──▶ file ──▶ checks, settings, the Redis it names
//!                                          └─ model_id ◀── python (what Python prints)
//!   a cost map ──▶ cost_map ──▶ modes and prices
//!   a check and its entry ──▶ entry ──▶ LiteLLM's lists
//! ```
//!
//! Only [`disk`] touches the world: it reads files.

mod cost_map;
pub mod disk;
pub mod entry;
mod error;
mod file;
pub mod mode;
pub mod nodes;
pub mod provider;
mod python;
pub mod shown;
pub mod wire;
mod yaml;

pub use cost_map::{CostEntry, CostMap, MAX_COST_MAP_BYTES, RATES, Rates};
pub use error::LitellmError;
pub use file::environ::PREFIX as ENVIRON_PREFIX;
pub use file::{Cache, Deployment, LitellmFile, MAX_INFERENCE_INTERVAL, Setting};
pub use yaml::MAX_FILE_BYTES;

/// The version of LiteLLM that all of this was observed on.
pub const VERSION: &str = "1.106.2";
