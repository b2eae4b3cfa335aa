//! What surrounds the coordinator: the clock, what it asked for, and what it must never do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use watchkeeper_core::cache::{Published, Then};
use watchkeeper_core::coordinator::{
    Beside, Command, Coordinator, Event, FoundReport, MAX_TICKETS, Now, Op, ProbeId, ReadReport,
    Settings, Ticket,
};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::invariant::Invariant;
use watchkeeper_core::lease::{Acquired, Released, Renewed, Token};
use watchkeeper_core::report::Report;
use watchkeeper_core::status::Mode;
use watchkeeper_core::time::{Moment, UnixMillis};
use watchkeeper_core::verdict::{Outcome, Verdict};

use crate::bytes::Bytes;

/// The clock stays within this, some 36,000 years: beyond it nothing can be later.
const FAR: i64 = i64::MAX / 8;
/// Wakings and answers until a pod that may leave has left: many times what any of the stories needs.
const MAX_FAREWELL: usize = 2_000;
/// Commands that one event may bring about beside those per check and per caller.
const MAX_OTHER: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Acquire,
    Renew,
    Release,
    Publish,
    Read,
}

pub(super) struct World {
    coordinator: Coordinator,
    now: i64,
    unix: i64,
    asked: BTreeMap<Op, (Asked, Moment)>,
    last_op: u64,
    probes: BTreeMap<ProbeId, CheckId>,
    last_probe: u64,
    callers: BTreeSet<Ticket>,
    last_ticket: u64,
    /// Until when the lease's window is open.
    window_end: Moment,
    /// Probes that may run although fewer may by now: they began under other settings.
    grown: usize,
}

impl World {
    pub(super) fn new(settings: Settings, bytes: &mut Bytes<'_>) -> Self {
        Self {
            coordinator: Coordinator::new(settings),
            now: bytes.signed().clamp(-FAR, FAR),
            unix: bytes.signed(),
            asked: BTreeMap::new(),
            last_op: 0,
            probes: BTreeMap::new(),
            last_probe: 0,
            callers: BTreeSet::new(),
            last_ticket: 0,
            window_end: Moment::from_micros(i64::MIN),
            grown: 0,
        }
    }

    fn moment(&self) -> Moment {
        Moment::from_micros(self.now)
    }

    pub(super) fn highest(&self) -> Token {
        self.coordinator.view(self.moment()).highest_token
    }

    /// What waits for an answer longest.
    pub(super) fn oldest(&self) -> Option<(Op, Asked)> {
        self.asked
            .iter()
            .next()
            .map(|(op, (asked, _))| (*op, *asked))
    }

    pub(super) fn oldest_probe(&self) -> Option<ProbeId> {
        self.probes.keys().next().copied()
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap();
        self.now = (self.now + micros).min(FAR);
        self.unix = self.unix.saturating_add(micros / 1_000);
        self.hand(Event::Woke);
    }

    pub(super) fn go_back(&mut self, time: Duration) {
        self.now = (self.now - i64::try_from(time.as_micros()).unwrap()).max(-FAR);
        self.hand(Event::Woke);
    }

    /// Lets time pass until it wants to be woken.
    pub(super) fn wake(&mut self) {
        if let Some(at) = self.coordinator.deadline() {
            self.now = self.now.max(at.as_micros()).min(FAR);
        }
        self.hand(Event::Woke);
    }

    pub(super) fn start_probe(&mut self, which: usize) {
        let probe = self.probes.keys().nth(which).copied();
        let now = self.moment();
        let _ = self
            .coordinator
            .start_probe(now, probe.unwrap_or(ProbeId(u64::MAX)));
    }

    pub(super) fn force(&mut self, checks: Vec<CheckId>) {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.callers.insert(ticket);
        self.hand(Event::Force { ticket, checks });
    }

    pub(super) fn force_many(&mut self, count: usize) {
        let check = self.coordinator.settings().checks[0].id.clone();
        for _ in 0..count {
            self.force(vec![check.clone()]);
        }
        assert!(self.callers.len() <= MAX_TICKETS, "callers without bound");
    }

