//! One pod from its configuration.

use std::sync::Arc;

use watchkeeper_config::{Config, LockScope};
use watchkeeper_core::fingerprint;
use watchkeeper_core::id::PodId;
use watchkeeper_core::probe::Prober;
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::status::ShownSettings;
use watchkeeper_core::time::Clock;
use watchkeeper_runtime::{GroupOptions, Metrics, Pod, PodOptions, group_settings};

use super::store::Wired;
use crate::exit::Failure;

/// This program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Characters of the random suffix that tells two pods of one host apart: 32 bits.
const SUFFIX: usize = 8;

/// This pod's name: as configured, or the host's with a random suffix.
pub(crate) fn pod_id(config: &Config) -> Result<PodId, Failure> {
    if let Some(pod) = &config.fleet.pod_id {
        return Ok(pod.clone());
    }
    let hint = config.fleet.pod_name_hint.as_deref().unwrap_or("pod");
    let suffix = format!("{:016x}", rand::random::<u64>());
    PodId::new(format!(
        "{hint}-{}",
        suffix.get(..SUFFIX).unwrap_or(&suffix)
    ))
    .map_err(Failure::bad_config)
}

/// Starts a pod on the current runtime.
pub(crate) fn start(
    config: &Config,
    pod: PodId,
    wired: Wired,
    prober: Arc<dyn Prober>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> Result<Pod, Failure> {
    let c = &config.coordination;
    let scope = match c.lock_scope {
        LockScope::Fleet => fingerprint::LockScope::Fleet,
        LockScope::Check => fingerprint::LockScope::Check,
    };
    let options = GroupOptions {
        fleet: config.fleet.name.clone(),
        secret: config.fleet.secret.clone(),
        pod: pod.clone(),
        scope,
        interval: c.interval,
        lock_ttl: c.lock_ttl,
        cache_ttl: c.cache_ttl,
        jitter: c.jitter,
        concurrency: config.probe.concurrency,
        spread: config.probe.spread,
        thresholds: Thresholds {
            healthy_after: config.probe.healthy_after,
            unhealthy_after: config.probe.unhealthy_after,
        },
        op_timeout: config.backend.timeout,
        drain: config.http.drain,
        coordinate: c.enabled,
        background: c.background,
        seed: rand::random(),
    };
    let groups = group_settings(&options, &config.checks).map_err(Failure::bad_config)?;
    let shown = ShownSettings {
        enabled: c.enabled,
        background: c.background,
        interval: c.interval,
        lock_ttl: c.lock_ttl,
        cache_ttl: c.cache_ttl,
        lock_scope: scope,
        fresh_for: ShownSettings::fresh_for(c.interval, c.cache_ttl, c.jitter),
        details: config.litellm.details,
    };
    Ok(Pod::start(PodOptions {
        fleet: config.fleet.name.clone(),
        pod,
        version: VERSION.to_owned(),
        checks: config.checks.clone(),
        groups,
        shown,
        backend: wired.name,
        store: wired.store,
        prober,
        clock,
        metrics,
        concurrency: config.probe.concurrency,
        op_timeout: config.backend.timeout,
        drain: config.http.drain,
    }))
}
