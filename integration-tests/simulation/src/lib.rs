//! A fleet in virtual time: several coordinators, one store, a network and its faults, all from one seed.
//!
//! ```text
//!   pods (coordinators, own clocks) ──commands──▶ network ──▶ the reference store, on the world's clock
//!        ▲                                          │ delays, losses, copies, outages
//!        └───────────── events ◀────────────────────┘            rules: what must hold, at every step
//! ```
//!
//! The coordinators are the daemon's own and the store is the reference store: what runs here is what ships, but for the
//! network, the probes and time. Everything that happens follows from the seed, so a failed run is repeated by its
//! number; [`run`] then looks for the fewest faults that still bring it about.

// It runs in tests only: a broken assumption is to stop the run at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod breach;
mod commands;
mod dice;
mod faults;
mod network;
mod plan;
mod pod;
mod prices;
mod rules;
mod shrink;
mod trouble;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub use breach::Breach;

use plan::Plan;
use world::World;

/// What may go wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weather {
    /// Nothing: delays only. EC-1 holds to the letter.
    Calm,
    /// Pods leave in order and come back, one by one or together.
    Rolling,
    /// Forced runs on top of calm weather.
    Forced,
    /// The store is away for all of the run's middle, for all pods.
    Outage,
    /// Everything.
    Storm,
    /// Pod after pod comes back with another configuration.
    Change,
    /// Requests are held up beyond their time, and pods stand still while they ask.
    Late,
}

impl Weather {
    /// All of them, the calmest first.
    pub const ALL: [Self; 7] = [
        Self::Calm,
        Self::Rolling,
        Self::Change,
        Self::Forced,
        Self::Outage,
        Self::Late,
        Self::Storm,
    ];

    /// The word for it on a command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Rolling => "rolling",
            Self::Forced => "forced",
            Self::Outage => "outage",
            Self::Storm => "storm",
            Self::Change => "change",
            Self::Late => "late",
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Weather {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|weather| weather.as_str() == text)
            .ok_or_else(|| {
                let all = Self::ALL.map(Self::as_str).join("`, `");
                format!("`{text}` is no weather; there are `{all}`")
            })
    }
}

/// What happened in a run, by name.
pub type Tally = BTreeMap<&'static str, u64>;

/// A run that broke a rule.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed that brings it about.
    pub seed: u64,
    /// In this weather.
    pub weather: Weather,
    /// The first rule that was broken.
    pub breach: Breach,
    /// The fewest faults found that still break the same rule, and what happened last under them.
    pub story: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            weather,
            breach,
            story,
        } = self;
        write!(
            f,
            "seed {seed}, {weather:?}: {breach}\n\nagain: just sim {seed} --weather {weather}\n\n{story}"
        )
    }
}

/// Runs one seed to its end. A run that fails is repeated with ever fewer faults, to tell the shortest story.
///
/// # Errors
/// The first rule that was broken, and how it came about.
pub fn run(seed: u64, weather: Weather) -> Result<Tally, Box<Failure>> {
    let plan = Plan::new(seed, weather);
    World::new(seed, &plan, false)
        .run()
        .result
        .map_err(|breach| {
            let story = shrink::story(seed, plan, &breach);
            Box::new(Failure {
                seed,
                weather,
                breach,
                story,
            })
        })
}

/// [`run`] without the story of a failure, which takes many more runs.
///
/// # Errors
/// The first rule that was broken.
pub fn judge(seed: u64, weather: Weather) -> Result<Tally, Breach> {
    World::new(seed, &Plan::new(seed, weather), false)
        .run()
        .result
}

/// A digest of all that happens in a run, in its order: every event, every command, every answer, with its time.
#[must_use]
pub fn trace(seed: u64, weather: Weather) -> u64 {
    World::new(seed, &Plan::new(seed, weather), true)
        .run()
        .digest
}

/// What a seed makes of a run, for people: the fleet, its settings, its faults.
#[must_use]
pub fn describe(seed: u64, weather: Weather) -> String {
    shrink::describe(&Plan::new(seed, weather))
}
