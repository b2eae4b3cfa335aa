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
mod contend;
mod drain;
mod due;
mod faults;
mod follow;
mod forced;
mod lead;
mod publish;
mod scope;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cache::{Published, Then};
use crate::error::{StoreError, StoreErrorKind, StoreOp};
use crate::id::GroupId;
use crate::lease::{Acquire, Acquired, Busy, Released, Renewed};
use crate::report::{Aged, Entry, Report, Thresholds};
use crate::time::UnixMillis;
use crate::verdict::{Outcome, Verdict};

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
        let one = |name: &str| GroupCheck {
            id: check(name),
            timeout: millis(ROUND),
            background: true,
        };
        let mut settings = Settings {
            group: group(),
            pod: pod_id("me"),
            checks: vec![one("a"), one("b")],
            interval: millis(INTERVAL),
            lock_ttl: millis(LOCK_TTL),
            cache_ttl: Duration::from_secs(300),
            jitter: 0.1,
            concurrency: 16,
            spread: Duration::ZERO,
            thresholds: Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
            },
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

// Commands.

pub(super) fn read(op: u64, floor: u64) -> Command {
    Command::Read(Op(op), Token(floor))
}

pub(super) fn acquire(op: u64, attempt: u64, floor: u64) -> Command {
    Command::Acquire(Op(op), request(attempt, floor))
}

pub(super) fn request(attempt: u64, floor: u64) -> Acquire {
    Acquire {
        group: group(),
        pod: pod_id("me"),
        attempt: AttemptId(SEED + attempt),
        ttl: millis(LOCK_TTL),
        floor: Token(floor),
        take: None,
    }
}

pub(super) fn lease(token: u64) -> LeaseRef {
    LeaseRef {
        group: group(),
        pod: pod_id("me"),
        token: Token(token),
    }
}

pub(super) fn renew(op: u64, token: u64) -> Command {
    Command::Renew(Op(op), lease(token), millis(LOCK_TTL))
}

pub(super) fn release(op: u64, token: u64) -> Command {
    Command::Release(Op(op), lease(token))
}

pub(super) fn probe(id: u64, name: &str) -> Command {
    Command::Probe(ProbeId(id), check(name))
}

pub(super) fn cancel(id: u64) -> Command {
    Command::Cancel(ProbeId(id))
}

pub(super) fn tell(happening: Happening) -> Command {
    Command::Tell(happening)
}

/// A publication that releases the lease.
pub(super) fn publish(op: u64, token: u64, edition: u32, report: Report) -> Command {
    publication(op, token, edition, report, Then::Release)
}

/// A publication that keeps the lease.
pub(super) fn keep(op: u64, token: u64, edition: u32, report: Report) -> Command {
    publication(op, token, edition, report, Then::Keep(millis(LOCK_TTL)))
}

fn publication(op: u64, token: u64, edition: u32, report: Report, then: Then) -> Command {
    Command::Publish(
        Op(op),
        Publication {
            lease: lease(token),
            edition,
            report: Arc::new(report),
            retain: Duration::from_secs(24 * 3600),
            then,
        },
    )
}

pub(super) fn acquired(token: u64) -> Command {
    tell(Happening::LeaseAcquired(Token(token)))
}

pub(super) fn released(token: u64) -> Command {
    tell(Happening::LeaseReleased(Token(token)))
}

pub(super) fn lost(token: u64, reason: LossReason) -> Command {
    tell(Happening::LeaseLost(Token(token), reason))
}

pub(super) fn ended(kind: RoundKind, probes: usize) -> Command {
    tell(Happening::RoundEnded { kind, probes })
}

pub(super) fn so_far(token: u64, entries: usize) -> Command {
    tell(Happening::PublishedSoFar {
        token: Token(token),
        entries,
    })
}

pub(super) fn stands(token: u64, healthy: usize) -> Command {
    tell(Happening::Published {
        token: Token(token),
        healthy,
        unhealthy: 0,
    })
}

pub(super) fn adopted(by: &str, token: u64, entries: usize) -> Command {
    tell(Happening::Adopted {
        by: pod_id(by),
        token: Token(token),
        entries,
    })
}

pub(super) fn failed(error: StoreError) -> Command {
    tell(Happening::StoreFailed(error))
}

// Events.

pub(super) fn held(op: u64, token: u64) -> Event {
    let token = Token(token);
    Event::Acquired(Op(op), Ok(Acquired::Held { token }))
}

