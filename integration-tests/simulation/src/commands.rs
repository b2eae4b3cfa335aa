//! What coordinators command, done.

use futures_util::{FutureExt, StreamExt};
use watchkeeper_core::cache::Notice;
use watchkeeper_core::coordinator::{Command, Happening, Hint, ProbeId};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::verdict::Spared;

use super::breach::{Breach, wrong};
use super::network::{Fate, failure, operation};
use super::plan::{MILLI, micros};
use super::pod::Input;
use super::prices::cost;
use super::rules::{Asked, check};
use super::world::{What, World};

impl World<'_> {
    pub(super) fn command(
        &mut self,
        pod: usize,
        group: usize,
        command: Command,
    ) -> Result<(), Breach> {
        match command {
            Command::Probe(probe, check, effort) => {
                let now = self.pods[pod].now(self.now).steady;
                if !self.pods[pod]
                    .groups
                    .get_mut(&group)
                    .unwrap()
                    .start_probe(now, probe)
                {
                    return wrong(format!("{probe:?} of {check} may not start"));
                }
                self.count("probes");
                let riders: Vec<_> = self.pods[pod].groups[&group]
                    .asked_for(probe)
                    .cloned()
                    .collect();
                if riders.len() > 1 {
                    self.count("shared probes");
                }
                for check in &riders {
                    self.rules.start(
                        self.plan,
                        &self.pods[pod],
                        group,
                        check,
                        &self.store,
                        self.now,
                    )?;
                }
                let asked = Asked { effort, riders };
                self.rules
                    .asks(self.plan, &self.pods[pod], group, probe, asked)?;
                self.pods[pod].probes.insert((group, probe));
                if self.hangs(group) {
                    self.count("hanging probes");
                    return Ok(());
                }
                let slowest = self.plan.slowest.iter().find(|(id, _)| *id == check);
                let most = slowest.unwrap().1;
                let at = self.now + self.dice.range(most / 2, most);
                self.tell(pod, at, Input::Probed(group, probe));
                Ok(())
            }
            Command::Cancel(probe) => {
                self.count("cancelled");
                self.pods[pod].probes.remove(&(group, probe));
                self.lost_sight_of(pod, group, probe)
            }
            Command::Answer(ticket, result) => {
                self.count(if result.is_ok() {
                    "answered"
                } else {
                    "turned away"
                });
                let call = self.pods[pod].calls.remove(&ticket);
                let Some((since, check)) = call else {
                    return wrong(format!("{ticket:?} is answered twice"));
                };
                self.rules.answered(result, since, group, &check)
            }
            Command::Tell(happening) => self.told(pod, group, &happening),
            command => self.send(pod, group, command),
        }
    }

    /// A probe was given up: it is billed all the same.
    fn lost_sight_of(&mut self, pod: usize, group: usize, probe: ProbeId) -> Result<(), Breach> {
        let Some(asked) = self.rules.asked(&self.pods[pod], group, probe) else {
            return Ok(());
        };
        let first = &asked.riders[0];
        let Some(most) = check(self.plan, group, first).most_cost else {
            return Ok(());
        };
        let cost = cost(&mut self.money, most, asked.effort);
        self.rules
            .paid(self.plan, &self.pods[pod], group, first, cost, self.now)
    }

    fn told(&mut self, pod: usize, group: usize, happening: &Happening) -> Result<(), Breach> {
        self.count(match happening {
            Happening::LeaseAcquired(_) => "acquired",
            Happening::LeaseReleased(_) => "released",
            Happening::LeaseLost(..) => "lost",
            Happening::Fenced { .. } => "fenced",
            Happening::Published { .. } => "published",
            Happening::PublishedSoFar { .. } => "published so far",
            Happening::HolderSilent(_) => "silent holders",
            Happening::Adopted { saved, .. } if !saved.is_empty() => "adopted and saved",
            Happening::Adopted { .. } => "adopted",
            Happening::Spent { .. } => "paid probes",
            Happening::Spared { why, .. } => match why {
                Spared::Budget => "spared by the budget",
                Spared::Interval => "spared by the interval",
            },
            Happening::BudgetSpent { .. } => "budget spent",
            Happening::AdoptedForeign { .. } => "adopted from other programs",
            Happening::Turned(_) => "turned",
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
            Happening::HolderSilent(_) => {
                self.pods[pod].impatient[group] = true;
                return Ok(());
            }
            Happening::Isolated => true,
            Happening::Rejoined => false,
            Happening::TokensReset => {
                self.rules.tokens_reset(&self.pods[pod].name, group);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if std::mem::replace(&mut self.pods[pod].isolated[group], isolated) == isolated {
            return wrong(format!("{happening:?} is told twice"));
        }
        Ok(())
    }

    pub(super) fn send(
        &mut self,
        pod: usize,
        group: usize,
        command: Command,
    ) -> Result<(), Breach> {
        let (op, what) = operation(&command).unwrap();
        self.count(what.as_str());
        self.rules
            .sent(&self.pods[pod], group, &command, self.now)?;
        self.pods[pod].waiting.insert((group, op));
        if what == StoreOp::Read {
            self.pods[pod].owed_reads.remove(&group);
        }
        let limit = micros(self.plan.common().op_timeout);
        let error = StoreError::unknown(StoreErrorKind::Timeout, what, "no answer");
        self.tell(
            pod,
            self.now + limit,
            Input::Answer(group, op, failure(op, what, error)),
        );
        match self.fate(pod, what) {
            Fate::Arrives => {
                let life = self.pods[pod].life;
                if what == StoreOp::Acquire {
                    self.pause_asking(pod);
                }
                for _ in 0..self.copies() {
                    let at = self.now + self.delay() + self.held_up();
                    let command = command.clone();
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

    pub(super) fn arrive(
        &mut self,
        pod: usize,
        life: u64,
        group: usize,
        command: &Command,
    ) -> Result<(), Breach> {
        let (op, what) = operation(command).unwrap();
        // What was under way when the store went down does not get there.
        if !matches!(self.fate(pod, what), Fate::Arrives) {
            return Ok(());
        }
        let event = self.perform(group, command);
        let shown = self.show(&event);
        let name = self.pods[pod].name.clone();
        self.note(|| format!("    store: {name}/{group} {what:?} -> {shown}"));
        self.rules
            .performed(self.plan, &self.store, group, command, &event, self.now)?;
        self.spread_notices();
        if !self.loses_answer(pod) {
            for _ in 0..self.copies() {
                let at = self.now + self.delay();
                let input = Input::Answer(group, op, event.clone());
                self.at(at, What::Reaches { pod, life, input });
            }
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
            let group = self.plan.groups.iter().position(|g| g.id == group).unwrap();
            for pod in 0..self.pods.len() {
                if !self.pods[pod].groups.contains_key(&group)
                    || self.is_deaf()
                    || matches!(self.fate(pod, StoreOp::Read), Fate::Vanishes)
                {
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
}
