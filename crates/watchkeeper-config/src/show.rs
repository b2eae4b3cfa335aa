//! `config show`: every value with its author.

use std::path::Path;
use std::time::Duration;

use watchkeeper_core::money::Usd;
use watchkeeper_core::secret::Secret;

use crate::config::{
    BackendKind, Config, LockScope, LogFormat, RedisAddress, RedisSettings, TlsFiles,
};
use crate::resolve::checks::{describe, label};
use crate::units;

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// What stands where there is no value.
const NONE: &str = "-";

/// Key and value of everything, in the order of [`crate::keys::KEYS`].
pub(crate) fn rows(config: &Config) -> Vec<(String, String)> {
    let mut rows = Rows(Vec::new());
    let fleet = &config.fleet;
    rows.put("fleet.name", fleet.name.as_str());
    rows.secret("fleet.secret", fleet.secret.as_ref());
    rows.put(
        "fleet.pod_id",
        fleet.pod_id.as_ref().map_or(NONE, |id| id.as_str()),
    );
    let coordination = &config.coordination;
    rows.put("coordination.enabled", coordination.enabled);
    rows.put("coordination.background", coordination.background);
    rows.put("coordination.interval", units::show(coordination.interval));
    rows.put("coordination.lock_ttl", units::show(coordination.lock_ttl));
    rows.put(
        "coordination.cache_ttl",
        units::show(coordination.cache_ttl),
    );
    let scope = match coordination.lock_scope {
        LockScope::Fleet => "fleet",
        LockScope::Check => "check",
    };
    rows.put("coordination.lock_scope", scope);
    rows.put("coordination.jitter", coordination.jitter);
    rows.backend(config);
    rows.put("probe.concurrency", config.probe.concurrency);
    rows.put("probe.timeout", units::show(config.probe.timeout));
    rows.put("probe.healthy_after", config.probe.healthy_after);
    rows.put("probe.unhealthy_after", config.probe.unhealthy_after);
    rows.put("probe.spread", units::show(config.probe.spread));
    rows.probe(config);
    let http = &config.http;
    rows.put("http.listen", http.listen);
    let keys = vec![HIDDEN; http.api_keys.len()].join(", ");
    rows.put("http.api_keys", format!("[{keys}]"));
    rows.put("http.allow_anonymous", http.allow_anonymous);
    rows.put("http.metrics_auth", http.metrics_auth);
    rows.put("http.public_dashboard", http.public_dashboard);
    rows.put("http.drain", units::show(http.drain));
    rows.put("log.level", config.log.level.as_str());
    let format = match config.log.format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    rows.put("log.format", format);
    let litellm = &config.litellm;
    rows.path("litellm.config", litellm.config.as_deref());
    rows.put("litellm.details", litellm.details);
    rows.put(
        "litellm.wire",
        litellm
            .wire
            .map_or("by rule".into(), |wire| wire.to_string()),
    );
    rows.path("litellm.cost_map", litellm.cost_map.as_deref());
    for check in &config.checks {
        rows.put(&label(check), describe(check));
    }
    rows.0
}

