//! What probes cost: prices, use, and what was spent.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;
use crate::verdict::cut;

/// Picodollars in a dollar.
const PER_DOLLAR: f64 = 1e12;

/// Milliseconds in a day.
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// Most providers that a ledger names; what others cost is counted under the last one's name. A fleet has a few dozen.
const MAX_LEDGER_ROWS: usize = 256;

/// Most bytes of a provider's name in it, so that what somebody else wrote into a report cannot grow every later one. Ours
/// have 20 at most; a longer one is cut.
const MAX_LEDGER_NAME_BYTES: usize = 64;

/// An amount of money, never negative, in picodollars (1e-12 USD): the price of one token is 10,000 of them and more,
/// and 64 bits hold 18 million dollars. Sums stop at the largest amount.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usd(u64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From picodollars.
    #[must_use]
    pub const fn from_picos(picos: u64) -> Self {
        Self(picos)
    }

    /// In picodollars.
    #[must_use]
    pub const fn as_picos(self) -> u64 {
        self.0
    }

    /// From dollars, rounded to the next picodollar. `None` if that is no amount: negative, not finite, too large.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the range, as just checked
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let picos = (dollars * PER_DOLLAR).round();
        (picos.is_finite() && (0.0..9e18).contains(&picos)).then_some(Self(picos as u64))
    }

    /// In dollars, for people and programs.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // 15 digits are enough to be shown
    pub fn as_dollars(self) -> f64 {
        self.0 as f64 / PER_DOLLAR
    }

    /// So many times.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// What is left of it after `spent`; nothing if more was spent.
    #[must_use]
    pub const fn less(self, spent: Self) -> Self {
        Self(self.0.saturating_sub(spent.0))
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, rhs: Self) -> Self {
        Self(self.0.saturating_add(rhs.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}", self.as_dollars())
    }
}

/// What one call of a model costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Price {
    /// Per input token.
    pub input: Usd,
    /// Per output token.
    pub output: Usd,
    /// Per call, whatever it uses: an image, a search, a spoken text.
    pub call: Usd,
}

impl Price {
    /// What a call costs that used this much.
    #[must_use]
    pub fn of(&self, usage: Usage) -> Usd {
        self.call + self.input.times(usage.input) + self.output.times(usage.output)
    }
}

/// Tokens that an answer says were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct Usage {
    /// What was sent.
    pub input: u64,
    /// What came back, thinking included.
    pub output: u64,
}

impl From<(u64, u64)> for Usage {
    fn from((input, output): (u64, u64)) -> Self {
        Self { input, output }
    }
}

impl From<Usage> for (u64, u64) {
    fn from(usage: Usage) -> Self {
        (usage.input, usage.output)
    }
}

/// A day in UTC, counted from 1970-01-01.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Day(pub i64);

impl Day {
    /// The day of a moment.
    #[must_use]
    pub const fn of(at: UnixMillis) -> Self {
        Self(at.0.div_euclid(DAY_MILLIS))
    }

    /// The day after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What a fleet spent on probes on one day, by provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The day.
    #[serde(rename = "d")]
    pub day: Day,
    /// What was spent, by provider.
    #[serde(rename = "p")]
    pub spent: BTreeMap<String, Usd>,
}

impl Ledger {
    /// Whether nothing stands in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spent.is_empty()
    }

    /// Adds what a probe cost. Money spent on an earlier day than the ledger's is not counted; a later day begins a new
    /// page.
    pub fn add(&mut self, day: Day, provider: &str, cost: Usd) {
        if cost.is_zero() || day < self.day {
            return;
        }
        if day > self.day {
            *self = Self::of(day);
        }
        let provider = cut(provider, MAX_LEDGER_NAME_BYTES);
        if let Some(spent) = self.spent.get_mut(provider) {
            *spent += cost;
        } else if self.spent.len() < MAX_LEDGER_ROWS {
            self.spent.insert(provider.to_owned(), cost);
        } else if let Some(mut last) = self.spent.last_entry() {
            *last.get_mut() += cost;
        }
    }

    /// An empty page of a day.
    #[must_use]
    pub const fn of(day: Day) -> Self {
        Self {
            day,
            spent: BTreeMap::new(),
        }
    }

    /// Takes in what another ledger knows of the same spending: per provider the larger amount counts. A later day's
    /// ledger replaces this one, an earlier day's says nothing, nor do names that no ledger of ours has.
    pub fn merge(&mut self, other: &Self) {
        if other.day > self.day {
            *self = Self::of(other.day);
        }
        if other.day < self.day {
            return;
        }
        for (provider, amount) in &other.spent {
            if provider.len() > MAX_LEDGER_NAME_BYTES {
                continue;
            }
            if let Some(known) = self.spent.get_mut(provider) {
                *known = (*known).max(*amount);
            } else if self.spent.len() < MAX_LEDGER_ROWS {
                self.spent.insert(provider.clone(), *amount);
            }
        }
    }

    /// Takes out of it what stands in another ledger of the same day, as far as it is there.
    pub fn take(&mut self, other: &Self) {
        if other.day != self.day {
            return;
        }
        for (provider, amount) in &other.spent {
            self.take_from(provider, *amount);
        }
    }

    /// Takes an amount out of a provider's row, as far as it is there.
    pub fn take_from(&mut self, provider: &str, amount: Usd) {
        let provider = cut(provider, MAX_LEDGER_NAME_BYTES);
        if let Some(known) = self.spent.get_mut(provider) {
            *known = known.less(amount);
            if known.is_zero() {
                self.spent.remove(provider);
            }
        }
    }

    /// What a provider cost on `day`.
    #[must_use]
    pub fn by(&self, day: Day, provider: &str) -> Usd {
        let provider = cut(provider, MAX_LEDGER_NAME_BYTES);
        let today = (day == self.day).then(|| self.spent.get(provider).copied());
        today.flatten().unwrap_or_default()
    }

    /// What all cost on `day`.
    #[must_use]
    pub fn total(&self, day: Day) -> Usd {
        if day == self.day {
            self.spent.values().copied().sum()
        } else {
            Usd::ZERO
        }
    }
}

/// How much may be spent on probes per day (UTC), counted for each group of checks on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// By the whole fleet; no limit if none.
    pub fleet: Option<Usd>,
    /// On one provider; no limit for those that are not named.
    pub providers: BTreeMap<String, Usd>,
}

#[cfg(test)]
mod tests;
