//! Any settings, any events in any order: answers to what was never asked, twice, late; time that goes back or leaps;
//! reports and tokens of any size. Then the faults stop, and the pod has to leave in order.

mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::cache::Published;
use watchkeeper_core::companion::ForeignFindings;
use watchkeeper_core::coordinator::{
    Beside, Event, FoundReport, GroupCheck, Hint, Op, ProbeId, ReadReport, Settings,
};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{CheckId, GroupId, PodId};
use watchkeeper_core::lease::{Acquired, Busy, Marker, Released, Renewed, Token};
use watchkeeper_core::money::{Budget, Day, Ledger, Usd};
use watchkeeper_core::probe::Identity;
use watchkeeper_core::report::{Aged, Entry, Report, Thresholds, Transition, Transitions};
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Spared, Verdict};

use crate::bytes::Bytes;
use world::{Asked, World};

/// More would only make an input slower: two checks make every order of events.
const MAX_CHECKS: usize = 5;
/// Events of one input.
const MAX_EVENTS: usize = 400;

pub(crate) fn events(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let settings = settings(&mut bytes);
    let mut world = World::new(settings, &mut bytes);
    if bytes.byte() != 255 {
        world.hand(Event::Started);
    }
    for _ in 0..MAX_EVENTS {
        if bytes.is_empty() {
            break;
        }
        step(&mut world, &mut bytes);
    }
    world.leaves_in_order();
}

fn step(world: &mut World, bytes: &mut Bytes<'_>) {
    match bytes.byte() % 24 {
        0..=2 => world.wake(),
        3 => world.pass(Duration::from_micros(bytes.number().min(1 << 40))),
        4 => world.pass(Duration::from_millis(bytes.number().min(1 << 40))),
        5 => world.go_back(Duration::from_millis(bytes.number().min(1 << 30))),
        6..=11 => {
            let Some((op, asked)) = world.oldest() else {
                return world.wake();
            };
            let event = good_answer(op, asked, world, bytes);
            world.hand(event);
        }
        12 | 13 => {
            let Some((op, asked)) = world.oldest() else {
                return;
            };
            let event = any_answer(op, asked, world, bytes);
            world.hand(event);
        }
        14 => {
            let asked = *bytes.of(&[
                Asked::Acquire,
                Asked::Renew,
                Asked::Release,
                Asked::Publish,
                Asked::Read,
            ]);
            let event = any_answer(Op(bytes.number()), asked, world, bytes);
            world.hand(event);
        }
        15..=17 => {
            if let Some(probe) = world.oldest_probe() {
                world.hand(Event::Probed(probe, verdict(bytes)));
            }
        }
        18 => {
            let probe = ProbeId(bytes.number());
            world.hand(Event::Probed(probe, verdict(bytes)));
        }
        19 => {
            let hint = *bytes.of(&[Hint::Report, Hint::Released, Hint::Resumed]);
            world.hand(Event::Noticed(hint));
        }
        20 => world.hand(if bytes.flag() {
            Event::StoreUp
        } else {
            Event::StoreDown
        }),
        21 => {
            let checks = (0..bytes.below(4)).map(|_| check(bytes)).collect();
            world.force(checks);
        }
        22 => world.start_probe(bytes.below(8)),
        _ => match bytes.byte() {
            0..=7 => world.hand(Event::Drain),
            8..=15 => world.hand(Event::Started),
            16..=63 => reconfigure(world, bytes),
            n => world.force_many(usize::from(n)),
        },
    }
}

/// What may change while a group goes on, and some of what may not.
fn reconfigure(world: &mut World, bytes: &mut Bytes<'_>) {
    world.reconfigure(|settings| {
        settings.interval = seconds(bytes);
        settings.lock_ttl = seconds(bytes).max(settings.op_timeout * 6);
        settings.cache_ttl = seconds(bytes);
        settings.concurrency = bytes.below(5);
        settings.drain = seconds(bytes);
        settings.background = bytes.byte() < 230;
        settings.coordinate = bytes.flag();
        if bytes.flag() {
            settings.spread = seconds(bytes);
            settings.checks.reverse();
            for check in &mut settings.checks {
                check.timeout = seconds(bytes);
            }
        }
    });
}

fn seconds(bytes: &mut Bytes<'_>) -> Duration {
    Duration::from_millis(bytes.number().clamp(1, 1 << 36))
}

