//! The world's clock and what happens on it, one thing at a time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use watchkeeper_core::cache::{Notice, Notices};
use watchkeeper_core::coordinator::{Command, Event, Happening, Hint, Ticket};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::PodId;
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Verdict};

use super::dice::Dice;
use super::faults::Fault;
use super::network::{Fate, failure, operation};
use super::plan::{MILLI, Plan, SECOND, Time, micros};
use super::pod::{Input, Pod, State, group_id};
use super::rules::Rules;
use super::{Damage, Subject, Tally, Weather};

/// How many of the last happenings a failure shows.
const SHOWN: usize = 60;

/// How much of each is shown, in characters.
const WIDTH: usize = 420;

/// What happens at a moment of the world.
enum What {
    Begins(usize),
    Ends(usize),
    /// A request reaches the store.
    Arrives {
        pod: usize,
        life: u64,
        group: usize,
        command: Command,
    },
    Reaches {
        pod: usize,
        life: u64,
        input: Input,
    },
    Call,
    Sample,
}

pub(super) struct World<'a> {
    pub(super) subject: &'a Subject,
    pub(super) dice: Dice,
    pub(super) plan: Plan,
    /// Troubles of this moment.
    pub(super) active: Vec<usize>,
    pub(super) now: Time,
    pub(super) pods: Vec<Pod>,
    pub(super) rules: Rules,
    queue: BTreeMap<(Time, u64), What>,
    order: u64,
    notices: Notices,
    tally: Tally,
    /// Whether to keep the last happenings, which takes most of the time.
    verbose: bool,
    log: VecDeque<String>,
    tickets: u64,
}

impl<'a> World<'a> {
    pub(super) fn new(seed: u64, weather: Weather, subject: &'a Subject, verbose: bool) -> Self {
        let mut dice = Dice::new(seed ^ (weather as u64) << 32);
        let plan = Plan::new(&mut dice, weather);
        let pods = (0..plan.pods).map(|i| Pod::new(&mut dice, i)).collect();
        let rules = Rules::new(weather, plan.groups.len());
        let notices = subject.store.watch();
        let mut world = Self {
            subject,
            dice,
            plan,
            active: Vec::new(),
            now: 0,
            pods,
            rules,
            queue: BTreeMap::new(),
            order: 0,
            notices,
            tally: Tally::new(),
            verbose,
            log: VecDeque::new(),
            tickets: 0,
        };
        let span = [0, 100 * MILLI, 3 * SECOND][world.dice.index(3)];
        for pod in 0..world.pods.len() {
            // A pod starts as one that ends its time away.
            let at = world.dice.range(0, span + 1);
            world.tell(pod, at, Input::Ping);
        }
        for (index, trouble) in world.plan.troubles.clone().into_iter().enumerate() {
            world.at(trouble.at, What::Begins(index));
            world.at(trouble.until, What::Ends(index));
        }
        for at in world.plan.calls.clone() {
            world.at(at, What::Call);
        }
        world.at(500 * MILLI, What::Sample);
        world
    }

    pub(super) fn run(mut self) -> Result<Tally, String> {
        while let Some(((at, _), what)) = self.queue.pop_first() {
            if at > self.plan.end {
                break;
            }
            let passed = u64::try_from(at - self.now).unwrap();
            self.subject.clock.advance(Duration::from_micros(passed));
            self.now = at;
            if let Err(why) = self.step(what) {
                return Err(self.story(&why));
            }
        }
        if let Err(why) = self.last_judgement() {
            return Err(self.story(&why));
        }
        Ok(self.tally)
    }

    fn story(&self, why: &str) -> String {
        let mut text = format!("{why}\nsettings: {:?}\n", self.plan.template);
        for trouble in &self.plan.troubles {
            text += &format!("trouble: {trouble:?}\n");
        }
        for line in &self.log {
            text += line;
            text.push('\n');
        }
        text
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        if !self.verbose {
            return;
        }
        if self.log.len() == SHOWN {
            self.log.pop_front();
        }
        let at = self.now;
        self.log
            .push_back(format!("{:>3}.{:06} {}", at / SECOND, at % SECOND, line()));
    }

