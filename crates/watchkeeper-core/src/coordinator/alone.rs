//! On its own: the store is away, or coordination is switched off.

use super::command::{Command, Happening, RoundKind};
use super::event::Now;
use super::{Coordinator, Out, Phase};
use crate::time::Moment;

impl Coordinator {
    /// The store failed for too long: this pod checks for itself until it is back.
    pub(super) fn become_isolated(&mut self, now: Now, out: &mut Out) {
        self.left_to_holder = self.end_of_the_round_of_another(now.steady);
        // A holder that was killed gets no more than a round's time.
        self.left_for = self
            .settings
            .lock_ttl
            .saturating_add(self.settings.round_limit());
        self.holder = None;
        self.isolate(now.steady, out);
        self.wants_read = true;
        match self.phase {
            Phase::Leading(_) => self.leave_lead(now.steady, out),
            Phase::Following { .. } | Phase::Contending { .. } => self.phase = Phase::Waiting,
            _ => {}
        }
    }

    /// When the lease ends under which another pod asks what is due, going on without the store: a failover is usually
    /// over before that. The other may be one that this pod heard of, or one that was given the lease just before the
    /// store went, while this pod wanted it too.
    fn end_of_the_round_of_another(&self, now: Moment) -> Moment {
        let lock_ttl = self.settings.lock_ttl;
        match (&self.phase, &self.holder, self.sense.failing_since()) {
            (Phase::Leading(_), ..) => Moment::ZERO,
            (Phase::Following { .. }, Some(holder), _) => holder.until.min(now + lock_ttl),
            (_, _, Some(failing)) if self.next_round_due().is_some_and(|due| due <= failing) => {
                failing + lock_ttl
            }
            _ => Moment::ZERO,
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
    pub(super) fn draw_offset(&mut self) {
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
        if self.draining.is_some_and(|until| until <= now.steady) {
            self.cut_probes(now, out);
        }
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