/// The rows as a table with three columns.
pub(crate) fn table(rows: &[(String, String, String)]) -> String {
    let width = |column: fn(&(String, String, String)) -> &String| {
        rows.iter()
            .map(|row| column(row).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (keys, values) = (width(|row| &row.0), width(|row| &row.1));
    // One endless address must not push every origin off the screen.
    let (keys, values) = (keys.min(48), values.min(48));
    let mut out = String::new();
    for (key, value, origin) in rows {
        out.push_str(&format!("{key:<keys$}  {value:<values$}  {origin}\n"));
    }
    out
}

struct Rows(Vec<(String, String)>);

impl Rows {
    fn put(&mut self, key: &str, value: impl ToString) {
        self.0.push((key.to_owned(), value.to_string()));
    }

    fn secret(&mut self, key: &str, secret: Option<&Secret>) {
        self.put(key, if secret.is_some() { HIDDEN } else { NONE });
    }

    fn path(&mut self, key: &str, path: Option<&Path>) {
        self.put(
            key,
            path.map_or(NONE.into(), |path| path.display().to_string()),
        );
    }

    fn probe(&mut self, config: &Config) {
        let probe = &config.probe;
        self.put("probe.probe", probe.kind.as_str());
        self.span("probe.intervals.inference", probe.inference_every);
        let passes: Vec<_> = probe.passes.iter().map(|pass| pass.as_str()).collect();
        self.put("probe.healthy_outcomes", format!("[{}]", passes.join(", ")));
        self.path("probe.ca", probe.ca.as_deref());
        self.put("probe.proxy", probe.proxies);
        for (name, _) in &probe.headers {
            self.put(&format!("probe.headers.{name}"), HIDDEN);
        }
        for (name, own) in &probe.providers {
            let table = format!("probe.providers.{name}");
            if let Some(kind) = own.kind {
                self.put(&format!("{table}.probe"), kind.as_str());
            }
            if own.inference_every.is_some() {
                self.span(&format!("{table}.intervals.inference"), own.inference_every);
            }
        }
        for (name, most) in &probe.lanes {
            self.put(&format!("probe.providers.{name}.concurrency"), most);
        }
        let amount = |usd: Option<Usd>| usd.map_or(NONE.into(), |usd| usd.to_string());
        self.put("budget.per_day", amount(config.budget.fleet));
        for (name, most) in &config.budget.providers {
            self.put(&format!("budget.providers.{name}"), amount(Some(*most)));
        }
    }

    fn span(&mut self, key: &str, span: Option<Duration>) {
        self.put(key, span.map_or(NONE.into(), units::show));
    }

    fn list<T: ToString>(&mut self, key: &str, items: &[T]) {
        let items: Vec<String> = items.iter().map(T::to_string).collect();
        self.put(key, format!("[{}]", items.join(", ")));
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        self.put(key, text.unwrap_or(NONE));
    }

    fn tls(&mut self, table: &str, tls: &TlsFiles) {
        self.path(&format!("{table}.ca"), tls.ca.as_deref());
        self.path(&format!("{table}.cert"), tls.cert.as_deref());
        self.path(&format!("{table}.key"), tls.key.as_deref());
        self.text(&format!("{table}.server_name"), tls.server_name.as_deref());
    }

    fn backend(&mut self, config: &Config) {
        let kind = match &config.backend.kind {
            BackendKind::Memory => "memory",
            BackendKind::Redis(_) => "redis",
            BackendKind::Etcd(_) => "etcd",
        };
        self.put("backend.kind", kind);
        self.put("backend.timeout", units::show(config.backend.timeout));
        match &config.backend.kind {
            BackendKind::Memory => {}
            BackendKind::Redis(redis) => self.redis(redis),
            BackendKind::Etcd(etcd) => {
                self.list("backend.etcd.endpoints", &etcd.endpoints);
                self.text("backend.etcd.username", etcd.username.as_deref());
                self.secret("backend.etcd.password", etcd.password.as_ref());
                self.tls("backend.etcd.tls", &etcd.tls);
            }
        }
    }

    fn redis(&mut self, redis: &RedisSettings) {
        let by_url = match &redis.address {
            RedisAddress::Url(url) => {
                self.secret("backend.redis.url", Some(url));
                true
            }
            RedisAddress::Unix(path) => {
                self.put("backend.redis.url", format!("unix://{}", path.display()));
                true
            }
            RedisAddress::Host(server) => {
                self.put("backend.redis.host", &server.host);
                self.put("backend.redis.port", server.port);
                false
            }
            RedisAddress::Sentinel(_) | RedisAddress::Cluster(_) => false,
        };
        if !by_url {
            self.put("backend.redis.db", redis.db);
        }
        // Beside a url only where they stand there: most often the url has them.
        if !by_url || redis.username.is_some() {
            self.text("backend.redis.username", redis.username.as_deref());
        }
        if !by_url || redis.password.is_some() {
            self.secret("backend.redis.password", redis.password.as_ref());
        }
        if !by_url {
            self.put("backend.redis.ssl", redis.ssl);
        }
        self.text("backend.redis.namespace", redis.namespace.as_deref());
        self.tls("backend.redis.tls", &redis.tls);
        match &redis.address {
            RedisAddress::Sentinel(sentinel) => {
                self.put("backend.redis.sentinel.master", &sentinel.master);
                self.list("backend.redis.sentinel.nodes", &sentinel.nodes);
                let user = sentinel.username.as_deref();
                self.text("backend.redis.sentinel.username", user);
                let password = sentinel.password.as_ref();
                self.secret("backend.redis.sentinel.password", password);
            }
            RedisAddress::Cluster(nodes) => self.list("backend.redis.cluster", nodes),
            _ => {}
        }
    }
}
