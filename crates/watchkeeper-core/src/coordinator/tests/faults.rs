//! Each fault between any two commands: a whole round against a model of the store, with one fault after each step.
//!
//! The lists of commands are compared in the other files; here the outcome is: whatever happened at whichever step, the
//! pod never spins, never probes under a closed window, comes to rest with both results in the store and the lease
//! free, and asks no check more often than the fault explains.

use super::store::{Lock, Store};
use super::*;

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The operation under way fails and changed nothing.
    Refused,
    /// It is done, but its answer is lost.
    LostReply,
    /// It fails for good.
    Denied,
    /// The pod stands still for longer than its lease.
    Pause,
    /// The store is away for five seconds.
    Outage,
    /// The store is away for five seconds and comes back empty.
    OutageWithLoss,
    /// The store loses everything at once, and another pod takes the lease and is killed.
    Robbed,
    /// The data are lost.
    Loss,
    /// Garbage in the lock's place.
    BadLock,
    /// Garbage in the report's place.
    BadReport,
    /// Hints that mean nothing.
    Hints,
    /// Somebody asks for `a`.
    Call,
    /// The store refuses and the pod is told to leave.
    Drain,
}

const FAULTS: [Fault; 13] = [
    Fault::Refused,
    Fault::LostReply,
    Fault::Denied,
    Fault::Pause,
    Fault::Outage,
    Fault::OutageWithLoss,
    Fault::Robbed,
    Fault::Loss,
    Fault::BadLock,
    Fault::BadReport,
    Fault::Hints,
    Fault::Call,
    Fault::Drain,
];

/// One pod, the store, and time.
struct Trial {
    pod: Pod,
    store: Store,
    now: i64,
    /// What is under way: when it ends, and what it is.
    pending: Vec<(i64, Command)>,
    starts: BTreeMap<String, Vec<i64>>,
    answers: usize,
    steps: usize,
    /// Whether the fault met something that ended.
    hit: bool,
    away_until: i64,
    loses_data: bool,
}

fn error(command: &Command, error: fn(StoreOp) -> StoreError) -> Event {
    match command {
        Command::Acquire(op, _) => Event::Acquired(*op, Err(error(StoreOp::Acquire))),
        Command::Renew(op, ..) => Event::Renewed(*op, Err(error(StoreOp::Renew))),
        Command::Release(op, _) => Event::Released(*op, Err(error(StoreOp::Release))),
        Command::Read(op, _) => Event::Read(*op, Err(error(StoreOp::Read))),
        Command::Publish(op, _) => Event::Published(*op, Err(error(StoreOp::Publish))),
        other => panic!("{other:?}"),
    }
}

impl Trial {
    fn new() -> Self {
        let mut trial = Self {
            // `b` takes longer than a renewal.
            pod: Pod::with(|s| s.checks[1].timeout = millis(1_500)),
            store: Store::default(),
            now: 0,
            pending: Vec::new(),
            starts: BTreeMap::new(),
            answers: 0,
            steps: 0,
            hit: false,
            away_until: 0,
            loses_data: false,
        };
        trial.happen(Event::Started);
        trial
    }

    fn happen(&mut self, event: Event) {
        for command in self.pod.at(self.now, event) {
            match &command {
                Command::Probe(_, check, _) => {
                    let took = if check.as_str() == "a" { 40 } else { 1_400 };
                    self.starts
                        .entry(check.as_str().to_owned())
                        .or_default()
                        .push(self.now);
                    self.pending.push((self.now + took, command));
                }
                Command::Cancel(probe) => {
                    self.pending
                        .retain(|(_, c)| !matches!(c, Command::Probe(p, ..) if p == probe));
                }
                Command::Answer(..) => self.answers += 1,
                Command::Tell(_) => {}
                _ => self.pending.push((self.now + 5, command)),
            }
        }
    }

    /// The next thing that happens. False at the end of time.
    fn step(&mut self, fault: Option<Fault>, end: i64) -> bool {
        self.pending.sort_by_key(|(at, _)| *at);
        let next = self.pending.first().map(|(at, _)| *at);
        let wake = self.pod.wants().map(|at| at.max(self.now));
        let back = (self.away_until > 0).then_some(self.away_until);
        let Some(at) = [next, wake, back]
            .into_iter()
            .flatten()
            .min()
            .filter(|at| *at <= end)
        else {
            return false;
        };
        self.now = at.max(self.now);
        self.steps += 1;
        assert!(self.steps < 1_000, "it spins");
        if self.away_until > 0 && self.now >= self.away_until {
            self.away_until = 0;
            if self.loses_data {
                self.store = Store::default();
            }
            self.happen(Event::StoreUp);
            return true;
        }
        if next == Some(at) {
            let (_, command) = self.pending.remove(0);
            self.end(fault, &command);
        } else {
            self.happen(Event::Woke);
        }
        true
    }

