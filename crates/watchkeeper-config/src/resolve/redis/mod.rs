//! `[backend.redis]`, with what LiteLLM and `REDIS_*` add.
//!
//! Where it is, is said once (`address`). The variables fill in what is left, key by key, as LiteLLM has it; a URL takes
//! nothing from them.

mod address;
mod url;

use watchkeeper_core::secret::Secret;

use self::address::Place;
use super::Resolver;
use crate::config::{HostPort, RedisAddress, RedisSettings, SentinelSettings, TlsFiles};
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::lenient::Opaque;
use crate::raw;

pub(super) use self::address::{ADDRESS_KEYS, ADDRESS_VARIABLES};

/// Redis' own port.
const DEFAULT_PORT: u16 = 6379;
/// More databases than any server is given.
const MAX_DB: u64 = 1_000_000;
/// Where what TLS needs stands.
const TLS: &str = "backend.redis.tls";

/// What is told beside the address.
struct Access {
    db: u32,
    username: Option<String>,
    password: Option<Secret>,
    ssl: bool,
    tls: TlsFiles,
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
        if let Some(port) = self.env.get("REDIS_PORT")
            && port.starts_with("tcp://")
        {
            self.warnings.push(format!(
                "`REDIS_PORT` is `{port}`, which Kubernetes sets for a service named redis: it is ignored"
            ));
        }
        let Some((place, rank)) = self.place(raw)? else {
            return self.nowhere();
        };
        let namespace = match &raw.namespace {
            Some(namespace) => Some(self.text("backend.redis.namespace", &namespace.0)?),
            None => None,
        };
        let mut settings = match place {
            Place::Url(text) => self.by_url(raw, &text, rank)?,
            Place::Host(host) => self.by_host(raw, &host)?,
            Place::Sentinel(nodes) => self.by_sentinel(raw, &nodes, rank)?,
            Place::Cluster(nodes) => self.by_cluster(raw, &nodes, rank)?,
        };
        settings.namespace = namespace.filter(|namespace| !namespace.is_empty());
        Ok(Some(settings))
    }

    fn nowhere(&mut self) -> Result<Option<RedisSettings>, ConfigError> {
        if self.layers.has("backend.kind") {
            return Err(self.invalid(
                "backend.kind",
                "is `redis`, but nothing says where it is: set `backend.redis.url`, `host`, `sentinel` or `cluster`, or \
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

    fn by_host(&mut self, raw: &raw::Redis, host: &str) -> Result<RedisSettings, ConfigError> {
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
        let access = self.access(raw)?;
        Ok(settings(
            RedisAddress::Host(HostPort { host, port }),
            access,
        ))
    }

    fn by_sentinel(
        &mut self,
        raw: &raw::Redis,
        nodes: &[String],
        rank: Rank,
    ) -> Result<RedisSettings, ConfigError> {
        let (nodes_key, master_key) = (
            "backend.redis.sentinel.nodes",
            "backend.redis.sentinel.master",
        );
        self.refuse_port(raw, "sentinel", rank)?;
        if nodes.is_empty() {
            return Err(self.invalid(
                master_key,
                "stands alone: give the sentinels too, in `nodes` (LiteLLM: `sentinel_nodes`), or leave it out",
            ));
        }
        let master = match &raw.sentinel.master {
            Some(master) => Some(self.text(master_key, &master.0)?),
            None => self.filled_text("sentinel.master", "REDIS_SERVICE_NAME"),
        };
        let Some(master) = master.filter(|master| !master.trim().is_empty()) else {
            return Err(self.invalid(
                nodes_key,
                "needs the name under which the sentinels know the primary: give `master` (LiteLLM: `service_name`, \
                 `REDIS_SERVICE_NAME`)",
            ));
        };
        let nodes = self.servers(nodes_key, nodes)?;
        let access = self.access(raw)?;
        let password = match &raw.sentinel.password {
            Some(password) => Some(self.text("backend.redis.sentinel.password", &password.0)?),
            None => self.filled_text("sentinel.password", "REDIS_SENTINEL_PASSWORD"),
        };
        let password = password.filter(|text| !text.is_empty()).map(Secret::new);
        let username = match &raw.sentinel.username {
            Some(name) => Some(self.text("backend.redis.sentinel.username", &name.0)?),
            // LiteLLM has one user name for both.
            None if rank <= Rank::Litellm && password.is_some() => access.username.clone(),
            None => None,
        };
        let address = RedisAddress::Sentinel(SentinelSettings {
            master: master.trim().to_owned(),
            nodes,
            username: username.filter(|name| !name.is_empty()),
            password,
        });
        Ok(settings(address, access))
    }

    fn by_cluster(
        &mut self,
        raw: &raw::Redis,
        nodes: &[String],
        rank: Rank,
    ) -> Result<RedisSettings, ConfigError> {
        self.refuse_port(raw, "cluster", rank)?;
        let nodes = self.servers("backend.redis.cluster", nodes)?;
        let access = self.access(raw)?;
        if access.db != 0 {
            return Err(self.invalid(
                "backend.redis.db",
                format!(
                    "is {}, but a cluster has only database 0: write 0",
                    access.db
                ),
            ));
        }
        Ok(settings(RedisAddress::Cluster(nodes), access))
    }

    /// A port beside a list whose servers have their own, in one source of ours or a stronger one.
    fn refuse_port(&self, raw: &raw::Redis, list: &str, rank: Rank) -> Result<(), ConfigError> {
        let key = "backend.redis.port";
        if raw.port.is_some() && self.layers.rank(key) >= rank.max(Rank::Toml) {
            return Err(self.invalid(
                key,
                format!(
                    "stands beside `{list}`, whose servers have ports of their own: leave it out"
                ),
            ));
        }
        Ok(())
    }

    /// What is told beside an address, each from the strongest source that says it, at last a variable.
    fn access(&mut self, raw: &raw::Redis) -> Result<Access, ConfigError> {
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
        let username = self.told("username", raw.username.as_ref(), "REDIS_USERNAME")?;
        let password = self.told("password", raw.password.as_ref(), "REDIS_PASSWORD")?;
        let mut tls = self.tls(TLS, &raw.tls)?;
        for (name, variable, file) in [
            ("ca", "REDIS_SSL_CA_CERTS", &mut tls.ca),
            ("cert", "REDIS_SSL_CERTFILE", &mut tls.cert),
            ("key", "REDIS_SSL_KEYFILE", &mut tls.key),
        ] {
            if ssl && file.is_none() {
                let path = self.filled_text(&format!("tls.{name}"), variable);
                *file = path.map(|path| self.working_dir.join(path));
            }
        }
        let tls = self.in_pairs(TLS, tls)?;
        if !ssl {
            self.warn_of_unused_tls(&tls, "set `backend.redis.ssl = true`");
        }
        Ok(Access {
            db,
            username,
            password: password.map(Secret::new),
            ssl,
            tls,
        })
    }

    fn told(
        &mut self,
        name: &str,
        raw: Option<&Opaque>,
        variable: &str,
    ) -> Result<Option<String>, ConfigError> {
        let text = match raw {
            Some(text) => Some(self.text(&format!("backend.redis.{name}"), &text.0)?),
            None => self.filled_text(name, variable),
        };
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Whoever names an authority believes that the connection is safe.
    fn warn_of_unused_tls(&mut self, tls: &TlsFiles, remedy: &str) {
        let given = [
            ("ca", tls.ca.is_some()),
            ("cert", tls.cert.is_some()),
            ("server_name", tls.server_name.is_some()),
        ];
        if let Some((name, _)) = given.into_iter().find(|(_, given)| *given) {
            let key = format!("{TLS}.{name}");
            self.warnings.push(format!(
                "{}: `{key}` is not used, since the connection has no TLS: {remedy}, or leave it out",
                self.origin(&key)
            ));
        }
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

fn settings(address: RedisAddress, access: Access) -> RedisSettings {
    RedisSettings {
        address,
        db: access.db,
        username: access.username,
        password: access.password,
        ssl: access.ssl,
        tls: access.tls,
        namespace: None,
    }
}
