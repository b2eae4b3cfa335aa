//! What people may see of a group.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Coordinator, Phase};
use crate::id::CheckId;
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
            ledger: self.purse.ledger(),
            saved: Arc::clone(&self.saved),
        }
    }

    /// What may be shown. Half of a fleet's first round is no report yet; a pod on its own shows what it has.
    fn shown_entries(&self) -> BTreeMap<CheckId, Known> {
        match &self.phase {
            Phase::Leading(lead) if lead.is_first => BTreeMap::new(),
            _ => self.entries.view(),
        }
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
