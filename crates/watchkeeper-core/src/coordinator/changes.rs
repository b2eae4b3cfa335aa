//! When checks turned: what the fleet's list has, and what this pod saw and has not published.
//!
//! ```text
//!   a probe turns a check ─▶ own ── publication accepted ─▶ shared (under its token)
//!                             └── another pod's entry won ─▶ gone: its pod tells the fleet's story
//! ```

use std::collections::BTreeSet;

use super::command::{Command, Happening};
use super::entries::Turned;
use super::{Coordinator, Out, Phase};
use crate::id::CheckId;
use crate::lease::Token;
use crate::report::{Entry, MAX_TRANSITIONS, Report, Transition, Transitions};

/// A change that no accepted publication is known to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Own {
    transition: Transition,
    /// People were told.
    told: bool,
}

/// What is known of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// What reports brought.
    shared: Transitions,
    /// What is not among it, in the order in which it happened. Of what people were told at most [`MAX_TRANSITIONS`].
    own: Vec<Own>,
}

impl Changes {
    /// This pod saw a check turn.
    pub(super) fn saw(&mut self, transition: Transition) {
        let told = false;
        self.own.push(Own { transition, told });
    }

    /// The list of a report that was written under `token`. Answers what people are to hear now.
    pub(super) fn take_in(&mut self, list: &Transitions, token: Token) -> Vec<Transition> {
        self.shared.merge(&list.up_to(token));
        let mut news = Vec::new();
        let shared = &self.shared;
        self.own.retain(|own| {
            let found = shared.get(&own.transition.check, own.transition.at);
            if let Some(found) = found.filter(|_| !own.told) {
                news.push(found.clone());
            }
            found.is_none()
        });
        news
    }

    /// Another pod's finding took the place of what was known of a check. Answers what people are to hear now.
    ///
    /// `listed` says whether the report that brought it has a list. One that has tells all; one that has none is of a pod
    /// that does not know of changes, and they are noted here in its stead.
    pub(super) fn replaced(
        &mut self,
        turned: &Turned,
        entry: &Entry,
        listed: bool,
    ) -> Option<Transition> {
        let (check, since) = (&entry.check, entry.standing.since);
        if listed {
            let goes_on = |own: &Own| own.transition.check != *check || own.transition.at == since;
            self.own.retain(goes_on);
        }
        if turned.was_healthy == entry.standing.healthy {
            return None;
        }
        let told = Transition::of(entry);
        if let Some(found) = self.shared.get(check, since) {
            return Some(found.clone());
        }
        if !listed && !turned.was_offered {
            let transition = told.clone();
            self.own.push(Own {
                transition,
                told: true,
            });
        }
        Some(Transition {
            token: entry.token,
            ..told
        })
    }

    /// The list that the holder of `token` publishes together with these entries: what is known, and what this pod saw,
    /// as far as it goes on from there. Where an entry contradicts what the list says last of its check, a change
    /// went unnoticed, and is added.
    pub(super) fn to_publish<'a>(
        &self,
        token: Token,
        entry: impl Fn(&CheckId) -> Option<&'a Entry>,
    ) -> Transitions {
        let mut list: Vec<Transition> = self.shared.iter().cloned().collect();
        let last = |list: &[Transition], check: &CheckId| {
            let last = list.iter().rev().find(|t| t.check == *check);
            last.map(|t| t.healthy)
        };
        for Own { transition, .. } in &self.own {
            // Seen twice in a row by two pods that did not hear of each other: once is enough.
            if last(&list, &transition.check) != Some(transition.healthy) {
                list.push(transition.clone());
            }
        }
        let mut seen = BTreeSet::new();
        let missed: Vec<Transition> = list
            .iter()
            .rev()
            .filter(|t| seen.insert(&t.check))
            .filter_map(|t| {
                let entry = entry(&t.check)?;
                (entry.standing.healthy != t.healthy).then(|| Transition::of(entry))
            })
            .collect();
        list.extend(missed);
        Transitions::new(list.into_iter().map(|mut transition| {
            transition.token.get_or_insert(token);
            transition
        }))
    }

    /// Takes over what another group knows of these checks, without its tokens, which tell nothing here. People heard of
    /// it there.
    pub(super) fn inherit(&mut self, from: &Self, of: impl Fn(&CheckId) -> bool) {
        for inherited in from.view().iter().filter(|t| of(&t.check)) {
            let (check, at) = (&inherited.check, inherited.at);
            let had = |own: &Own| own.transition.check == *check && own.transition.at == at;
            if self.shared.get(check, at).is_none() && !self.own.iter().any(had) {
                let mut transition = inherited.clone();
                transition.token = None;
                let told = true;
                self.own.push(Own { transition, told });
            }
        }
        let over = self.own.len().saturating_sub(MAX_TRANSITIONS);
        self.own.drain(..over);
    }

    /// What people were not told yet.
    fn untold(&mut self) -> Vec<Transition> {
        let mut news = Vec::new();
        for own in &mut self.own {
            if !std::mem::replace(&mut own.told, true) {
                news.push(own.transition.clone());
            }
        }
        let over = self.own.len().saturating_sub(MAX_TRANSITIONS);
        self.own.drain(..over);
        news
    }

    /// The store's tokens start anew below this one.
    pub(super) fn tokens_reset(&mut self, floor: Token) {
        self.shared = self.shared.up_to(floor);
    }

    #[cfg(test)]
    pub(super) fn own_len(&self) -> usize {
        self.own.len()
    }

    /// What may be shown: the fleet's list, and what this pod saw since, without a token.
    pub(super) fn view(&self) -> Transitions {
        let mut all = self.shared.clone();
        if !self.own.is_empty() {
            let own = self.own.iter().map(|own| own.transition.clone());
            all.merge(&Transitions::new(own));
        }
        all
    }
}

impl Coordinator {
    /// A report of this pod stands in the store.
    pub(super) fn changes_landed(&mut self, token: Token, report: &Report, out: &mut Out) {
        self.entries.published(report);
        if let Some(list) = &report.transitions {
            let news = self.changes.take_in(list, token);
            tell(news, out);
        }
    }

    /// A report was read that was written under `token`; these entries of it took the places of others.
    pub(super) fn changes_read(
        &mut self,
        token: Token,
        list: Option<&Transitions>,
        turned: &[Turned],
        out: &mut Out,
    ) {
        if let Some(list) = list {
            let news = self.changes.take_in(list, token);
            tell(news, out);
        }
        for one in turned {
            if let Some(known) = self.entries.get(&one.check) {
                let news = self.changes.replaced(one, &known.entry, list.is_some());
                tell(news, out);
            }
        }
    }

    /// Tells what this pod saw by itself. A holder waits with that for its publication, and the token.
    pub(super) fn tell_changes(&mut self, out: &mut Out) {
        if !self.changes.own.is_empty() && !matches!(self.phase, Phase::Leading(_)) {
            tell(self.changes.untold(), out);
        }
    }
}

fn tell(news: impl IntoIterator<Item = Transition>, out: &mut Out) {
    let turned = |transition| Command::Tell(Happening::Turned(Box::new(transition)));
    out.extend(news.into_iter().map(turned));
}
