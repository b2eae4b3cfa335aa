//! What of a configuration that was read again takes effect, and what waits for a restart.

use std::collections::BTreeMap;
use std::mem::discriminant;

use watchkeeper_api::v1::{ChangedChecks, ChangedIds};
use watchkeeper_config::{BackendKind, Config, Coordination, Http, Log};
use watchkeeper_core::check::Check;
use watchkeeper_core::id::CheckId;

/// The most ids that are told of each kind.
const MAX_IDS: usize = 100;
/// A lease lasts at least so many times as long as a store operation may take.
const OPERATIONS_PER_LEASE: u32 = 6;

/// A configuration beside the one that the pod runs by.
#[derive(Debug)]
pub(super) struct Difference {
    /// What the pod is to run by: the new one, but for what needs a restart.
    pub(super) effective: Config,
    /// What changed in the list of checks.
    pub(super) checks: ChangedChecks,
    /// Keys that take effect.
    pub(super) settings: Vec<&'static str>,
    /// Keys that wait for a restart.
    pub(super) restart_needed: Vec<&'static str>,
}

impl Difference {
    /// Compares `read` with what the pod runs by.
    ///
    /// # Errors
    /// Where the two together would let everybody in from the network.
    pub(super) fn between(running: &Config, read: Config) -> Result<Self, String> {
        let mut restart_needed = named(fixed(running, &read));
        let least = running.backend.timeout.saturating_mul(OPERATIONS_PER_LEASE);
        let mut lock_ttl = read.coordination.lock_ttl;
        if lock_ttl < least {
            // It fits the new `backend.timeout` only.
            lock_ttl = running.coordination.lock_ttl;
            restart_needed.push("coordination.lock_ttl");
        }
        let effective = Config {
            fleet: running.fleet.clone(),
            backend: running.backend.clone(),
            coordination: Coordination {
                enabled: running.coordination.enabled,
                lock_ttl,
                ..read.coordination
            },
            http: Http {
                listen: running.http.listen,
                drain: running.http.drain,
                ..read.http
            },
            log: Log {
                format: running.log.format,
                ..read.log
            },
            ..read
        };
        let http = &effective.http;
        let is_open = !http.listen.ip().to_canonical().is_loopback();
        if is_open && http.api_keys.is_empty() && !http.allow_anonymous {
            return Err(format!(
                "`http.api_keys` is empty, but this pod listens on {}, which is open to the network, until it is \
                 restarted: leave a key, or set `http.allow_anonymous = true`",
                http.listen
            ));
        }
        Ok(Self {
            checks: checks(&running.checks, &effective.checks),
            settings: named(live(running, &effective)),
            effective,
            restart_needed,
        })
    }

    /// Whether anything takes effect.
    pub(super) fn changes_anything(&self) -> bool {
        let ChangedChecks {
            added,
            removed,
            changed,
            ..
        } = self.checks;
        added + removed + changed > 0 || !self.settings.is_empty()
    }
}

