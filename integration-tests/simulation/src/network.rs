//! Between the pods and the store: who reaches it, how long it takes, and what gets lost.

use futures_util::FutureExt;
use watchkeeper_core::cache::{Found, Publish, ReportCache};
use watchkeeper_core::coordinator::{Beside, Command, Event, FoundReport, Op, ReadReport};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::lease::LeaseStore;
use watchkeeper_core::report::Report;

use super::faults::{Fault, Whom};
use super::plan::{SECOND, Time};
use super::world::World;

/// Longer than a lease, so that what is held up may meet the next holder.
pub(super) const LONGEST_HOLD: Time = 5 * SECOND;

/// What becomes of a request.
pub(super) enum Fate {
    Arrives,
    Refused(StoreErrorKind),
    Vanishes,
}

/// The operation of a store command, if it is one.
pub(super) fn operation(command: &Command) -> Option<(Op, StoreOp)> {
    Some(match command {
        Command::Acquire(op, _) => (*op, StoreOp::Acquire),
        Command::Renew(op, ..) => (*op, StoreOp::Renew),
        Command::Release(op, _) => (*op, StoreOp::Release),
        Command::Read(op, _) => (*op, StoreOp::Read),
        Command::Publish(op, _) => (*op, StoreOp::Publish),
        _ => return None,
    })
}

/// An operation's failure as its event.
pub(super) fn failure(op: Op, what: StoreOp, error: StoreError) -> Event {
    match what {
        StoreOp::Acquire => Event::Acquired(op, Err(error)),
        StoreOp::Renew => Event::Renewed(op, Err(error)),
        StoreOp::Release => Event::Released(op, Err(error)),
        StoreOp::Read => Event::Read(op, Err(error)),
        _ => Event::Published(op, Err(error)),
    }
}

fn speaks_of(whom: &Whom, pod: usize) -> bool {
    whom.as_ref().is_none_or(|pods| pods.contains(&pod))
}

fn unreachable(refuses: bool) -> Fate {
    if refuses {
        Fate::Refused(StoreErrorKind::Unreachable)
    } else {
        Fate::Vanishes
    }
}

impl World<'_> {
    /// Whether a request of this kind, from this pod, reaches the store now.
    pub(super) fn fate(&mut self, pod: usize, what: StoreOp) -> Fate {
        let plan = self.plan;
        for index in &self.active {
            let trouble = &plan.troubles[*index];
            match &trouble.what {
                Fault::Outage { refuses, whom, .. } if speaks_of(whom, pod) => {
                    return unreachable(*refuses);
                }
                Fault::Failover { lag, refuses } if self.now >= trouble.at + lag => {
                    return unreachable(*refuses);
                }
                Fault::Lossy { percent, whom }
                    if speaks_of(whom, pod) && self.dice.chance(*percent) =>
                {
                    return Fate::Vanishes;
                }
                // A ping tells of a server that takes no writes, but not of a forbidden key.
                Fault::NoWrites(kind)
                    if what != StoreOp::Read
                        && (what != StoreOp::Ping || *kind == StoreErrorKind::Unwritable) =>
                {
                    return Fate::Refused(*kind);
                }
                Fault::NoPublish(kind) if what == StoreOp::Publish => {
                    return if kind.may_retry() {
                        Fate::Vanishes
                    } else {
                        Fate::Refused(*kind)
                    };
                }
                _ => {}
            }
        }
        Fate::Arrives
    }

    /// One way through the network.
    pub(super) fn delay(&mut self) -> i64 {
        let mut most = self.plan.delay;
        for index in &self.active {
            if let Fault::Slow(more) = &self.plan.troubles[*index].what {
                most += more;
            }
        }
        self.dice.range(100, most)
    }

    /// How many times a message arrives that gets through at all.
    pub(super) fn copies(&mut self) -> usize {
        let plan = self.plan;
        let mut copies = 1;
        for index in &self.active {
            if let Fault::Doubled(percent) = plan.troubles[*index].what
                && self.dice.chance(percent)
            {
                copies += 1;
            }
        }
        copies
    }

    /// How much longer than others this request is under way.
    pub(super) fn held_up(&mut self) -> Time {
        let plan = self.plan;
        for index in &self.active {
            let trouble = &plan.troubles[*index];
            if let Fault::HeldUp(percent) = trouble.what
                && self.dice.chance(percent)
            {
                return self
                    .dice
                    .range(0, LONGEST_HOLD)
                    .min(trouble.until - self.now);
            }
        }
        0
    }

    pub(super) fn loses_answer(&mut self, pod: usize) -> bool {
        let plan = self.plan;
        self.active
            .iter()
            .any(|index| match &plan.troubles[*index].what {
                Fault::Lossy { percent, whom } | Fault::LostAnswers { percent, whom } => {
                    speaks_of(whom, pod) && self.dice.chance(*percent)
                }
                _ => false,
            })
    }

    /// Whether probes of this group get no answer.
    pub(super) fn hangs(&self, group: usize) -> bool {
        self.active
            .iter()
            .any(|index| matches!(self.plan.troubles[*index].what, Fault::Hanging(g) if g == group))
    }

    pub(super) fn is_deaf(&self) -> bool {
        self.active
            .iter()
            .any(|index| matches!(self.plan.troubles[*index].what, Fault::Deaf))
    }

    /// Does to the store what a command says, and answers as the store does.
    pub(super) fn perform(&self, group: usize, command: &Command) -> Event {
        let store = &self.store;
        match command {
            Command::Acquire(op, request) => {
                Event::Acquired(*op, store.acquire(request).now_or_never().unwrap())
            }
            Command::Renew(op, lease, ttl) => {
                Event::Renewed(*op, store.renew(lease, *ttl).now_or_never().unwrap())
            }
            Command::Release(op, lease) => {
                Event::Released(*op, store.release(lease).now_or_never().unwrap())
            }
            Command::Read(op, floor) => {
                let id = &self.plan.groups[group].id;
                let read = store.read(id, *floor).now_or_never().unwrap();
                Event::Read(
                    *op,
                    read.map(|read| ReadReport {
                        fence: read.fence,
                        found: match read.found {
                            Found::Nothing => FoundReport::Nothing,
                            Found::Garbage { why } => FoundReport::Garbage { why },
                            Found::Report(stored) => FoundReport::Report {
                                token: stored.token,
                                age: stored.age,
                                report: Box::new(Report::decode(&stored.value).unwrap()),
                            },
                        },
                        beside: Beside::Nothing,
                    }),
                )
            }
            Command::Publish(op, publication) => {
                let publish = Publish {
                    lease: publication.lease.clone(),
                    edition: publication.edition,
                    value: publication.report.encode().into(),
                    retain: publication.retain,
                    then: publication.then,
                    companion: None,
                };
                Event::Published(*op, store.publish(&publish).now_or_never().unwrap())
            }
            other => unreachable!("{other:?} is no operation"),
        }
    }
}
