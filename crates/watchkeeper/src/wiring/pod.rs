//! One pod from its configuration.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_config::{Config, LockScope};
use watchkeeper_core::companion::CompanionCodec;
use watchkeeper_core::coordinator::Settings;
use watchkeeper_core::fingerprint;
use watchkeeper_core::id::PodId;
use watchkeeper_core::probe::Prober;
use watchkeeper_core::report::{MAX_ENTRY_BYTES, MAX_TRANSITIONS_BYTES, Passes, Thresholds};
use watchkeeper_core::status::ShownSettings;
use watchkeeper_core::time::Clock;
use watchkeeper_litellm::wire::Timing;
use watchkeeper_runtime::{
    EventHub, GroupOptions, Metrics, Pod, PodOptions, ProbeFacts, group_settings,
};

use super::cost::RoundCost;
use super::store::{Wired, report_bytes};
use crate::exit::Failure;

/// This program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Characters of the random suffix that tells two pods of one host apart: 32 bits.
const SUFFIX: usize = 8;

/// Characters of the host's name kept in a pod's name.
const HOST_NAME: usize = 64;

/// This pod's name: as configured, or the host's with a random suffix.
pub(crate) fn pod_id(config: &Config) -> Result<PodId, Failure> {
    if let Some(pod) = &config.fleet.pod_id {
        return Ok(pod.clone());
    }
    let host = host_name();
    let hint = config.fleet.pod_name_hint.as_deref().unwrap_or(&host);
    let suffix = format!("{:016x}", rand::random::<u64>());
    PodId::new(format!(
        "{hint}-{}",
        suffix.get(..SUFFIX).unwrap_or(&suffix)
    ))
    .map_err(Failure::bad_config)
}

/// Refuses a list whose report the store would not take, before anything is probed in vain.
///
/// # Errors
/// Names how many checks there are, how many one report holds, and what to do.
pub(crate) fn fits_in_a_report(config: &Config) -> Result<(), Failure> {
    let checks = config.checks.len();
    let bytes = report_bytes(&config.backend.kind);
    let most = bytes.saturating_sub(MAX_TRANSITIONS_BYTES) / MAX_ENTRY_BYTES;
    if config.coordination.lock_scope == LockScope::Fleet && checks > most {
        return Err(Failure::bad_config(format!(
            "{checks} checks do not fit into one report, which holds {most} on this store ({} MiB): set \
             `coordination.lock_scope` to `check`, split the fleet by `fleet.name`, or choose another `backend.kind`",
            bytes / (1024 * 1024)
        )));
    }
    Ok(())
}

/// The machine's own name, with what a pod id may not hold replaced.
fn host_name() -> String {
    let uname = rustix::system::uname();
    let name: String = uname
        .nodename()
        .to_string_lossy()
        .chars()
        .take(HOST_NAME)
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .collect();
    if name.is_empty() {
        "pod".to_owned()
    } else {
        name
    }
}

/// The most probes of a provider at once.
pub(crate) fn lanes(config: &Config) -> BTreeMap<Arc<str>, usize> {
    let lanes = config.probe.lanes.iter();
    lanes
        .map(|(name, limit)| (Arc::from(name.as_str()), *limit))
        .collect()
}

/// When results are due at the latest, where LiteLLM's pods live off them or not.
fn cache_ttl(config: &Config, wire: Option<&Timing>) -> Duration {
    let own = config.coordination.cache_ttl;
    wire.map_or(own, |timing| own.min(timing.every))
}

/// What the rounds cost; nothing where none happen by themselves.
pub(crate) fn cost(config: &Config, wire: Option<&Timing>, prober: &dyn Prober) -> RoundCost {
    if !config.coordination.background {
        return RoundCost::default();
    }
    let every = config.coordination.interval.min(cache_ttl(config, wire));
    RoundCost::of(&config.checks, prober, every)
}

/// What of a pod depends on its configuration alone.
pub(crate) struct Parts {
    pub(crate) groups: Vec<Settings>,
    pub(crate) shown: ShownSettings,
    pub(crate) concurrency: usize,
    pub(crate) companions: Option<Arc<dyn CompanionCodec>>,
}

