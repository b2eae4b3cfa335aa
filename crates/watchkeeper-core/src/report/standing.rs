//! Whether a check counts as healthy: by which outcomes, and after how many of them.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;
use crate::verdict::Outcome;

/// Whether a check counts as healthy, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it counts as healthy.
    #[serde(rename = "h")]
    pub healthy: bool,
    /// How many results of the latest kind (pass or failure) came in a row, the latest included.
    #[serde(rename = "n")]
    pub streak: u32,
    /// Since when it counts as it does, by the wall clock of the pod that saw the change.
    #[serde(rename = "s")]
    pub since: UnixMillis,
}

impl Standing {
    /// The standing of a check that was never asked before.
    pub(super) const fn first(pass: bool, at: UnixMillis) -> Self {
        Self {
            healthy: pass,
            streak: 1,
            since: at,
        }
    }

    /// The standing after another result; `same` says whether it is of the same kind as the one before.
    pub(super) fn next(self, pass: bool, same: bool, at: UnixMillis, t: Thresholds) -> Self {
        let streak = if same {
            self.streak.saturating_add(1)
        } else {
            1
        };
        let needed = if pass {
            t.healthy_after
        } else {
            t.unhealthy_after
        };
        if self.healthy != pass && streak >= needed {
            Self {
                healthy: pass,
                streak,
                since: at,
            }
        } else {
            Self { streak, ..self }
        }
    }
}

/// The outcomes that count as a pass: [`Outcome::Healthy`] always, and what is put beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Passes(u16);

impl Passes {
    /// [`Outcome::Healthy`] alone.
    pub const HEALTHY: Self = Self(Self::bit(Outcome::Healthy));

    const fn bit(outcome: Outcome) -> u16 {
        1 << outcome as u16
    }

    /// These, with another one.
    #[must_use]
    pub const fn with(self, outcome: Outcome) -> Self {
        Self(self.0 | Self::bit(outcome))
    }

    /// Whether the outcome counts as a pass.
    #[must_use]
    pub const fn has(self, outcome: Outcome) -> bool {
        self.0 & Self::bit(outcome) != 0
    }
}

impl Default for Passes {
    fn default() -> Self {
        Self::HEALTHY
    }
}

impl FromIterator<Outcome> for Passes {
    /// [`Outcome::Healthy`], and these.
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        outcomes.into_iter().fold(Self::HEALTHY, Self::with)
    }
}

/// How many results in a row it takes to change a check's standing, and which of them are passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Passes in a row until an unhealthy check counts as healthy; at least 1.
    pub healthy_after: u32,
    /// Failures in a row until a healthy check counts as unhealthy; at least 1.
    pub unhealthy_after: u32,
    /// What counts as a pass.
    pub passes: Passes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_beside_healthy_counts_as_a_pass_and_nothing_else_does() {
        let passes: Passes = [Outcome::RateLimited, Outcome::ConfigError]
            .into_iter()
            .collect();
        for outcome in Outcome::ALL {
            let expected = matches!(
                outcome,
                Outcome::Healthy | Outcome::RateLimited | Outcome::ConfigError
            );
            assert_eq!(passes.has(outcome), expected, "{outcome:?}");
            assert_eq!(Passes::default().has(outcome), outcome.is_healthy());
        }
    }
}
