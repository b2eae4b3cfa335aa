//! What a seed makes of a run: the fleet, its settings, and what will go wrong when.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_core::coordinator::{GroupCheck, Settings};
use watchkeeper_core::id::{CheckId, GroupId, PodId};
use watchkeeper_core::money::Budget;
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::status::ShownSettings;

use super::Weather;
use super::dice::Dice;
use super::faults::{Fault, Trouble};
use super::prices::Prices;

/// Microseconds of the world's time.
pub(super) type Time = i64;

pub(super) const MILLI: Time = 1_000;
pub(super) const SECOND: Time = 1_000_000;

/// No fault starts or lasts beyond this.
pub(super) const CALM_FROM: Time = 40 * SECOND;

pub(super) fn micros(duration: Duration) -> Time {
    Time::try_from(duration.as_micros()).unwrap()
}

/// A group of checks, and the configurations that have it.
#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    pub(super) id: GroupId,
    pub(super) checks: Vec<GroupCheck>,
    pub(super) versions: Vec<usize>,
}

/// Everything decided before the run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) weather: Weather,
    pub(super) pods: usize,
    pub(super) groups: Vec<GroupPlan>,
    /// How long an endpoint takes to answer, at most, by check.
    pub(super) slowest: Vec<(CheckId, Time)>,
    /// The settings of each configuration of the fleet; all pods start with the first.
    pub(super) versions: Vec<Settings>,
    pub(super) troubles: Vec<Trouble>,
    /// Times at which somebody asks some pod for a forced run.
    pub(super) calls: Vec<Time>,
    /// Pods start within this.
    pub(super) start_span: Time,
    pub(super) end: Time,
    /// Delay of one way through the network, at most.
    pub(super) delay: Time,
    /// How far steady clocks run fast or slow at most, in millionths.
    pub(super) rate_ppm: i64,
    /// What probes cost.
    pub(super) prices: Prices,
}

/// Most fleets are small; some are as large as fleets get.
fn fleet_size(dice: &mut Dice, weather: Weather) -> usize {
    match dice.index(100) {
        0..5 if weather == Weather::Storm => 1,
        0..88 => 2 + dice.index(7),
        88..97 => 9 + dice.index(22),
        _ => 31 + dice.index(70),
    }
}

fn settings(dice: &mut Dice, interval: Duration, lock_ttl: Duration) -> Settings {
    let cache_ttl = [interval, interval.max(Duration::from_secs(300))][dice.index(2)];
    Settings {
        group: GroupId::new("template").unwrap(),
        pod: PodId::new("template").unwrap(),
        checks: Vec::new(),
        interval,
        lock_ttl,
        cache_ttl,
        jitter: [0.05, 0.2][dice.index(2)],
        concurrency: 1 + dice.index(4),
        lanes: BTreeMap::new(),
        budget: Budget::default(),
        honours_retry_after: false,
        spread: Duration::from_millis([0, 0, 300][dice.index(3)]),
        thresholds: Thresholds {
            healthy_after: 1,
            unhealthy_after: 1,
            passes: watchkeeper_core::report::Passes::HEALTHY,
        },
        op_timeout: Duration::from_millis(200),
        drain: Duration::from_secs(2),
        coordinate: true,
        background: true,
        seed: 0,
    }
}

/// One group for each check, but for those that are asked by the same probe.
fn one_each_but_twins(checks: &[GroupCheck]) -> Vec<Vec<GroupCheck>> {
    let mut groups: Vec<Vec<GroupCheck>> = Vec::new();
    for check in checks {
        let twin = |group: &&mut Vec<GroupCheck>| {
            check.identity.is_some() && group[0].identity == check.identity
        };
        match groups.iter_mut().find(twin) {
            Some(group) => group.push(check.clone()),
            None => groups.push(vec![check.clone()]),
        }
    }
    groups
}

/// Puts checks into groups as a lock scope does, for one configuration.
fn add_groups(groups: &mut Vec<GroupPlan>, lists: Vec<Vec<GroupCheck>>, version: usize) {
    for checks in lists {
        // As with fingerprints: the same checks are the same group.
        if let Some(same) = groups.iter_mut().find(|g| g.checks == checks) {
            same.versions.push(version);
            continue;
        }
        groups.push(GroupPlan {
            id: GroupId::new(format!("group-{}", groups.len())).unwrap(),
            checks,
            versions: vec![version],
        });
    }
}

