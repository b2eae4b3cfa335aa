//! One task that owns all coordinators of the pod: takes what happens, does what they command.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use watchkeeper_core::check::Check;
use watchkeeper_core::coordinator::{
    Command, Coordinator, Event, Happening, Hint, NotForced, Now, Ticket,
};
use watchkeeper_core::error::StoreError;
use watchkeeper_core::events::Happened;
use watchkeeper_core::id::{CheckId, GroupId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::probe::Prober;
use watchkeeper_core::status::{PodFacts, PodView, Snapshot};
use watchkeeper_core::time::{Clock, Moment};
use watchkeeper_core::verdict::{Outcome, Verdict};

use crate::calls::{self, Calls, Reply};
use crate::driver_reload::{Change, Reloaded, Same};
use crate::events::{EventHub, OtherHolder, found_held, heard, other_holder};
use crate::group::{Group, GroupKey};
use crate::journal;
use crate::metrics::Metrics;
use crate::slots::{Key, Slots, Waiting};
use crate::status::StatusHub;
use crate::store_client::StoreClient;

/// Inputs that may wait. Store answers and probe results wait in their own tasks when it is full.
pub(crate) const INBOX: usize = 4096;
/// Inputs taken in a row before timers are looked at again.
const BATCH: usize = 1024;
/// A coordinator that wants to be woken at once is woken at most this often.
const MIN_WAKE_GAP: Duration = Duration::from_millis(1);
/// While a round runs its results are shown at most this often; whatever else changes is shown at once.
const SHOW_EVERY: Duration = Duration::from_millis(25);
/// And this much later for each check of the pod: a picture takes the longer the more it shows, and drawing it is not to
/// take more than a hundredth of the time.
const SHOW_EVERY_PER_CHECK: Duration = Duration::from_micros(50);
/// A prober keeps the check's time limit itself; one that does not is cut off this much later.
const PROBE_OVERTIME: Duration = Duration::from_secs(1);

/// What reaches the driver.
pub(crate) enum Input {
    /// For one coordinator.
    Event(GroupKey, Event),
    /// A probe ended.
    Probed(Key, Verdict),
    /// The store was pinged: each failure, and each change.
    Pinged(Result<(), StoreError>),
    /// The fleet's list of pods.
    Pods(Vec<PodView>),
    /// A hint about one group, or about all.
    Noticed(Option<GroupId>, Hint),
    /// Somebody wants checks probed now.
    Force(Vec<CheckId>, Reply),
    /// Somebody who wanted that has gone.
    CallersGone,
    /// The configuration was read again.
    Reload(Box<Change>, oneshot::Sender<Reloaded>),
    /// The pod is leaving.
    Drain,
}

/// What a coordinator decides upon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// What it commands is to be shown at once.
    pub(crate) urgent: bool,
    /// It hears who holds the lease.
    pub(crate) acquired: bool,
}

/// The driver's belongings.
pub(crate) struct Driver {
    /// Keys only rise, so that an answer for a group that is gone finds nobody.
    pub(crate) groups: BTreeMap<GroupKey, Group>,
    pub(crate) next_group: GroupKey,
    /// The groups that are shown, in the order of the checks.
    pub(crate) order: Vec<GroupKey>,
    pub(crate) by_name: HashMap<GroupId, GroupKey>,
    /// Groups whose checks are others' now, which hand over.
    pub(crate) leaving: BTreeSet<GroupKey>,
    /// Groups that begin once those have left, and what they take over from whom.
    pub(crate) heirs: BTreeMap<GroupKey, BTreeMap<GroupKey, Same>>,
    pub(crate) checks: HashMap<CheckId, Asked>,
    pub(crate) store: StoreClient,
    pub(crate) prober: Arc<dyn Prober>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) events: Arc<EventHub>,
    pub(crate) status: Arc<StatusHub>,
    pub(crate) snapshot: Snapshot,
    pub(crate) facts: watch::Sender<PodFacts>,
    pub(crate) nudge: Arc<Notify>,
    pub(crate) inbox: mpsc::Sender<Input>,
    pub(crate) tasks: TaskTracker,
    pub(crate) slots: Slots,
    pub(crate) timers: BTreeSet<(Moment, GroupKey)>,
    pub(crate) calls: Calls,
    pub(crate) dirty: BTreeSet<GroupKey>,
    pub(crate) urgent: bool,
    pub(crate) shown_at: Moment,
    pub(crate) ping: Option<Result<(), StoreError>>,
    pub(crate) isolated: usize,
    pub(crate) last_error: Option<StoreError>,
    pub(crate) followed: HashMap<GroupId, Token>,
}

