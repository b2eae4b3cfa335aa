//! The world's clock and what happens on it, one thing at a time.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::cache::{Notices, ReportCache};
use watchkeeper_core::coordinator::{Command, Event, Hint, Ticket};
use watchkeeper_core::error::StoreOp;
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{self, Verdict};
use watchkeeper_memory::{MemoryStore, Saved};
use watchkeeper_testkit::clock::ManualClock;

use super::Tally;
use super::breach::{Breach, wrong};
use super::dice::Dice;
use super::network::Fate;
use super::plan::{CALM_FROM, MILLI, Plan, SECOND, Time, micros};
use super::pod::{Input, Pod, State};
use super::rules::{Rules, check};

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
    pub(super) plan: &'a Plan,
    pub(super) store: Arc<MemoryStore>,
    /// The store's clock, which is the world's but for its jumps.
    pub(super) clock: Arc<ManualClock>,
    pub(super) dice: Dice,
    /// Chance in what probes cost, apart from all else.
    pub(super) money: Dice,
    /// Troubles of this moment.
    pub(super) active: Vec<usize>,
    /// What the store held when a failover began.
    pub(super) saved: BTreeMap<usize, Saved>,
    /// Pods that stand still since they asked, by trouble.
    pub(super) paused_asking: BTreeMap<usize, usize>,
    pub(super) now: Time,
    pub(super) pods: Vec<Pod>,
    pub(super) rules: Rules,
    queue: BTreeMap<(Time, u64), What>,
    order: u64,
    pub(super) notices: Notices,
    tally: Tally,
    /// Whether to tell the story, which takes most of the time.
    verbose: bool,
    log: VecDeque<String>,
    digest: DefaultHasher,
    tickets: u64,
}

/// How a run went.
pub(super) struct Outcome {
    pub(super) result: Result<Tally, Breach>,
    /// The last happenings, if they were to be told.
    pub(super) story: String,
    /// A digest of all that happened, if it was to be told.
    pub(super) digest: u64,
}

impl<'a> World<'a> {
    pub(super) fn new(seed: u64, plan: &'a Plan, verbose: bool) -> Self {
        let mut dice = Dice::new(!seed ^ ((plan.weather as u64) << 32));
        let pods = (0..plan.pods)
            .map(|i| Pod::new(&mut dice, plan, i))
            .collect();
        let rules = Rules::new(plan);
        let clock = Arc::new(ManualClock::new());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let notices = store.watch();
        let mut world = Self {
            plan,
            store,
            clock,
            dice,
            money: Dice::new(seed.rotate_left(7)),
            active: Vec::new(),
            saved: BTreeMap::new(),
            paused_asking: BTreeMap::new(),
            now: 0,
            pods,
            rules,
            queue: BTreeMap::new(),
            order: 0,
            notices,
            tally: Tally::new(),
            verbose,
            log: VecDeque::new(),
            digest: DefaultHasher::new(),
            tickets: 0,
        };
        for pod in 0..world.pods.len() {
            // A pod starts as one that ends its time away.
            let at = world.dice.range(0, plan.start_span + 1);
            world.tell(pod, at, Input::Ping);
        }
        for (index, trouble) in plan.troubles.iter().enumerate() {
            world.at(trouble.at, What::Begins(index));
            world.at(trouble.until, What::Ends(index));
        }
        for at in &plan.calls {
            world.at(*at, What::Call);
        }
        world.at(500 * MILLI, What::Sample);
        world
    }

    pub(super) fn run(mut self) -> Outcome {
        let result = self.play();
        let story = self.story();
        Outcome {
            result: result.map(|()| self.tally),
            story,
            digest: self.digest.finish(),
        }
    }

    fn play(&mut self) -> Result<(), Breach> {
        while let Some(((at, _), what)) = self.queue.pop_first() {
            if at > self.plan.end {
                break;
            }
            let passed = u64::try_from(at - self.now).unwrap();
            self.clock.advance(Duration::from_micros(passed));
            self.now = at;
            self.step(what)?;
        }
        self.last_judgement()
    }