impl Plan {
    pub(super) fn new(seed: u64, weather: Weather) -> Self {
        let dice = &mut Dice::new(seed ^ ((weather as u64) << 32));
        let pods = fleet_size(dice, weather);
        let count = 1 + dice.index(5);
        let lock_ttl = Duration::from_millis([1_200, 2_000, 3_000][dice.index(3)]);
        let interval = Duration::from_secs([4, 6, 10][dice.index(3)]);
        let timeout = Duration::from_millis([500, 1_500, 4_000][dice.index(3)]);
        let check = |name: String| GroupCheck::new(CheckId::new(name).unwrap(), timeout);
        let mut checks: Vec<_> = (0..count).map(|i| check(format!("check-{i}"))).collect();
        let mut versions = vec![settings(dice, interval, lock_ttl)];
        let prices = Prices::draw(seed, &mut checks, &mut versions[0]);
        let one_each = dice.chance(50);
        let scope = |checks: &[GroupCheck]| -> Vec<Vec<GroupCheck>> {
            if one_each {
                one_each_but_twins(checks)
            } else {
                vec![checks.to_vec()]
            }
        };
        let mut groups = Vec::new();
        add_groups(&mut groups, scope(&checks), 0);
        let changes = weather == Weather::Change || (weather == Weather::Storm && dice.chance(25));
        let mut all = checks.clone();
        if changes {
            let mut next = versions[0].clone();
            if dice.chance(50) {
                next.interval = Duration::from_secs([4, 6, 10][dice.index(3)]);
                next.cache_ttl = next.cache_ttl.max(next.interval);
            }
            if next == versions[0] || dice.chance(50) {
                let at = dice.index(checks.len());
                checks[at] = check("check-new".to_owned());
                all.push(checks[at].clone());
            }
            versions.push(next);
            add_groups(&mut groups, scope(&checks), 1);
        }
        let slowest = all
            .iter()
            .map(|c| {
                let most = if dice.chance(30) {
                    micros(timeout)
                } else {
                    200 * MILLI
                };
                (c.id.clone(), most)
            })
            .collect();
        let mut plan = Self {
            weather,
            pods,
            groups,
            slowest,
            versions,
            troubles: Vec::new(),
            calls: Vec::new(),
            start_span: [0, 100 * MILLI, 3 * SECOND][dice.index(3)],
            end: 0,
            delay: [2 * MILLI, 30 * MILLI][dice.index(2)],
            rate_ppm: 2_000,
            prices,
        };
        if weather == Weather::Storm && dice.chance(20) {
            plan.rate_ppm = 40_000;
        }
        let rest = plan.liveness() + 2 * micros(plan.longest_interval()) + 5 * SECOND;
        plan.end = CALM_FROM + rest;
        plan.add_troubles(dice);
        plan
    }

    fn trouble(&mut self, at: Time, until: Time, what: Fault) {
        self.troubles.push(Trouble { at, until, what });
    }

    fn add_troubles(&mut self, dice: &mut Dice) {
        match self.weather {
            Weather::Calm => {}
            Weather::Forced => self.add_calls(dice),
            Weather::Rolling => {
                for pod in 0..self.pods {
                    let mut at = dice.range(SECOND, CALM_FROM);
                    // Each has the time that it needs to leave.
                    while at < CALM_FROM - 6 * SECOND {
                        let until = at + dice.range(3 * SECOND, 6 * SECOND);
                        let changes = false;
                        self.trouble(at, until, Fault::Drain { pod, changes });
                        at = until + dice.range(0, 15 * SECOND);
                    }
                }
            }
            Weather::Change => {
                // Half-way through a fleet it may stay for long.
                let gap = CALM_FROM / 2 / Time::try_from(self.pods).unwrap();
                for pod in 0..self.pods {
                    let at = 5 * SECOND + gap * Time::try_from(pod).unwrap();
                    let until = at + dice.range(3 * SECOND, 6 * SECOND);
                    let changes = true;
                    self.trouble(at, until, Fault::Drain { pod, changes });
                }
            }
            Weather::Outage => {
                let at = dice.range(0, 8 * SECOND);
                let until = dice.range(30 * SECOND, CALM_FROM);
                let what = Fault::Outage {
                    refuses: dice.chance(50),
                    wipes: dice.chance(50),
                    whom: None,
                };
                self.trouble(at, until, what);
            }
            Weather::Late => {
                for _ in 0..2 + dice.index(4) {
                    let at = dice.range(0, CALM_FROM - SECOND);
                    let until = (at + dice.range(SECOND, 15 * SECOND)).min(CALM_FROM);
                    let what = if dice.chance(60) {
                        Fault::HeldUp(dice.range(5, 60))
                    } else {
                        Fault::PauseAsking
                    };
                    self.trouble(at, until, what);
                }
            }
            Weather::Storm => {
                for _ in 0..1 + dice.index(6) {
                    let at = dice.range(0, CALM_FROM - SECOND);
                    let longest = [SECOND, 4 * SECOND, 15 * SECOND, CALM_FROM][dice.index(4)];
                    let until = (at + dice.range(100 * MILLI, longest)).min(CALM_FROM);
                    let changes = self.versions.len() > 1 && dice.chance(70);
                    let what = Fault::pick(dice, self.pods, self.groups.len(), changes);
                    self.trouble(at, until, what);
                }
                if dice.chance(50) {
                    self.add_calls(dice);
                }
            }
        }
    }

