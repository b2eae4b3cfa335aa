//! Bugs put back on purpose, one at a time, to show that the simulation would find them.
//!
//! Without the feature `planted-bugs`, which no product crate enables, [`is_planted`] is a constant `false` and its
//! branches are compiled to nothing.

use std::time::Duration;

use crate::report::Report;
use crate::time::UnixMillis;

/// A bug that was thought of, and where it is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// The holder never renews: a round longer than its window is given up, over and over.
    NoRenewal,
    /// The store frees a lease for anybody who names the group.
    ForeignRelease,
    /// The store takes a report without looking at its token.
    UncheckedPublish,
    /// A store without data counts from one again, whatever the time is and the pods have seen.
    TokenReset,
    /// A report's age is this pod's wall clock less the publisher's.
    WallClockAge,
    /// A pod waits for one lease's length, then checks for itself although the holder renews.
    ImpatientFollower,
    /// The holder goes on until the store says that the lease is gone.
    OpenWindow,
    /// A pod that follows waits for a notice, without a timer.
    NoticeOnly,
    /// The winner goes by what it knew before it won.
    NoSecondRead,
    /// The holder's window starts when the answer arrives.
    WindowFromAnswer,
    /// A lease won unseen is recognised by nobody: its own pod is told to wait for its end.
    OrphanLease,
    /// What is read replaces what is known, whatever the tokens say.
    LowerTokenAdopted,
    /// A pod on its own does not look at when it last asked.
    UnspacedAlone,
    /// A subscription that was made anew does not make the pod read.
    NoReadOnReconnect,
    /// What was found while the store was away is offered as found now.
    StaleAsFresh,
}

impl Bug {
    /// All of them, in the order of the documents.
    pub const ALL: [Self; 15] = [
        Self::NoRenewal,
        Self::ForeignRelease,
        Self::UncheckedPublish,
        Self::TokenReset,
        Self::WallClockAge,
        Self::ImpatientFollower,
        Self::OpenWindow,
        Self::NoticeOnly,
        Self::NoSecondRead,
        Self::WindowFromAnswer,
        Self::OrphanLease,
        Self::LowerTokenAdopted,
        Self::UnspacedAlone,
        Self::NoReadOnReconnect,
        Self::StaleAsFresh,
    ];
}

/// Whether this bug is put back, in this thread and at this moment.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
#[inline(always)]
pub const fn is_planted(_: Bug) -> bool {
    false
}

/// For [`Bug::WallClockAge`]: how old a report is if its publisher's wall clock shows what this pod's does.
pub(crate) fn wall_clock_age(now: UnixMillis, report: &Report) -> Duration {
    let millis = now.0.saturating_sub(report.started.0);
    Duration::from_millis(u64::try_from(millis).unwrap_or(0)).saturating_sub(report.took)
}

#[cfg(feature = "planted-bugs")]
pub use planting::{is_planted, with};

#[cfg(feature = "planted-bugs")]
mod planting {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether this bug is put back, in this thread and at this moment.
    #[must_use]
    pub fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Puts the bug back for as long as `run` runs, in this thread. The innermost counts.
    pub fn with<T>(bug: Bug, run: impl FnOnce() -> T) -> T {
        struct Back(Option<Bug>);
        impl Drop for Back {
            fn drop(&mut self) {
                PLANTED.set(self.0);
            }
        }
        let _back = Back(PLANTED.replace(Some(bug)));
        run()
    }
}

#[cfg(all(test, feature = "planted-bugs"))]
mod tests {
    use super::*;

    #[test]
    fn one_bug_at_a_time_is_planted_and_none_is_left_behind() {
        with(Bug::NoRenewal, || {
            assert_eq!(Bug::ALL.map(is_planted).iter().filter(|p| **p).count(), 1);
            with(Bug::OpenWindow, || assert!(!is_planted(Bug::NoRenewal)));
            assert!(is_planted(Bug::NoRenewal));
        });
        assert!(!Bug::ALL.into_iter().any(is_planted));
    }
}
