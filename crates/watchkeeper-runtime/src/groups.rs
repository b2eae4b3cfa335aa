//! From the list of checks to one coordinator's settings per group.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::check::Check;
use watchkeeper_core::coordinator::{GroupCheck, Settings};
use watchkeeper_core::fingerprint::{LockScope, group_of};
use watchkeeper_core::id::{BadName, FleetName, PodId};
use watchkeeper_core::money::Budget;
use watchkeeper_core::probe::Identity;
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::secret::Secret;

use crate::facts::ProbeFacts;

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
    /// Most probes of a provider at once.
    pub lanes: BTreeMap<Arc<str>, usize>,
    /// The starts of a round's probes are spread over this much.
    pub spread: Duration,
    /// How many results in a row change a check's standing.
    pub thresholds: Thresholds,
    /// How much may be spent on probes per day. In the scope [`LockScope::Check`] it is each group's own, since each has
    /// its own report: a budget for the fleet needs [`LockScope::Fleet`].
    pub budget: Budget,
    /// Whether an upstream that asks to be left alone is.
    pub honours_retry_after: bool,
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

/// One coordinator's settings per group, in the order of the checks. `facts` says what each check's probes are; checks
/// whose probes are one and the same are in one group in either scope.
///
/// # Errors
/// None that can happen: group names are made of hex digits.
pub fn group_settings(
    options: &GroupOptions,
    checks: &[Check],
    facts: impl Fn(&Check) -> ProbeFacts,
) -> Result<Vec<Settings>, BadName> {
    let checks = checks.iter().map(|check| (check, facts(check)));
    let members = match options.scope {
        LockScope::Fleet => Some(checks.collect::<Vec<_>>())
            .filter(|all| !all.is_empty())
            .into_iter()
            .collect(),
        LockScope::Check => twins_together(checks),
    };
    let mut settings = Vec::with_capacity(members.len());
    for (index, group) in members.into_iter().enumerate() {
        settings.push(Settings {
            group: group_of(
                options.scope,
                &options.fleet,
                options.secret.as_ref(),
                &group.iter().map(|(check, _)| *check).collect::<Vec<_>>(),
            )?,
            pod: options.pod.clone(),
            checks: group
                .iter()
                .map(|(c, facts)| GroupCheck {
                    background: c.background,
                    provider: Arc::from(c.provider()),
                    identity: facts.identity,
                    full_every: c.full_every,
                    most_cost: facts.most_cost,
                    has_cheap: facts.has_cheap,
                    ..GroupCheck::new(c.id.clone(), c.timeout)
                })
                .collect(),
            interval: options.interval,
            lock_ttl: options.lock_ttl,
            cache_ttl: options.cache_ttl,
            jitter: options.jitter,
            concurrency: options.concurrency,
            lanes: options.lanes.clone(),
            budget: options.budget.clone(),
            honours_retry_after: options.honours_retry_after,
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

/// One group each, but for checks whose probes are the same.
fn twins_together<'a>(
    checks: impl Iterator<Item = (&'a Check, ProbeFacts)>,
) -> Vec<Vec<(&'a Check, ProbeFacts)>> {
    let mut groups: Vec<Vec<(&Check, ProbeFacts)>> = Vec::new();
    let mut known: BTreeMap<Identity, usize> = BTreeMap::new();
    for (check, facts) in checks {
        let twins = facts
            .identity
            .map(|identity| *known.entry(identity).or_insert(groups.len()));
        match twins.and_then(|at| groups.get_mut(at)) {
            Some(group) => group.push((check, facts)),
            None => groups.push(vec![(check, facts)]),
        }
    }
    groups
}

#[cfg(test)]
pub(crate) mod tests {
    use watchkeeper_core::check::Target;
    use watchkeeper_core::id::CheckId;
    use watchkeeper_core::money::Usd;
    use watchkeeper_core::report::Passes;

    use super::*;

    pub(crate) fn check(name: &str) -> Check {
        Check {
            id: CheckId::new(name).unwrap(),
            name: name.to_owned(),
            target: Target::Tcp {
                host: "localhost".to_owned(),
                port: 1,
            },
            timeout: Duration::from_secs(1),
            shown: serde_json::Map::new(),
            background: true,
            full_every: Some(Duration::from_secs(3600)),
        }
    }

    fn options(scope: LockScope) -> GroupOptions {
        GroupOptions {
            fleet: FleetName::new("test").unwrap(),
            secret: None,
            pod: PodId::new("pod").unwrap(),
            scope,
            interval: Duration::from_secs(10),
            lock_ttl: Duration::from_secs(10),
            cache_ttl: Duration::from_secs(10),
            jitter: 0.1,
            concurrency: 4,
            lanes: BTreeMap::from([(Arc::from("tcp"), 1)]),
            spread: Duration::ZERO,
            thresholds: Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
                passes: Passes::HEALTHY,
            },
            budget: Budget::default(),
            honours_retry_after: true,
            op_timeout: Duration::from_secs(1),
            drain: Duration::from_secs(1),
            coordinate: true,
            background: true,
            seed: 1,
        }
    }

    #[test]
    fn checks_that_are_asked_by_one_probe_share_a_group_in_every_scope() {
        let checks = ["a", "b", "c", "d"].map(check);
        let facts = |check: &Check| ProbeFacts {
            identity: match check.id.as_str() {
                "a" | "c" => Some(Identity([1; 16])),
                "d" => Some(Identity([2; 16])),
                _ => None,
            },
            most_cost: Some(Usd::from_picos(5)),
            has_cheap: true,
        };
        for (scope, expected) in [
            (LockScope::Fleet, vec!["abcd"]),
            (LockScope::Check, vec!["ac", "b", "d"]),
        ] {
            let groups = group_settings(&options(scope), &checks, facts).unwrap();
            let names: Vec<String> = groups
                .iter()
                .map(|g| g.checks.iter().map(|c| c.id.as_str()).collect())
                .collect();
            assert_eq!(names, expected);
            let first = &groups[0].checks[0];
            assert_eq!(&*first.provider, "tcp");
            assert_eq!(first.full_every, Some(Duration::from_secs(3600)));
            assert_eq!(first.most_cost, Some(Usd::from_picos(5)));
            assert_eq!(groups[0].lanes.len(), 1);
        }
        assert!(
            group_settings(&options(LockScope::Fleet), &[], facts)
                .unwrap()
                .is_empty()
        );
    }
}