    /// Something under way ends, perhaps badly.
    fn end(&mut self, fault: Option<Fault>, command: &Command) {
        self.hit |= fault.is_some();
        if let Command::Probe(probe, ..) = command {
            self.disturb(fault);
            self.happen(Event::Probed(*probe, healthy()));
            return;
        }
        if self.away_until > self.now {
            self.happen(error(command, unknown));
            return;
        }
        match fault {
            Some(Fault::Refused) => self.happen(error(command, refused)),
            Some(Fault::Denied) => self.happen(error(command, denied)),
            Some(Fault::LostReply) => {
                self.store.perform(self.now, command);
                self.now += OP_TIMEOUT;
                self.happen(error(command, unknown));
            }
            fault => {
                self.disturb(fault);
                if self.away_until > self.now {
                    self.happen(error(command, unknown));
                } else {
                    let event = self.store.perform(self.now, command);
                    self.happen(event);
                }
            }
        }
    }

    fn disturb(&mut self, fault: Option<Fault>) {
        match fault {
            Some(Fault::Pause) => self.now += 2 * LOCK_TTL,
            Some(Fault::Outage | Fault::OutageWithLoss) => {
                self.away_until = self.now + 5_000;
                self.loses_data = fault == Some(Fault::OutageWithLoss);
                self.happen(Event::StoreDown);
            }
            Some(Fault::Robbed) => {
                self.store = Store {
                    token: self.store.token + 1,
                    ..Store::default()
                };
                self.store.lock = Some(Lock::Lease {
                    pod: pod_id("other"),
                    attempt: AttemptId(1),
                    token: Token(self.store.token),
                    ends: self.now + LOCK_TTL,
                });
            }
            Some(Fault::Loss) => self.store = Store::default(),
            Some(Fault::BadLock) => self.store.lock = Some(Lock::Garbage),
            Some(Fault::BadReport) => self.store.garbage = true,
            Some(Fault::Hints) => {
                for hint in [Hint::Released, Hint::Report, Hint::Resumed, Hint::Report] {
                    self.happen(Event::Noticed(hint));
                }
            }
            Some(Fault::Call) => self.happen(force(1, &["a"])),
            Some(Fault::Drain) => self.happen(Event::Drain),
            _ => {}
        }
    }
}

/// How many steps a round has without any fault.
fn steps_of_a_round() -> usize {
    let mut trial = Trial::new();
    while trial.step(None, 5_000) {}
    assert_eq!(
        trial.store.report.as_ref().map(|r| r.3.entries.len()),
        Some(2)
    );
    trial.steps
}

/// Answers whether the fault met anything.
fn run(fault: Fault, at_step: usize) -> bool {
    let mut trial = Trial::new();
    // Long enough for everything to heal, short of the second round.
    let end = 9_900;
    loop {
        let now = trial.steps + 1 == at_step;
        if !trial.step(now.then_some(fault), end) {
            break;
        }
    }
    let done = trial.hit;
    trial.store.expire(trial.now.max(end));
    let starts = |name: &str| trial.starts.get(name).map_or(0, Vec::len);
    if fault == Fault::Drain && done {
        assert!(trial.pod.coordinator.is_stopped(), "it does not leave");
        assert!(trial.store.lock.is_none(), "it leaves its lease behind");
        assert!(starts("a") <= 1 && starts("b") <= 1);
        return true;
    }
    // In the store, or here and counted as refused for good.
    let stored = trial.store.report.as_ref().map_or(0, |r| r.3.entries.len());
    let refused = fault == Fault::Denied && trial.pod.view().mode == Mode::Isolated;
    assert!(
        stored == 2 || refused,
        "{stored} results in the store: {:?}",
        trial.store
    );
    assert_eq!(trial.pod.view().entries.len(), 2);
    assert!(!trial.store.garbage || refused, "the garbage is not healed");
    assert!(
        trial.store.lock.is_none(),
        "the lease is left behind: {:?}",
        trial.store.lock
    );
    let most = match fault {
        // What was under way when the lease was lost is asked again, and what is asked for.
        Fault::Pause | Fault::Robbed | Fault::Loss | Fault::BadLock | Fault::Call => 2,
        _ => 1,
    };
    assert!(
        starts("a") <= most && starts("b") <= most,
        "asked too often: {:?}",
        trial.starts
    );
    assert_eq!(
        trial.answers,
        usize::from(fault == Fault::Call && done),
        "the call"
    );
    done
}

#[test]
fn whatever_happens_between_any_two_commands_is_healed() {
    let steps = steps_of_a_round();
    for fault in FAULTS {
        let met = (1..=steps).filter(|step| {
            let result = std::panic::catch_unwind(|| run(fault, *step));
            result.unwrap_or_else(|_| panic!("{fault:?} at step {step} of {steps}"))
        });
        // Reads, the question, the probes, the renewal with a part, the last publication.
        assert_eq!(met.count(), 7, "{fault:?}");
    }
}
