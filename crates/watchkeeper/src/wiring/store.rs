//! Which backend, and how it is reached.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_config::{BackendKind, RedisSettings};
use watchkeeper_core::cache::Store;
use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::Clock;
use watchkeeper_memory::MemoryStore;
use watchkeeper_redis::{CompanionOptions, RedisOptions, RedisStore, TlsOptions};

use crate::exit::Failure;

/// A backend and its name.
pub(crate) struct Wired {
    pub(crate) name: &'static str,
    pub(crate) store: Arc<dyn Store>,
}

/// Builds the configured backend. Does not wait for its servers: they may come later. Call it on the runtime.
pub(crate) fn build(
    kind: &BackendKind,
    timeout: Duration,
    fleet: &FleetName,
    companions: Option<CompanionOptions>,
    clock: &Arc<dyn Clock>,
) -> Result<Wired, Failure> {
    match kind {
        BackendKind::Memory => Ok(Wired {
            name: "memory",
            store: Arc::new(MemoryStore::new(Arc::clone(clock))),
        }),
        BackendKind::Redis(settings) => {
            let mut options = redis_options(settings, timeout, fleet)?;
            options.companions = companions;
            let store = RedisStore::connect(options).map_err(Failure::bad_config)?;
            Ok(Wired {
                name: "redis",
                store: Arc::new(store),
            })
        }
    }
}

fn redis_options(
    settings: &RedisSettings,
    timeout: Duration,
    fleet: &FleetName,
) -> Result<RedisOptions, Failure> {
    let mut options = if let Some(url) = &settings.url {
        RedisOptions::from_url(fleet.clone(), url.expose()).map_err(Failure::bad_config)?
    } else {
        let host = settings.host.as_deref().unwrap_or("127.0.0.1");
        let mut options = RedisOptions::new(fleet.clone(), host, settings.port);
        options.db = settings.db;
        options.username.clone_from(&settings.username);
        options.password.clone_from(&settings.password);
        options.tls = settings.ssl.then(TlsOptions::default);
        options
    };
    options.timeout = timeout;
    if let Some(tls) = &mut options.tls {
        let files = &settings.tls;
        tls.ca = files
            .ca
            .as_deref()
            .map(|path| read("backend.redis.tls.ca", path))
            .transpose()?;
        tls.cert = files
            .cert
            .as_deref()
            .map(|path| read("backend.redis.tls.cert", path))
            .transpose()?;
        tls.key = files
            .key
            .as_deref()
            .map(|path| {
                let bytes = read("backend.redis.tls.key", path)?;
                let text = String::from_utf8(bytes).map_err(|_| {
                    Failure::bad_config(format!(
                        "`backend.redis.tls.key` {} is no PEM file",
                        path.display()
                    ))
                })?;
                Ok(Secret::new(text))
            })
            .transpose()?;
    }
    Ok(options)
}

/// The file that a key names.
pub(super) fn read(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::bad_config(format!(
            "`{key}` names {}, which cannot be read: {error}",
            path.display()
        ))
    })
}