fn settings(bytes: &mut Bytes<'_>) -> Settings {
    let op_timeout = seconds(bytes).min(Duration::from_secs(60));
    let checks = (0..=bytes.below(MAX_CHECKS)).map(|n| {
        let mut check = GroupCheck::new(named(n), seconds(bytes));
        check.background = bytes.byte() < 250;
        check
    });
    let mut settings = Settings {
        checks: checks.collect(),
        group: GroupId::new("group").unwrap(),
        pod: PodId::new("me").unwrap(),
        interval: seconds(bytes),
        // `lock_ttl` below six times the timeout is refused at the start.
        lock_ttl: seconds(bytes).max(op_timeout * 6),
        cache_ttl: seconds(bytes),
        jitter: f64::from(bytes.byte() % 101) / 100.0,
        concurrency: bytes.below(5),
        lanes: BTreeMap::new(),
        budget: Budget::default(),
        honours_retry_after: false,
        spread: if bytes.flag() {
            seconds(bytes)
        } else {
            Duration::ZERO
        },
        thresholds: Thresholds {
            healthy_after: 1 + u32::from(bytes.byte() % 4),
            unhealthy_after: 1 + u32::from(bytes.byte() % 4),
            passes: watchkeeper_core::report::Passes::HEALTHY,
        },
        op_timeout,
        drain: seconds(bytes),
        coordinate: bytes.byte() < 230,
        background: bytes.byte() < 230,
        seed: bytes.number(),
    };
    add_money(&mut settings);
    settings
}

/// Prices, budgets, twins, lanes: as the seed's upper bits say, so that none of them shifts what the bytes mean.
fn add_money(settings: &mut Settings) {
    let bits = settings.seed >> 8;
    let chosen = |shift: u32| (bits >> shift) % 4;
    for (n, check) in settings.checks.iter_mut().enumerate() {
        let n = u32::try_from(n).unwrap();
        check.has_cheap = chosen(n) > 0;
        check.most_cost = (chosen(n + 1) > 0).then(|| Usd::from_picos(chosen(n + 2)));
        check.full_every = (chosen(n + 3) > 2).then(|| Duration::from_secs(chosen(n) * 20));
        check.identity = (chosen(n + 4) > 1).then_some(Identity([1; 16]));
        check.provider = Arc::from(["a", "b", "c", "d"][usize::try_from(chosen(n + 5)).unwrap()]);
    }
    settings.honours_retry_after = chosen(12) > 1;
    if chosen(14) > 1 {
        settings.lanes = BTreeMap::from([(Arc::from("a"), 1), (Arc::from("b"), 0)]);
    }
    settings.budget.fleet = (chosen(16) > 1).then(|| Usd::from_picos(chosen(18) * 3));
    if chosen(20) > 1 {
        let limit = Usd::from_picos(chosen(22));
        settings.budget.providers = BTreeMap::from([("a".to_owned(), limit)]);
    }
}

/// What a report says was spent, near the day that the world's clock may show or anywhere.
fn ledger(bytes: &mut Bytes<'_>) -> Ledger {
    let mut ledger = Ledger::of(Day(bytes.signed() >> 27));
    for _ in 0..bytes.below(3) {
        let provider = *bytes.of(&["a", "b", "x"]);
        ledger.add(ledger.day, provider, Usd::from_picos(bytes.number()));
    }
    ledger
}

fn named(n: usize) -> CheckId {
    CheckId::new(format!("c{n}")).unwrap()
}

/// One of the group's, or one of nobody's.
fn check(bytes: &mut Bytes<'_>) -> CheckId {
    named(bytes.below(MAX_CHECKS + 2))
}

fn pod(bytes: &mut Bytes<'_>) -> PodId {
    PodId::new(*bytes.of(&["me", "other", "third"])).unwrap()
}

fn verdict(bytes: &mut Bytes<'_>) -> Verdict {
    let outcome = *bytes.of(&Outcome::ALL);
    let error = bytes.flag().then(|| "e".repeat(bytes.below(256)));
    let status = bytes.flag().then(|| u16::from(bytes.byte()) + 300);
    let latency = Duration::from_millis(bytes.number());
    let millis = millis_of(latency);
    Verdict {
        cost: (millis % 3 == 1).then(|| Usd::from_picos(millis % 17)),
        retry_after: (millis % 5 == 1).then_some(latency),
        spared: (millis % 7 == 1).then_some(Spared::Interval),
        ..Verdict::new(outcome, status, error, latency, UnixMillis(bytes.signed()))
    }
}