    /// Hands over an event and looks at all that comes of it.
    pub(super) fn hand(&mut self, event: Event) {
        let callers = self.callers.len();
        let answered = self.take_note(&event);
        let now = self.clocks();
        let commands = self.coordinator.handle(now, event);
        self.look_at_all(now, commands, callers, answered);
    }

    /// Lets it go on with other settings.
    pub(super) fn reconfigure(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.coordinator.settings().clone();
        change(&mut settings);
        self.grown = self.probes.len();
        let (now, callers) = (self.clocks(), self.callers.len());
        let commands = self.coordinator.reconfigure(now, settings);
        self.look_at_all(now, commands, callers, None);
    }

    fn clocks(&self) -> Now {
        Now {
            steady: self.moment(),
            unix: UnixMillis(self.unix),
        }
    }

    fn look_at_all(
        &mut self,
        now: Now,
        commands: Vec<Command>,
        callers: usize,
        answered: Option<Moment>,
    ) {
        let checks = self.coordinator.settings().checks.len();
        // A probe that starts or ends may tell of what it costs.
        let most = 5 * checks + callers + MAX_OTHER;
        assert!(commands.len() <= most, "{} commands", commands.len());
        for command in commands {
            self.look_at(command, answered);
        }
        self.grown = self.grown.min(self.probes.len());
        let most = self.coordinator.settings().concurrency.max(1);
        let most = most.max(self.grown);
        assert!(self.probes.len() <= most, "more probes than may run");
        let different: BTreeSet<_> = self.probes.values().collect();
        assert_eq!(
            different.len(),
            self.probes.len(),
            "a check is probed twice"
        );
        if let Some(at) = self.coordinator.deadline() {
            assert!(at > now.steady, "it wants to be woken at once, for ever");
        }
        self.keeps_to_lanes();
        let view = self.coordinator.view(now.steady);
        assert!(
            view.entries.keys().all(|id| self.is_known(id)),
            "shows a check of nobody's"
        );
    }

    /// No more probes of a provider run than may.
    fn keeps_to_lanes(&self) {
        let settings = self.coordinator.settings();
        for (provider, limit) in &settings.lanes {
            let of_it = |check: &&CheckId| {
                let mut all = settings.checks.iter();
                all.any(|known| known.id == **check && known.provider == *provider)
            };
            let running = self.probes.values().filter(of_it).count();
            assert!(running <= (*limit).max(1), "{running} probes of {provider}");
        }
    }

    fn is_known(&self, id: &CheckId) -> bool {
        let mut checks = self.coordinator.settings().checks.iter();
        checks.any(|check| check.id == *id)
    }

    /// What an answer means to the world; when the answered question left.
    fn take_note(&mut self, event: &Event) -> Option<Moment> {
        let (op, extends) = match event {
            Event::Acquired(op, _) => (op, false),
            Event::Renewed(op, result) => (op, matches!(result, Ok(Renewed::Extended))),
            Event::Published(op, result) => (op, matches!(result, Ok(Published::Done))),
            Event::Released(op, _) | Event::Read(op, _) => (op, false),
            Event::Probed(probe, _) => {
                self.probes.remove(probe);
                return None;
            }
            _ => return None,
        };
        let (_, sent) = self.asked.remove(op)?;
        if extends {
            self.extend(sent);
        }
        Some(sent)
    }

    fn extend(&mut self, sent: Moment) {
        let end = sent + self.coordinator.settings().window();
        self.window_end = self.window_end.max(end);
    }

