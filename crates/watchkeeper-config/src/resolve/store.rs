//! `[backend]`: which store.

use std::time::Duration;

use watchkeeper_litellm::Cache;

use super::Resolver;
use super::etcd::ENDPOINTS;
use super::redis::{ADDRESS_KEYS, ADDRESS_VARIABLES};
use crate::config::{Backend, BackendKind};
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::raw::{self, Raw};

/// Longest time for one store operation.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Memory,
    Redis,
    Etcd,
}

/// Where the kind stands.
const KIND: &str = "backend.kind";

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
        let named = self.named(raw)?;
        self.refuse_left_out(named)?;
        self.warn_of_unused(named);
        match named {
            Named::Memory => Ok(BackendKind::Memory),
            Named::Redis => Ok(self
                .redis(&raw.redis)?
                .map_or(BackendKind::Memory, BackendKind::Redis)),
            Named::Etcd => self.etcd(&raw.etcd).map(BackendKind::Etcd),
        }
    }

    /// As written; else the one whose address one of our own sources gives; else Redis where LiteLLM has one; else memory.
    fn named(&mut self, raw: &raw::Backend) -> Result<Named, ConfigError> {
        if let Some(kind) = &raw.kind {
            let known = [
                ("memory", Named::Memory),
                ("redis", Named::Redis),
                ("etcd", Named::Etcd),
            ];
            return self.choice(KIND, &kind.0, &known);
        }
        let redis = self.own_redis();
        let etcd = self.layers.has(ENDPOINTS);
        if let (Some(redis), true) = (redis, etcd) {
            return Err(self.invalid(
                redis,
                format!(
                    "stands beside `{ENDPOINTS}`, and nothing says which is meant: set `{KIND}` to `redis` or `etcd`"
                ),
            ));
        }
        let own = redis.map(|key| (key, Named::Redis));
        if let Some((key, named)) = own.or(etcd.then_some((ENDPOINTS, Named::Etcd))) {
            let origin = self.layers.origin(key);
            self.origins.insert(KIND.into(), origin);
            return Ok(named);
        }
        if let Some(file) = self.litellm {
            match &file.cache {
                Cache::Redis(_) => {
                    let origin = format!("{}: its cache is Redis", file.name);
                    self.origins.insert(KIND.into(), origin);
                    return Ok(Named::Redis);
                }
                Cache::Unusable(why) => {
                    return Err(ConfigError::Litellm {
                        file: file.name.clone(),
                        why: why.clone(),
                    });
                }
                Cache::None => {}
            }
        }
        for variable in ADDRESS_VARIABLES {
            if self.redis_variable(variable).is_some() {
                self.origins.insert(KIND.into(), variable.into());
                return Ok(Named::Redis);
            }
        }
        Ok(Named::Memory)
    }

    /// The key by which one of our own sources says where a Redis is.
    pub(super) fn own_redis(&self) -> Option<&'static str> {
        let mut keys = ADDRESS_KEYS.into_iter();
        keys.find(|key| self.layers.rank(key) > Rank::Litellm)
    }

    fn refuse_left_out(&self, named: Named) -> Result<(), ConfigError> {
        let built_in = self.built_in;
        let (name, other, other_is_there) = match named {
            Named::Redis if !built_in.redis => ("redis", "etcd", built_in.etcd),
            Named::Etcd if !built_in.etcd => ("etcd", "redis", built_in.redis),
            _ => return Ok(()),
        };
        let choices = if other_is_there {
            format!("`{other}` or `memory`")
        } else {
            "`memory`".to_owned()
        };
        Err(self.invalid(
            KIND,
            format!(
                "is `{name}`, which this build leaves out: build with `--features {name}`, or choose {choices}"
            ),
        ))
    }

    fn warn_of_unused(&mut self, named: Named) {
        let kind = match named {
            Named::Memory => "memory",
            Named::Redis => "redis",
            Named::Etcd => "etcd",
        };
        let redis = self.own_redis().filter(|_| named != Named::Redis);
        let etcd = (named != Named::Etcd && self.layers.has(ENDPOINTS)).then_some(ENDPOINTS);
        for key in redis.into_iter().chain(etcd) {
            self.warnings.push(format!(
                "{}: `{key}` is not used, since `{KIND}` is `{kind}`: leave out one of them",
                self.layers.origin(key)
            ));
        }
    }
}
