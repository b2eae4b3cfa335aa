//! `[backend.redis]`, with what LiteLLM and `REDIS_*` add.
//!
//! A URL and a host exclude each other: the stronger source's one holds. The variables fill in what is left, key by
//! key, as LiteLLM has it; a URL takes nothing from them.

use std::cmp::Ordering;

use url::Url;
use watchkeeper_core::secret::Secret;

use super::Resolver;
use crate::config::RedisSettings;
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::lenient::Opaque;
use crate::raw;

/// Redis' own port.
const DEFAULT_PORT: u16 = 6379;
/// More databases than any server is given.
const MAX_DB: u64 = 1_000_000;
/// What is to be done about a topology that is not there yet.
const LATER: &str =
    "comes with a later version: give `url` or `host` of a plain Redis in `[backend.redis]`";

enum Address {
    Url(String),
    Host(String),
    Nowhere,
}

impl Resolver<'_> {
    /// A variable of Redis that is set: exported by LiteLLM's file, or in the environment. The `REDIS_PORT` that
    /// Kubernetes makes of a service named redis does not count.
    pub(super) fn redis_variable(&self, name: &str) -> Option<String> {
        let exported = self.litellm.and_then(|file| file.exported.get(name));
        let value = exported.or_else(|| self.env.get(name))?;
        let blank = value.trim().is_empty();
        let kubernetes = name == "REDIS_PORT" && value.starts_with("tcp://");
        (!blank && !kubernetes).then(|| value.clone())
    }

    /// None where only LiteLLM's file asks for Redis and nothing says where it is.
    pub(super) fn redis(&mut self, raw: &raw::Redis) -> Result<Option<RedisSettings>, ConfigError> {
        for (key, given) in [
            ("backend.redis.sentinel", raw.sentinel.is_some()),
            ("backend.redis.cluster", raw.cluster.is_some()),
        ] {
            if given {
                return Err(self.invalid(key, LATER));
            }
        }
        if let Some(port) = self.env.get("REDIS_PORT")
            && port.starts_with("tcp://")
        {
            self.warnings.push(format!(
                "`REDIS_PORT` is `{port}`, which Kubernetes sets for a service named redis: it is ignored"
            ));
        }
        let address = self.address(raw)?;
        self.refuse_topologies(&address)?;
        let namespace = match &raw.namespace {
            Some(namespace) => Some(self.text("backend.redis.namespace", &namespace.0)?),
            None => None,
        };
        let empty = RedisSettings {
            url: None,
            host: None,
            port: DEFAULT_PORT,
            db: 0,
            username: None,
            password: None,
            ssl: false,
            tls: self.tls("backend.redis.tls", &raw.tls)?,
            namespace: namespace.filter(|namespace| !namespace.is_empty()),
        };
        match address {
            Address::Url(url) => self.by_url(raw, &url, empty).map(Some),
            Address::Host(host) => self.by_host(raw, host, empty).map(Some),
            Address::Nowhere => {
                if let Some(url) = self.filled_text("url", "REDIS_URL") {
                    self.by_url(&raw::Redis::default(), &url, empty).map(Some)
                } else if let Some(host) = self.filled_text("host", "REDIS_HOST") {
                    self.by_host(raw, host, empty).map(Some)
                } else {
                    self.nowhere()
                }
            }
        }
    }

    /// The address of the stronger source. LiteLLM lets a URL win where both are given; in our own it is a mistake.
    fn address(&self, raw: &raw::Redis) -> Result<Address, ConfigError> {
        let (url_key, host_key) = ("backend.redis.url", "backend.redis.host");
        let url = match &raw.url {
            Some(url) => Some(self.text(url_key, &url.0)?).filter(|url| !url.is_empty()),
            None => None,
        };
        let host = match &raw.host {
            Some(host) => Some(self.text(host_key, &host.0)?).filter(|host| !host.is_empty()),
            None => None,
        };
        match (url, host) {
            (None, None) => Ok(Address::Nowhere),
            (Some(url), None) => Ok(Address::Url(url)),
            (None, Some(host)) => Ok(Address::Host(host)),
            (Some(url), Some(host)) => {
                let by_url = self.layers.rank(url_key);
                match by_url.cmp(&self.layers.rank(host_key)) {
                    Ordering::Greater => Ok(Address::Url(url)),
                    Ordering::Less => Ok(Address::Host(host)),
                    Ordering::Equal if by_url <= Rank::Litellm => Ok(Address::Url(url)),
                    Ordering::Equal => Err(self.invalid(
                        host_key,
                        "stands beside `url`, which says it too: leave one of them out",
                    )),
                }
            }
        }
    }

    /// The variables of other topologies go before an address that LiteLLM's file gives, but not before our own.
    fn refuse_topologies(&self, address: &Address) -> Result<(), ConfigError> {
        let rank = match address {
            Address::Nowhere => Rank::Default,
            Address::Url(_) => self.layers.rank("backend.redis.url"),
            Address::Host(_) => self.layers.rank("backend.redis.host"),
        };
        if rank > Rank::Litellm {
            return Ok(());
        }
        for (variable, key) in [
            ("REDIS_CLUSTER_NODES", "backend.redis.cluster"),
            ("REDIS_SENTINEL_NODES", "backend.redis.sentinel"),
        ] {
            if self.redis_variable(variable).is_some() {
                return Err(ConfigError::Invalid {
                    origin: variable.into(),
                    key: key.into(),
                    why: format!("{LATER}, or unset the variable"),
                });
            }
        }
        Ok(())
    }

    fn nowhere(&mut self) -> Result<Option<RedisSettings>, ConfigError> {
        if self.layers.has("backend.kind") {
            return Err(self.invalid(
                "backend.kind",
                "is `redis`, but nothing says where it is: set `backend.redis.url` or `backend.redis.host`, or \
                 `REDIS_URL` or `REDIS_HOST`",
            ));
        }
        let file = self.litellm.map_or("", |file| &file.name);
        self.warnings.push(format!(
            "{file}: the cache is Redis, but nothing says where it is, so this pod uses the in-memory store and checks \
             for itself: set `litellm_settings.cache_params.host`, or `REDIS_HOST`"
        ));
        self.origins.remove("backend.kind");
        Ok(None)
    }

    fn by_url(
        &mut self,
        raw: &raw::Redis,
        text: &str,
        empty: RedisSettings,
    ) -> Result<RedisSettings, ConfigError> {
        let key = "backend.redis.url";
        // Never repeated: it may hold a password.
        let bad = "must be like `redis://user:password@host:6379/0`, or begin with `rediss://` for TLS; \
                   reserved characters in user and password are percent-encoded";
        let mut url = Url::parse(text).map_err(|_| self.invalid(key, bad))?;
        match url.scheme() {
            "redis" | "rediss" | "valkey" | "valkeys" if url.has_host() => {}
            "unix" | "redis+unix" | "valkey+unix" => {
                return Err(self.invalid(
                    key,
                    "names a unix socket, which comes with a later version: give a `redis://` or `rediss://` url",
                ));
            }
            _ => return Err(self.invalid(key, bad)),
        }
        let rank = self.layers.rank(key).max(Rank::Toml);
        for (name, given) in [
            ("port", raw.port.is_some()),
            ("db", raw.db.is_some()),
            ("ssl", raw.ssl.is_some()),
        ] {
            let name = format!("backend.redis.{name}");
            if given && self.layers.rank(&name) >= rank {
                return Err(self.invalid(
                    &name,
                    "stands beside `url`, which says it too: put it into the url, or give `host` in place of `url`",
                ));
            }
        }
        // User and password may stand beside the url, since a secret is best kept apart.
        let user = self.beside("backend.redis.username", raw.username.as_ref(), rank)?;
        let password = self.beside("backend.redis.password", raw.password.as_ref(), rank)?;
        let changed = user.is_some() || password.is_some();
        if let Some(user) = user {
            if !url.username().is_empty() {
                return Err(self.twice("backend.redis.username"));
            }
            url.set_username(&user)
                .map_err(|()| self.invalid(key, bad))?;
        }
        if let Some(password) = password {
            if url.password().is_some() {
                return Err(self.twice("backend.redis.password"));
            }
            url.set_password(Some(&password))
                .map_err(|()| self.invalid(key, bad))?;
        }
        let text = if changed { url.as_str() } else { text };
        Ok(RedisSettings {
            url: Some(Secret::new(text)),
            ..empty
        })
    }

    fn twice(&self, key: &str) -> ConfigError {
        self.invalid(key, "stands in the url too: leave one of them out")
    }

    /// A value that one of our own sources puts beside a URL.
    fn beside(
        &self,
        key: &str,
        raw: Option<&Opaque>,
        url: Rank,
    ) -> Result<Option<String>, ConfigError> {
        match raw {
            Some(value) if self.layers.rank(key) >= url => self.text(key, &value.0).map(Some),
            _ => Ok(None),
        }
    }

    fn by_host(
        &mut self,
        raw: &raw::Redis,
        host: String,
        empty: RedisSettings,
    ) -> Result<RedisSettings, ConfigError> {
        let host = host.trim().to_owned();
        if host.contains(['/', '@']) || host.contains(char::is_whitespace) {
            return Err(self.invalid(
                "backend.redis.host",
                "must be a name or an address alone: a url goes into `url`, a port into `port`",
            ));
        }
        let port = match raw.port {
            Some(port) => self.count("backend.redis.port", port.0, 1, 65_535)?,
            None => self
                .filled("port", "REDIS_PORT", 1, 65_535)?
                .unwrap_or(DEFAULT_PORT),
        };
        let db = match raw.db {
            Some(db) => self.count("backend.redis.db", db.0, 0, MAX_DB)?,
            None => self.filled("db", "REDIS_DB", 0, MAX_DB)?.unwrap_or(0),
        };
        let ssl = match raw.ssl {
            Some(ssl) => ssl.0,
            None => match self.filled_text("ssl", "REDIS_SSL") {
                None => false,
                Some(text) => self.choice(
                    "backend.redis.ssl",
                    &text,
                    &[
                        ("true", true),
                        ("false", false),
                        ("1", true),
                        ("0", false),
                        ("yes", true),
                        ("no", false),
                    ],
                )?,
            },
        };
        let username = match &raw.username {
            Some(name) => Some(self.text("backend.redis.username", &name.0)?),
            None => self.filled_text("username", "REDIS_USERNAME"),
        };
        let password = match &raw.password {
            Some(password) => Some(self.text("backend.redis.password", &password.0)?),
            None => self.filled_text("password", "REDIS_PASSWORD"),
        };
        Ok(RedisSettings {
            host: Some(host),
            port,
            db,
            ssl,
            username: username.filter(|name| !name.is_empty()),
            password: password.filter(|text| !text.is_empty()).map(Secret::new),
            ..empty
        })
    }

    fn filled_text(&mut self, name: &str, variable: &str) -> Option<String> {
        let value = self.redis_variable(variable)?;
        self.origins
            .insert(format!("backend.redis.{name}"), variable.to_owned());
        Some(value)
    }

    fn filled<T: TryFrom<u64>>(
        &mut self,
        name: &str,
        variable: &str,
        least: u64,
        most: u64,
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.filled_text(name, variable) else {
            return Ok(None);
        };
        let key = format!("backend.redis.{name}");
        let value = text.trim().parse().map_err(|_| {
            let why = format!("must be a number between {least} and {most}, not `{text}`");
            self.invalid(&key, why)
        })?;
        self.count(&key, value, least, most).map(Some)
    }
}
