//! What was written, typed but not yet looked up: texts may still be references, and nothing has been compared.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::lenient::{Flag, List, Opaque, Share, Span, Table, Text, Whole};

/// The whole of it. Keys with a default in [`crate::keys`] are always there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    pub(crate) fleet: Fleet,
    pub(crate) coordination: Coordination,
    pub(crate) backend: Backend,
    pub(crate) probe: Probe,
    #[serde(default)]
    pub(crate) budget: Budget,
    pub(crate) http: Http,
    pub(crate) log: Log,
    pub(crate) litellm: Litellm,
    #[serde(default)]
    pub(crate) checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fleet {
    pub(crate) name: Text,
    pub(crate) secret: Option<Opaque>,
    pub(crate) pod_id: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Coordination {
    pub(crate) enabled: Flag,
    pub(crate) background: Flag,
    pub(crate) interval: Span,
    pub(crate) lock_ttl: Span,
    pub(crate) cache_ttl: Option<Span>,
    pub(crate) lock_scope: Text,
    pub(crate) jitter: Share,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backend {
    pub(crate) kind: Option<Text>,
    pub(crate) timeout: Span,
    #[serde(default)]
    pub(crate) redis: Redis,
    #[serde(default)]
    pub(crate) etcd: Etcd,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    pub(crate) url: Option<Opaque>,
    pub(crate) host: Option<Text>,
    pub(crate) port: Option<Whole>,
    pub(crate) db: Option<Whole>,
    pub(crate) username: Option<Opaque>,
    pub(crate) password: Option<Opaque>,
    pub(crate) ssl: Option<Flag>,
    pub(crate) namespace: Option<Opaque>,
    #[serde(default)]
    pub(crate) tls: Tls,
    #[serde(default)]
    pub(crate) sentinel: Sentinel,
    pub(crate) cluster: Option<List>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sentinel {
    pub(crate) master: Option<Opaque>,
    pub(crate) nodes: Option<List>,
    pub(crate) username: Option<Opaque>,
    pub(crate) password: Option<Opaque>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) ca: Option<Text>,
    pub(crate) cert: Option<Text>,
    pub(crate) key: Option<Text>,
    pub(crate) server_name: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Etcd {
    pub(crate) endpoints: Option<List>,
    pub(crate) username: Option<Opaque>,
    pub(crate) password: Option<Opaque>,
    #[serde(default)]
    pub(crate) tls: Tls,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    pub(crate) concurrency: Whole,
    pub(crate) timeout: Span,
    pub(crate) healthy_after: Whole,
    pub(crate) unhealthy_after: Whole,
    pub(crate) spread: Span,
    pub(crate) probe: Text,
    #[serde(default)]
    pub(crate) intervals: Intervals,
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, Provider>,
    pub(crate) healthy_outcomes: Option<List>,
    pub(crate) ca: Option<Text>,
    pub(crate) proxy: Flag,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Opaque>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intervals {
    pub(crate) inference: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    pub(crate) probe: Option<Text>,
    #[serde(default)]
    pub(crate) intervals: Intervals,
    pub(crate) concurrency: Option<Whole>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    pub(crate) per_day: Option<Share>,
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, Share>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    pub(crate) listen: Text,
    pub(crate) api_keys: Option<List>,
    pub(crate) allow_anonymous: Flag,
    pub(crate) metrics_auth: Flag,
    pub(crate) public_dashboard: Flag,
    pub(crate) drain: Span,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: Text,
    pub(crate) format: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Litellm {
    // Read before the layers are merged, since the file is one of them.
    #[serde(rename = "config")]
    pub(crate) _config: Option<Text>,
    pub(crate) details: Flag,
    pub(crate) wire: Option<Flag>,
    pub(crate) cost_map: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    pub(crate) name: Text,
    pub(crate) model: Option<Text>,
    pub(crate) http: Option<Text>,
    pub(crate) tcp: Option<Text>,
    pub(crate) api_key: Option<Opaque>,
    pub(crate) api_base: Option<Text>,
    pub(crate) mode: Option<Text>,
    pub(crate) timeout: Option<Span>,
    pub(crate) probe: Option<Text>,
    #[serde(default)]
    pub(crate) intervals: Intervals,
    pub(crate) max_tokens: Option<Whole>,
    pub(crate) base_model: Option<Text>,
    pub(crate) input_cost_per_token: Option<Share>,
    pub(crate) output_cost_per_token: Option<Share>,
    pub(crate) cost_per_call: Option<Share>,
    pub(crate) params: Option<Table>,
}
