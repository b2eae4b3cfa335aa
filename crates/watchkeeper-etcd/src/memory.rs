//! What one handle remembers, so that most steps take one call: how its groups stood, the leases that it was granted,
//! and since when it knows a report. All of it may be wrong by the time it is used, and every step finds that out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use watchkeeper_core::id::GroupId;
use watchkeeper_core::time::Moment;

use crate::revisions::Revisions;
use crate::term::Term;
use crate::view::View;

/// Groups beyond these are forgotten, those that nobody asked for longest first. A pod has one, or one per check.
const MOST_GROUPS: usize = 16_384;
/// Leases that reports hung on and that wait for the next report. More are given back to etcd.
const MOST_SPARES: usize = 64;
/// A lease under a token is kept alive this often at most; it lasts seven days.
const TOKEN_KEPT_EVERY: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
struct Group {
    view: Option<View>,
    /// The lease that this handle's locks hang on.
    lock: Option<Term>,
    /// The lease that this handle's last report hangs on, or hung.
    report: Option<Term>,
    /// The lease that the token hangs on, and when it was last kept alive.
    token: Option<(i64, Moment)>,
    /// The revision that put the report, and the moment on this pod's clock.
    born: Option<(i64, Moment)>,
    used: Moment,
}

#[derive(Default)]
struct Inner {
    groups: HashMap<GroupId, Group>,
    spares: Vec<Term>,
    revisions: Revisions,
}

/// See the head of the file.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Inner>);

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No step under this lock can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, group: &GroupId, now: Moment, step: impl FnOnce(&mut Group) -> T) -> T {
        let mut inner = self.inner();
        if !inner.groups.contains_key(group) && inner.groups.len() >= MOST_GROUPS {
            let oldest = inner.groups.iter().min_by_key(|(_, group)| group.used);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                inner.groups.remove(&oldest);
            }
        }
        let group = inner.groups.entry(group.clone()).or_default();
        group.used = now;
        step(group)
    }

    /// How the group stood when this handle last saw it.
    pub(crate) fn view(&self, group: &GroupId, now: Moment) -> Option<View> {
        self.with(group, now, |group| group.view.clone())
    }

    /// The group stands so, by the answer to a request that left then.
    pub(crate) fn saw(&self, group: &GroupId, view: &View, left: Moment) {
        self.with(group, left, |group| {
            // Answers overtake each other.
            let older = |seen: &View| seen.revision > view.revision;
            if !group.view.as_ref().is_some_and(older) {
                group.view = Some(view.clone());
            }
        });
        self.heard(left, view.revision);
    }

    /// The store's revision, by the answer to a request that left then.
    pub(crate) fn heard(&self, left: Moment, revision: i64) {
        self.inner().revisions.heard(left, revision);
    }

    /// The longest that something with this revision can have stood there; `None` where nothing tells.
    pub(crate) fn at_most(&self, revision: i64, now: Moment) -> Option<Duration> {
        self.inner().revisions.at_most(revision, now)
    }

    /// The lease for a lock that is to last so many seconds, for the caller alone until it is put back.
    pub(crate) fn take_term(&self, group: &GroupId, asked: i64, now: Moment) -> Option<Term> {
        self.with(group, now, |group| {
            group
                .lock
                .take_if(|term| term.asked == asked && term.lasts(now))
        })
    }

    /// The lease `id`, if it is this handle's and lasts so many seconds each time.
    pub(crate) fn term_on(
        &self,
        group: &GroupId,
        id: i64,
        asked: i64,
        now: Moment,
    ) -> Option<Term> {
        self.with(group, now, |group| {
            let fits = |term: &Term| term.id == id && term.asked == asked && term.lasts(now);
            group.lock.filter(fits)
        })
    }

    /// The lease for this group's next lock.
    pub(crate) fn put_term(&self, group: &GroupId, term: Term, now: Moment) {
        self.with(group, now, |group| group.lock = Some(term));
    }

    /// That lease is none any more.
    pub(crate) fn forget_term(&self, group: &GroupId, id: i64, now: Moment) {
        self.with(group, now, |group| group.lock.take_if(|t| t.id == id));
    }

    /// Whether that lease, on which the token hangs, was kept alive lately.
    pub(crate) fn token_is_kept(&self, group: &GroupId, id: i64, now: Moment) -> bool {
        self.with(group, now, |group| {
            let kept = group.token.filter(|(kept, _)| *kept == id);
            kept.is_some_and(|(_, at)| now.since(at) < TOKEN_KEPT_EVERY)
        })
    }

    /// The token hangs on that lease, or will, and it was kept alive now.
    pub(crate) fn token_kept(&self, group: &GroupId, id: i64, now: Moment) {
        self.with(group, now, |group| group.token = Some((id, now)));
    }

    /// One of the leases that a step named is none any more.
    pub(crate) fn forget_token(&self, group: &GroupId, now: Moment) {
        self.with(group, now, |group| group.token = None);
    }

    /// A lease for a report, for the caller alone, that nothing hangs on.
    pub(crate) fn take_spare(&self, asked: i64, now: Moment) -> Option<Term> {
        let mut inner = self.inner();
        inner.spares.retain(|term| term.lasts_well(now));
        let at = inner.spares.iter().position(|term| term.asked == asked)?;
        Some(inner.spares.swap_remove(at))
    }

    /// That lease was not needed.
    pub(crate) fn put_spare(&self, term: Term) {
        let mut inner = self.inner();
        if inner.spares.len() < MOST_SPARES {
            inner.spares.push(term);
        }
    }

    /// This handle put a report that hangs on `term`, in place of one that hung on the lease `old`, which is 0 where
    /// there was none of ours. Returns a lease that nobody needs any more.
    pub(crate) fn published(
        &self,
        group: &GroupId,
        term: Term,
        old: i64,
        now: Moment,
    ) -> Option<i64> {
        let before = self.with(group, now, |group| group.report.replace(term));
        let mut inner = self.inner();
        let own = before.filter(|before| before.id == old && before.lasts_well(now));
        match own {
            Some(own) if inner.spares.len() < MOST_SPARES => {
                inner.spares.push(own);
                None
            }
            _ => (old != 0 && old != term.id).then_some(old),
        }
    }

    /// When the report of this revision was published, on this pod's clock.
    pub(crate) fn born(&self, group: &GroupId, revision: i64, now: Moment) -> Option<Moment> {
        self.with(group, now, |group| {
            let born = group.born.filter(|(of, _)| *of == revision);
            born.map(|(_, at)| at)
        })
    }

    /// The report of this revision was published then, on this pod's clock.
    pub(crate) fn note_born(&self, group: &GroupId, revision: i64, at: Moment) {
        self.with(group, at, |group| {
            let older = |(of, _)| of <= revision;
            if group.born.is_none_or(older) {
                group.born = Some((revision, at));
            }
        });
    }
}
