//! What happens, told from two kinds of facts: what the pods show, and how often the endpoints were asked.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::Entry;
use watchkeeper_core::status::{Mode, Snapshot};
use watchkeeper_core::time::Moment;

use super::models::{Asked, CAST};

/// After a round, the pods are given this long to show its report; then those that do not are named.
const AGREE_WITHIN: Duration = Duration::from_millis(400);

/// What one pod shows at one moment.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) pod: String,
    /// The lease that it holds and until when.
    pub(super) lease: Option<(Token, Moment)>,
    /// Whether it is leaving.
    pub(super) leaving: bool,
    /// What it knows, in the order of [`CAST`].
    pub(super) results: Vec<Option<Arc<Entry>>>,
    /// When the oldest of that was probed.
    pub(super) oldest: Option<Moment>,
}

impl View {
    pub(super) fn of(snapshot: &Snapshot, leaving: bool) -> Self {
        let own = |group: &&Arc<watchkeeper_core::status::GroupView>| {
            group.mode == Mode::Leading && group.holder.as_ref() == Some(&snapshot.pod)
        };
        let known = || {
            snapshot
                .checks
                .iter()
                .map(|check| snapshot.known(&check.id))
        };
        Self {
            pod: snapshot.pod.as_str().to_owned(),
            lease: snapshot
                .groups
                .iter()
                .find(own)
                .and_then(|group| group.token.zip(group.lease_until)),
            leaving,
            results: known()
                .map(|known| known.map(|known| Arc::clone(&known.entry)))
                .collect(),
            oldest: known().flatten().map(|known| known.probed_at).min(),
        }
    }

    /// Whether it has a result for every model.
    pub(super) fn knows_all(&self) -> bool {
        !self.results.is_empty() && self.results.iter().all(Option::is_some)
    }

    /// What it knows, as it would hand it on: the prober itself knows its latencies more finely than anybody else.
    fn said(&self) -> Vec<Option<Value>> {
        let said = |entry: &Option<Arc<Entry>>| serde_json::to_value(entry.as_deref()?).ok();
        self.results.iter().map(said).collect()
    }

    /// Whether all that it shows was found under this lease.
    fn shows(&self, token: Token) -> bool {
        let of_round =
            |entry: &Option<Arc<Entry>>| entry.as_ref().is_some_and(|e| e.token == Some(token));
        !self.results.is_empty() && self.results.iter().all(of_round)
    }
}

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A pod took the lease; `after` names the holder before it, if that pod has left since.
    Lease {
        pod: String,
        token: Token,
        after: Option<String>,
    },
    /// A round is over and its report was looked for on every pod.
    Round(Round),
    /// A pod held the lease and no endpoint was asked.
    NothingAsked { pod: String },
}

/// A round that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) number: u64,
    pub(super) pod: String,
    /// How often each endpoint was asked in it.
    pub(super) asked: Asked,
    /// How often the lease's end moved on while it was held.
    pub(super) renewals: u32,
    /// Pods that show exactly its results.
    pub(super) agree: usize,
    /// Pods that do not.
    pub(super) differ: Vec<String>,
    /// What was found, in the order of [`CAST`].
    pub(super) results: Vec<Option<Arc<Entry>>>,
    pub(super) tally: Tally,
}

/// Sums over all rounds that are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) rounds: u64,
    /// Pods when a round began: the fewest, and the most.
    pub(super) pods: Option<(u64, u64)>,
    /// Requests that the endpoints counted.
    pub(super) made: u64,
    /// What the pods of each round would have made, each for itself.
    pub(super) without: u64,
    /// Requests by model.
    pub(super) by_model: Asked,
    /// The least that a model was asked in a round.
    pub(super) least: Option<u64>,
    /// The most.
    pub(super) most: u64,
}

impl Tally {
    fn add(&mut self, pods: u64, asked: &Asked) {
        self.rounds += 1;
        self.pods = Some(self.pods.map_or((pods, pods), |(least, most)| {
            (least.min(pods), most.max(pods))
        }));
        self.made += total(asked);
        self.without += pods * u64::try_from(CAST.len()).unwrap_or(0);
        for (sum, asked) in self.by_model.iter_mut().zip(asked) {
            *sum += asked;
            self.least = Some(self.least.map_or(*asked, |least| least.min(*asked)));
            self.most = self.most.max(*asked);
        }
    }
}

/// The sum over all models.
pub(super) fn total(asked: &Asked) -> u64 {
    asked.iter().sum()
}

