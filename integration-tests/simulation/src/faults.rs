//! What can go wrong, and from when to when.

use watchkeeper_core::error::StoreErrorKind;

use super::dice::Dice;
use super::plan::{MILLI, SECOND, Time};

/// A fault and its time.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) at: Time,
    pub(super) until: Time,
    pub(super) what: Fault,
}

/// Some of the pods, or all.
pub(super) type Whom = Option<Vec<usize>>;

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Nothing reaches the store: refused at once, or never answered. It may come back without its data.
    Outage {
        refuses: bool,
        wipes: bool,
        whom: Whom,
    },
    /// The store is away from `lag` after the beginning, and comes back as it was at the beginning.
    Failover { lag: Time, refuses: bool },
    /// Each way takes up to this much longer, so that messages overtake each other.
    Slow(Time),
    /// This many requests of a hundred are lost, and as many answers.
    Lossy { percent: i64, whom: Whom },
    /// The store does what it is asked, and this many answers of a hundred are lost.
    LostAnswers { percent: i64, whom: Whom },
    /// This many requests and answers of a hundred arrive twice.
    Doubled(i64),
    /// This many requests of a hundred are held up on their way, most until long after their sender gave up.
    HeldUp(i64),
    /// Reads work, writes fail in this way.
    NoWrites(StoreErrorKind),
    /// Publications fail in this way, all else works.
    NoPublish(StoreErrorKind),
    /// No hint reaches anybody.
    Deaf,
    /// The data are lost while everything goes on.
    Wipe,
    /// The store's clock jumps by so much.
    StoreClock(Time),
    /// Garbage in a lock's place.
    BadLock(usize),
    /// The standing lock loses its end.
    EndlessLock(usize),
    /// Garbage in a report's place.
    BadReport(usize),
    /// The standing report's entries carry tokens that nobody was granted.
    ForgedReport(usize),
    /// An impossible token in the token's place.
    BadToken(usize),
    /// The pod is killed and starts again at the end, under its old name or a new one.
    Crash { pod: usize, same_name: bool },
    /// The pod stands still.
    Pause(usize),
    /// The first pod that asks for a lease stands still before it hears the answer.
    PauseAsking,
    /// The pod stands still, and so does its steady clock: a machine that was put to sleep.
    Asleep(usize),
    /// The pod leaves in order and starts again at the end, with the next configuration if it is to change.
    Drain { pod: usize, changes: bool },
    /// The pod's wall clock is set by so much.
    WallClock { pod: usize, by: Time },
    /// Probes that start now never answer.
    Hanging(usize),
}

impl Fault {
    /// Any fault, for a fleet of this size.
    pub(super) fn pick(dice: &mut Dice, pods: usize, groups: usize, changes: bool) -> Self {
        let pod = dice.index(pods);
        let group = dice.index(groups);
        let whom = if dice.chance(50) {
            Some((0..pods).filter(|_| dice.chance(40)).collect())
        } else {
            None
        };
        match dice.index(24) {
            0 | 1 => Self::Outage {
                refuses: dice.chance(50),
                wipes: dice.chance(50),
                whom: None,
            },
            2 => Self::Outage {
                refuses: dice.chance(50),
                wipes: false,
                whom: Some((0..pods).filter(|_| dice.chance(40)).collect()),
            },
            3 => Self::Slow(dice.range(50 * MILLI, 300 * MILLI)),
            4 => Self::Lossy {
                percent: dice.range(5, 60),
                whom,
            },
            5 => {
                Self::NoWrites([StoreErrorKind::Unwritable, StoreErrorKind::Denied][dice.index(2)])
            }
            6 => {
                Self::NoPublish([StoreErrorKind::Timeout, StoreErrorKind::TooLarge][dice.index(2)])
            }
            7 => Self::Deaf,
            8 => Self::Wipe,
            9 => Self::BadLock(group),
            10 => [Self::BadReport(group), Self::ForgedReport(group)][dice.index(2)].clone(),
            11 => Self::Crash {
                pod,
                same_name: dice.chance(50),
            },
            12 | 13 => Self::Pause(pod),
            14 | 15 => Self::Drain { pod, changes },
            16 => Self::Failover {
                lag: dice.range(MILLI, 2 * SECOND),
                refuses: dice.chance(50),
            },
            17 => Self::StoreClock(some_jump(dice)),
            18 => Self::LostAnswers {
                percent: dice.range(10, 101),
                whom,
            },
            19 => Self::Doubled(dice.range(5, 60)),
            20 => Self::Asleep(pod),
            21 => Self::WallClock {
                pod,
                by: some_jump(dice),
            },
            22 => Self::Hanging(group),
            _ => [Self::EndlessLock(group), Self::BadToken(group)][dice.index(2)].clone(),
        }
    }

    /// The name under which it is counted.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Outage { whom: None, .. } => "fault: outage",
            Self::Outage { .. } => "fault: partition",
            Self::Failover { .. } => "fault: failover",
            Self::Slow(_) => "fault: slow",
            Self::Lossy { .. } => "fault: lossy",
            Self::LostAnswers { .. } => "fault: lost answers",
            Self::Doubled(_) => "fault: doubled",
            Self::HeldUp(_) => "fault: held up",
            Self::NoWrites(_) => "fault: no writes",
            Self::NoPublish(_) => "fault: no publications",
            Self::Deaf => "fault: deaf",
            Self::Wipe => "fault: wipe",
            Self::StoreClock(_) => "fault: store clock",
            Self::BadLock(_) => "fault: bad lock",
            Self::EndlessLock(_) => "fault: endless lock",
            Self::BadReport(_) => "fault: bad report",
            Self::ForgedReport(_) => "fault: forged report",
            Self::BadToken(_) => "fault: bad token",
            Self::Crash { .. } => "fault: crash",
            Self::Pause(_) => "fault: pause",
            Self::PauseAsking => "fault: pause while asking",
            Self::Asleep(_) => "fault: asleep",
            Self::Drain { changes: true, .. } => "fault: new configuration",
            Self::Drain { .. } => "fault: drain",
            Self::WallClock { .. } => "fault: wall clock",
            Self::Hanging(_) => "fault: hanging probes",
        }
    }

    /// Whether the fault speaks of a pod from `pods` on.
    pub(super) fn needs_pod_from(&self, pods: usize) -> bool {
        match self {
            Self::Crash { pod, .. }
            | Self::Pause(pod)
            | Self::Asleep(pod)
            | Self::Drain { pod, .. }
            | Self::WallClock { pod, .. } => *pod >= pods,
            _ => false,
        }
    }
}

/// From a tenth of a second to an hour, either way.
fn some_jump(dice: &mut Dice) -> Time {
    let longest = [SECOND, 10 * SECOND, 3_600 * SECOND][dice.index(3)];
    let by = dice.range(100 * MILLI, longest);
    if dice.chance(50) { by } else { -by }
}
