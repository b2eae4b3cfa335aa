//! Which backend, and how it is reached. The one place where the kind is looked at.

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "redis")]
mod redis;

use std::sync::Arc;

use watchkeeper_config::{BackendKind, BuiltIn, Config};
use watchkeeper_core::cache::Store;
use watchkeeper_core::time::Clock;
use watchkeeper_memory::MemoryStore;

use crate::exit::Failure;

/// The stores that this build has beside the in-memory one. What asks for another is refused with the configuration.
pub(crate) const BUILT_IN: BuiltIn = BuiltIn {
    redis: cfg!(feature = "redis"),
    etcd: cfg!(feature = "etcd"),
};

/// Version and stores, as `--version` prints them.
pub(crate) const LONG_VERSION: &str = match (BUILT_IN.redis, BUILT_IN.etcd) {
    (true, true) => concat!(env!("CARGO_PKG_VERSION"), "\nstores: memory, redis, etcd"),
    (true, false) => concat!(env!("CARGO_PKG_VERSION"), "\nstores: memory, redis"),
    (false, true) => concat!(env!("CARGO_PKG_VERSION"), "\nstores: memory, etcd"),
    (false, false) => concat!(env!("CARGO_PKG_VERSION"), "\nstores: memory"),
};

/// A backend and its name.
pub(crate) struct Wired {
    pub(crate) name: &'static str,
    /// Where it is, for people, without secrets.
    pub(crate) address: String,
    pub(crate) store: Arc<dyn Store>,
}

/// Builds the configured backend. Does not wait for its servers: they may come later. Call it on the runtime.
///
/// # Errors
/// Where a file cannot be read or the options do not fit together; names the key.
pub(crate) fn build(
    config: &Config,
    serves_litellm: bool,
    clock: &Arc<dyn Clock>,
) -> Result<Wired, Failure> {
    #[cfg(not(feature = "redis"))]
    let _ = serves_litellm;
    match &config.backend.kind {
        BackendKind::Memory => Ok(Wired {
            name: "memory",
            address: "this process".to_owned(),
            store: Arc::new(MemoryStore::new(Arc::clone(clock))),
        }),
        #[cfg(feature = "redis")]
        BackendKind::Redis(settings) => redis::build(settings, config, serves_litellm),
        #[cfg(feature = "etcd")]
        BackendKind::Etcd(settings) => etcd::build(settings, config, clock),
        #[cfg(not(feature = "redis"))]
        BackendKind::Redis(_) => Err(left_out("redis")),
        #[cfg(not(feature = "etcd"))]
        BackendKind::Etcd(_) => Err(left_out("etcd")),
    }
}

/// Not reached: such a configuration is refused when it is read.
#[cfg(not(all(feature = "redis", feature = "etcd")))]
fn left_out(kind: &str) -> Failure {
    Failure::bad_config(format!(
        "`backend.kind` is `{kind}`, which this build leaves out: build with `--features {kind}`"
    ))
}

/// The most bytes of one report that the configured backend takes.
pub(crate) fn report_bytes(kind: &BackendKind) -> usize {
    match kind {
        #[cfg(feature = "redis")]
        BackendKind::Redis(_) => watchkeeper_redis::MAX_REPORT_BYTES,
        #[cfg(feature = "etcd")]
        BackendKind::Etcd(_) => watchkeeper_etcd::MAX_REPORT_BYTES,
        _ => watchkeeper_memory::MAX_REPORT_BYTES,
    }
}
