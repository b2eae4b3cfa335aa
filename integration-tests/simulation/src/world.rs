//! The world's clock and what happens on it, one thing at a time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use watchkeeper_core::cache::Notices;
use watchkeeper_core::coordinator::{Command, Event, Ticket};
use watchkeeper_core::error::StoreOp;
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Verdict};

use super::dice::Dice;
use super::network::Fate;
use super::plan::{MILLI, Plan, SECOND, Time, micros};
use super::pod::{Input, Pod, State};
use super::rules::Rules;
use super::{Subject, Tally, Weather};

/// How many of the last happenings a failure shows.
const SHOWN: usize = 60;

/// How much of each is shown, in characters.
const WIDTH: usize = 420;

/// What happens at a moment of the world.
pub(super) enum What {
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
    pub(super) notices: Notices,
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

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
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

    pub(super) fn show(&self, what: &impl std::fmt::Debug) -> String {
        if self.verbose {
            format!("{what:?}").chars().take(WIDTH).collect()
        } else {
            String::new()
        }
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    pub(super) fn at(&mut self, at: Time, what: What) {
        self.order += 1;
        self.queue.insert((at.max(self.now), self.order), what);
    }

    pub(super) fn tell(&mut self, pod: usize, at: Time, input: Input) {
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

    pub(super) fn take(&mut self, pod: usize, input: Input) -> Result<(), String> {
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

    pub(super) fn happen(&mut self, pod: usize, group: usize, event: Event) -> Result<(), String> {
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