    fn look_at(&mut self, command: Command, answered: Option<Moment>) {
        match command {
            Command::Acquire(op, request) => {
                assert!(!self.is_open(Asked::Acquire), "two attempts at once");
                assert_eq!(request.ttl, self.coordinator.settings().lock_ttl);
                self.ask(op, Asked::Acquire);
            }
            Command::Renew(op, ..) => self.ask(op, Asked::Renew),
            Command::Release(op, _) => self.ask(op, Asked::Release),
            Command::Read(op, _) => self.ask(op, Asked::Read),
            Command::Publish(op, publication) => {
                assert!(
                    self.moment() < self.window_end,
                    "{}: published after the window closed",
                    Invariant::Ls3
                );
                assert!(publication.edition > 0);
                self.is_a_report(&publication.report);
                if let Then::Keep(ttl) = publication.then {
                    assert_eq!(ttl, self.coordinator.settings().lock_ttl);
                }
                self.ask(op, Asked::Publish);
            }
            Command::Probe(probe, check, _) => {
                assert!(probe.0 > self.last_probe, "a probe's number comes again");
                assert!(self.is_known(&check), "probes a check of nobody's");
                let leads = self.coordinator.view(self.moment()).mode == Mode::Leading;
                assert!(
                    !leads || self.moment() < self.window_end,
                    "{}: probed after the window closed",
                    Invariant::Ls3
                );
                self.last_probe = probe.0;
                self.probes.insert(probe, check);
            }
            Command::Cancel(probe) => {
                let known = self.probes.remove(&probe);
                assert!(known.is_some(), "cancels what does not run");
            }
            Command::Answer(ticket, _) => {
                assert!(self.callers.remove(&ticket), "answers nobody");
            }
            Command::Tell(happening) => {
                use watchkeeper_core::coordinator::Happening::LeaseAcquired;
                if let (LeaseAcquired(_), Some(sent)) = (&happening, answered) {
                    self.window_end = sent + self.coordinator.settings().window();
                }
                assert!(format!("{happening:?}").len() < 4_096);
            }
        }
    }

    fn is_open(&self, what: Asked) -> bool {
        self.asked.values().any(|(asked, _)| *asked == what)
    }

    fn ask(&mut self, op: Op, what: Asked) {
        assert!(op.0 > self.last_op, "an operation's number comes again");
        self.last_op = op.0;
        self.asked.insert(op, (what, self.moment()));
    }

    fn is_a_report(&self, report: &Report) {
        let checks = self.coordinator.settings().checks.len();
        assert!(report.entries.len() <= checks, "a report of too many");
        let known = |aged: &watchkeeper_core::report::Aged| self.is_known(&aged.entry.check);
        assert!(report.entries.iter().all(known), "publishes a stranger");
        let read = Report::decode(&report.encode()).expect("readable by the others");
        assert_eq!(read.entries.len(), report.entries.len());
    }

    /// The faults have stopped: everything is answered, and the pod is to leave.
    pub(super) fn leaves_in_order(mut self) {
        self.hand(Event::Drain);
        for _ in 0..MAX_FAREWELL {
            if self.coordinator.is_stopped() {
                assert!(self.probes.is_empty(), "probes outlive the pod");
                assert!(self.callers.is_empty(), "callers wait for ever");
                return;
            }
            if let Some((op, asked)) = self.oldest() {
                self.hand(self.plain(op, asked));
            } else if let Some(probe) = self.oldest_probe() {
                let verdict = Verdict::new(
                    Outcome::Healthy,
                    None,
                    None,
                    Duration::from_millis(1),
                    UnixMillis(0),
                );
                self.hand(Event::Probed(probe, verdict));
            } else {
                assert!(
                    self.coordinator.deadline().is_some(),
                    "it waits for nothing"
                );
                if self.now >= FAR {
                    return;
                }
                self.wake();
            }
        }
        panic!("the pod does not leave");
    }

    fn plain(&self, op: Op, asked: Asked) -> Event {
        let next = Token(self.highest().0.saturating_add(1));
        match asked {
            Asked::Acquire => Event::Acquired(op, Ok(Acquired::Held { token: next })),
            Asked::Renew => Event::Renewed(op, Ok(Renewed::Extended)),
            Asked::Release => Event::Released(op, Ok(Released::Done)),
            Asked::Publish => Event::Published(op, Ok(Published::Done)),
            Asked::Read => {
                let fence = self.highest();
                let found = FoundReport::Nothing;
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
}
