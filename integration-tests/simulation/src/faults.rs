//! What can go wrong, and from when to when.

use watchkeeper_core::error::StoreErrorKind;

use super::dice::Dice;
use super::plan::Time;

/// A fault and its time.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) at: Time,
    pub(super) until: Time,
    pub(super) what: Fault,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Nothing reaches the store: refused at once, or never answered. It may come back without its data.
    Outage {
        refuses: bool,
        wipes: bool,
        /// Only these pods, or all.
        pods: Option<Vec<usize>>,
    },
    /// Each way takes up to this much longer.
    Slow(Time),
    /// This many requests of a hundred are lost, and as many answers.
    Lossy(i64),
    /// Reads work, writes fail in this way.
    NoWrites(StoreErrorKind),
    /// Publications fail in this way, all else works.
    NoPublish(StoreErrorKind),
    /// No hint reaches anybody.
    Deaf,
    /// The data are lost while everything goes on.
    Wipe,
    /// Garbage in a lock's place.
    BadLock(usize),
    /// Garbage in a report's place.
    BadReport(usize),
    /// The pod is killed and starts again at the end, under its old name or a new one.
    Crash { pod: usize, same_name: bool },
    /// The pod stands still.
    Pause(usize),
    /// The pod leaves in order and starts again at the end.
    Drain(usize),
}

impl Fault {
    pub(super) fn pick(dice: &mut Dice, pods: usize, groups: usize) -> Self {
        match dice.index(14) {
            0 | 1 => Self::Outage {
                refuses: dice.chance(50),
                wipes: dice.chance(50),
                pods: None,
            },
            2 => Self::Outage {
                refuses: dice.chance(50),
                wipes: false,
                pods: Some((0..pods).filter(|_| dice.chance(40)).collect()),
            },
            3 => Self::Slow(dice.range(50_000, 300_000)),
            4 => Self::Lossy(dice.range(5, 60)),
            5 => {
                Self::NoWrites([StoreErrorKind::Unwritable, StoreErrorKind::Denied][dice.index(2)])
            }
            6 => {
                Self::NoPublish([StoreErrorKind::Timeout, StoreErrorKind::TooLarge][dice.index(2)])
            }
            7 => Self::Deaf,
            8 => Self::Wipe,
            9 => Self::BadLock(dice.index(groups)),
            10 => Self::BadReport(dice.index(groups)),
            11 => Self::Crash {
                pod: dice.index(pods),
                same_name: dice.chance(50),
            },
            12 => Self::Pause(dice.index(pods)),
            _ => Self::Drain(dice.index(pods)),
        }
    }
}
