//! What a seed makes of a run: which faults strike when, and the calm between.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// The fleet runs undisturbed this long first, so that each run also shows what health looks like.
const WARM_UP: Duration = Duration::from_secs(16);
/// A calm spell lasts from this ...
pub(super) const CALM_LEAST: Duration = Duration::from_secs(16);
/// ... to this: longer than the bound of LV-1, and with some rounds after the fleet has settled.
const CALM_MOST: Duration = Duration::from_secs(19);
/// How long the slowest endpoint takes from one storm to the next, in turns: so that no round needs a renewal, and so
/// that each needs several, since it outlasts the lease.
const PACES_MS: [u64; 2] = [3_400, 700];
/// So many faults make a storm.
const STORM: std::ops::RangeInclusive<usize> = 3..=6;
/// One begins this long after the one before, in milliseconds; where that one lasts longer, two are at work.
const PACE_MS: std::ops::RangeInclusive<u64> = 1_500..=4_500;
/// Longer than FB-1's bound, so that a pod that does not check for itself is found out.
const AWAY_MS: std::ops::Range<u64> = 26_000..30_000;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Kill,
    Terminate,
    ShortStop,
    LongStop,
    RedisKilled,
    RedisAway,
    RedisLost,
    RedisFrozen,
    Flushed,
    ScriptsFlushed,
    Slow,
    TooSlow,
    Silent,
    Cut,
    CutAnswers,
    NoReplies,
    NoRequests,
    Throttled,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 18] = [
        Self::Kill,
        Self::Terminate,
        Self::ShortStop,
        Self::LongStop,
        Self::RedisKilled,
        Self::RedisAway,
        Self::RedisLost,
        Self::RedisFrozen,
        Self::Flushed,
        Self::ScriptsFlushed,
        Self::Slow,
        Self::TooSlow,
        Self::Silent,
        Self::Cut,
        Self::CutAnswers,
        Self::NoReplies,
        Self::NoRequests,
        Self::Throttled,
    ];

    /// In a few words.
    pub(super) const fn says(self) -> &'static str {
        match self {
            Self::Kill => "pod killed (-9), restarted",
            Self::Terminate => "pod told to leave, restarted",
            Self::ShortStop => "pod stopped, woken soon",
            Self::LongStop => "pod stopped beyond its lease",
            Self::RedisKilled => "redis killed, back with its data",
            Self::RedisAway => "redis away for longer than FB-1 allows",
            Self::RedisLost => "redis killed, back empty",
            Self::RedisFrozen => "redis frozen",
            Self::Flushed => "redis emptied (FLUSHALL)",
            Self::ScriptsFlushed => "redis forgot its scripts",
            Self::Slow => "way to redis slow",
            Self::TooSlow => "way to redis slower than the limit",
            Self::Silent => "way to redis silent",
            Self::Cut => "way to redis cut",
            Self::CutAnswers => "answers cut in their middle",
            Self::NoReplies => "replies lost",
            Self::NoRequests => "requests lost",
            Self::Throttled => "way to redis throttled",
        }
    }

    /// A process of a pod is struck.
    pub(super) const fn strikes_process(self) -> bool {
        matches!(
            self,
            Self::Kill | Self::Terminate | Self::ShortStop | Self::LongStop
        )
    }

    /// Redis itself is struck, and with it every pod.
    pub(super) const fn strikes_redis(self) -> bool {
        matches!(
            self,
            Self::RedisKilled
                | Self::RedisAway
                | Self::RedisLost
                | Self::RedisFrozen
                | Self::Flushed
                | Self::ScriptsFlushed
        )
    }

    /// No store operation of those struck can succeed while it lasts.
    pub(super) const fn cuts_off(self) -> bool {
        matches!(
            self,
            Self::RedisKilled
                | Self::RedisAway
                | Self::RedisLost
                | Self::RedisFrozen
                | Self::TooSlow
                | Self::Silent
                | Self::Cut
                | Self::NoReplies
                | Self::NoRequests
        )
    }

    /// Store operations of those struck may fail while it lasts.
    pub(super) const fn impairs(self) -> bool {
        self.cuts_off() || matches!(self, Self::Slow | Self::CutAnswers | Self::Throttled)
    }

    /// What the store knew is gone.
    pub(super) const fn loses_data(self) -> bool {
        matches!(self, Self::RedisLost | Self::Flushed)
    }

    /// The pod's process ends.
    pub(super) const fn ends(self) -> bool {
        matches!(self, Self::Kill | Self::Terminate)
    }

    /// The pod's process is stopped and woken.
    pub(super) const fn pauses(self) -> bool {
        matches!(self, Self::ShortStop | Self::LongStop)
    }

    /// How long it lasts, in milliseconds.
    fn lasts(self, dice: &mut StdRng, lock_ttl: Duration) -> u64 {
        let lease = u64::try_from(lock_ttl.as_millis()).unwrap();
        match self {
            Self::Flushed | Self::ScriptsFlushed => 0,
            Self::RedisAway => dice.random_range(AWAY_MS),
            Self::Kill | Self::Terminate => dice.random_range(200..4_000),
            Self::ShortStop => dice.random_range(200..lease * 2 / 3),
            Self::LongStop => dice.random_range(lease + 300..lease + 4_000),
            _ => dice.random_range(700..8_500),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.says())
    }
}

