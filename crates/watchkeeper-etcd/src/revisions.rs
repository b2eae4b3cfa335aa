//! The store's revisions as a clock: how long ago something can have been put at most.
//!
//! Each answer names the revision that the store was at after its request had left. Whatever carries a higher revision
//! was put later than that.

use std::collections::VecDeque;
use std::time::Duration;

use watchkeeper_core::time::Moment;

/// How many answers are remembered. The ping alone gives one each second.
const MOST: usize = 16;
/// Answers that lie closer tell nothing new.
const APART: Duration = Duration::from_millis(250);

/// Answers in their order: when the request left, and the store's revision.
#[derive(Debug, Default)]
pub(crate) struct Revisions(VecDeque<(Moment, i64)>);

impl Revisions {
    /// An answer to a request that left then.
    pub(crate) fn heard(&mut self, left: Moment, revision: i64) {
        if let Some((last, _)) = self.0.back()
            && left < *last + APART
        {
            return;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((left, revision));
    }

    /// The longest that something with this revision can have stood there; `None` where nothing tells.
    pub(crate) fn at_most(&self, revision: i64, now: Moment) -> Option<Duration> {
        let before = self.0.iter().rev().find(|(_, then)| *then < revision);
        before.map(|(left, _)| now.since(*left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Moment {
        Moment::from_micros(millis * 1_000)
    }

    #[test]
    fn something_was_put_after_the_last_answer_that_did_not_know_it() {
        let mut revisions = Revisions::default();
        assert_eq!(revisions.at_most(5, at(0)), None);
        revisions.heard(at(0), 5);
        revisions.heard(at(1_000), 7);
        revisions.heard(at(2_000), 9);
        let millis = Duration::from_millis;
        assert_eq!(revisions.at_most(5, at(3_000)), None);
        assert_eq!(revisions.at_most(6, at(3_000)), Some(millis(3_000)));
        assert_eq!(revisions.at_most(9, at(3_000)), Some(millis(2_000)));
        assert_eq!(revisions.at_most(10, at(3_000)), Some(millis(1_000)));
    }

    #[test]
    fn a_flood_of_answers_does_not_crowd_out_the_older_ones() {
        let mut revisions = Revisions::default();
        for n in 0..1_000 {
            revisions.heard(at(n), n);
        }
        assert_eq!(revisions.0.len(), 4);
        for n in 0..1_000 {
            revisions.heard(at(n * 1_000), n);
        }
        assert_eq!(revisions.0.len(), MOST);
    }
}