fn more(now: &Asked, before: &Asked) -> Asked {
    let mut more = *now;
    for (now, before) in more.iter_mut().zip(before) {
        *now = now.saturating_sub(*before);
    }
    more
}

/// A lease that is held.
#[derive(Clone, Debug)]
struct Held {
    pod: String,
    token: Token,
    until: Moment,
    renewals: u32,
    /// Pods when it was taken.
    pods: u64,
}

/// A lease that was given back.
#[derive(Clone, Debug)]
struct Over {
    held: Held,
    at: Moment,
    asked: Asked,
}

/// Follows the fleet from look to look.
#[derive(Debug, Default)]
pub(super) struct Story {
    held: Option<Held>,
    over: Option<Over>,
    last_token: Token,
    last_holder: Option<String>,
    /// The counts when the last lease was given back.
    settled: Asked,
    tally: Tally,
}

impl Story {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Sums over the rounds that are over.
    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Who holds the lease, and how often each model was asked since it was taken.
    pub(super) fn under_way(&self, asked: &Asked) -> Option<(&str, Asked)> {
        let held = self.held.as_ref()?;
        Some((&held.pod, more(asked, &self.settled)))
    }

    /// Whether the last round has been told of, and none is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.held.is_none() && self.over.is_none()
    }

    /// Looks once.
    pub(super) fn observe(&mut self, now: Moment, views: &[View], asked: &Asked) -> Vec<Beat> {
        let mut beats = Vec::new();
        self.follow_lease(now, views, asked, &mut beats);
        self.tell_round(now, views, &mut beats);
        self.see_new_lease(views, &mut beats);
        beats
    }

    fn follow_lease(&mut self, now: Moment, views: &[View], asked: &Asked, beats: &mut Vec<Beat>) {
        let Some(held) = &mut self.held else { return };
        let still = views
            .iter()
            .filter_map(|view| view.lease)
            .find(|(token, _)| *token == held.token);
        if let Some((_, until)) = still {
            if until > held.until {
                held.renewals += 1;
                held.until = until;
            }
            return;
        }
        let Some(held) = self.held.take() else { return };
        let in_round = more(asked, &self.settled);
        self.settled = *asked;
        if total(&in_round) == 0 {
            beats.push(Beat::NothingAsked { pod: held.pod });
        } else {
            self.over = Some(Over {
                held,
                at: now,
                asked: in_round,
            });
        }
    }

    fn tell_round(&mut self, now: Moment, views: &[View], beats: &mut Vec<Beat>) {
        let Some(over) = &self.over else { return };
        let token = over.held.token;
        let staying = || views.iter().filter(|view| !view.leaving);
        let shown = staying().find(|view| view.shows(token));
        let said = shown.map(View::said);
        let (agree, differ): (Vec<&View>, Vec<&View>) =
            staying().partition(|view| view.shows(token) && Some(view.said()) == said);
        if (!differ.is_empty() || agree.is_empty()) && now.since(over.at) < AGREE_WITHIN {
            return;
        }
        self.tally.add(over.held.pods, &over.asked);
        beats.push(Beat::Round(Round {
            number: self.tally.rounds,
            pod: over.held.pod.clone(),
            asked: over.asked,
            renewals: over.held.renewals,
            agree: agree.len(),
            differ: differ.iter().map(|view| view.pod.clone()).collect(),
            results: shown.map(|view| view.results.clone()).unwrap_or_default(),
            tally: self.tally,
        }));
        self.over = None;
    }

    fn see_new_lease(&mut self, views: &[View], beats: &mut Vec<Beat>) {
        if !self.is_quiet() {
            return;
        }
        let taken = views
            .iter()
            .filter_map(|view| Some((view, view.lease?)))
            .find(|(_, (token, _))| *token > self.last_token);
        let Some((view, (token, until))) = taken else {
            return;
        };
        let stays = |pod: &String| views.iter().any(|v| v.pod == *pod && !v.leaving);
        let after = self.last_holder.take().filter(|pod| !stays(pod));
        beats.push(Beat::Lease {
            pod: view.pod.clone(),
            token,
            after,
        });
        self.last_token = token;
        self.last_holder = Some(view.pod.clone());
        self.held = Some(Held {
            pod: view.pod.clone(),
            token,
            until,
            renewals: 0,
            pods: u64::try_from(views.iter().filter(|view| !view.leaving).count()).unwrap_or(0),
        });
    }
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
