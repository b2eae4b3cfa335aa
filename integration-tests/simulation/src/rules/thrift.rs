//! That a fleet costs little: no spinning, few store commands, and pods that leave, and read, when told to.

use std::collections::BTreeSet;

use watchkeeper_core::coordinator::{Coordinator, MAX_BACKOFF};

use super::Rules;
use crate::breach::{Breach, wrong};
use crate::plan::{Plan, SECOND, Time, micros};
use crate::pod::Pod;
use crate::{Tally, Weather};

/// More wakes of a pod in one second are a spin.
const MOST_WAKES: u32 = 100;

impl Rules {
    /// No spin.
    pub(crate) fn woke(&self, pod: &mut Pod, now: Time) -> Result<(), Breach> {
        let second = now / SECOND;
        if pod.wakes.0 != second {
            pod.wakes = (second, 0);
        }
        pod.wakes.1 += 1;
        if pod.wakes.1 > MOST_WAKES * u32::try_from(self.groups.len()).unwrap() {
            return wrong(format!("{} wakes all the time", pod.name));
        }
        Ok(())
    }

    /// A new subscription makes the pod read, however long it had backed off.
    pub(crate) fn has_read(&self, plan: &Plan, pod: &Pod, now: Time) -> Result<(), Breach> {
        let limit = micros(MAX_BACKOFF + 2 * plan.common().op_timeout) + SECOND;
        let late = |(group, since): (&usize, &Time)| {
            now - pod.up_since.max(*since) > limit && !pod.groups[group].is_stopped()
        };
        if pod.owed_reads.iter().any(late) {
            return wrong(format!("{} subscribed anew and does not read", pod.name));
        }
        Ok(())
    }

    /// A pod that is to leave has left in time.
    pub(crate) fn must_have_stopped(
        &self,
        plan: &Plan,
        pod: &Pod,
        since: Time,
        now: Time,
    ) -> Result<(), Breach> {
        let limit = plan.common().drain + 3 * plan.common().op_timeout;
        let had_time = now - since > micros(limit) && pod.up_since < since;
        if !had_time || pod.groups.values().all(Coordinator::is_stopped) {
            Ok(())
        } else {
            wrong(format!("{} does not stop", pod.name))
        }
    }

    /// In calm weather the store is asked little, whatever the number of checks.
    pub(crate) fn spared(&self, plan: &Plan, tally: &Tally) -> Result<(), Breach> {
        let count = |what: &str| tally.get(what).copied().unwrap_or(0);
        // Rounds longer than a third of the lease cost a renewal, and those who follow them ask anew at its end.
        if plan.weather != Weather::Calm || count("renew") > 0 {
            return Ok(());
        }
        let rounds: BTreeSet<_> = self
            .groups
            .iter()
            .enumerate()
            .flat_map(|(i, g)| g.rounds.keys().map(move |t| (i, *t)))
            .collect();
        let (rounds, pods) = (rounds.len() as u64, plan.pods as u64);
        let used: u64 = ["acquire", "read", "publish", "release"]
            .into_iter()
            .map(count)
            .sum();
        // What is finished goes out with renewals of a long round, and is read; who follows looks at the lease's end.
        let kept = count("publish").saturating_sub(rounds);
        let most = rounds * (3 * (pods - 1) + 5)
            + 2 * kept * (pods + 1)
            + 6 * pods * self.groups.len() as u64;
        if used > most {
            return wrong(format!(
                "{used} store commands in {rounds} rounds of {pods} pods"
            ));
        }
        Ok(())
    }
}
