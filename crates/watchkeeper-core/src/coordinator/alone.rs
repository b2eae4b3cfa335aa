//! On its own: the store is away, or coordination is switched off.

use super::command::{Command, Happening, RoundKind};
use super::event::Now;
use super::{Coordinator, Out, Phase};
use crate::time::Moment;

impl Coordinator {
    /// The store failed for too long: this pod checks for itself until it is back.
    pub(super) fn become_isolated(&mut self, now: Now, out: &mut Out) {
        self.isolate(now.steady, out);
        // Its round goes on without the store, and a failover is usually over before its lease is.
        self.left_to_holder = match self.holder.take() {
            Some(holder) if matches!(self.phase, Phase::Following { .. }) => {
                holder.until.min(now.steady + self.settings.lock_ttl)
            }
            _ => Moment::ZERO,
        };
        self.wants_read = true;
        match self.phase {
            Phase::Leading(_) => self.leave_lead(now.steady, out),
            Phase::Following { .. } | Phase::Contending { .. } => self.phase = Phase::Waiting,
            _ => {}
        }
    }

    /// Counts itself as on its own from now on, and says so once.
    pub(super) fn isolate(&mut self, now: Moment, out: &mut Out) {
        if self.sense.isolate() {
            self.go_alone(now);
            out.push(Command::Tell(Happening::Isolated));
        }
    }

    pub(super) fn go_alone(&mut self, now: Moment) {
        self.alone_since = now;
        self.draw_offset();
    }

    /// Pods on their own spread over the jitter, anew for each round.
    fn draw_offset(&mut self) {
        let limit = self
            .settings
            .cadence()
            .mul_f64(self.settings.jitter.clamp(0.0, 1.0));
        self.alone_offset = self.dice.up_to(limit);
    }

    pub(super) fn start_alone(&mut self, now: Now, out: &mut Out) {
        let checks = self.alone_checks(now.steady);
        if checks.is_empty() {
            return;
        }
        let round = self.new_round(now, checks);
        self.phase = Phase::Alone(Box::new(round));
        self.start_probes(now, out);
    }

    pub(super) fn tick_alone(&mut self, now: Now, out: &mut Out) {
        self.start_probes(now, out);
        let Phase::Alone(round) = &self.phase else {
            return;
        };
        if round.is_over() {
            let kind = if round.forced {
                RoundKind::Forced
            } else {
                RoundKind::Isolated
            };
            out.push(Command::Tell(Happening::RoundEnded {
                kind,
                probes: round.done,
            }));
            self.phase = Phase::Waiting;
            self.draw_offset();
        }
    }
}