    fn story(&self) -> String {
        self.log
            .iter()
            .fold(String::new(), |text, line| text + line + "\n")
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if !self.verbose {
            return;
        }
        if self.log.len() == SHOWN {
            self.log.pop_front();
        }
        let at = self.now;
        let line = format!("{:>3}.{:06} {}", at / SECOND, at % SECOND, line());
        line.hash(&mut self.digest);
        self.log.push_back(line);
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

    fn step(&mut self, what: What) -> Result<(), Breach> {
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
                    State::Paused | State::Asleep => {
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

    pub(super) fn take(&mut self, pod: usize, input: Input) -> Result<(), Breach> {
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
            Input::Probed(group, probe) => {
                if !self.pods[pod].probes.remove(&(group, probe)) {
                    return Ok(());
                }
                let Some(asked) = self.rules.asked(&self.pods[pod], group, probe) else {
                    return wrong(format!("{probe:?} ends and was never asked"));
                };
                for check in &asked.riders {
                    self.rules.probed(&self.pods[pod], group, check);
                }
                let healthy = self.dice.chance(80);
                let mut verdict = Verdict::new(
                    if healthy {
                        verdict::Outcome::Healthy
                    } else {
                        verdict::Outcome::Overloaded
                    },
                    None,
                    None,
                    Duration::from_millis(5),
                    UnixMillis(0),
                );
                let (plan, first) = (self.plan, &asked.riders[0]);
                let asks = check(plan, group, first);
                plan.prices
                    .answer(&mut self.money, asks, asked.effort, &mut verdict);
                if verdict.retry_after.is_some() {
                    self.count("asked to rest");
                }
                self.rules.heard(group, &asked, &verdict);
                let cost = verdict.cost.unwrap_or_default();
                self.happen(pod, group, Event::Probed(probe, verdict))?;
                self.rules
                    .paid(plan, &self.pods[pod], group, first, cost, self.now)
            }
            Input::Ping => {
                let jitter = self.dice.range(0, 10 * MILLI);
                self.tell(pod, self.now + SECOND + jitter, Input::Ping);
                let (up, after) = match self.fate(pod, StoreOp::Ping) {
                    Fate::Arrives => (true, self.delay()),
                    Fate::Refused(_) => (false, 1),
                    Fate::Vanishes => (false, micros(self.plan.common().op_timeout)),
                };
                self.tell(pod, self.now + after, Input::Pinged(up));
                Ok(())
            }
            Input::Pinged(up) => {
                let was = self.pods[pod].pinged.replace(up).unwrap_or(true);
                if !up {
                    // It reads when the store is back.
                    self.pods[pod].owed_reads.clear();
                }
                if up && was {
                    return Ok(());
                }
                for group in self.pods[pod].members() {
                    let event = if up { Event::StoreUp } else { Event::StoreDown };
                    self.happen(pod, group, event)?;
                }
                Ok(())
            }
            Input::Hint(group, hint) => {
                if hint == Hint::Resumed {
                    self.pods[pod].owe_read(group, self.now);
                }
                self.happen(pod, group, Event::Noticed(hint))
            }
            Input::Call(ticket) => {
                let members = self.pods[pod].members();
                let group = members[self.dice.index(members.len())];
                let checks = &self.plan.groups[group].checks;
                let check = checks[self.dice.index(checks.len())].id.clone();
                let now = self.now;
                self.pods[pod].calls.insert(ticket, (now, check.clone()));
                let checks = vec![check];
                self.happen(pod, group, Event::Force { ticket, checks })
            }
            Input::Drain => {
                for group in self.pods[pod].members() {
                    self.happen(pod, group, Event::Drain)?;
                }
                Ok(())
            }
        }
    }

    pub(super) fn happen(&mut self, pod: usize, group: usize, event: Event) -> Result<(), Breach> {
        let shown = self.show(&event);
        let name = self.pods[pod].name.clone();
        let now = self.pods[pod].now(self.now);
        let Some(coordinator) = self.pods[pod].groups.get_mut(&group) else {
            return Ok(());
        };
        let commands = coordinator.handle(now, event);
        let deadline = coordinator.deadline();
        let done = self.show(&commands);
        self.note(|| format!("{name}/{group} {shown} -> {done}"));
        self.pods[pod].stamps[group] += 1;
        if let Some(deadline) = deadline {
            if deadline <= now.steady {
                return wrong(format!("{name}/{group} spins: {deadline:?} is over"));
            }
            let stamp = self.pods[pod].stamps[group];
            let late = self.dice.range(0, MILLI);
            let at = self.pods[pod].world_time(deadline) + late;
            self.tell(pod, at, Input::Woke(group, stamp));
        }
        if commands.iter().any(|c| matches!(c, Command::Probe(..))) {
            self.rules.told_time(&name, now.unix, self.now);
        }
        for command in commands {
            self.command(pod, group, command)?;
        }
        self.rules.look(self.plan, &self.pods[pod], group, self.now)
    }

    fn sample(&mut self) -> Result<(), Breach> {
        for pod in &self.pods {
            if pod.state == State::Up {
                for group in pod.groups.keys() {
                    self.rules.look(self.plan, pod, *group, self.now)?;
                }
                self.rules.has_read(self.plan, pod, self.now)?;
            }
        }
        let lively = CALM_FROM + self.plan.liveness();
        if self.now >= lively && self.now < lively + 500 * MILLI {
            for group in 0..self.plan.groups.len() {
                let is_live = |pod: &Pod| pod.state == State::Up && pod.groups.contains_key(&group);
                if self.pods.iter().any(is_live) {
                    self.rules.alive(&self.store, self.plan, group)?;
                }
            }
        }
        Ok(())
    }

    fn last_judgement(&self) -> Result<(), Breach> {
        for pod in &self.pods {
            if let Some((ticket, call)) = pod.calls.first_key_value() {
                let name = &pod.name;
                return wrong(format!("{name} never answered {ticket:?} of {call:?}"));
            }
            if pod.state == State::Up {
                self.rules.settled(self.plan, pod, self.now)?;
            }
        }
        self.rules.spared(self.plan, &self.tally)
    }
}