/// A fault as planned.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    /// What.
    pub(super) kind: Kind,
    /// When it begins, after all pods answered.
    pub(super) at: Duration,
    /// When it is lifted, or the pod or Redis started again.
    pub(super) until: Duration,
    /// Which pods; empty where it strikes Redis.
    pub(super) pods: Vec<usize>,
    /// Whether to strike whoever leads a round instead, if somebody does within a moment.
    pub(super) leader: bool,
    /// What else there is to know: milliseconds of a delay, bytes of an answer, bytes a second.
    pub(super) amount: u64,
}

impl Fault {
    /// Whether it can be at work beside these: two at once are enough.
    pub(super) fn may_join(&self, active: &[&Self]) -> bool {
        active.len() < 2 && !active.iter().any(|other| self.excludes(other))
    }

    /// Whether both need the same pod's process, the same way, or Redis itself; so they are not at work together.
    fn excludes(&self, other: &Self) -> bool {
        let shared = || self.pods.iter().any(|pod| other.pods.contains(pod));
        let process = |a: &Self| a.kind.strikes_process();
        if self.kind.strikes_redis() || other.kind.strikes_redis() {
            return self.kind.strikes_redis() && other.kind.strikes_redis();
        }
        match (process(self), process(other)) {
            (true, true) => self.leader || other.leader || shared(),
            (false, false) => shared(),
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, until) = (self.at.as_secs_f64(), self.until.as_secs_f64());
        write!(f, "{at:8.2} s to {until:8.2} s  {:<36}", self.kind)?;
        if self.leader {
            write!(f, " the leader, else")?;
        }
        for pod in &self.pods {
            write!(f, " pod-{}", pod + 1)?;
        }
        match self.kind {
            Kind::Slow | Kind::TooSlow => write!(f, " {} ms each way", self.amount),
            Kind::CutAnswers => write!(f, " after {} bytes", self.amount),
            Kind::Throttled => write!(f, " {} bytes/s", self.amount),
            _ => Ok(()),
        }
    }
}

/// All that is decided before the run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Its one source of chance.
    pub(super) seed: u64,
    /// The faults, earliest first.
    pub(super) faults: Vec<Fault>,
    /// From when on the slowest endpoint takes how many milliseconds.
    pub(super) paces: Vec<(Duration, u64)>,
    /// How long the run lasts.
    pub(super) length: Duration,
}