    fn add_calls(&mut self, dice: &mut Dice) {
        for _ in 0..1 + dice.index(8) {
            let at = dice.range(0, CALM_FROM);
            self.calls.push(at);
            if dice.chance(50) {
                self.calls.push(at + dice.range(0, 100 * MILLI));
            }
        }
    }

    /// What operations, rounds and leases are bounded by; intervals aside all configurations agree.
    pub(super) fn common(&self) -> &Settings {
        &self.versions[0]
    }

    fn longest_interval(&self) -> Duration {
        self.versions.iter().map(|v| v.interval).max().unwrap()
    }

    /// R, and what a round lasts at most.
    pub(super) fn round_limit(&self) -> Time {
        self.groups
            .iter()
            .map(|group| {
                let mut settings = self.common().clone();
                settings.checks.clone_from(&group.checks);
                micros(settings.round_limit())
            })
            .max()
            .unwrap()
    }

    fn jitter(&self) -> Time {
        micros(self.longest_interval().mul_f64(self.common().jitter))
    }

    /// How much later than due a check may be asked for the sake of its upstream.
    fn rest(&self) -> Time {
        micros(self.prices.longest_rest(self.common()))
    }

    /// LV-1: once faults stop, a report comes within this, and later where every upstream asks to be left alone.
    pub(super) fn liveness(&self) -> Time {
        micros(self.common().lock_ttl + self.longest_interval())
            + self.rest()
            + self.jitter()
            + self.round_limit()
            + 5 * SECOND
    }

    /// FB-1: results are no older than this, store or no store, and older where an upstream asks to be left alone.
    pub(super) fn oldest(&self) -> Time {
        let oldest = micros(self.common().lock_ttl + self.longest_interval())
            + self.rest()
            + self.jitter()
            + 2 * self.round_limit()
            + 10 * SECOND;
        oldest + self.drift(oldest)
    }

    /// Whether probes of this group hang, or did a moment ago. That is beyond their own time limits: the pod's probes
    /// do not work.
    pub(super) fn hangs(&self, group: usize, now: Time) -> bool {
        self.troubles.iter().any(|trouble| {
            matches!(trouble.what, Fault::Hanging(g) if g == group)
                && (trouble.at..trouble.until + self.oldest()).contains(&now)
        })
    }

    /// How much too young ages may appear since a publication was held up, at most as long as its lease.
    pub(super) fn holdup(&self) -> Time {
        let holds = |t: &Trouble| matches!(t.what, Fault::HeldUp(_));
        if self.troubles.iter().any(holds) {
            micros(self.common().lock_ttl)
        } else {
            0
        }
    }

    /// The least time between two rounds that ask the same check.
    pub(super) fn apart(&self) -> Time {
        let cadence = self.versions.iter().map(Settings::cadence).min().unwrap();
        let apart = micros(cadence) * 9 / 10;
        apart - self.drift(apart)
    }

    /// How far two clocks may come to differ over a span.
    pub(super) fn drift(&self, span: Time) -> Time {
        span / 100 + 2 * span * self.rate_ppm / 1_000_000
    }

    /// SN-3: what is older than this is not fresh.
    pub(super) fn fresh_for(&self, version: usize) -> Duration {
        let settings = &self.versions[version];
        ShownSettings::fresh_for(settings.interval, settings.cache_ttl, settings.jitter)
    }
}
