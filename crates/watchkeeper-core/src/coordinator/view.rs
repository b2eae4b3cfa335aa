//! What people may see of a group.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Coordinator, Phase};
use crate::id::{CheckId, PodId};
use crate::lease::Token;
use crate::status::{GroupView, Known, Mode};
use crate::time::Moment;

impl Coordinator {
    /// What people may see of the group at `now`.
    #[must_use]
    pub fn view(&self, now: Moment) -> GroupView {
        let holder = self.holder.as_ref().filter(|h| now < h.until);
        GroupView {
            group: self.settings.group.clone(),
            mode: self.mode(),
            holder: holder.map(|h| h.pod.clone()),
            token: holder.and_then(|h| h.token),
            lease_until: holder.map(|h| h.until),
            highest_token: self.floor,
            checked_by: self.checked_by.clone(),
            entries: self.shown_entries(),
            next_due: self.next_round_due(),
            late_after: self.settings.late_after(),
            ledger: self.purse.ledger(),
            saved: Arc::clone(&self.saved),
            transitions: self.changes.view(),
        }
    }

    /// How many checks count as healthy as far as this pod knows, and how many do not.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        self.entries.counts()
    }

    /// Which other pod held the lease when this pod last heard of it, if it was not heard to give it back, and under
    /// which token.
    #[must_use]
    pub fn other_holder(&self) -> Option<(&PodId, Option<Token>)> {
        let holder = self.holder.as_ref();
        holder
            .filter(|holder| holder.pod != self.settings.pod)
            .map(|holder| (&holder.pod, holder.token))
    }

    /// What may be shown. Half of a fleet's first round is no report yet; a pod on its own shows what it has.
    fn shown_entries(&self) -> BTreeMap<CheckId, Known> {
        let mut shown = match &self.phase {
            Phase::Leading(lead) if lead.is_first => BTreeMap::new(),
            _ => self.entries.view(),
        };
        for (check, known) in &self.before {
            shown.entry(check.clone()).or_insert_with(|| known.clone());
        }
        shown
    }

    fn mode(&self) -> Mode {
        match &self.phase {
            _ if !self.settings.coordinate => Mode::Independent,
            _ if self.sense.is_isolated() => Mode::Isolated,
            Phase::Leading(_) => Mode::Leading,
            _ => Mode::Following,
        }
    }
}
