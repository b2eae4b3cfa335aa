//! Faults as they begin and end.

use futures_util::FutureExt;
use watchkeeper_core::cache::{Found, Read, ReportCache};
use watchkeeper_core::coordinator::{Event, Hint};
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::Report;
use watchkeeper_memory::Corruption;

use super::breach::Breach;
use super::faults::Fault;
use super::plan::Time;
use super::pod::{Input, State};
use super::world::World;

/// What garbage looks like.
const GARBAGE: &[u8] = b"garbage";

impl World<'_> {
    pub(super) fn start(&mut self, pod: usize) -> Result<(), Breach> {
        self.pods[pod].start(&mut self.dice, self.plan, self.now);
        self.note(|| format!("pod-{pod} starts"));
        for group in self.pods[pod].members() {
            self.happen(pod, group, Event::Started)?;
            // A new subscription.
            let at = self.now + self.delay();
            self.tell(pod, at, Input::Hint(group, Hint::Resumed));
        }
        self.tell(pod, self.now, Input::Ping);
        Ok(())
    }

    pub(super) fn begin(&mut self, index: usize) -> Result<(), Breach> {
        let what = self.plan.troubles[index].what.clone();
        self.note(|| format!("begins: {what:?}"));
        self.count(what.name());
        self.active.push(index);
        match what {
            Fault::Failover { .. } => {
                let saved = self.store.save();
                self.saved.insert(index, saved);
            }
            Fault::Wipe => self.wipe(),
            Fault::StoreClock(by) => {
                self.clock.jump(by);
                self.rules.store_clock_jumped(by, self.now);
            }
            Fault::BadLock(group) => self.damage(group, Corruption::Lock(GARBAGE.to_vec())),
            Fault::EndlessLock(group) => self.damage(group, Corruption::EndlessLock),
            Fault::BadToken(group) => {
                self.rules.counter_lost(group);
                self.damage(group, Corruption::Token(u64::MAX));
            }
            Fault::BadReport(group) => {
                self.rules.report_lost(group);
                let id = &self.plan.groups[group].id;
                self.store.corrupt(id, Corruption::Report(GARBAGE.to_vec()));
            }
            Fault::ForgedReport(group) => self.forge(group),
            Fault::Crash { pod, .. } => {
                self.rules.leaves(&self.pods[pod]);
                self.pods[pod].kill();
            }
            Fault::Pause(pod) => self.stop(pod, State::Paused),
            Fault::Asleep(pod) => self.stop(pod, State::Asleep),
            Fault::Drain { pod, .. } if self.pods[pod].state == State::Up => {
                self.rules.leaves(&self.pods[pod]);
                self.take(pod, Input::Drain)?;
            }
            Fault::WallClock { pod, by } => self.pods[pod].set_wall_clock(by),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn end(&mut self, index: usize) -> Result<(), Breach> {
        let what = self.plan.troubles[index].what.clone();
        self.note(|| format!("ends: {what:?}"));
        self.active.retain(|active| *active != index);
        match what {
            Fault::Outage { wipes: true, .. } => self.wipe(),
            Fault::Failover { .. } => {
                if let Some(saved) = self.saved.remove(&index) {
                    self.rules.writes_lost(self.now);
                    self.store.restore(saved);
                }
            }
            Fault::Crash { pod, same_name } if self.pods[pod].state == State::Down => {
                if !same_name {
                    let name = format!("pod-{pod}-{}", self.pods[pod].life);
                    self.pods[pod].name = PodId::new(name).unwrap();
                }
                self.start(pod)?;
            }
            // One that started only since was not told to leave.
            Fault::Drain { pod, .. }
                if self.pods[pod].state == State::Up
                    && self.pods[pod].started >= self.plan.troubles[index].at => {}
            Fault::Drain { pod, changes } => {
                if self.pods[pod].state == State::Up {
                    let since = self.plan.troubles[index].at;
                    self.rules
                        .must_have_stopped(self.plan, &self.pods[pod], since, self.now)?;
                }
                if changes {
                    self.pods[pod].version = self.plan.versions.len() - 1;
                }
                self.rules.leaves(&self.pods[pod]);
                self.pods[pod].kill();
                self.start(pod)?;
            }
            Fault::Pause(pod) | Fault::Asleep(pod) => self.go_on(pod)?,
            Fault::PauseAsking => {
                if let Some(pod) = self.paused_asking.remove(&index) {
                    self.rules.stood_still(self.now);
                    self.go_on(pod)?;
                }
            }
            Fault::Deaf => {
                for pod in 0..self.pods.len() {
                    for group in self.pods[pod].members() {
                        self.tell(pod, self.now, Input::Hint(group, Hint::Resumed));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Raises the tokens of all entries of the standing report above every other.
    fn forge(&mut self, group: usize) {
        let id = &self.plan.groups[group].id;
        let read = self.store.read(id, Token::ZERO).now_or_never();
        if let Some(Ok(Read {
            found: Found::Report(stored),
            ..
        })) = read
        {
            let mut report = Report::decode(&stored.value).unwrap();
            for aged in &mut report.entries {
                aged.entry.token = Some(Token(u64::MAX));
            }
            let forged = Corruption::Content(report.encode());
            self.store.corrupt(id, forged);
        }
    }

    fn damage(&mut self, group: usize, what: Corruption) {
        self.rules.disturb(Some(group), self.now);
        self.store.corrupt(&self.plan.groups[group].id, what);
    }

    fn stop(&mut self, pod: usize, how: State) {
        if self.pods[pod].state == State::Up {
            self.pods[pod].state = how;
            self.pods[pod].still_since = self.now;
        }
    }

    /// The worst moment to stand still: the lease may be won meanwhile.
    pub(super) fn pause_asking(&mut self, pod: usize) {
        let plan = self.plan;
        let waiting = self.active.iter().copied().find(|index| {
            matches!(plan.troubles[*index].what, Fault::PauseAsking)
                && !self.paused_asking.contains_key(index)
        });
        if let Some(index) = waiting {
            self.note(|| format!("pod-{pod} stands still"));
            self.paused_asking.insert(index, pod);
            self.stop(pod, State::Paused);
        }
    }

    fn go_on(&mut self, index: usize) -> Result<(), Breach> {
        let pod = &mut self.pods[index];
        if !pod.state.is_still() {
            return Ok(());
        }
        if pod.state == State::Asleep {
            let slept: Time = self.now - pod.still_since;
            pod.slept(slept);
            self.rules.overslept(&pod.name);
            self.rules.slept(slept, self.now);
        }
        pod.state = State::Up;
        pod.up_since = self.now;
        let mut backlog = std::mem::take(&mut pod.backlog);
        // What waited is seen in any order.
        while !backlog.is_empty() {
            let next = self.dice.index(backlog.len());
            self.take(index, backlog.remove(next))?;
        }
        Ok(())
    }

    fn wipe(&mut self) {
        self.rules.writes_lost(self.now);
        self.store.wipe();
    }
}