fn millis_of(latency: Duration) -> u64 {
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}

/// What a working store says.
fn good_answer(op: Op, asked: Asked, world: &World, bytes: &mut Bytes<'_>) -> Event {
    let next = Token(world.highest().0.saturating_add(1));
    match asked {
        Asked::Acquire => Event::Acquired(op, Ok(Acquired::Held { token: next })),
        Asked::Renew => Event::Renewed(op, Ok(Renewed::Extended)),
        Asked::Release => Event::Released(op, Ok(Released::Done)),
        Asked::Publish => Event::Published(op, Ok(Published::Done)),
        Asked::Read => {
            let found = if bytes.flag() {
                found(world, bytes)
            } else {
                FoundReport::Nothing
            };
            let fence = world.highest();
            Event::Read(
                op,
                Ok(ReadReport {
                    fence,
                    found,
                    beside: Beside::Nothing,
                }),
            )
        }
    }
}

/// What another program may have found, or be owed.
fn beside(world: &World, bytes: &mut Bytes<'_>) -> Beside {
    match bytes.below(4) {
        0 => Beside::Owed,
        1 => {
            let entries = (0..bytes.below(MAX_CHECKS + 1)).map(|_| entry(world, bytes));
            Beside::Findings(Box::new(ForeignFindings {
                entries: entries.collect(),
                age: age(bytes),
                ours: bytes.flag(),
                owed: bytes.flag(),
                unknown: None,
            }))
        }
        _ => Beside::Nothing,
    }
}

/// What anything in the store's place may say.
fn any_answer(op: Op, asked: Asked, world: &World, bytes: &mut Bytes<'_>) -> Event {
    let fails = bytes.byte() < 100;
    match asked {
        Asked::Acquire => Event::Acquired(
            op,
            match fails {
                true => Err(error(StoreOp::Acquire, bytes)),
                false if bytes.flag() => Ok(Acquired::Held {
                    token: token(world, bytes),
                }),
                false => Ok(Acquired::Busy(Busy {
                    holder: bytes.flag().then(|| pod(bytes)),
                    token: bytes.flag().then(|| token(world, bytes)),
                    remaining: bytes.flag().then(|| Duration::from_millis(bytes.number())),
                    marker: Marker(format!("m{}", bytes.below(3))),
                })),
            },
        ),
        Asked::Renew => Event::Renewed(
            op,
            match fails {
                true => Err(error(StoreOp::Renew, bytes)),
                false if bytes.flag() => Ok(Renewed::Extended),
                false => Ok(Renewed::Lost {
                    holder: bytes.flag().then(|| pod(bytes)),
                }),
            },
        ),
        Asked::Release => Event::Released(
            op,
            match fails {
                true => Err(error(StoreOp::Release, bytes)),
                false if bytes.flag() => Ok(Released::Done),
                false => Ok(Released::NotHeld),
            },
        ),
        Asked::Publish => Event::Published(
            op,
            match fails {
                true => Err(error(StoreOp::Publish, bytes)),
                false if bytes.flag() => Ok(Published::Done),
                false => Ok(Published::Fenced {
                    current: token(world, bytes),
                }),
            },
        ),
        Asked::Read => Event::Read(
            op,
            if fails {
                Err(error(StoreOp::Read, bytes))
            } else {
                Ok(ReadReport {
                    fence: token(world, bytes),
                    found: found(world, bytes),
                    beside: beside(world, bytes),
                })
            },
        ),
    }
}

fn token(world: &World, bytes: &mut Bytes<'_>) -> Token {
    match bytes.byte() {
        0..=99 => Token(world.highest().0.saturating_add(1)),
        100..=149 => world.highest(),
        _ => Token(bytes.number()),
    }
}

fn error(op: StoreOp, bytes: &mut Bytes<'_>) -> StoreError {
    let kind = *bytes.of(&[
        StoreErrorKind::Unreachable,
        StoreErrorKind::Timeout,
        StoreErrorKind::Denied,
        StoreErrorKind::TooLarge,
        StoreErrorKind::Protocol,
        StoreErrorKind::Config,
    ]);
    if bytes.flag() {
        StoreError::unknown(kind, op, "no")
    } else {
        StoreError::refused(kind, op, "no")
    }
}

