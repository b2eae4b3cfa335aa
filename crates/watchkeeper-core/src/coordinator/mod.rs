//! Who probes, when to renew, when to step down: one pure state machine per group.
//!
//! ```text
//!                      due, spread                Held
//!   ┌─────────┐ ──────────────▶ Contending ─▶ Acquiring ─────▶ Leading: Reading ─▶ Probing ─▶ Publishing
//!   │ Waiting │ ◀── report ── Following ◀──── Busy ┘              │ nothing due          │         │
//!   └─────────┘ ◀───────────────────────────────────────────── Releasing ◀───────────────┴─────────┘
//!        │  ▲ store back
//!        ▼  │
//!      Alone (isolated: the store is away; independent: coordination is off)
//! ```
//!
//! [`Coordinator::handle`] takes an event and the time and answers with commands; [`Coordinator::deadline`] says when it
//! wants to be woken without an event. It has no clock, no I/O and no randomness of its own: the seed comes with the
//! settings.
//!
//! The rules are design points; where they stand in the code:
//! when an entry is due and what a round takes (`plan`), contending and following (`follow`), the holder's window,
//! renewal and publication (`lead`), running probes (`round`, `probing`, `load`), what they may cost (`effort`, `purse`),
//! the store away (`sense`, `alone`), merging (`entries`, `changes`), forced runs (`forced`), leaving (`drain`), new
//! settings (`reload`), what people may see (`view`).

mod alone;
mod changes;
mod command;
mod dice;
mod drain;
mod effort;
mod entries;
mod event;
mod follow;
mod forced;
mod lead;
mod load;
mod plan;
mod probing;
mod purse;
mod reload;
mod round;
mod sense;
mod settings;
mod view;

pub use command::{
    Answered, Command, Happening, LossReason, NotForced, Op, ProbeId, Publication, RoundKind,
    Ticket,
};
pub use event::{Beside, Event, FoundReport, Hint, Now, ReadReport};
pub use load::Load;
pub use settings::{
    CONTEND_SPREAD, GroupCheck, ISOLATED_AFTER, MAX_BACKOFF, MAX_TICKETS, ROUND_SLACK, Settings,
};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{AttemptId, CheckId, PodId};
use crate::lease::{LeaseRef, Marker, Token};
use crate::money::Usd;
use crate::planted::{Bug, is_planted};
use crate::status::Known;
use crate::time::Moment;
use changes::Changes;
use dice::Dice;
use entries::Entries;
use forced::Forced;
use lead::Lead;
use purse::Purse;
use round::Round;
use sense::{Act, Sense};

type Out = Vec<Command>;

/// Where the coordinator stands.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    /// Nothing to do until something is due.
    Waiting,
    /// Due; asks for the lease at this moment.
    Contending { at: Moment },
    /// The question is under way.
    Acquiring {
        op: Op,
        attempt: AttemptId,
        sent: Moment,
        floor: Token,
        takes: bool,
        /// The lease was released since it was sent.
        released: bool,
    },
    /// Somebody else holds the lease, at most until this moment without renewal.
    Following { until: Moment, released: bool },
    /// The lease is ours.
    Leading(Box<Lead>),
    /// Probing for this pod alone.
    Alone(Box<Round>),
    /// Left.
    Stopped,
}

/// The lease as this pod last saw it held.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    pod: PodId,
    token: Option<Token>,
    until: Moment,
}

/// A lease of another pod, by its token, and since when this pod sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SeenLease {
    token: Token,
    since: Moment,
    /// People were told that nothing comes of it.
    told: bool,
}

/// A read outside a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    op: Op,
    sent: Moment,
    /// The floor it was sent with: an answer below it is the store's word, not an older answer.
    floor: Token,
}