/// What of a pod depends on its configuration alone, with a fresh seed.
///
/// # Errors
/// Where the store would not take the report of so many checks.
pub(crate) fn parts(
    config: &Config,
    pod: &PodId,
    wire: Option<&Timing>,
    prober: &dyn Prober,
) -> Result<Parts, Failure> {
    fits_in_a_report(config)?;
    let c = &config.coordination;
    let scope = match c.lock_scope {
        LockScope::Fleet => fingerprint::LockScope::Fleet,
        LockScope::Check => fingerprint::LockScope::Check,
    };
    let budget = config.budget.clone();
    let passes: Passes = config.probe.passes.iter().copied().collect();
    let concurrency = wire.map_or(config.probe.concurrency, |timing| timing.concurrency);
    let options = GroupOptions {
        fleet: config.fleet.name.clone(),
        secret: config.fleet.secret.clone(),
        pod: pod.clone(),
        scope,
        interval: c.interval,
        lock_ttl: c.lock_ttl,
        cache_ttl: cache_ttl(config, wire),
        jitter: c.jitter,
        concurrency,
        spread: config.probe.spread,
        thresholds: Thresholds {
            healthy_after: config.probe.healthy_after,
            unhealthy_after: config.probe.unhealthy_after,
            passes,
        },
        lanes: lanes(config),
        budget: budget.clone(),
        // LiteLLM's readers believe a report as long as its oldest result: nothing may come later than the others.
        honours_retry_after: wire.is_none(),
        op_timeout: config.backend.timeout,
        drain: config.http.drain,
        coordinate: c.enabled,
        background: c.background,
        seed: rand::random(),
    };
    let facts = |check: &_| ProbeFacts::of(prober, check);
    let groups = group_settings(&options, &config.checks, facts).map_err(Failure::bad_config)?;
    let companions = wire
        .zip(groups.first())
        .map(|(timing, group)| super::wire::codec(config, &group.group, prober, timing));
    let shown = ShownSettings {
        enabled: c.enabled,
        background: c.background,
        interval: c.interval,
        lock_ttl: c.lock_ttl,
        cache_ttl: c.cache_ttl,
        lock_scope: scope,
        fresh_for: ShownSettings::fresh_for(c.interval, c.cache_ttl, c.jitter),
        budget,
        passes,
        details: config.litellm.details,
    };
    Ok(Parts {
        groups,
        shown,
        concurrency,
        companions,
    })
}

/// Starts a pod on the current runtime.
pub(crate) fn start(
    config: &Config,
    pod: PodId,
    wired: Wired,
    wire: Option<&Timing>,
    prober: Arc<dyn Prober>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> Result<Pod, Failure> {
    let parts = parts(config, &pod, wire, &*prober)?;
    Ok(Pod::start(PodOptions {
        events: Arc::new(EventHub::new(&pod, Arc::clone(&clock))),
        fleet: config.fleet.name.clone(),
        pod,
        version: VERSION.to_owned(),
        checks: config.checks.clone(),
        groups: parts.groups,
        shown: parts.shown,
        backend: wired.name,
        address: wired.address,
        store: wired.store,
        prober,
        clock,
        metrics,
        concurrency: parts.concurrency,
        op_timeout: config.backend.timeout,
        drain: config.http.drain,
        companions: parts.companions,
    }))
}

#[cfg(all(test, feature = "redis", feature = "etcd"))]
mod tests {
    use watchkeeper_config::Inputs;

    use super::*;

    #[test]
    fn a_list_too_long_for_one_report_is_refused_by_the_stores_own_measure() {
        let refused = |store: (&str, &str), checks: usize, scope: &str| {
            let rows = (0..checks).map(|n| format!("{{name=\"c{n}\", tcp=\"127.0.0.1:1\"}}"));
            let rows = format!("[{}]", rows.collect::<Vec<_>>().join(","));
            let set = [
                ("checks", rows.as_str()),
                store,
                ("coordination.lock_scope", scope),
            ];
            let inputs = Inputs {
                overrides: set
                    .map(|(key, value)| (key.into(), value.into(), "--set".into()))
                    .into(),
                working_dir: "/nonexistent".into(),
                ..Inputs::default()
            };
            let config = watchkeeper_config::load(&inputs).unwrap().config;
            match fits_in_a_report(&config) {
                Ok(()) => None,
                Err(Failure::BadConfig(why)) => Some(why),
                Err(other) => panic!("{other:?}"),
            }
        };
        let etcd = ("backend.etcd.endpoints", "http://e:1");
        let redis = ("backend.redis.host", "h");
        assert_eq!(refused(etcd, 928, "fleet"), None);
        let why = refused(etcd, 929, "fleet").unwrap();
        for part in [
            "929 checks",
            "holds 928",
            "1 MiB",
            "`coordination.lock_scope`",
        ] {
            assert!(why.contains(part), "no {part} in {why}");
        }
        assert_eq!(refused(etcd, 929, "check"), None);
        assert_eq!(refused(redis, 929, "fleet"), None);
        assert!(
            refused(redis, 8097, "fleet")
                .unwrap()
                .contains("holds 8096")
        );
    }
}
