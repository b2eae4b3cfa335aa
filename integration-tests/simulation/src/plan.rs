//! What a seed makes of a run: the fleet, its settings, and what will go wrong when.

use std::time::Duration;

use watchkeeper_core::coordinator::{GroupCheck, Settings};
use watchkeeper_core::id::{CheckId, GroupId, PodId};
use watchkeeper_core::report::Thresholds;

use super::Weather;
use super::dice::Dice;
use super::faults::{Fault, Trouble};

/// Microseconds of the world's time.
pub(super) type Time = i64;

pub(super) const MILLI: Time = 1_000;
pub(super) const SECOND: Time = 1_000_000;

pub(super) fn micros(duration: Duration) -> Time {
    Time::try_from(duration.as_micros()).unwrap()
}

/// Everything decided before the run.
pub(super) struct Plan {
    pub(super) pods: usize,
    pub(super) groups: Vec<Vec<GroupCheck>>,
    /// How long an endpoint takes to answer, at most, by check.
    pub(super) slowest: Vec<(CheckId, Time)>,
    pub(super) template: Settings,
    pub(super) troubles: Vec<Trouble>,
    /// Times at which somebody asks some pod for a forced run.
    pub(super) calls: Vec<Time>,
    /// No fault starts or lasts beyond this.
    pub(super) calm_from: Time,
    pub(super) end: Time,
    /// Delay of one way through the network, at most.
    pub(super) delay: Time,
}

impl Plan {
    pub(super) fn new(dice: &mut Dice, weather: Weather) -> Self {
        let pods = 2 + dice.index(7);
        let count = 1 + dice.index(5);
        let op_timeout = Duration::from_millis(200);
        let lock_ttl = Duration::from_millis([1_200, 2_000, 3_000][dice.index(3)]);
        let interval = Duration::from_secs([4, 6, 10][dice.index(3)]);
        let timeout = Duration::from_millis([500, 1_500, 4_000][dice.index(3)]);
        let checks: Vec<GroupCheck> = (0..count)
            .map(|i| GroupCheck {
                id: CheckId::new(format!("check-{i}")).unwrap(),
                timeout,
                background: true,
            })
            .collect();
        let slowest = checks
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
        let groups = if dice.chance(50) {
            vec![checks]
        } else {
            checks.into_iter().map(|c| vec![c]).collect()
        };
        let template = Settings {
            group: GroupId::new("template").unwrap(),
            pod: PodId::new("template").unwrap(),
            checks: Vec::new(),
            interval,
            lock_ttl,
            cache_ttl: interval.max(Duration::from_secs(300)),
            jitter: [0.05, 0.2][dice.index(2)],
            concurrency: 1 + dice.index(4),
            spread: Duration::from_millis([0, 0, 300][dice.index(3)]),
            thresholds: Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
            },
            op_timeout,
            drain: Duration::from_secs(2),
            coordinate: true,
            background: true,
            seed: 0,
        };
        let calm_from = 40 * SECOND;
        let mut plan = Self {
            pods,
            groups,
            slowest,
            template,
            troubles: Vec::new(),
            calls: Vec::new(),
            calm_from,
            end: 0,
            delay: [2 * MILLI, 30 * MILLI][dice.index(2)],
        };
        plan.end = plan.calm_from + plan.liveness() + 2 * micros(interval) + 5 * SECOND;
        plan.add_troubles(dice, weather);
        plan
    }

    fn add_troubles(&mut self, dice: &mut Dice, weather: Weather) {
        match weather {
            Weather::Calm => {}
            Weather::Forced => self.add_calls(dice),
            Weather::Rolling => {
                for pod in 0..self.pods {
                    let mut at = dice.range(SECOND, self.calm_from);
                    // Each has the time that it needs to leave.
                    while at < self.calm_from - 6 * SECOND {
                        let until = at + dice.range(3 * SECOND, 6 * SECOND);
                        let what = Fault::Drain(pod);
                        self.troubles.push(Trouble { at, until, what });
                        at = until + dice.range(0, 15 * SECOND);
                    }
                }
            }
            Weather::Outage => {
                let at = dice.range(0, 8 * SECOND);
                let until = dice.range(30 * SECOND, self.calm_from);
                let what = Fault::Outage {
                    refuses: dice.chance(50),
                    wipes: dice.chance(50),
                    pods: None,
                };
                self.troubles.push(Trouble { at, until, what });
            }
            Weather::Storm => {
                for _ in 0..1 + dice.index(6) {
                    let at = dice.range(0, self.calm_from - SECOND);
                    let longest = [SECOND, 4 * SECOND, 15 * SECOND][dice.index(3)];
                    let until = (at + dice.range(100 * MILLI, longest)).min(self.calm_from);
                    let what = Fault::pick(dice, self.pods, self.groups.len());
                    self.troubles.push(Trouble { at, until, what });
                }
                if dice.chance(50) {
                    self.add_calls(dice);
                }
            }
        }
    }

    fn add_calls(&mut self, dice: &mut Dice) {
        for _ in 0..1 + dice.index(8) {
            let at = dice.range(0, self.calm_from);
            self.calls.push(at);
            if dice.chance(50) {
                self.calls.push(at + dice.range(0, 100 * MILLI));
            }
        }
    }

    /// R, and what a round lasts at most.
    pub(super) fn round_limit(&self) -> Time {
        self.groups
            .iter()
            .map(|checks| {
                let mut settings = self.template.clone();
                settings.checks.clone_from(checks);
                micros(settings.round_limit())
            })
            .max()
            .unwrap()
    }

    fn jitter(&self) -> Time {
        micros(self.template.interval.mul_f64(self.template.jitter))
    }

    /// LV-1: once faults stop, a report comes within this.
    pub(super) fn liveness(&self) -> Time {
        micros(self.template.lock_ttl + self.template.interval)
            + self.jitter()
            + self.round_limit()
            + 5 * SECOND
    }

    /// FB-1: results are no older than this, store or no store.
    pub(super) fn oldest(&self) -> Time {
        micros(self.template.lock_ttl + self.template.interval)
            + self.jitter()
            + 2 * self.round_limit()
            + 10 * SECOND
    }

    /// The least time between two rounds that ask the same check.
    pub(super) fn apart(&self) -> Time {
        micros(self.template.cadence()) * 9 / 10
    }
}
