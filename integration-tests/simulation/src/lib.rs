//! A fleet in virtual time: several coordinators, one store, a network and its faults, all from one seed.
//!
//! ```text
//!   pods (coordinators, own clocks) ──commands──▶ network ──▶ the real store, on the world's clock
//!        ▲                                          │ delays, losses, outages
//!        └───────────── events ◀────────────────────┘            rules: what must hold, at every step
//! ```
//!
//! The store is a real backend whose operations end at their first poll and whose clock is the [`ManualClock`] given
//! with it. Everything that happens follows from the seed: a failed run is repeated by its number.

// It runs in tests only: a broken assumption is to stop the run at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod commands;
mod dice;
mod faults;
mod network;
mod plan;
mod pod;
mod rules;
mod trouble;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_core::cache::Store;
use watchkeeper_core::id::GroupId;

use watchkeeper_testkit::clock::ManualClock;

/// Damage done to a store from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Everything is forgotten.
    Wipe,
    /// Foreign bytes without an end stand in the lock's place.
    Lock,
    /// Foreign bytes stand in the report's place.
    Report,
}

/// Does damage past every guard of a store.
pub type Damager = Box<dyn Fn(&GroupId, Damage)>;

/// The store of one run, and what can be done to it.
pub struct Subject {
    /// Its operations must end at their first poll.
    pub store: Arc<dyn Store>,
    /// The store's clock.
    pub clock: Arc<ManualClock>,
    /// Does damage to a group (to everything, for [`Damage::Wipe`]).
    pub damage: Damager,
}

/// What may go wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// What happened in a run, by name.
pub type Tally = BTreeMap<&'static str, u64>;

/// Runs one seed to its end, over a new store. A run that fails is repeated to tell its story.
///
/// # Errors
/// The first rule that was broken, with the moment and the last things that happened.
pub fn run(seed: u64, weather: Weather, subject: &dyn Fn() -> Subject) -> Result<Tally, String> {
    let quick = world::World::new(seed, weather, &subject(), false).run();
    quick.map_err(|why| {
        let story = world::World::new(seed, weather, &subject(), true).run();
        let story = story
            .err()
            .unwrap_or(format!("{why}; not again when repeated"));
        format!("seed {seed}, {weather:?}: {story}")
    })
}