pub(super) fn busy(op: u64, holder: &str, token: u64, remaining: i64) -> Event {
    let busy = Busy {
        holder: Some(pod_id(holder)),
        token: Some(Token(token)),
        remaining: Some(millis(remaining)),
        marker: crate::lease::Marker(format!("{holder}-{token}")),
    };
    Event::Acquired(Op(op), Ok(Acquired::Busy(busy)))
}

/// The answer to a read: no report, and this token.
pub(super) fn nothing(op: u64, fence: u64) -> Event {
    answer(op, fence, FoundReport::Nothing)
}

pub(super) fn garbage(op: u64, fence: u64) -> Event {
    let why = "not ours".to_owned();
    answer(op, fence, FoundReport::Garbage { why })
}

/// The answer to a read: a report published `age` ago, with each entry's own age at that moment.
pub(super) fn found(op: u64, token: u64, age: i64, report: Report) -> Event {
    found_below(op, token, token, age, report)
}

/// The same, where the store knows of a higher token since.
pub(super) fn found_below(op: u64, fence: u64, token: u64, age: i64, report: Report) -> Event {
    let report = FoundReport::Report {
        token: Token(token),
        age: millis(age),
        report: Box::new(report),
    };
    answer(op, fence, report)
}

fn answer(op: u64, fence: u64, found: FoundReport) -> Event {
    let fence = Token(fence);
    Event::Read(Op(op), Ok(ReadReport { fence, found }))
}

pub(super) fn probed(id: u64) -> Event {
    Event::Probed(ProbeId(id), healthy())
}

pub(super) fn done(op: u64) -> Event {
    Event::Published(Op(op), Ok(Published::Done))
}

pub(super) fn fenced(op: u64, current: u64) -> Event {
    let current = Token(current);
    Event::Published(Op(op), Ok(Published::Fenced { current }))
}

pub(super) fn extended(op: u64) -> Event {
    Event::Renewed(Op(op), Ok(Renewed::Extended))
}

pub(super) fn free(op: u64) -> Event {
    Event::Released(Op(op), Ok(Released::Done))
}

pub(super) fn force(ticket: u64, names: &[&str]) -> Event {
    Event::Force {
        ticket: Ticket(ticket),
        checks: names.iter().map(|n| check(n)).collect(),
    }
}

// Failures: one that may have landed, one that has not, one for good.

pub(super) fn unknown(op: StoreOp) -> StoreError {
    StoreError::unknown(StoreErrorKind::Timeout, op, "no answer")
}

pub(super) fn refused(op: StoreOp) -> StoreError {
    StoreError::refused(StoreErrorKind::Unreachable, op, "no connection")
}

pub(super) fn denied(op: StoreOp) -> StoreError {
    StoreError::refused(StoreErrorKind::Denied, op, "no permission")
}

// Findings.

pub(super) fn healthy() -> Verdict {
    Verdict::new(Outcome::Healthy, None, None, millis(5), unix(0))
}

/// What the first probe of a check found, in a round that `by` started at `started`.
pub(super) fn entry(name: &str, by: &str, token: Option<u64>, started: i64) -> Entry {
    after(None, name, by, token, started)
}

/// What the next probe of a check found.
pub(super) fn after(
    before: Option<&Entry>,
    name: &str,
    by: &str,
    token: Option<u64>,
    started: i64,
) -> Entry {
    Entry::after(
        before,
        check(name),
        pod_id(by),
        token.map(Token),
        unix(started),
        healthy(),
        Thresholds {
            healthy_after: 1,
            unhealthy_after: 1,
        },
    )
}

pub(super) fn report(
    by: &str,
    started: i64,
    took: i64,
    probes: u32,
    aged: Vec<(Entry, i64)>,
) -> Report {
    Report {
        pod: pod_id(by),
        started: unix(started),
        took: millis(took),
        probes,
        entries: aged
            .into_iter()
            .map(|(entry, age)| Aged {
                entry,
                age: millis(age),
            })
            .collect(),
    }
}

/// What `other` published under token 7 right after its round of both checks, which took `age` in all.
pub(super) fn others(age: i64) -> Report {
    let entries = ["a", "b"].map(|name| (entry(name, "other", Some(7), 0), age));
    report("other", 0, age, 2, entries.into())
}
