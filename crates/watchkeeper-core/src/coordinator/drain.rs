//! Leaving: no new probe starts, what is finished is published, the lease is released.

use super::command::{Command, Happening, NotForced};
use super::event::Now;
use super::lead::Step;
use super::{Coordinator, Out, Phase};
use crate::time::Moment;

impl Coordinator {
    pub(super) fn on_drain(&mut self, now: Now, out: &mut Out) {
        if self.draining.is_some() {
            return;
        }
        self.draining = Some(now.steady + self.settings.drain);
        self.forced.refuse_all(NotForced::Draining, out);
        match std::mem::replace(&mut self.phase, Phase::Waiting) {
            Phase::Leading(lead) => {
                let idle = matches!(lead.step, Step::Reading { asked: None, .. });
                self.phase = Phase::Leading(lead);
                self.drop_unstarted(out);
                if idle {
                    // The store did not answer the read; it is not asked again.
                    self.release(out);
                }
            }
            Phase::Alone(round) if self.has_heir => {
                self.phase = Phase::Alone(round);
                self.drop_unstarted(out);
            }
            // Nobody would hear of it: the store is away, or was never asked.
            Phase::Alone(round) => self.cancel_all(round.flying, out),
            phase => self.phase = phase,
        }
    }

    /// Of the round under way, goes on with what has left only.
    fn drop_unstarted(&mut self, out: &mut Out) {
        let tells = self.tells_starts;
        let Some(round) = self.round_mut() else {
            return;
        };
        round.queue.clear();
        if tells {
            let (left, waits) = std::mem::take(&mut round.flying)
                .into_iter()
                .partition(|(_, flying)| flying.left_at.is_some());
            round.flying = left;
            self.cancel_all(waits, out);
        }
    }

    /// The drain's last moment: what the store has not answered by then is left to the lease's end.
    pub(super) fn give_up_at(&self) -> Option<Moment> {
        self.draining
            .map(|until| until + self.settings.op_timeout.saturating_mul(2))
    }

    pub(super) fn tick_drain(&mut self, now: Now, out: &mut Out) {
        let late = self.give_up_at().is_some_and(|at| at <= now.steady);
        if self.is_idle()
            && !late
            && !self.drain_retried
            && (self.unresolved.is_some() || self.entries.has_offers())
            && self.settings.coordinate
            && !self.sense.is_isolated()
        {
            // The lease may be ours without our knowing, or the fleet lacks something: ask once more, to give it back.
            self.drain_retried = true;
            self.acquire(now.steady, out);
        }
        if self.is_idle() || late {
            self.phase = Phase::Stopped;
            self.holder = None;
            out.push(Command::Tell(Happening::Stopped));
        }
    }

    fn is_idle(&self) -> bool {
        matches!(
            self.phase,
            Phase::Waiting | Phase::Contending { .. } | Phase::Following { .. }
        )
    }
}
