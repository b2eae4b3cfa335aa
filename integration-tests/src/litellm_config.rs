//! Configuration files as users write them, for the fleet tests.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// A LiteLLM `proxy_config.yaml` whose models are `openai/<name>` behind one `api_base`.
///
/// `model_name` is `<name>-group`, so that a test can tell the name, the model asked and the id apart.
#[derive(Clone, Debug)]
pub struct LitellmConfig {
    api_base: String,
    models: Vec<Model>,
    redis: Option<SocketAddr>,
    namespace: Option<String>,
    interval_seconds: u32,
    general: String,
    litellm: String,
}

/// One deployment.
#[derive(Clone, Debug)]
struct Model {
    name: String,
    group: String,
    info: String,
}

impl LitellmConfig {
    /// These models at `api_base`, checked in the background every 5 s, without a cache.
    #[must_use]
    pub fn new(api_base: &str, models: &[&str]) -> Self {
        Self {
            api_base: api_base.to_owned(),
            models: models
                .iter()
                .map(|&name| Model {
                    name: name.to_owned(),
                    group: format!("{name}-group"),
                    info: String::new(),
                })
                .collect(),
            redis: None,
            namespace: None,
            interval_seconds: 5,
            general: String::new(),
            litellm: String::new(),
        }
    }

    /// Coordinates over this Redis.
    #[must_use]
    pub fn redis(mut self, address: SocketAddr) -> Self {
        self.redis = Some(address);
        self
    }

    /// `cache_params.namespace`.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// `health_check_interval`.
    #[must_use]
    pub fn interval(mut self, seconds: u32) -> Self {
        self.interval_seconds = seconds;
        self
    }

    /// A line of one model's `model_info`, such as `mode: embedding`.
    #[must_use]
    pub fn model_info(mut self, model: &str, line: &str) -> Self {
        let _ = writeln!(self.model(model).info, "      {line}");
        self
    }

    /// Another `model_name` for one model; several of one name are what a router chooses from.
    #[must_use]
    pub fn group(mut self, model: &str, group: &str) -> Self {
        group.clone_into(&mut self.model(model).group);
        self
    }

    fn model(&mut self, name: &str) -> &mut Model {
        let mut models = self.models.iter_mut();
        models
            .find(|model| model.name == name)
            .expect("no such model")
    }

    /// A line of `general_settings`.
    #[must_use]
    pub fn general(mut self, line: &str) -> Self {
        let _ = writeln!(self.general, "  {line}");
        self
    }

    /// A line of `litellm_settings`.
    #[must_use]
    pub fn litellm(mut self, line: &str) -> Self {
        let _ = writeln!(self.litellm, "  {line}");
        self
    }

    /// The file's text.
    #[must_use]
    pub fn yaml(&self) -> String {
        let mut text = String::from("model_list:\n");
        for Model { name, group, info } in &self.models {
            let _ = write!(
                text,
                "  - model_name: {group}\n    litellm_params:\n      model: openai/{name}\n      api_base: {}\n      \
                 api_key: sk-mock\n",
                self.api_base
            );
            if !info.is_empty() {
                let _ = write!(text, "    model_info:\n{info}");
            }
        }
        let _ = write!(
            text,
            "general_settings:\n  background_health_checks: true\n  use_shared_health_check: true\n  \
             health_check_interval: {}\n{}",
            self.interval_seconds, self.general
        );
        let _ = write!(
            text,
            "litellm_settings:\n  drop_params: true\n{}",
            self.litellm
        );
        if let Some(redis) = self.redis {
            let _ = write!(
                text,
                "  cache: true\n  cache_params:\n    type: redis\n    host: {}\n    port: {}\n",
                redis.ip(),
                redis.port()
            );
            if let Some(namespace) = &self.namespace {
                let _ = writeln!(text, "    namespace: {namespace}");
            }
        }
        text
    }
}

/// A native `watchkeeper.toml`.
#[derive(Clone, Debug)]
pub struct NativeConfig {
    coordination: String,
    backend: String,
    probe: String,
    http: String,
    checks: String,
    api_base: String,
}

impl NativeConfig {
    /// One check per model, named like it, at `api_base`; interval 2 s, lease 3 s (the least that the store's own time
    /// limit allows), one probe's limit 5 s, in-memory store.
    #[must_use]
    pub fn new(api_base: &str, models: &[&str]) -> Self {
        let config = Self {
            coordination: String::new(),
            backend: "kind = \"memory\"\n".to_owned(),
            probe: String::new(),
            http: String::new(),
            checks: String::new(),
            api_base: api_base.to_owned(),
        };
        config
            .interval("2s")
            .lock_ttl("3s")
            .probe("timeout = \"5s\"")
            .models(models)
    }