fn found(world: &World, bytes: &mut Bytes<'_>) -> FoundReport {
    if bytes.byte() < 30 {
        return FoundReport::Garbage {
            why: "no report".to_owned(),
        };
    }
    let entries = (0..bytes.below(MAX_CHECKS + 1)).map(|_| entry(world, bytes));
    FoundReport::Report {
        report: Box::new(Report {
            entries: entries.collect(),
            pod: pod(bytes),
            started: UnixMillis(bytes.signed()),
            took: Duration::from_millis(bytes.number()),
            probes: u32::from(bytes.byte()),
            ledger: ledger(bytes),
            transitions: transitions(world, bytes),
        }),
        token: token(world, bytes),
        age: age(bytes),
    }
}

fn transitions(world: &World, bytes: &mut Bytes<'_>) -> Option<Transitions> {
    let count = bytes.byte();
    let one = |_| Transition {
        check: check(bytes),
        healthy: bytes.flag(),
        at: UnixMillis(bytes.signed()),
        by: pod(bytes),
        token: bytes.flag().then(|| token(world, bytes)),
        outcome: Outcome::Timeout,
        status: None,
        error: None,
    };
    (count < 128).then(|| Transitions::new((0..count % 8).map(one)))
}

fn age(bytes: &mut Bytes<'_>) -> Duration {
    match bytes.byte() {
        0..=239 => Duration::from_millis(bytes.number()),
        240..=247 => Duration::from_secs(bytes.number()),
        _ => Duration::MAX,
    }
}

fn entry(world: &World, bytes: &mut Bytes<'_>) -> Aged {
    let mut entry: Option<Entry> = None;
    let id = check(bytes);
    for _ in 0..=bytes.below(3) {
        entry = Some(Entry::after(
            entry.as_ref(),
            id.clone(),
            pod(bytes),
            bytes.flag().then(|| token(world, bytes)),
            UnixMillis(bytes.signed()),
            verdict(bytes),
            Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
                passes: watchkeeper_core::report::Passes::HEALTHY,
            },
        ));
    }
    let mut entry = entry.unwrap();
    if bytes.byte() > 200 {
        entry.standing.streak = u32::MAX;
    }
    Aged {
        entry,
        age: age(bytes),
    }
}

/// Rounds that go well, a store that goes away, callers, a pod that leaves: as events, whatever their bytes mean later.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    // A short timeout, two checks, an interval of 10 s, the rest zeros.
    let calm = [
        &[200, 244, 1, 1, 100, 0, 100, 0][..],
        &[
            200, 16, 39, 200, 184, 11, 200, 16, 39, 5, 4, 0, 0, 0, 100, 0, 0, 7, 0, 0,
        ],
    ]
    .concat();
    let round: &[u8] = &[6, 0, 0, 6, 6, 0, 15, 0, 0, 0, 0, 15, 0, 0, 0, 0, 6];
    let failing: &[u8] = &[20, 0, 12, 0, 0, 0, 0, 0, 0, 0, 15, 0, 15, 0, 20, 1, 0, 0];
    let forced: &[u8] = &[21, 2, 0, 1, 0, 6, 0, 22, 0, 15, 0, 0, 0, 0];
    let leaving: &[u8] = &[23, 0, 0, 6, 0];
    // An interval of 5 s, a lease of 4 s, one probe at once, the list turned round.
    let other: &[u8] = &[
        23, 20, 200, 136, 19, 200, 160, 15, 200, 16, 39, 1, 100, 0, 1, 1, 0, 100, 100,
    ];
    let stories: [&[&[u8]]; 8] = [
        &[],
        &[round, round, round],
        &[round, failing, round],
        &[round, forced, round, leaving],
        &[failing, forced, failing, leaving],
        &[round, other, round, other, forced, round],
        &[&[6, 0, 0, 6, 6, 0], other, round, failing, other, leaving],
        &[&[14, 0, 247, 200, 1], round, &[5, 250, 4, 252], round],
    ];
    let seeds = stories.iter().map(|story| {
        let mut seed = calm.clone();
        story.iter().for_each(|part| seed.extend_from_slice(part));
        seed
    });
    seeds.collect()
}