/// The state machine of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinator {
    settings: Settings,
    /// The `lock_ttl` of leases to come, where that is another.
    next_lock_ttl: Option<std::time::Duration>,
    /// Nothing is done before the first event.
    started: bool,
    dice: Dice,
    phase: Phase,
    entries: Entries,
    /// When checks turned.
    changes: Changes,
    /// What a group before this one found by asking something else: shown where nothing of this group's is known.
    before: BTreeMap<CheckId, Known>,
    /// What was spent.
    purse: Purse,
    /// What others' probes of a check saved this pod since it started.
    saved: Arc<BTreeMap<CheckId, Usd>>,
    /// Where each check stands in the settings.
    places: BTreeMap<CheckId, usize>,
    /// Checks with twins ([`Settings::twins`]).
    twins: BTreeMap<usize, usize>,
    /// The highest token seen: the floor of every later grant.
    floor: Token,
    /// When this pod last started a probe of each check: alone, it starts at most one per interval.
    last_start: BTreeMap<CheckId, Moment>,
    sense: Sense,
    holder: Option<Holder>,
    reading: Option<Reading>,
    /// The store may hold something this pod has not read.
    wants_read: bool,
    /// What was last read in the report's place was no report.
    saw_garbage: bool,
    /// No operation outside a lease before this moment.
    quiet_until: Moment,
    /// An attempt whose answer never came: the lease may be ours without our knowing.
    unresolved: Option<AttemptId>,
    /// A lock without an end, or garbage, and since when it is seen unchanged.
    dead_lock: Option<(Marker, Moment)>,
    /// The lease this pod waits for, to notice one of which nothing ever comes.
    seen_lease: Option<SeenLease>,
    /// Since when this pod waits for results of others, whatever else it tries, and no result came.
    waits_since: Option<Moment>,
    /// Publications of offers alone are this far apart, whatever two pods make of each other's ages.
    offer_after: Moment,
    /// How much later than due an isolated pod probes.
    alone_offset: std::time::Duration,
    /// Since when the pod is on its own.
    alone_since: Moment,
    /// What this pod has results of is left to the holder of that time until its lease has ended.
    left_to_holder: Moment,
    /// But no check longer than this after it was due. Kept, since [`Settings::round_limit`] looks at every check.
    left_for: std::time::Duration,
    forced: Forced,
    /// Who made the latest results shown.
    checked_by: Option<PodId>,
    /// Probes in flight may go on until then; set when the pod is to leave.
    draining: Option<Moment>,
    /// Another group of this pod takes over what this one knows.
    has_heir: bool,
    /// A second attempt to learn what became of an unanswered acquire was made while leaving.
    drain_retried: bool,
    /// The pod says when a probe leaves ([`Coordinator::start_probe`]).
    tells_starts: bool,
    next_op: u64,
    next_attempt: u64,
    next_probe: u64,
}