    /// Adds checks.
    #[must_use]
    pub fn models(mut self, models: &[&str]) -> Self {
        for name in models {
            let base = self.api_base.clone();
            self = self.check(&format!(
                "name = \"{name}\"\nmodel = \"openai/{name}\"\napi_base = \"{base}\"\napi_key = \"sk-mock\""
            ));
        }
        self
    }

    /// Adds a check by the lines of its table.
    #[must_use]
    pub fn check(mut self, lines: &str) -> Self {
        let _ = write!(self.checks, "\n[[checks]]\n{lines}\n");
        self
    }

    /// Keeps leases and reports in this Redis.
    #[must_use]
    pub fn redis(mut self, address: SocketAddr) -> Self {
        self.backend =
            format!("kind = \"redis\"\n\n[backend.redis]\nurl = \"redis://{address}/\"\n");
        self
    }

    /// Keeps leases and reports where these lines of `[backend]` say.
    #[must_use]
    pub fn backend(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.backend);
        self
    }

    /// Keeps them in the Redis that these sentinels call `master`.
    #[must_use]
    pub fn sentinel(mut self, master: &str, sentinels: &[SocketAddr]) -> Self {
        let nodes = list(sentinels);
        self.backend = format!(
            "kind = \"redis\"\n\n[backend.redis]\nsentinel = {{ master = \"{master}\", nodes = {nodes} }}\n"
        );
        self
    }

    /// Keeps them in the Redis Cluster of these nodes.
    #[must_use]
    pub fn cluster(mut self, nodes: &[SocketAddr]) -> Self {
        let nodes = list(nodes);
        self.backend = format!("kind = \"redis\"\n\n[backend.redis]\ncluster = {nodes}\n");
        self
    }

    /// Keeps them in the etcd of these endpoints.
    #[must_use]
    pub fn etcd(mut self, endpoints: &[String]) -> Self {
        let endpoints = list(endpoints);
        self.backend = format!("kind = \"etcd\"\n\n[backend.etcd]\nendpoints = {endpoints}\n");
        self
    }

    /// `coordination.interval`.
    #[must_use]
    pub fn interval(self, value: &str) -> Self {
        self.coordination("interval", &format!("\"{value}\""))
    }

    /// `coordination.lock_ttl`.
    #[must_use]
    pub fn lock_ttl(self, value: &str) -> Self {
        self.coordination("lock_ttl", &format!("\"{value}\""))
    }

    /// A key of `[coordination]`, replacing an earlier value; `value` as TOML writes it.
    #[must_use]
    pub fn coordination(mut self, key: &str, value: &str) -> Self {
        self.coordination = set(&self.coordination, key, value);
        self
    }

    /// A line of `[probe]`, replacing an earlier one of the same key.
    #[must_use]
    pub fn probe(mut self, line: &str) -> Self {
        let (key, value) = line.split_once('=').expect("`key = value`");
        self.probe = set(&self.probe, key.trim(), value.trim());
        self
    }

    /// A line of `[http]`.
    #[must_use]
    pub fn http(mut self, line: &str) -> Self {
        let (key, value) = line.split_once('=').expect("`key = value`");
        self.http = set(&self.http, key.trim(), value.trim());
        self
    }

    /// The file's text.
    #[must_use]
    pub fn toml(&self) -> String {
        format!(
            "[coordination]\n{}\n[probe]\n{}\n[http]\n{}\n[backend]\n{}{}",
            self.coordination, self.probe, self.http, self.backend, self.checks
        )
    }
}

/// As TOML writes a list of texts.
fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    format!("{items:?}")
}

/// `lines` with `key` set to `value`.
fn set(lines: &str, key: &str, value: &str) -> String {
    let start = format!("{key} = ");
    let mut kept: String = lines
        .lines()
        .filter(|line| !line.starts_with(&start))
        .map(|line| format!("{line}\n"))
        .collect();
    let _ = writeln!(kept, "{start}{value}");
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_again_replaces_the_first() {
        let text = NativeConfig::new("http://x/v1", &["m"])
            .interval("7s")
            .toml();
        assert_eq!(text.matches("interval = ").count(), 1, "{text}");
        assert!(text.contains("interval = \"7s\""), "{text}");
    }
}
