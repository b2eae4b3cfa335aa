//! `[backend]`: which store.

use std::time::Duration;

use watchkeeper_litellm::Cache;

use super::Resolver;
use crate::config::{Backend, BackendKind, TlsFiles};
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::lenient::Text;
use crate::raw::{self, Raw};

/// Longest time for one store operation.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Memory,
    Redis,
}

impl Resolver<'_> {
    pub(super) fn backend(&mut self, raw: &Raw) -> Result<Backend, ConfigError> {
        let timeout = self.within(
            "backend.timeout",
            raw.backend.timeout.0,
            Duration::from_millis(1),
            MAX_TIMEOUT,
        )?;
        let kind = match self.kind(&raw.backend) {
            Err(error) if self.without_store => {
                self.warnings
                    .push(format!("{error} (this command needs no store)"));
                BackendKind::Memory
            }
            kind => kind?,
        };
        Ok(Backend { kind, timeout })
    }

    fn kind(&mut self, raw: &raw::Backend) -> Result<BackendKind, ConfigError> {
        match self.named(raw)? {
            Named::Memory => {
                self.warn_of_unused_redis();
                Ok(BackendKind::Memory)
            }
            Named::Redis => Ok(self
                .redis(&raw.redis)?
                .map_or(BackendKind::Memory, BackendKind::Redis)),
        }
    }

    /// As written; else Redis where something names one; else memory.
    fn named(&mut self, raw: &raw::Backend) -> Result<Named, ConfigError> {
        if let Some(kind) = &raw.kind {
            let key = "backend.kind";
            if self.text(key, &kind.0)?.trim().eq_ignore_ascii_case("etcd") {
                return Err(self.invalid(
                    key,
                    "is `etcd`, which this build does not have: use `redis` or `memory`",
                ));
            }
            let known = [("memory", Named::Memory), ("redis", Named::Redis)];
            return self.choice(key, &kind.0, &known);
        }
        for key in ["url", "host", "sentinel", "cluster"] {
            let key = format!("backend.redis.{key}");
            if self.layers.rank(&key) > Rank::Litellm {
                let origin = self.layers.origin(&key);
                self.origins.insert("backend.kind".into(), origin);
                return Ok(Named::Redis);
            }
        }
        if let Some(file) = self.litellm {
            match &file.cache {
                Cache::Redis(_) => {
                    let origin = format!("{}: its cache is Redis", file.name);
                    self.origins.insert("backend.kind".into(), origin);
                    return Ok(Named::Redis);
                }
                Cache::Unsupported(why) => {
                    return Err(ConfigError::Litellm {
                        file: file.name.clone(),
                        why: why.clone(),
                    });
                }
                Cache::None => {}
            }
        }
        for variable in [
            "REDIS_URL",
            "REDIS_HOST",
            "REDIS_CLUSTER_NODES",
            "REDIS_SENTINEL_NODES",
        ] {
            if self.redis_variable(variable).is_some() {
                self.origins.insert("backend.kind".into(), variable.into());
                return Ok(Named::Redis);
            }
        }
        Ok(Named::Memory)
    }

    fn warn_of_unused_redis(&mut self) {
        for key in ["backend.redis.url", "backend.redis.host"] {
            if self.layers.rank(key) > Rank::Litellm {
                self.warnings.push(format!(
                    "{}: `{key}` is not used, since `backend.kind` is `memory`: leave out one of them",
                    self.layers.origin(key)
                ));
            }
        }
    }

    pub(super) fn tls(&self, table: &str, raw: &raw::Tls) -> Result<TlsFiles, ConfigError> {
        let path = |name: &str, text: &Option<Text>| match text {
            None => Ok(None),
            Some(text) => self.path(&format!("{table}.{name}"), &text.0).map(Some),
        };
        let files = TlsFiles {
            ca: path("ca", &raw.ca)?,
            cert: path("cert", &raw.cert)?,
            key: path("key", &raw.key)?,
        };
        if files.cert.is_some() != files.key.is_some() {
            let given = if files.cert.is_some() { "cert" } else { "key" };
            return Err(self.invalid(
                &format!("{table}.{given}"),
                "stands alone: a client certificate needs both `cert` and `key`",
            ));
        }
        Ok(files)
    }
}
