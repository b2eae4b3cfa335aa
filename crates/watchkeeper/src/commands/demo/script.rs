//! When pods leave and join: once early on, and again every few rounds, for whoever looks later.

use super::models::Asked;
use super::story::{Story, View};

/// The same scenes again after this many rounds.
const ROUNDS: u64 = 6;

/// What is to happen now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// This pod is told to leave.
    Leave(String),
    /// A fresh pod joins.
    Join,
}

/// The order of scenes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    /// In which round of each cycle its holder leaves.
    leave_in: u64,
    /// After which round of each cycle a pod joins.
    join_after: u64,
    /// After how many rounds a cue was last given.
    last: Option<(u64, Scene)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    Left,
    Joined,
}

impl Script {
    /// For a fleet of so many pods. A lone pod leaves only once another has joined.
    pub(super) fn new(pods: usize) -> Self {
        let (leave_in, join_after) = if pods > 1 { (2, 3) } else { (4, 2) };
        Self {
            leave_in,
            join_after,
            last: None,
        }
    }

    /// What is to happen at this look.
    pub(super) fn cue(&mut self, story: &Story, views: &[View], asked: &Asked) -> Option<Cue> {
        let rounds = story.tally().rounds;
        let staying = views.iter().filter(|view| !view.leaving).count();
        if let Some((holder, asked)) = story.under_way(asked) {
            let all_asked = asked.iter().all(|times| *times > 0);
            let turn = rounds % ROUNDS + 1 == self.leave_in && staying > 1 && all_asked;
            return (turn && self.first((rounds, Scene::Left)))
                .then(|| Cue::Leave(holder.to_owned()));
        }
        let turn = rounds > 0 && rounds % ROUNDS == self.join_after && story.is_quiet();
        (turn && self.first((rounds, Scene::Joined))).then_some(Cue::Join)
    }

    fn first(&mut self, scene: (u64, Scene)) -> bool {
        self.last.replace(scene) != Some(scene)
    }
}
