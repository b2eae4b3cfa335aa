//! Events in, whole command lists out.
//!
//! A fake pod with two checks, `a` and `b`, driven by hand: `pod.at(ms, event)` hands it an event at that moment and
//! answers with everything that it commands. Operations, attempts and probes are numbered from 1 in the order in which
//! they are commanded, so that a test can name them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod alone;
mod back;
mod beside;
mod bounds;
mod build;
mod changes;
mod contend;
mod drain;
mod due;
mod effort;
mod faults;
mod follow;
mod forced;
mod lead;
mod publish;
mod rejoin;
mod reload;
mod scope;
mod store;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cache::{Published, Then};
use crate::companion::ForeignFindings;
use crate::error::{StoreError, StoreErrorKind, StoreOp};
use crate::id::GroupId;
use crate::lease::{Acquire, Acquired, Busy, Released, Renewed};
use crate::money::{Budget, Ledger};
use crate::probe::Effort;
use crate::report::{Aged, Entry, Report, Thresholds};
use crate::status::{GroupView, Mode};
use crate::time::UnixMillis;
use crate::verdict::{Outcome, Verdict};
use build::*;

pub(super) const INTERVAL: i64 = 10_000;
pub(super) const LOCK_TTL: i64 = 3_000;
pub(super) const OP_TIMEOUT: i64 = 500;
/// R: both checks at once.
pub(super) const ROUND: i64 = 1_000;
/// The window of a request that left at zero.
pub(super) const WINDOW: i64 = 2_700;
pub(super) const RENEW: i64 = 1_000;
pub(super) const SEED: u64 = 1_000;

const ORIGIN: i64 = 1_000_000;
const WALL: i64 = 1_767_225_600_000;

pub(super) fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap())
}

pub(super) fn moment(ms: i64) -> Moment {
    Moment::from_micros((ORIGIN + ms) * 1_000)
}

fn in_millis(at: Moment) -> i64 {
    // Rounded up: waking then is never too early.
    (at.as_micros() + 999) / 1_000 - ORIGIN
}

pub(super) fn unix(ms: i64) -> UnixMillis {
    UnixMillis(WALL + ms)
}

pub(super) fn check(name: &str) -> CheckId {
    CheckId::new(name).unwrap()
}

pub(super) fn pod_id(name: &str) -> PodId {
    PodId::new(name).unwrap()
}

fn group() -> GroupId {
    GroupId::new("group").unwrap()
}

/// One pod, called `me`.
pub(super) struct Pod {
    pub(super) coordinator: Coordinator,
    now: i64,
}

impl Pod {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let one = |name: &str| GroupCheck::new(check(name), millis(ROUND));
        let mut settings = Settings {
            group: group(),
            pod: pod_id("me"),
            checks: vec![one("a"), one("b")],
            interval: millis(INTERVAL),
            lock_ttl: millis(LOCK_TTL),
            cache_ttl: Duration::from_secs(300),
            jitter: 0.1,
            concurrency: 16,
            lanes: BTreeMap::new(),
            spread: Duration::ZERO,
            thresholds: Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
                passes: crate::report::Passes::HEALTHY,
            },
            budget: Budget::default(),
            honours_retry_after: true,
            op_timeout: millis(OP_TIMEOUT),
            drain: Duration::from_secs(2),
            coordinate: true,
            background: true,
            seed: SEED,
        };
        change(&mut settings);
        Self {
            coordinator: Coordinator::new(settings),
            now: 0,
        }
    }

    /// Hands it an event at a moment, in milliseconds since the start.
    pub(super) fn at(&mut self, ms: i64, event: Event) -> Vec<Command> {
        assert!(ms >= self.now, "time goes forward");
        self.now = ms;
        let now = Now {
            steady: moment(ms),
            unix: unix(ms),
        };
        let commands = self.coordinator.handle(now, event);
        if let Some(deadline) = self.coordinator.deadline() {
            assert!(
                deadline > now.steady,
                "it wants to be woken at once, again and again"
            );
        }
        commands
    }

    /// Wakes it at the moment it asks for, as often as nothing comes of it; at the latest at `ms`.
    pub(super) fn until(&mut self, ms: i64) -> Vec<Command> {
        while let Some(at) = self.wants().filter(|at| *at <= ms) {
            let commands = self.at(at, Event::Woke);
            if !commands.is_empty() {
                return commands;
            }
        }
        Vec::new()
    }

    /// When it wants to be woken.
    /// The lease of whom it follows ends: it reads once more (operation `op`), finds nothing, and then asks for it.
    pub(super) fn lease_ends(&mut self, ms: i64, op: u64) -> Vec<Command> {
        assert_eq!(self.until(ms), [read(op, 0)]);
        self.at(ms, nothing(op, 0));
        self.until(ms + 50)
    }

    pub(super) fn wants(&self) -> Option<i64> {
        self.coordinator.deadline().map(in_millis)
    }

    pub(super) fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn view(&self) -> GroupView {
        self.coordinator.view(moment(self.now))
    }

    /// The age of an entry as this pod sees it now.
    pub(super) fn age(&self, name: &str) -> i64 {
        let known = &self.view().entries[&check(name)];
        i64::try_from(moment(self.now).since(known.probed_at).as_millis()).unwrap()
    }

    /// Started at 0, nothing in the store, the lease (token 7) asked for at 60 and granted at 70, read again, and both
    /// probes started at 80. Used up: operations 1 to 3, attempt 1, probes 1 and 2.
    pub(super) fn probing() -> Self {
        Self::probing_with(|_| {})
    }

    pub(super) fn probing_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut pod = Self::with(change);
        pod.at(0, Event::Started);
        pod.at(10, nothing(1, 0));
        pod.at(60, Event::Woke);
        pod.at(70, held(2, 7));
        pod.at(80, nothing(3, 7));
        pod
    }

    /// As [`Pod::probing`], both probes answered, and published at 100 (operation 4): the next round is due at 10,080.
    pub(super) fn rested() -> Self {
        Self::rested_with(|_| {})
    }

    pub(super) fn rested_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut pod = Self::probing_with(change);
        pod.at(90, probed(1));
        pod.at(90, probed(2));
        pod.at(100, done(4));
        pod
    }

    /// Knows nothing, asked for the lease at 60, and follows `other`, who holds it under token 7 until 3,060.
    pub(super) fn following() -> Self {
        let mut pod = Self::new();
        pod.at(0, Event::Started);
        pod.at(10, nothing(1, 0));
        pod.at(60, Event::Woke);
        pod.at(70, busy(2, "other", 7, 2_990));
        pod
    }

    /// Isolated from the first moment on, and its first round (probes 1 and 2) started at `alone_at`.
    pub(super) fn alone() -> (Self, i64) {
        let mut pod = Self::new();
        pod.at(0, Event::Started);
        pod.at(10, Event::StoreDown);
        pod.at(20, Event::Read(Op(1), Err(refused(StoreOp::Read))));
        let commands = pod.until(INTERVAL);
        assert_eq!(commands, [probe(1, "a"), probe(2, "b")]);
        let at = pod.now();
        (pod, at)
    }
}
