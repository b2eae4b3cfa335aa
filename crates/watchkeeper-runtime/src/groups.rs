//! From the list of checks to one coordinator's settings per group.

use std::time::Duration;

use watchkeeper_core::check::Check;
use watchkeeper_core::coordinator::{GroupCheck, Settings};
use watchkeeper_core::fingerprint::{LockScope, group_of};
use watchkeeper_core::id::{BadName, FleetName, PodId};
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::secret::Secret;

/// What all groups of a pod have in common.
#[derive(Clone, Debug)]
pub struct GroupOptions {
    /// The fleet.
    pub fleet: FleetName,
    /// Keys the fingerprint.
    pub secret: Option<Secret>,
    /// This pod.
    pub pod: PodId,
    /// One lock for all checks, or one each.
    pub scope: LockScope,
    /// Time between the starts of two rounds.
    pub interval: Duration,
    /// How long a lease lasts without renewal.
    pub lock_ttl: Duration,
    /// Entries are due at this age if it is less than `interval`.
    pub cache_ttl: Duration,
    /// Share of the interval over which isolated pods spread.
    pub jitter: f64,
    /// Most probes at once.
    pub concurrency: usize,
    /// The starts of a round's probes are spread over this much.
    pub spread: Duration,
    /// How many results in a row change a check's standing.
    pub thresholds: Thresholds,
    /// The limit of one store operation.
    pub op_timeout: Duration,
    /// How long probes in flight may go on after the order to leave.
    pub drain: Duration,
    /// Whether the fleet is asked at all.
    pub coordinate: bool,
    /// Whether rounds happen by themselves.
    pub background: bool,
    /// Seed of the spreads; differs from pod to pod.
    pub seed: u64,
}

/// One coordinator's settings per group, in the order of the checks.
///
/// # Errors
/// None that can happen: group names are made of hex digits.
pub fn group_settings(options: &GroupOptions, checks: &[Check]) -> Result<Vec<Settings>, BadName> {
    let members: Vec<Vec<&Check>> = match options.scope {
        LockScope::Fleet if checks.is_empty() => Vec::new(),
        LockScope::Fleet => vec![checks.iter().collect()],
        LockScope::Check => checks.iter().map(|check| vec![check]).collect(),
    };
    let mut settings = Vec::with_capacity(members.len());
    for (index, group) in members.into_iter().enumerate() {
        settings.push(Settings {
            group: group_of(
                options.scope,
                &options.fleet,
                options.secret.as_ref(),
                &group,
            )?,
            pod: options.pod.clone(),
            checks: group
                .iter()
                .map(|c| GroupCheck {
                    id: c.id.clone(),
                    timeout: c.timeout,
                    background: c.background,
                })
                .collect(),
            interval: options.interval,
            lock_ttl: options.lock_ttl,
            cache_ttl: options.cache_ttl,
            jitter: options.jitter,
            concurrency: options.concurrency,
            spread: options.spread,
            thresholds: options.thresholds,
            op_timeout: options.op_timeout,
            drain: options.drain,
            coordinate: options.coordinate,
            background: options.background,
            seed: options
                .seed
                .wrapping_add(u64::try_from(index).unwrap_or(0).wrapping_mul(0x9e37_79b9)),
        });
    }
    Ok(settings)
}
