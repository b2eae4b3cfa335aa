//! One pod of the world: its coordinators, its clocks, and what it waits for.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper_core::coordinator::{Coordinator, Event, Hint, Now, Op, ProbeId, Ticket};
use watchkeeper_core::id::{CheckId, PodId};
use watchkeeper_core::status::Mode;
use watchkeeper_core::time::{Moment, UnixMillis};

use super::dice::Dice;
use super::plan::{MILLI, Plan, Time};

/// 2026-01-01T00:00:00Z.
pub(super) const START_UNIX_MILLIS: i64 = 1_767_225_600_000;

/// Whether a pod runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Up,
    Paused,
    /// Paused together with its steady clock.
    Asleep,
    Down,
}

/// What reaches a pod.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// A timer of this stamp.
    Woke(usize, u64),
    /// The answer to an operation, or the end of its time limit.
    Answer(usize, Op, Event),
    Probed(usize, ProbeId),
    Pinged(bool),
    Ping,
    Hint(usize, Hint),
    Call(Ticket),
    Drain,
}

impl State {
    pub(super) fn is_still(self) -> bool {
        matches!(self, Self::Paused | Self::Asleep)
    }
}

/// One running daemon. A pod that starts again is another life of it.
pub(super) struct Pod {
    pub(super) name: PodId,
    pub(super) life: u64,
    /// Which configuration it has.
    pub(super) version: usize,
    /// By the group's place in the plan.
    pub(super) groups: BTreeMap<usize, Coordinator>,
    pub(super) state: State,
    /// What came while it stood still.
    pub(super) backlog: Vec<Input>,
    pub(super) stamps: Vec<u64>,
    pub(super) waiting: BTreeSet<(usize, Op)>,
    pub(super) probes: BTreeSet<(usize, ProbeId)>,
    pub(super) pinged: Option<bool>,
    /// When this life began.
    pub(super) started: Time,
    /// Since when it runs without a break.
    pub(super) up_since: Time,
    /// Since when it is paused or asleep.
    pub(super) still_since: Time,
    /// Wakes in the current second, and that second.
    pub(super) wakes: (Time, u32),
    pub(super) calls: BTreeMap<Ticket, (Time, CheckId)>,
    pub(super) isolated: Vec<bool>,
    /// Groups whose subscription is new, and since when they are to be read for it.
    pub(super) owed_reads: BTreeMap<usize, Time>,
    /// Whether it gave up waiting for others once.
    pub(super) impatient: Vec<bool>,
    offset: Time,
    /// How much its steady clock runs fast, in millionths.
    ppm: i64,
    skew_millis: i64,
}

impl Pod {
    pub(super) fn new(dice: &mut Dice, plan: &Plan, index: usize) -> Self {
        Self {
            name: PodId::new(format!("pod-{index}")).unwrap(),
            life: 0,
            version: 0,
            groups: BTreeMap::new(),
            state: State::Down,
            backlog: Vec::new(),
            stamps: Vec::new(),
            waiting: BTreeSet::new(),
            probes: BTreeSet::new(),
            pinged: None,
            started: 0,
            up_since: 0,
            still_since: 0,
            wakes: (0, 0),
            calls: BTreeMap::new(),
            isolated: Vec::new(),
            owed_reads: BTreeMap::new(),
            impatient: Vec::new(),
            offset: dice.range(0, 1_000_000_000_000),
            ppm: dice.range(-plan.rate_ppm, plan.rate_ppm + 1),
            skew_millis: dice.range(-5_000, 5_001),
        }
    }

    /// Begins a life.
    pub(super) fn start(&mut self, dice: &mut Dice, plan: &Plan, now: Time) {
        self.life += 1;
        self.state = State::Up;
        self.started = now;
        self.up_since = now;
        self.groups.clear();
        for (index, group) in plan.groups.iter().enumerate() {
            if group.versions.contains(&self.version) {
                let mut settings = plan.versions[self.version].clone();
                settings.group = group.id.clone();
                settings.pod = self.name.clone();
                settings.checks.clone_from(&group.checks);
                settings.seed = dice.next();
                self.groups.insert(index, Coordinator::new(settings));
            }
        }
        self.stamps = vec![0; plan.groups.len()];
        self.isolated = vec![false; plan.groups.len()];
        self.impatient = self.isolated.clone();
        self.forget();
    }

    /// A new subscription may have missed anything; a holder reads under its lease, and who cannot reach the store will.
    pub(super) fn owe_read(&mut self, group: usize, now: Time) {
        let mode = self
            .groups
            .get(&group)
            .map(|g| g.view(self.now(now).steady).mode);
        if mode == Some(Mode::Following) && self.pinged != Some(false) {
            self.owed_reads.entry(group).or_insert(now);
        }
    }

    /// Ends a life at once.
    pub(super) fn kill(&mut self) {
        self.state = State::Down;
        self.forget();
    }

    fn forget(&mut self) {
        self.backlog.clear();
        self.waiting.clear();
        self.probes.clear();
        self.calls.clear();
        self.pinged = None;
        self.owed_reads.clear();
    }

    /// The groups that it coordinates, by their places in the plan.
    pub(super) fn members(&self) -> Vec<usize> {
        self.groups.keys().copied().collect()
    }

    /// Sets its wall clock.
    pub(super) fn set_wall_clock(&mut self, by: Time) {
        self.skew_millis += by / MILLI;
    }

    /// Its steady clock stood still for so long.
    pub(super) fn slept(&mut self, time: Time) {
        self.offset -= time + time * self.ppm / 1_000_000;
    }

    pub(super) fn now(&self, world: Time) -> Now {
        Now {
            steady: Moment::from_micros(self.offset + world + world * self.ppm / 1_000_000),
            unix: UnixMillis(START_UNIX_MILLIS + world / MILLI + self.skew_millis),
        }
    }

    /// The first moment of the world at which this pod's clock shows `moment`.
    pub(super) fn world_time(&self, moment: Moment) -> Time {
        let local = moment.as_micros() - self.offset;
        let guess = local - local * self.ppm / (1_000_000 + self.ppm);
        (guess - 3..)
            .find(|at| self.now(*at).steady >= moment)
            .unwrap()
    }
}