fn named(keys: impl IntoIterator<Item = (&'static str, bool)>) -> Vec<&'static str> {
    let changed = keys.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(key, _)| key).collect()
}

/// What a running pod cannot change: who it is in its fleet, its store, its socket.
fn fixed(a: &Config, b: &Config) -> [(&'static str, bool); 11] {
    let kind = discriminant(&a.backend.kind) != discriminant(&b.backend.kind);
    let same_kind = |is: fn(&BackendKind) -> bool| {
        !kind && is(&a.backend.kind) && a.backend.kind != b.backend.kind
    };
    [
        ("fleet.name", a.fleet.name != b.fleet.name),
        ("fleet.secret", a.fleet.secret != b.fleet.secret),
        ("fleet.pod_id", a.fleet.pod_id != b.fleet.pod_id),
        (
            "coordination.enabled",
            a.coordination.enabled != b.coordination.enabled,
        ),
        ("backend.kind", kind),
        (
            "backend.redis",
            same_kind(|kind| matches!(kind, BackendKind::Redis(_))),
        ),
        (
            "backend.etcd",
            same_kind(|kind| matches!(kind, BackendKind::Etcd(_))),
        ),
        ("backend.timeout", a.backend.timeout != b.backend.timeout),
        ("http.listen", a.http.listen != b.http.listen),
        ("http.drain", a.http.drain != b.http.drain),
        ("log.format", a.log.format != b.log.format),
    ]
}

/// What a running pod goes on with, checks apart.
fn live(a: &Config, b: &Config) -> Vec<(&'static str, bool)> {
    let (c, d) = (&a.coordination, &b.coordination);
    let (p, q) = (&a.probe, &b.probe);
    let (h, i) = (&a.http, &b.http);
    let (l, m) = (&a.litellm, &b.litellm);
    let readers = |l: &watchkeeper_config::Litellm| {
        (
            l.wire,
            l.readers_ttl,
            l.writers_ttl,
            l.readers_wait,
            l.shares,
            l.store_model_in_db,
            l.deployments,
        )
    };
    vec![
        ("coordination.background", c.background != d.background),
        ("coordination.interval", c.interval != d.interval),
        ("coordination.lock_ttl", c.lock_ttl != d.lock_ttl),
        ("coordination.cache_ttl", c.cache_ttl != d.cache_ttl),
        ("coordination.lock_scope", c.lock_scope != d.lock_scope),
        (
            "coordination.jitter",
            c.jitter.to_bits() != d.jitter.to_bits(),
        ),
        (
            "probe.concurrency",
            (p.concurrency, p.concurrency_is_explicit)
                != (q.concurrency, q.concurrency_is_explicit),
        ),
        ("probe.timeout", p.timeout != q.timeout),
        ("probe.healthy_after", p.healthy_after != q.healthy_after),
        (
            "probe.unhealthy_after",
            p.unhealthy_after != q.unhealthy_after,
        ),
        ("probe.spread", p.spread != q.spread),
        ("probe.probe", p.kind != q.kind),
        (
            "probe.intervals.inference",
            p.inference_every != q.inference_every,
        ),
        ("probe.healthy_outcomes", p.passes != q.passes),
        ("probe.ca", p.ca != q.ca),
        ("probe.proxy", p.proxies != q.proxies),
        ("probe.headers", p.headers != q.headers),
        (
            "probe.providers",
            p.providers != q.providers || p.lanes != q.lanes,
        ),
        ("budget", a.budget != b.budget),
        ("http.api_keys", h.api_keys != i.api_keys),
        (
            "http.allow_anonymous",
            h.allow_anonymous != i.allow_anonymous,
        ),
        ("http.metrics_auth", h.metrics_auth != i.metrics_auth),
        (
            "http.public_dashboard",
            h.public_dashboard != i.public_dashboard,
        ),
        ("log.level", a.log.level != b.log.level),
        ("litellm.config", l.config != m.config),
        ("litellm.details", l.details != m.details),
        ("litellm.wire", readers(l) != readers(m)),
        ("litellm.cost_map", l.cost_map != m.cost_map),
        // What the LiteLLM file's `environment_variables` export.
        ("environment_variables", l.environment != m.environment),
    ]
}

fn checks(before: &[Check], now: &[Check]) -> ChangedChecks {
    let by_id = |checks: &'_ [Check]| -> BTreeMap<CheckId, Check> {
        let checks = checks.iter();
        checks.map(|c| (c.id.clone(), c.clone())).collect()
    };
    let (old, new) = (by_id(before), by_id(now));
    let ids = |checks: &mut dyn Iterator<Item = &Check>| -> (usize, Vec<String>) {
        let all: Vec<&Check> = checks.collect();
        let told = all.iter().take(MAX_IDS);
        (all.len(), told.map(|c| c.id.to_string()).collect())
    };
    let added = ids(&mut now.iter().filter(|c| !old.contains_key(&c.id)));
    let removed = ids(&mut before.iter().filter(|c| !new.contains_key(&c.id)));
    let differs = |c: &&Check| old.get(&c.id).is_some_and(|old| old != *c);
    let changed = ids(&mut now.iter().filter(differs));
    ChangedChecks {
        added: added.0,
        removed: removed.0,
        changed: changed.0,
        ids: ChangedIds {
            added: added.1,
            removed: removed.1,
            changed: changed.1,
        },
    }
}

#[cfg(test)]
#[path = "difference_tests.rs"]
mod tests;
