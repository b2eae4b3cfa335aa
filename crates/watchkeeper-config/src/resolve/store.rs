//! `[backend]`: which store, and etcd's settings.

use std::time::Duration;

use url::Url;

use super::Resolver;
use crate::config::{Backend, BackendKind, EtcdSettings, TlsFiles};
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::lenient::Text;
use crate::litellm::Cache;
use crate::raw::{self, Raw};

/// Longest time for one store operation.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Memory,
    Redis,
    Etcd,
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
            Named::Etcd => self.etcd(&raw.etcd).map(BackendKind::Etcd),
        }
    }

    /// As written; else Redis where something names one; else memory.
    fn named(&mut self, raw: &raw::Backend) -> Result<Named, ConfigError> {
        if let Some(kind) = &raw.kind {
            return self.choice(
                "backend.kind",
                &kind.0,
                &[
                    ("memory", Named::Memory),
                    ("redis", Named::Redis),
                    ("etcd", Named::Etcd),
                ],
            );
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

    fn etcd(&mut self, raw: &raw::Etcd) -> Result<EtcdSettings, ConfigError> {
        let key = "backend.etcd.endpoints";
        let mut endpoints = Vec::new();
        for endpoint in raw.endpoints.iter().flat_map(|list| &list.0) {
            let endpoint = self.text(key, endpoint)?;
            let good = Url::parse(&endpoint).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
            });
            if !good {
                return Err(self.invalid(
                    key,
                    "must be URLs such as `http://etcd:2379`, without user and password: those have keys of their own",
                ));
            }
            endpoints.push(endpoint);
        }
        if endpoints.is_empty() {
            return Err(self.invalid(
                key,
                "is missing: with `backend.kind = \"etcd\"` give at least one URL such as `http://etcd:2379`",
            ));
        }
        let username = match &raw.username {
            None => None,
            Some(name) => Some(self.text("backend.etcd.username", &name.0)?),
        };
        let password = match &raw.password {
            None => None,
            Some(password) => Some(self.secret("backend.etcd.password", &password.0)?),
        };
        if username.is_some() != password.is_some() {
            let given = if username.is_some() {
                "backend.etcd.username"
            } else {
                "backend.etcd.password"
            };
            return Err(self.invalid(
                given,
                "stands alone: give `username` and `password` together",
            ));
        }
        Ok(EtcdSettings {
            endpoints,
            username,
            password,
            tls: self.tls("backend.etcd.tls", &raw.tls)?,
        })
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
