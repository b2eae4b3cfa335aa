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
/// Leases that nothing hangs on and that wait for the next report or token. More are given back to etcd.
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
    /// The highest revision of the store that was told, and the moment at which it was known.
    newest: Option<(i64, Moment)>,
}

impl Inner {
    /// The store's revision, by the answer to a request that left then and came now. A store that told a higher one
    /// before the request left has lost its data, and what is remembered of it is of another history: the same
    /// numbers come again and mean something else.
    fn heard(&mut self, left: Moment, now: Moment, revision: i64) {
        match self.newest {
            Some((known, came)) if revision < known => {
                // Answers overtake each other.
                if left <= came {
                    return;
                }
                *self = Self::default();
                self.newest = Some((revision, now));
            }
            Some((known, _)) if revision == known => {}
            _ => self.newest = Some((revision, now)),
        }
        self.revisions.heard(left, revision);
    }
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

    /// The group stands so, by the answer to a request that left then and came now.
    pub(crate) fn saw(&self, group: &GroupId, view: &View, left: Moment, now: Moment) {
        self.heard(left, now, view.revision);
        self.with(group, left, |group| {
            // Answers overtake each other.
            let older = |seen: &View| seen.revision > view.revision;
            if !group.view.as_ref().is_some_and(older) {
                group.view = Some(view.clone());
            }
        });
    }

    /// The store's revision, by the answer to a request that left then and came now.
    pub(crate) fn heard(&self, left: Moment, now: Moment, revision: i64) {
        self.inner().heard(left, now, revision);
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

    /// A lease for a report or a token, for the caller alone, that nothing hangs on.
    pub(crate) fn take_spare(&self, asked: i64, now: Moment) -> Option<Term> {
        let mut inner = self.inner();
        inner.spares.retain(|term| term.lasts_well(now));
        let at = inner.spares.iter().position(|term| term.asked == asked)?;
        Some(inner.spares.swap_remove(at))
    }

    /// That lease was not needed. Returns it where nobody will need it.
    pub(crate) fn put_spare(&self, term: Term) -> Option<i64> {
        let mut inner = self.inner();
        if inner.spares.len() < MOST_SPARES {
            inner.spares.push(term);
            return None;
        }
        Some(term.id)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::view;

    fn group() -> GroupId {
        GroupId::new("g").unwrap()
    }

    fn at(seconds: i64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn term(id: i64, asked: i64) -> Term {
        Term {
            id,
            asked,
            granted: asked,
            since: at(0),
        }
    }

    #[test]
    fn an_answer_that_was_overtaken_is_not_believed() {
        let (memory, mut seen) = (Memory::default(), view(Some(3), None, None));
        memory.saw(&group(), &seen, at(0), at(2));
        seen.revision -= 1;
        seen.lock.value = None;
        memory.saw(&group(), &seen, at(1), at(3));
        assert_eq!(
            memory.view(&group(), at(3)),
            Some(view(Some(3), None, None))
        );
    }

    #[test]
    fn of_a_store_that_went_back_nothing_older_is_believed() {
        let (memory, mut seen) = (Memory::default(), view(Some(3), None, None));
        memory.saw(&group(), &seen, at(0), at(1));
        memory.note_born(&group(), 4, at(0));
        memory.put_term(&group(), term(7, 10), at(1));
        assert_eq!(memory.put_spare(term(8, 60)), None);
        // The request left when the higher revision was known.
        seen.revision -= 1;
        memory.saw(&group(), &seen, at(2), at(3));
        assert_eq!(memory.view(&group(), at(3)), Some(seen));
        assert_eq!(memory.born(&group(), 4, at(3)), None);
        assert_eq!(memory.take_term(&group(), 10, at(3)), None);
        assert_eq!(memory.take_spare(60, at(3)), None);
        // Its reports are young as any others.
        memory.note_born(&group(), 2, at(3));
        assert_eq!(memory.born(&group(), 2, at(4)), Some(at(3)));
        memory.heard(at(4), at(5), 3);
        memory.note_born(&group(), 3, at(5));
        assert_eq!(memory.born(&group(), 3, at(6)), Some(at(5)));
    }

    #[test]
    fn spares_beyond_the_bound_are_handed_back() {
        let memory = Memory::default();
        for id in 0..64 {
            assert_eq!(memory.put_spare(term(id, 60)), None);
        }
        assert_eq!(memory.put_spare(term(64, 60)), Some(64));
    }

    #[test]
    fn a_lease_is_lent_to_one_step_and_only_while_it_lasts_and_fits() {
        let memory = Memory::default();
        memory.put_term(&group(), term(7, 10), at(0));
        assert_eq!(memory.take_term(&group(), 11, at(1)), None);
        assert_eq!(memory.term_on(&group(), 8, 10, at(1)), None);
        assert!(memory.term_on(&group(), 7, 10, at(1)).is_some());
        assert!(memory.take_term(&group(), 10, at(9)).is_some());
        assert_eq!(memory.take_term(&group(), 10, at(9)), None);
        memory.put_term(&group(), term(7, 10), at(0));
        assert_eq!(memory.take_term(&group(), 10, at(10)), None);
    }

    #[test]
    fn a_replaced_reports_lease_is_used_again_if_it_is_ours_and_given_back_if_not() {
        let memory = Memory::default();
        assert_eq!(memory.published(&group(), term(1, 60), 0, at(0)), None);
        // Its own, and the next report may hang on it.
        assert_eq!(memory.published(&group(), term(2, 60), 1, at(1)), None);
        assert_eq!(memory.take_spare(60, at(2)).map(|term| term.id), Some(1));
        assert_eq!(memory.take_spare(60, at(2)), None);
        // Another pod's report stood there meanwhile.
        assert_eq!(memory.published(&group(), term(1, 60), 9, at(3)), Some(9));
        // Its own, but near its end.
        assert_eq!(memory.published(&group(), term(3, 60), 1, at(55)), Some(1));
    }

    #[test]
    fn a_tokens_lease_is_kept_alive_once_an_hour() {
        let memory = Memory::default();
        memory.token_kept(&group(), 4, at(0));
        assert!(memory.token_is_kept(&group(), 4, at(3_599)));
        assert!(!memory.token_is_kept(&group(), 4, at(3_600)));
        assert!(!memory.token_is_kept(&group(), 5, at(1)));
    }

    #[test]
    fn the_group_unused_longest_is_forgotten_first() {
        let memory = Memory::default();
        let name = |n: usize| GroupId::new(format!("g-{n}")).unwrap();
        for n in 0..=MOST_GROUPS {
            memory.note_born(&name(n), 1, at(i64::try_from(n).unwrap()));
        }
        let now = at(1_000_000);
        assert_eq!(memory.inner().groups.len(), MOST_GROUPS);
        assert!(memory.born(&name(1), 1, now).is_some());
        assert_eq!(memory.born(&name(0), 1, now), None);
    }
}