/// A check, as it is asked.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) check: Arc<Check>,
    /// Whether a probe of it sends anything: one that cannot be asked costs nothing, so it is no probe made.
    pub(crate) sends: bool,
    /// Who is asked.
    pub(crate) provider: Arc<str>,
}

impl Driver {
    pub(crate) fn now(&self) -> Now {
        Now {
            steady: self.clock.now(),
            unix: self.clock.unix(),
        }
    }

    /// Runs until every coordinator has stopped.
    pub(crate) async fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        for group in self.order.clone() {
            self.happen(group, Event::Started);
        }
        self.show(true);
        while !self.has_left() {
            let wake = self.next_wake();
            tokio::select! {
                input = inputs.recv() => {
                    let Some(input) = input else { break };
                    self.take(input);
                    for _ in 1..BATCH {
                        let Ok(input) = inputs.try_recv() else { break };
                        self.take(input);
                    }
                }
                () = tokio::time::sleep(wake) => {}
            }
            self.fire_timers();
            self.hand_over();
            self.start_waiting_probes();
            self.show(false);
            self.calls.tell();
        }
        self.slots.clear();
        self.show(true);
        self.calls.tell();
    }

    /// Whether all groups have left; a pod without any has once it was told to leave.
    fn has_left(&self) -> bool {
        let mut groups = self.groups.values();
        groups.all(|group| group.coordinator.is_stopped())
            && (!self.groups.is_empty() || self.snapshot.draining)
    }

    /// The time between two pictures of a round.
    fn show_every(&self) -> Duration {
        let checks = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        SHOW_EVERY + SHOW_EVERY_PER_CHECK.saturating_mul(checks)
    }

    /// How long nothing needs to be done, if nothing happens.
    fn next_wake(&self) -> Duration {
        let now = self.clock.now();
        let timer = self.timers.first().map(|(at, _)| *at);
        let show = (!self.dirty.is_empty()).then(|| self.shown_at + self.show_every());
        let late = self.calls.next_late();
        match timer.into_iter().chain(show).chain(late).min() {
            Some(at) if at <= now => MIN_WAKE_GAP,
            Some(at) => at.since(now),
            None => Duration::from_secs(3600),
        }
    }

    fn fire_timers(&mut self) {
        let now = self.clock.now();
        let due: Vec<GroupKey> = self
            .timers
            .range(..=(now, GroupKey::LAST))
            .map(|(_, group)| *group)
            .collect();
        for group in due {
            self.happen(group, Event::Woke);
        }
        if self.calls.next_late().is_some_and(|late| late <= now) {
            self.give_up_calls();
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Event(group, event) => {
                if failed(&event) {
                    self.nudge.notify_one();
                }
                self.happen(group, event);
                if let Some(companions) = self.store.companion() {
                    self.snapshot.companions = companions;
                    self.urgent = true;
                }
            }
            Input::Probed(key, verdict) => {
                if self.slots.ended(key) {
                    self.happen(key.0, Event::Probed(key.1, verdict));
                }
            }
            Input::Pinged(result) => self.pinged(result),
            Input::Pods(pods) => {
                self.snapshot.pods = pods;
                self.urgent = true;
            }
            Input::Noticed(Some(name), hint) => {
                if let Some(group) = self.by_name.get(&name).copied() {
                    self.happen(group, Event::Noticed(hint));
                }
            }
            Input::Noticed(None, hint) => {
                for group in self.keys() {
                    self.happen(group, Event::Noticed(hint));
                }
            }
            Input::Force(checks, reply) => {
                self.give_up_calls();
                self.force(checks, reply);
            }
            Input::CallersGone => self.give_up_calls(),
            Input::Reload(change, reply) => {
                let reloaded = self.reload(*change);
                // What took effect is shown before the caller hears of it.
                self.show(reloaded.is_ok());
                // The caller may be gone; then nobody wants the answer.
                let _ = reply.send(reloaded);
            }
            Input::Drain => {
                self.snapshot.draining = true;
                self.urgent = true;
                for group in self.keys() {
                    self.happen(group, Event::Drain);
                }
            }
        }
    }

    fn pinged(&mut self, result: Result<(), StoreError>) {
        let was_up = !matches!(self.ping, Some(Err(_)));
        let is_up = result.is_ok();
        if let Err(error) = &result {
            self.last_error = Some(error.clone());
        }
        self.ping = Some(result);
        if is_up && was_up {
            self.judge_store();
            return;
        }
        for group in self.keys() {
            self.happen(
                group,
                if is_up {
                    Event::StoreUp
                } else {
                    Event::StoreDown
                },
            );
        }
        self.judge_store();
    }

    /// The store counts as up while it answers pings and no group had to go on without it. One line per change.
    pub(crate) fn judge_store(&mut self) {
        let pings = matches!(self.ping, Some(Ok(())));
        let up = pings && self.isolated == 0;
        let known = self.ping.is_some() || self.isolated > 0;
        if !known || (up == self.snapshot.store_up && (up || self.snapshot.store_error.is_some())) {
            return;
        }
        let backend = self.snapshot.backend;
        self.snapshot.store_up = up;
        self.urgent = true;
        if up {
            self.snapshot.store_error = None;
            info!(backend, "store is reachable");
            self.events.tell(Happened::Store {
                up: true,
                error: None,
            });
        } else {
            let error = self
                .last_error
                .as_ref()
                .map_or_else(|| "no answer".to_owned(), ToString::to_string);
            warn!(
                backend,
                error,
                "store is not reachable, results are served from memory and this pod checks for itself"
            );
            self.events.tell(Happened::Store {
                up: false,
                error: Some(error.clone()),
            });
            self.snapshot.store_error = Some(error);
        }
    }

    fn force(&mut self, checks: Vec<CheckId>, reply: Reply) {
        let mut by_group: BTreeMap<GroupKey, Vec<CheckId>> = BTreeMap::new();
        for check in checks {
            let place = self.snapshot.index.get(&check);
            match place.and_then(|place| self.order.get(*place)) {
                Some(group) => by_group.entry(*group).or_default().push(check),
                None => return self.calls.refuse(reply, NotForced::UnknownCheck),
            }
        }
        let patience = by_group.keys().filter_map(|group| self.groups.get(group));
        let patience = patience
            .map(|group| calls::patience(group.coordinator.settings()))
            .max();
        let Some(patience) = patience else {
            return self.calls.refuse(reply, NotForced::UnknownCheck);
        };
        let groups = by_group.keys().copied().collect();
        let Some(ticket) = self.calls.open(groups, patience, self.clock.now(), reply) else {
            return;
        };
        for (group, checks) in by_group {
            // One refusal is enough.
            if self.calls.waits(ticket) {
                self.happen(group, Event::Force { ticket, checks });
            }
        }
    }

    fn answer(&mut self, group: GroupKey, ticket: Ticket, result: Result<(), NotForced>) {
        match result {
            Ok(()) => {
                let found = self.groups.get_mut(&group);
                let found = found.map(|group| group.coordinator.take_answered(ticket));
                // What was found is shown before the caller hears of it.
                self.urgent |= self.calls.found(ticket, group, found.unwrap_or_default());
            }
            Err(why) => {
                if let Some(given_up) = self.calls.refused(ticket, group, why) {
                    self.tell_gone(given_up);
                }
            }
        }
    }

    /// Late calls, and those whose callers have gone.
    fn give_up_calls(&mut self) {
        for given_up in self.calls.give_up(self.clock.now()) {
            self.tell_gone(given_up);
        }
    }

    fn tell_gone(&mut self, (ticket, groups): calls::GivenUp) {
        for group in groups {
            self.happen(group, Event::CallerGone(ticket));
        }
    }

    /// Every group, those that leave as well.
    pub(crate) fn keys(&self) -> Vec<GroupKey> {
        self.groups.keys().copied().collect()
    }

    /// Something happened to a group: let its coordinator decide, and do what it commands.
    pub(crate) fn happen(&mut self, group: GroupKey, event: Event) {
        let turn = Turn {
            urgent: !matches!(event, Event::Probed(..) | Event::Woke),
            acquired: matches!(event, Event::Acquired(..)),
        };
        self.decide(group, turn, |coordinator, now| {
            coordinator.handle(now, event)
        });
    }

    /// Lets a group's coordinator decide, and does what it commands.
    pub(crate) fn decide(
        &mut self,
        key: GroupKey,
        turn: Turn,
        decide: impl FnOnce(&mut Coordinator, Now) -> Vec<Command>,
    ) {
        let now = self.now();
        let Some(group) = self.groups.get_mut(&key) else {
            return;
        };
        let before = other_holder(&group.coordinator).filter(|_| turn.acquired);
        let commands = decide(&mut group.coordinator, now);
        let name = group.coordinator.settings().group.clone();
        // One that is due already is woken again after a breath, never in the same turn.
        let next = group.coordinator.deadline();
        let next = next.map(|at| at.max(now.steady + MIN_WAKE_GAP));
        if let Some(old) = std::mem::replace(&mut group.armed, next) {
            self.timers.remove(&(old, key));
        }
        if let Some(at) = next {
            self.timers.insert((at, key));
        }
        self.dirty.insert(key);
        self.urgent |= turn.urgent && !commands.is_empty();
        let found = other_holder(&group.coordinator).filter(|_| turn.acquired);
        if let Some(found) = found_held(&name, &before, found) {
            self.events.tell(found);
        }
        for command in commands {
            self.execute(key, &name, command, &before);
        }
    }

    fn execute(&mut self, group: GroupKey, name: &GroupId, command: Command, before: &OtherHolder) {
        match command {
            Command::Probe(probe, check, effort) => {
                let provider = self.checks.get(&check).map(|asked| &asked.provider);
                self.slots.line_up(Waiting {
                    key: (group, probe),
                    provider: provider.map_or_else(|| Arc::from(""), Arc::clone),
                    check,
                    effort,
                });
            }
            Command::Cancel(probe) => self.slots.cancel((group, probe)),
            Command::Answer(ticket, result) => {
                // It is the group that leaves, and not the pod.
                let gone = self.leaving.contains(&group);
                let result = match result {
                    Err(NotForced::Draining) if gone => Err(NotForced::Reloaded),
                    result => result,
                };
                self.answer(group, ticket, result);
            }
            Command::Tell(happening) => self.told(group, name, &happening, before),
            store_command => {
                // A group that leaves keeps what stands beside its own reports.
                let Some(store) = self.groups.get(&group).map(|g| g.store.clone()) else {
                    return;
                };
                let (name, inbox) = (name.clone(), self.inbox.clone());
                // Bounded: a coordinator has at most three operations under way, each with a time limit.
                self.tasks.spawn(async move {
                    if let Some(event) = store.execute(&name, store_command).await {
                        // The driver may have stopped; then nobody waits for the answer.
                        let _ = inbox.send(Input::Event(group, event)).await;
                    }
                });
            }
        }
    }

    fn told(
        &mut self,
        key: GroupKey,
        group: &GroupId,
        happening: &Happening,
        before: &OtherHolder,
    ) {
        match happening {
            Happening::Isolated | Happening::Rejoined => {
                self.set_isolated(key, matches!(happening, Happening::Isolated));
            }
            Happening::StoreFailed(error) | Happening::PublishRefused(error) => {
                self.last_error = Some(error.clone());
            }
            _ => {}
        }
        let pod = self.snapshot.pod.clone();
        let coordinator = self.groups.get(&key).map(|it| &it.coordinator);
        if let Some(event) = coordinator.and_then(|it| heard(&pod, it, happening, before)) {
            self.events.tell(event);
        }
        journal::record(
            &pod,
            group,
            happening,
            &mut self.followed,
            &mut self.snapshot.totals,
            &self.metrics,
            self.clock.now(),
        );
        if matches!(happening, Happening::Isolated | Happening::Rejoined) {
            self.judge_store();
        }
        // Told with a probe's start or end, which are shown in their own time.
        self.urgent |= !matches!(
            happening,
            Happening::Spent { .. } | Happening::Spared { .. }
        );
    }

    /// Notes whether a group does without the store.
    pub(crate) fn set_isolated(&mut self, key: GroupKey, is: bool) {
        let Some(group) = self.groups.get_mut(&key) else {
            return;
        };
        match (std::mem::replace(&mut group.isolated, is), is) {
            (false, true) => self.isolated += 1,
            (true, false) => self.isolated = self.isolated.saturating_sub(1),
            _ => {}
        }
    }

    fn start_waiting_probes(&mut self) {
        while let Some(waiting) = self.slots.next() {
            let Waiting {
                key,
                check,
                effort,
                provider,
            } = waiting;
            let now = self.clock.now();
            let may = self
                .groups
                .get_mut(&key.0)
                .is_some_and(|g| g.coordinator.start_probe(now, key.1));
            let Some(Asked { check, sends, .. }) = self.checks.get(&check).cloned().filter(|_| may)
            else {
                continue;
            };
            let (prober, inbox) = (Arc::clone(&self.prober), self.inbox.clone());
            let (metrics, clock) = (Arc::clone(&self.metrics), Arc::clone(&self.clock));
            let task = self.tasks.spawn(async move {
                let limit = check.timeout + PROBE_OVERTIME;
                let verdict = match tokio::time::timeout(limit, prober.probe(&check, effort)).await
                {
                    Ok(verdict) => verdict,
                    Err(_) => Verdict::new(
                        Outcome::Timeout,
                        Some(408),
                        Some("Timeout exceeded".to_owned()),
                        limit,
                        clock.unix(),
                    ),
                };
                metrics.probed(check.provider(), verdict.outcome, verdict.latency);
                // The driver may have stopped; then nobody waits for the verdict.
                let _ = inbox.send(Input::Probed(key, verdict)).await;
            });
            self.slots.started(key, provider, task.abort_handle());
            self.snapshot.totals.probes += u64::from(sends);
        }
    }

    /// Replaces the picture, if something changed and it is time to.
    fn show(&mut self, at_once: bool) {
        let now = self.clock.now();
        let due = at_once
            || self.urgent
            || (!self.dirty.is_empty() && now >= self.shown_at + self.show_every());
        if !due {
            return;
        }
        for group in std::mem::take(&mut self.dirty) {
            if let Some(group) = self.groups.get(&group)
                && let Some(place) = group.place
                && let Some(view) = self.snapshot.groups.get_mut(place)
            {
                *view = Arc::new(group.coordinator.view(now));
            }
        }
        self.urgent = false;
        self.shown_at = now;
        self.snapshot.version += 1;
        self.snapshot.had_results |= self.snapshot.has_results();
        let mode = self.snapshot.mode();
        let totals = self.snapshot.totals;
        self.facts.send_if_modified(|facts| {
            let changed = facts.mode != mode.as_str() || facts.totals != totals;
            facts.mode = mode.as_str().to_owned();
            facts.totals = totals;
            changed
        });
        self.status.replace(self.snapshot.clone());
    }
}

/// Whether the event tells of a failed store operation.
fn failed(event: &Event) -> bool {
    match event {
        Event::Acquired(_, r) => r.is_err(),
        Event::Renewed(_, r) => r.is_err(),
        Event::Released(_, r) => r.is_err(),
        Event::Published(_, r) => r.is_err(),
        Event::Read(_, r) => r.is_err(),
        _ => false,
    }
}
