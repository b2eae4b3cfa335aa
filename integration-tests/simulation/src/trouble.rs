//! Faults as they begin and end.

use watchkeeper_core::coordinator::{Event, Hint};
use watchkeeper_core::id::PodId;

use super::Damage;
use super::faults::Fault;
use super::pod::{Input, State, group_id};
use super::world::World;

impl World<'_> {
    pub(super) fn start(&mut self, pod: usize) -> Result<(), String> {
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

    pub(super) fn begin(&mut self, index: usize) -> Result<(), String> {
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

    pub(super) fn end(&mut self, index: usize) -> Result<(), String> {
        let what = self.plan.troubles[index].what.clone();
        self.note(|| format!("ends: {what:?}"));
        self.active.retain(|active| *active != index);
        match what {
            Fault::Outage { wipes: true, .. } => self.wipe(),
            Fault::Crash { pod, same_name } if self.pods[pod].state == State::Down => {
                if !same_name {
                    let name = format!("pod-{pod}-{}", self.pods[pod].life);
                    self.pods[pod].name = PodId::new(name).unwrap();
                }
                self.start(pod)?;
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
}
