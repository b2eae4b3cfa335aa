//! Whether LiteLLM's own pods live off this pod's fleet, and what that changes.

use std::sync::Arc;

use watchkeeper_config::{BackendKind, Config, LockScope, RedisAddress};
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::companion::CompanionCodec;
use watchkeeper_core::coordinator::Load;
use watchkeeper_core::id::GroupId;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_litellm::wire::{Codec, Facts, Plan, Store, Timing};

use crate::exit::Failure;

/// What people read where it stays off.
const NOT_SERVED: &str = "LiteLLM's own pods are not served, they go on checking for themselves";

/// Decides, and says so: what it costs, or why it is off although it would be expected.
///
/// # Errors
/// Where it was asked for by hand and cannot be.
pub(crate) fn decide(config: &Config, prober: &dyn Prober) -> Result<Option<Timing>, Failure> {
    match Plan::of(&facts(config, prober)) {
        Plan::Off => Ok(None),
        Plan::StaysOff(why) => {
            tracing::warn!(why, "{NOT_SERVED}");
            Ok(None)
        }
        Plan::TooShort(why) => {
            tracing::error!(why, "{NOT_SERVED}");
            Ok(None)
        }
        Plan::Refused(why) => Err(Failure::bad_config(format!(
            "`litellm.wire` is true, but {why}"
        ))),
        Plan::On(timing) => {
            tracing::info!(
                cost = timing.cost(config.coordination.interval),
                concurrency = timing.concurrency,
                "serving LiteLLM's own pods on this Redis (`litellm.wire`)"
            );
            Ok(Some(timing))
        }
    }
}

fn facts(config: &Config, prober: &dyn Prober) -> Facts {
    let (coordination, litellm) = (&config.coordination, &config.litellm);
    Facts {
        by_hand: litellm.wire,
        expected: litellm.shares,
        store: store(&config.backend.kind),
        coordinates: coordination.enabled,
        has_rounds: coordination.background
            && deployments(config)
                .any(|check| check.background && prober.plan(check, Effort::Full).is_ok()),
        one_lock: coordination.lock_scope == LockScope::Fleet,
        models_in_database: litellm.store_model_in_db,
        unaskable: deployments(config)
            .filter(|check| check.background && prober.plan(check, Effort::Full).is_err())
            .map(|check| check.name.clone())
            .collect(),
        load: Load::of(
            config
                .checks
                .iter()
                .map(|check| (check.provider(), check.timeout)),
            &super::pod::lanes(config),
            config.probe.spread,
        ),
        concurrency: config.probe.concurrency,
        concurrency_is_explicit: config.probe.concurrency_is_explicit,
        interval: coordination.interval,
        wait: litellm.readers_wait,
        ttl: litellm.readers_ttl,
    }
}

/// The checks that LiteLLM has as well: what its reader refuses, it drops.
fn deployments(config: &Config) -> impl Iterator<Item = &Check> {
    config
        .checks
        .iter()
        .take(config.litellm.deployments)
        .filter(|check| matches!(check.target, Target::Model(_)))
}

/// What LiteLLM's two keys would lie in.
fn store(kind: &BackendKind) -> Store {
    match kind {
        BackendKind::Memory => Store::Memory,
        BackendKind::Etcd(_) => Store::Etcd,
        BackendKind::Redis(settings) => match settings.address {
            RedisAddress::Cluster(_) => Store::RedisCluster,
            RedisAddress::Url(_)
            | RedisAddress::Host(_)
            | RedisAddress::Unix(_)
            | RedisAddress::Sentinel(_) => Store::Redis,
        },
    }
}

/// Between our reports and LiteLLM's.
pub(crate) fn codec(
    config: &Config,
    group: &GroupId,
    prober: &dyn Prober,
    timing: &Timing,
) -> Arc<dyn CompanionCodec> {
    let checks: Vec<Check> = deployments(config).cloned().collect();
    Arc::new(Codec::new(
        group.clone(),
        &checks,
        |check| prober.plan(check, Effort::Full).is_ok(),
        config.litellm.details,
        timing.ttl,
        config.litellm.writers_ttl,
    ))
}
