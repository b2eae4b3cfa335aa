//! Leaving: no new probe starts, what is finished is published, the lease is released.

use super::command::{Command, Happening, NotForced};
use super::event::Now;
use super::{Coordinator, Out, Phase};
use crate::time::Moment;

impl Coordinator {
    pub(super) fn on_drain(&mut self, now: Now, out: &mut Out) {
        if self.draining.is_some() {
            return;
        }
        self.draining = Some(now.steady + self.settings.drain);
        self.forced.refuse_all(NotForced::Draining, out);
        match &mut self.phase {
            Phase::Leading(lead) => {
                if let super::lead::Step::Probing(round) = &mut lead.step {
                    round.queue.clear();
                }
            }
            Phase::Alone(round) => {
                // Nobody would hear of it: the store is away, or was never asked.
                for probe in round.flying.keys() {
                    out.push(Command::Cancel(*probe));
                }
                self.phase = Phase::Waiting;
            }
            _ => {}
        }
    }

    /// The drain's last moment: what the store has not answered by then is left to the lease's end.
    pub(super) fn give_up_at(&self) -> Option<Moment> {
        self.draining
            .map(|until| until + self.settings.op_timeout.saturating_mul(2))
    }

    pub(super) fn tick_drain(&mut self, now: Now, out: &mut Out) {
        let late = self.give_up_at().is_some_and(|at| at <= now.steady);
        let idle = match self.phase {
            Phase::Waiting | Phase::Contending { .. } | Phase::Following { .. } => true,
            Phase::Acquiring { .. } | Phase::Leading(_) | Phase::Alone(_) => false,
            Phase::Stopped => return,
        };
        if idle
            && !late
            && !self.drain_retried
            && self.unresolved.is_some()
            && !self.sense.is_isolated()
        {
            // The lease may be ours without our knowing: ask once more, to give it back.
            self.drain_retried = true;
            self.acquire(now.steady, out);
        } else if idle || late {
            self.phase = Phase::Stopped;
            self.holder = None;
            out.push(Command::Tell(Happening::Stopped));
        }
    }
}
