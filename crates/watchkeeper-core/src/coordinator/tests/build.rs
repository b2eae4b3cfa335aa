//! Short ways to write commands, events, failures and findings.

use super::*;

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
    Command::Probe(ProbeId(id), check(name), Effort::Full)
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
        saved: BTreeMap::new(),
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
    Event::Read(
        Op(op),
        Ok(ReadReport {
            fence,
            found,
            beside: Beside::Nothing,
        }),
    )
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
            passes: crate::report::Passes::HEALTHY,
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
        ledger: Ledger::default(),
        transitions: Some(crate::report::Transitions::default()),
    }
}

/// What `other` published under token 7 right after its round of both checks, which took `age` in all.
pub(super) fn others(age: i64) -> Report {
    let entries = ["a", "b"].map(|name| (entry(name, "other", Some(7), 0), age));
    report("other", 0, age, 2, entries.into())
}