impl Plan {
    /// The same seed, length and fleet give the same plan.
    pub(super) fn new(seed: u64, length: Duration, pods: usize, lock_ttl: Duration) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut faults: Vec<Fault> = Vec::new();
        // Each kind strikes once before any strikes a second time, but for those there twice.
        let mut deck = Vec::new();
        let mut at = WARM_UP;
        let mut turns = PACES_MS.iter().copied().cycle();
        let mut paces: Vec<_> = turns
            .next()
            .map(|pace| (Duration::ZERO, pace))
            .into_iter()
            .collect();
        loop {
            let begins = at;
            let mut storm: Vec<Fault> = Vec::new();
            for _ in 0..dice.random_range(STORM) {
                if deck.is_empty() {
                    deck = Kind::ALL.to_vec();
                    // What a takeover is measured by.
                    deck.extend([Kind::Kill, Kind::Terminate]);
                    deck.shuffle(&mut dice);
                }
                // From the deck's end, the first that can be at work with the others.
                let drawn = deck
                    .pop()
                    .map(|kind| draw(&mut dice, kind, at, pods, lock_ttl));
                let Some(mut fault) = drawn else { break };
                let busy = |fault: &Fault| {
                    let mut at_work = storm.iter().filter(|other| other.until + REST > fault.at);
                    let clash = at_work.clone().find(|other| fault.excludes(other));
                    clash.or_else(|| at_work.nth(1)).map(|other| other.until)
                };
                // It waits for those that it cannot be at work with.
                while let Some(free) = busy(&fault) {
                    let later = free + REST - fault.at;
                    fault.at += later;
                    fault.until += later;
                }
                at = fault.at + Duration::from_millis(dice.random_range(PACE_MS));
                storm.push(fault);
            }
            let over = storm.iter().map(|fault| fault.until).max().unwrap_or(at);
            let calm = Duration::from_millis(dice.random_range(
                u64::try_from(CALM_LEAST.as_millis()).unwrap()
                    ..u64::try_from(CALM_MOST.as_millis()).unwrap(),
            ));
            if over + calm > length {
                // Half a storm is better than none, if the calm after it fits.
                storm.retain(|fault| fault.until + CALM_LEAST <= length);
                faults.extend(storm);
                break;
            }
            faults.extend(storm);
            paces.extend(turns.next().map(|pace| (begins, pace)));
            at = over + calm;
        }
        faults.sort_by_key(|fault| fault.at);
        Self {
            seed,
            faults,
            paces,
            length,
        }
    }
}

/// Between two faults on the same thing, so that the first is really over.
const REST: Duration = Duration::from_millis(300);

fn draw(dice: &mut StdRng, kind: Kind, at: Duration, pods: usize, lock_ttl: Duration) -> Fault {
    let struck = if kind.strikes_redis() {
        0
    } else if kind.strikes_process() {
        1
    } else {
        dice.random_range(1..=pods)
    };
    let mut all: Vec<usize> = (0..pods).collect();
    all.shuffle(dice);
    all.truncate(struck);
    all.sort_unstable();
    Fault {
        kind,
        at,
        until: at + Duration::from_millis(kind.lasts(dice, lock_ttl)),
        pods: all,
        leader: kind.strikes_process() && dice.random_bool(0.75),
        amount: match kind {
            // Both ways together stay below the limit of an operation, or are beyond it.
            Kind::Slow => dice.random_range(20..170),
            Kind::TooSlow => dice.random_range(400..1_500),
            Kind::CutAnswers => dice.random_range(20..2_000),
            Kind::Throttled => dice.random_range(150..6_000),
            _ => 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(3);

    fn plan(seed: u64, minutes: u64) -> Plan {
        Plan::new(seed, Duration::from_secs(60 * minutes), 4, LEASE)
    }

    #[test]
    fn a_seed_is_a_plan_and_another_seed_another() {
        assert_eq!(plan(7, 5), plan(7, 5));
        assert_ne!(plan(7, 5).faults, plan(8, 5).faults);
    }

    #[test]
    fn at_most_two_faults_are_at_work_and_never_two_on_the_same_thing() {
        for seed in 0..200 {
            let faults = plan(seed, 10).faults;
            for (n, fault) in faults.iter().enumerate() {
                let at_work = || faults[..n].iter().filter(|other| other.until >= fault.at);
                assert!(at_work().count() <= 1, "seed {seed}: {fault}");
                assert!(
                    !at_work().any(|other| fault.excludes(other)),
                    "seed {seed}: {fault}"
                );
            }
            let pairs = faults.windows(2).filter(|pair| pair[0].until > pair[1].at);
            assert!(pairs.count() > 3, "seed {seed}");
        }
    }

    #[test]
    fn two_minutes_hold_most_kinds_five_all_and_every_run_ends_calm() {
        for seed in 0..200 {
            for (minutes, least) in [(2, 7), (5, 18)] {
                let plan = plan(seed, minutes);
                let mut kinds: Vec<Kind> = plan.faults.iter().map(|fault| fault.kind).collect();
                kinds.sort();
                kinds.dedup();
                assert!(kinds.len() >= least, "seed {seed}: {kinds:?}");
                let over = plan.faults.iter().map(|fault| fault.until).max().unwrap();
                assert!(over + CALM_LEAST <= plan.length);
                let storms = plan
                    .faults
                    .windows(2)
                    .filter(|pair| pair[1].at >= pair[0].until + CALM_LEAST);
                assert!(storms.count() >= 1, "seed {seed}");
            }
        }
    }
}