    fn show(&self, what: &impl std::fmt::Debug) -> String {
        if self.verbose {
            format!("{what:?}").chars().take(WIDTH).collect()
        } else {
            String::new()
        }
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn at(&mut self, at: Time, what: What) {
        self.order += 1;
        self.queue.insert((at.max(self.now), self.order), what);
    }

    fn tell(&mut self, pod: usize, at: Time, input: Input) {
        let life = self.pods[pod].life;
        self.at(at, What::Reaches { pod, life, input });
    }

    fn step(&mut self, what: What) -> Result<(), String> {
        match what {
            What::Begins(index) => self.begin(index),
            What::Ends(index) => self.end(index),
            What::Arrives {
                pod,
                life,
                group,
                command,
            } => self.arrive(pod, life, group, &command),
            What::Reaches { pod, life, input } => {
                if life == 0 && self.pods[pod].life == 0 {
                    return self.start(pod);
                }
                if self.pods[pod].life != life {
                    return Ok(());
                }
                match self.pods[pod].state {
                    State::Up => self.take(pod, input),
                    State::Paused => {
                        self.pods[pod].backlog.push(input);
                        Ok(())
                    }
                    State::Down => Ok(()),
                }
            }
            What::Call => {
                let pod = self.dice.index(self.pods.len());
                self.tickets += 1;
                let ticket = Ticket(self.tickets);
                self.tell(pod, self.now, Input::Call(ticket));
                Ok(())
            }
            What::Sample => {
                self.at(self.now + 500 * MILLI, What::Sample);
                self.sample()
            }
        }
    }

    fn start(&mut self, pod: usize) -> Result<(), String> {
        self.pods[pod].start(&mut self.dice, &self.plan, self.now);
        self.note(|| format!("pod-{pod} starts"));
        for group in 0..self.plan.groups.len() {
            self.happen(pod, group, Event::Started)?;
            // A new subscription.
            let at = self.now + self.delay();
            self.tell(pod, at, Input::Hint(group, Hint::Resumed));
        }
        self.tell(pod, self.now, Input::Ping);
        Ok(())
    }

    fn begin(&mut self, index: usize) -> Result<(), String> {
        let what = self.plan.troubles[index].what.clone();
        self.note(|| format!("begins: {what:?}"));
        self.active.push(index);
        match what {
            Fault::Wipe => self.wipe(),
            Fault::BadLock(group) => {
                self.rules.disturb(Some(group), self.now);
                (self.subject.damage)(&group_id(group), Damage::Lock);
            }
            Fault::BadReport(group) => {
                self.rules.report_lost(group);
                (self.subject.damage)(&group_id(group), Damage::Report);
            }
            Fault::Crash { pod, .. } => self.pods[pod].kill(),
            Fault::Pause(pod) if self.pods[pod].state == State::Up => {
                self.pods[pod].state = State::Paused;
            }
            Fault::Drain(pod) if self.pods[pod].state == State::Up => {
                self.take(pod, Input::Drain)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, index: usize) -> Result<(), String> {
        let what = self.plan.troubles[index].what.clone();
        self.note(|| format!("ends: {what:?}"));
        self.active.retain(|active| *active != index);
        match what {
            Fault::Outage { wipes: true, .. } => self.wipe(),
            Fault::Crash { pod, same_name } => {
                if !same_name {
                    let name = format!("pod-{pod}-{}", self.pods[pod].life);
                    self.pods[pod].name = PodId::new(name).unwrap();
                }
                if self.pods[pod].state == State::Down {
                    self.start(pod)?;
                }
            }
            Fault::Drain(pod) => {
                if self.pods[pod].state == State::Up {
                    let since = self.plan.troubles[index].at;
                    self.rules
                        .must_have_stopped(&self.plan, &self.pods[pod], since, self.now)?;
                }
                self.pods[pod].kill();
                self.start(pod)?;
            }
            Fault::Pause(pod) if self.pods[pod].state == State::Paused => {
                self.pods[pod].state = State::Up;
                self.pods[pod].up_since = self.now;
                let mut backlog = std::mem::take(&mut self.pods[pod].backlog);
                // What waited is seen in any order.
                while !backlog.is_empty() {
                    let index = self.dice.index(backlog.len());
                    self.take(pod, backlog.remove(index))?;
                }
            }
            _ => {}
        }
        if matches!(self.plan.troubles[index].what, Fault::Deaf) {
            for pod in 0..self.pods.len() {
                for group in 0..self.plan.groups.len() {
                    self.tell(pod, self.now, Input::Hint(group, Hint::Resumed));
                }
            }
        }
        Ok(())
    }

    fn wipe(&mut self) {
        self.rules.disturb(None, self.now);
        for group in 0..self.plan.groups.len() {
            self.rules.report_lost(group);
        }
        (self.subject.damage)(&group_id(0), Damage::Wipe);
    }

    fn take(&mut self, pod: usize, input: Input) -> Result<(), String> {
        match input {
            Input::Woke(group, stamp) => {
                if self.pods[pod].stamps[group] != stamp {
                    return Ok(());
                }
                self.count("wakes");
                self.rules.woke(&mut self.pods[pod], self.now)?;
                self.happen(pod, group, Event::Woke)
            }
            Input::Answer(group, op, event) => {
                if !self.pods[pod].waiting.remove(&(group, op)) {
                    return Ok(());
                }
                self.happen(pod, group, event)
            }
            Input::Probed(group, probe, check) => {
                if !self.pods[pod].probes.remove(&(group, probe)) {
                    return Ok(());
                }
                self.rules.probed(&self.pods[pod], &check);
                let healthy = self.dice.chance(80);
                let verdict = Verdict::new(
                    if healthy {
                        Outcome::Healthy
                    } else {
                        Outcome::Overloaded
                    },
                    None,
                    None,
                    Duration::from_millis(5),
                    UnixMillis(0),
                );
                self.happen(pod, group, Event::Probed(probe, verdict))
            }
            Input::Ping => {
                let jitter = self.dice.range(0, 10 * MILLI);
                self.tell(pod, self.now + SECOND + jitter, Input::Ping);
                let (up, after) = match self.fate(pod, StoreOp::Ping) {
                    Fate::Arrives => (true, self.delay()),
                    Fate::Refused(_) => (false, 1),
                    Fate::Vanishes => (false, micros(self.plan.template.op_timeout)),
                };
                self.tell(pod, self.now + after, Input::Pinged(up));
                Ok(())
            }
            Input::Pinged(up) => {
                let was = self.pods[pod].pinged.replace(up).unwrap_or(true);
                if up && was {
                    return Ok(());
                }
                for group in 0..self.plan.groups.len() {
                    let event = if up { Event::StoreUp } else { Event::StoreDown };
                    self.happen(pod, group, event)?;
                }
                Ok(())
            }
            Input::Hint(group, hint) => self.happen(pod, group, Event::Noticed(hint)),
            Input::Call(ticket) => {
                let group = self.dice.index(self.plan.groups.len());
                let checks = &self.plan.groups[group];
                let check = checks[self.dice.index(checks.len())].id.clone();
                let now = self.now;
                self.pods[pod].calls.insert(ticket, (now, check.clone()));
                let checks = vec![check];
                self.happen(pod, group, Event::Force { ticket, checks })
            }
            Input::Drain => {
                for group in 0..self.plan.groups.len() {
                    self.happen(pod, group, Event::Drain)?;
                }
                Ok(())
            }
        }
    }

    fn happen(&mut self, pod: usize, group: usize, event: Event) -> Result<(), String> {
        let shown = self.show(&event);
        let name = self.pods[pod].name.clone();
        let now = self.pods[pod].now(self.now);
        let commands = self.pods[pod].groups[group].handle(now, event);
        let done = self.show(&commands);
        self.note(|| format!("{name}/{group} {shown} -> {done}"));
        let deadline = self.pods[pod].groups[group].deadline();
        if let Some(deadline) = deadline {
            if deadline <= now.steady {
                return Err(format!("{name}/{group} spins: {deadline:?} is over"));
            }
            self.pods[pod].stamps[group] += 1;
            let stamp = self.pods[pod].stamps[group];
            let late = self.dice.range(0, MILLI);
            let at = self.pods[pod].world_time(deadline) + late;
            self.tell(pod, at, Input::Woke(group, stamp));
        } else {
            self.pods[pod].stamps[group] += 1;
        }
        for command in commands {
            self.command(pod, group, command)?;
        }
        Ok(())
    }

    fn command(&mut self, pod: usize, group: usize, command: Command) -> Result<(), String> {
        match command {
            Command::Probe(probe, check) => {
                let now = self.pods[pod].now(self.now).steady;
                if !self.pods[pod].groups[group].start_probe(now, probe) {
                    return Err(format!("{probe:?} of {check} may not start"));
                }
                self.count("probes");
                self.rules.start(
                    &self.plan,
                    &self.pods[pod],
                    group,
                    &check,
                    self.subject,
                    self.now,
                )?;
                self.pods[pod].probes.insert((group, probe));
                let slowest = self.plan.slowest.iter().find(|(id, _)| *id == check);
                let most = slowest.unwrap().1;
                let at = self.now + self.dice.range(most / 2, most);
                self.tell(pod, at, Input::Probed(group, probe, check));
                Ok(())
            }
            Command::Cancel(probe) => {
                self.count("cancelled");
                self.pods[pod].probes.remove(&(group, probe));
                Ok(())
            }
            Command::Answer(ticket, result) => {
                self.count(if result.is_ok() {
                    "answered"
                } else {
                    "turned away"
                });
                let call = self.pods[pod].calls.remove(&ticket);
                let Some((since, check)) = call else {
                    return Err(format!("{ticket:?} is answered twice"));
                };
                self.rules.answered(result, since, &check)
            }
            Command::Tell(happening) => self.told(pod, group, &happening),
            command => self.send(pod, group, command),
        }
    }

    fn told(&mut self, pod: usize, group: usize, happening: &Happening) -> Result<(), String> {
        self.count(match happening {
            Happening::LeaseAcquired(_) => "acquired",
            Happening::LeaseReleased(_) => "released",
            Happening::LeaseLost(..) => "lost",
            Happening::Fenced { .. } => "fenced",
            Happening::Published { .. } => "published",
            Happening::PublishedSoFar { .. } => "published so far",
            Happening::HolderSilent(_) => "silent holders",
            Happening::Adopted { .. } => "adopted",
            Happening::NothingDue => "nothing due",
            Happening::RoundEnded { .. } => "rounds",
            Happening::UnreadableReport(_) => "unreadable",
            Happening::TookDeadLock => "took dead lock",
            Happening::StoreFailed(_) => "failed",
            Happening::PublishRefused(_) => "publish refused",
            Happening::Isolated => "isolated",
            Happening::Rejoined => "rejoined",
            Happening::TokensReset => "tokens reset",
            Happening::Stopped => "stopped",
        });
        let isolated = match happening {
            Happening::Isolated => true,
            Happening::Rejoined => false,
            _ => return Ok(()),
        };
        if std::mem::replace(&mut self.pods[pod].isolated[group], isolated) == isolated {
            return Err(format!("{happening:?} is told twice"));
        }
        Ok(())
    }

    fn send(&mut self, pod: usize, group: usize, command: Command) -> Result<(), String> {
        let (op, what) = operation(&command).unwrap();
        self.count(what.as_str());
        self.rules
            .sent(&self.pods[pod], group, &command, self.now)?;
        self.pods[pod].waiting.insert((group, op));
        let limit = micros(self.plan.template.op_timeout);
        let error = StoreError::unknown(StoreErrorKind::Timeout, what, "no answer");
        self.tell(
            pod,
            self.now + limit,
            Input::Answer(group, op, failure(op, what, error)),
        );
        match self.fate(pod, what) {
            Fate::Arrives => {
                let life = self.pods[pod].life;
                let at = self.now + self.delay();
                self.at(
                    at,
                    What::Arrives {
                        pod,
                        life,
                        group,
                        command,
                    },
                );
            }
            Fate::Refused(kind) => {
                let error = StoreError::refused(kind, what, "refused");
                self.tell(
                    pod,
                    self.now + MILLI,
                    Input::Answer(group, op, failure(op, what, error)),
                );
            }
            Fate::Vanishes => {}
        }
        Ok(())
    }

    fn arrive(
        &mut self,
        pod: usize,
        life: u64,
        group: usize,
        command: &Command,
    ) -> Result<(), String> {
        let (op, what) = operation(command).unwrap();
        // What was under way when the store went down does not get there.
        if matches!(self.fate(pod, what), Fate::Vanishes) {
            return Ok(());
        }
        let event = self.perform(group, command);
        let shown = self.show(&event);
        let name = self.pods[pod].name.clone();
        self.note(|| format!("    store: {name}/{group} {what:?} -> {shown}"));
        self.rules
            .performed(self.subject, group, command, &event, self.now)?;
        self.spread_notices();
        if !self.loses_answer() {
            let at = self.now + self.delay();
            let input = Input::Answer(group, op, event);
            self.at(at, What::Reaches { pod, life, input });
        }
        Ok(())
    }

    fn spread_notices(&mut self) {
        while let Some(Some(notice)) = self.notices.next().now_or_never() {
            let (group, hint) = match notice {
                Notice::Report { group } => (group, Hint::Report),
                Notice::Released { group } => (group, Hint::Released),
                Notice::Resumed => continue,
            };
            let group = (0..self.plan.groups.len())
                .find(|g| group_id(*g) == group)
                .unwrap();
            for pod in 0..self.pods.len() {
                if self.is_deaf() || matches!(self.fate(pod, StoreOp::Read), Fate::Vanishes) {
                    continue;
                }
                let times = if self.dice.chance(5) { 2 } else { 1 };
                for _ in 0..times {
                    let at = self.now + self.delay();
                    self.tell(pod, at, Input::Hint(group, hint));
                }
            }
        }
    }

    fn sample(&mut self) -> Result<(), String> {
        for pod in &self.pods {
            if pod.state == State::Up {
                self.rules.sample(&self.plan, pod, self.now)?;
            }
        }
        let lively = self.plan.calm_from + self.plan.liveness();
        if self.now >= lively && self.now < lively + 500 * MILLI {
            self.rules.alive(self.subject, &self.plan)?;
        }
        Ok(())
    }

    fn last_judgement(&self) -> Result<(), String> {
        for pod in &self.pods {
            if let Some((ticket, call)) = pod.calls.first_key_value() {
                let name = &pod.name;
                return Err(format!("{name} never answered {ticket:?} of {call:?}"));
            }
            if pod.state == State::Up {
                self.rules.settled(&self.plan, pod, self.now)?;
            }
        }
        self.rules.spared(&self.plan, &self.tally)
    }
}
