//! The latest results of a check, in few bytes.
//!
//! Encoded as text, newest first: the newest one's time in Unix seconds, then per result a space, the outcome's letter,
//! the latency in milliseconds, a comma, and the seconds between it and the next newer one, both in base 36. Sixty-four
//! results of a five-minute check take about 512 bytes, which keeps an entry within 1 KiB; a JSON array of objects would
//! take five times that.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::UnixMillis;
use crate::verdict::Outcome;

/// How many results travel with an entry, at most.
pub const HISTORY_LENGTH: usize = 64;

/// One result of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// When the probe ended, by the prober's wall clock; a history keeps whole seconds.
    pub at: UnixMillis,
    /// What it found.
    pub outcome: Outcome,
    /// How long it took; whole milliseconds once encoded.
    pub latency: Duration,
}

/// At most [`HISTORY_LENGTH`] results, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(VecDeque<Past>);

impl History {
    /// Adds a result as the newest; the oldest falls out when the history is full.
    pub fn push(&mut self, past: Past) {
        let at = UnixMillis(past.at.0.div_euclid(1000).saturating_mul(1000));
        self.0.push_front(Past { at, ..past });
        self.0.truncate(HISTORY_LENGTH);
    }

    pub(super) fn forget_oldest(&mut self) {
        self.0.pop_back();
    }

    /// The results, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Past> {
        self.0.iter()
    }

    /// How many results are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn base36(mut value: u64, out: &mut String) {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::with_capacity(13);
    loop {
        let digit = usize::try_from(value % 36).unwrap_or(0);
        digits.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
        value /= 36;
        if value == 0 {
            break;
        }
    }
    out.extend(digits.iter().rev().map(|&d| char::from(d)));
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        if let Some(newest) = self.0.front() {
            text.push_str(&newest.at.0.div_euclid(1000).to_string());
            let mut newer = newest.at;
            for past in &self.0 {
                text.push(' ');
                text.push(past.outcome.letter());
                base36(
                    u64::try_from(past.latency.as_millis()).unwrap_or(u64::MAX),
                    &mut text,
                );
                text.push(',');
                // A wall clock that was set back between two results shows them as simultaneous.
                base36(
                    u64::try_from(newer.0.saturating_sub(past.at.0) / 1000).unwrap_or(0),
                    &mut text,
                );
                newer = past.at;
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for History {
    /// Takes what it can read and stops at the first part that it cannot: a damaged history is worth less than the
    /// entry that carries it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut parts = text.split(' ');
        let mut history = VecDeque::new();
        let Some(mut at) = parts.next().and_then(|p| p.parse::<i64>().ok()) else {
            return Ok(Self::default());
        };
        for part in parts.take(HISTORY_LENGTH) {
            let mut chars = part.chars();
            let letter = chars.next();
            let outcome = Outcome::ALL
                .into_iter()
                .find(|o| Some(o.letter()) == letter)
                .unwrap_or(Outcome::BadAnswer);
            let Some((latency, delta)) = chars.as_str().split_once(',') else {
                break;
            };
            let (Ok(latency), Ok(delta)) = (
                u64::from_str_radix(latency, 36),
                u64::from_str_radix(delta, 36),
            ) else {
                break;
            };
            at = at.saturating_sub(i64::try_from(delta).unwrap_or(i64::MAX));
            history.push_back(Past {
                at: UnixMillis(at.saturating_mul(1000)),
                outcome,
                latency: Duration::from_millis(latency),
            });
        }
        Ok(Self(history))
    }
}