impl Coordinator {
    /// A coordinator that has not started; its first event is [`Event::Started`].
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let dice = Dice::new(settings.seed);
        Self {
            places: settings.places(),
            twins: settings.twins(),
            settings,
            next_lock_ttl: None,
            started: false,
            dice,
            phase: Phase::Waiting,
            entries: Entries::default(),
            changes: Changes::default(),
            before: BTreeMap::new(),
            purse: Purse::default(),
            saved: Arc::default(),
            floor: Token::ZERO,
            last_start: BTreeMap::new(),
            sense: Sense::default(),
            holder: None,
            reading: None,
            wants_read: false,
            saw_garbage: false,
            quiet_until: Moment::from_micros(i64::MIN),
            unresolved: None,
            dead_lock: None,
            seen_lease: None,
            waits_since: None,
            offer_after: Moment::from_micros(i64::MIN),
            alone_offset: std::time::Duration::ZERO,
            alone_since: Moment::ZERO,
            left_to_holder: Moment::ZERO,
            left_for: std::time::Duration::ZERO,
            forced: Forced::default(),
            checked_by: None,
            draining: None,
            has_heir: false,
            drain_retried: false,
            tells_starts: false,
            next_op: 0,
            next_attempt: 0,
            next_probe: 0,
        }
    }

    /// Takes an event and answers with what is to be done about it, in order.
    ///
    /// Time may have jumped since the last event (a paused pod): what closed meanwhile is closed before the event is
    /// believed.
    pub fn handle(&mut self, now: Now, event: Event) -> Vec<Command> {
        let mut out = Out::new();
        self.forced.forget_done();
        if self.is_stopped() {
            if let Event::Force { ticket, .. } = event {
                out.push(Command::Answer(ticket, Err(NotForced::Draining)));
            }
            return out;
        }
        self.started |= matches!(event, Event::Started | Event::Drain);
        if matches!(event, Event::Started) {
            self.start(now.steady);
        }
        self.purse.turn(now.unix);
        self.close(now, &mut out);
        match event {
            Event::Started | Event::Woke => {}
            Event::Acquired(op, result) => self.on_acquired(now, op, result, &mut out),
            Event::Renewed(op, result) => self.on_renewed(now, op, result, &mut out),
            Event::Released(op, result) => self.on_released(now, op, &result, &mut out),
            Event::Published(op, result) => self.on_published(now, op, result, &mut out),
            Event::Read(op, result) => self.on_read(now, op, result, &mut out),
            Event::Probed(probe, verdict) => self.on_probed(now, probe, verdict, &mut out),
            Event::Noticed(hint) => self.on_noticed(now.steady, hint),
            Event::StoreDown => self.sense.ping_failed(now.steady),
            Event::StoreUp => self.on_store_up(now.steady),
            Event::Force { ticket, checks } => self.on_force(now, ticket, checks, &mut out),
            Event::CallerGone(ticket) => self.forced.give_up(ticket),
            Event::Drain => self.on_drain(now, &mut out),
        }
        self.tick(now, &mut out);
        self.tell_changes(&mut out);
        out
    }

    /// When [`Event::Woke`] is wanted, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        if !self.started || self.is_stopped() {
            return None;
        }
        let refused = self.sense.refused_until();
        let phase = match &self.phase {
            Phase::Waiting => [self.contend_at(), self.alone_at(), None],
            Phase::Contending { at } => [Some(*at), None, None],
            Phase::Following { .. } if is_planted(Bug::NoticeOnly) => [None; 3],
            Phase::Following { until, .. } => [Some(*until), self.silent_at(), None],
            Phase::Leading(lead) => self.lead_deadlines(lead),
            Phase::Alone(round) => [
                Some(round.deadline),
                round.next_start(&self.settings),
                self.draining,
            ],
            Phase::Acquiring { .. } | Phase::Stopped => [None; 3],
        };
        [
            self.isolates_at(),
            self.read_at(),
            refused,
            self.give_up_at(),
        ]
        .into_iter()
        .chain(phase)
        .flatten()
        .min()
    }

    /// Whether everything is handed over after [`Event::Drain`].
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.phase, Phase::Stopped)
    }

    /// The settings it goes by.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn start(&mut self, now: Moment) {
        self.wants_read = self.settings.coordinate;
        if !self.settings.coordinate {
            self.go_alone(now);
        }
    }

    /// What time has put an end to: the holder's window, the round.
    fn close(&mut self, now: Now, out: &mut Out) {
        match &self.phase {
            Phase::Leading(lead) if lead.window_end <= now.steady => self.window_closed(now, out),
            Phase::Leading(lead) if lead.round().is_some_and(|r| r.deadline <= now.steady) => {
                self.cut_probes(now, out);
            }
            Phase::Alone(round) if round.deadline <= now.steady => self.cut_probes(now, out),
            _ => {}
        }
    }

    /// Whatever time alone brings about, until nothing is due at `now` any more.
    fn tick(&mut self, now: Now, out: &mut Out) {
        if !self.started {
            return;
        }
        self.take_lock_ttl();
        if let Some(until) = self.sense.refused_until()
            && until <= now.steady
        {
            self.sense.forget_refusal();
            self.wants_read = true;
        }
        if self.isolates_at().is_some_and(|at| at <= now.steady) {
            self.become_isolated(now, out);
        }
        self.close(now, out);
        match &self.phase {
            Phase::Leading(_) => self.tick_lead(now, out),
            Phase::Alone(_) => self.tick_alone(now, out),
            Phase::Contending { at } if *at <= now.steady => self.acquire(now.steady, out),
            Phase::Following { until, .. } if *until <= now.steady => {
                if self.slept(now.steady, *until) {
                    // It has not been waiting.
                    self.waits_since = None;
                }
                // No notice came, but the holder may have published all the same: look before asking.
                self.wants_read |= self.wants_lease(now.steady);
                self.phase = Phase::Waiting;
                if !self.wants_read {
                    self.waits_since = None;
                }
            }
            Phase::Following { .. } if self.silent_at().is_some_and(|at| at <= now.steady) => {
                self.act_for_silent_holder(now, out);
            }
            _ => {}
        }
        if self.read_at().is_some_and(|at| at <= now.steady) {
            self.read(now.steady, out);
        }
        if self.draining.is_some() {
            self.tick_drain(now, out);
        } else if matches!(self.phase, Phase::Waiting) {
            if self.contend_at().is_some_and(|at| at <= now.steady) {
                self.contend(now.steady);
            } else if self.alone_at().is_some_and(|at| at <= now.steady) {
                self.start_alone(now, out);
            }
        }
    }

    fn isolates_at(&self) -> Option<Moment> {
        if self.settings.coordinate {
            self.sense.isolates_at()
        } else {
            None
        }
    }

    /// A store operation outside the lease, or under it, succeeded.
    fn store_answered(&mut self, act: Act, out: &mut Out) {
        let rejoins = self.sense.answered(act);
        if !self.sense.needs_write() {
            self.quiet_until = Moment::from_micros(i64::MIN);
        }
        if rejoins {
            out.push(Command::Tell(Happening::Rejoined));
            // In flight goes on and is offered; what was not started is the fleet's business again.
            if let Phase::Alone(round) = &mut self.phase {
                round.queue.clear();
            }
        }
    }

    fn on_store_up(&mut self, now: Moment) {
        self.sense.ping_answered();
        if self.settings.coordinate {
            self.wants_read = true;
            self.quiet_until = now + self.dice.up_to(CONTEND_SPREAD);
        }
    }

    /// Pauses after a failed operation: full jitter, capped.
    fn back_off(&mut self, now: Moment) {
        let first = self.settings.op_timeout;
        let pause = self
            .dice
            .backoff(self.sense.failures(), first, MAX_BACKOFF.max(first));
        self.quiet_until = now + pause;
    }

    fn op(&mut self) -> Op {
        self.next_op += 1;
        Op(self.next_op)
    }

    fn attempt(&mut self) -> AttemptId {
        self.next_attempt += 1;
        // Attempts of a pod that was started again under the same name must differ from its former life's.
        AttemptId(self.settings.seed.wrapping_add(self.next_attempt))
    }

    fn lease(&self, token: Token) -> LeaseRef {
        LeaseRef {
            group: self.settings.group.clone(),
            pod: self.settings.pod.clone(),
            token,
        }
    }
}

#[cfg(test)]
mod tests;
