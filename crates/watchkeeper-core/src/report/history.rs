//! The latest results of a check, in few bytes.
//!
//! Encoded as text, newest first: the newest one's time in Unix seconds, then per result a space, the outcome's letter,
//! the latency in milliseconds, a comma, and the seconds between it and the next newer one, both in base 36. Sixty-four
//! results of a five-minute check take about 512 bytes, which keeps an entry within 1 KiB; a JSON array of objects would
//! take five times that.
//!
//! It is kept as that text: of all pods that read a report only few are ever asked for its past, and taking the text
//! apart in each cost more than all the rest of the report.

use std::borrow::Cow;
use std::sync::Arc;
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

/// At most [`HISTORY_LENGTH`] results, newest first. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(Option<Arc<str>>);

/// The most digits of a number in base 36: what fits into 62 bits.
const MOST_DIGITS: usize = 12;

impl History {
    /// Adds a result as the newest; the oldest falls out when the history is full.
    pub fn push(&mut self, past: Past) {
        let at = past.at.0.div_euclid(1000);
        let mut text = at.to_string();
        text.push(' ');
        text.push(past.outcome.letter());
        let latency = u64::try_from(past.latency.as_millis()).unwrap_or(u64::MAX);
        base36(latency.min(LARGEST), &mut text);
        text.push_str(",0");
        if let Some((newest, parts)) = self.split() {
            let mut parts = parts.split(' ').take(HISTORY_LENGTH - 1);
            // The one that was the newest so far now follows another.
            if let Some((first, _)) = parts.next().and_then(|part| part.split_once(',')) {
                text.push(' ');
                text.push_str(first);
                text.push(',');
                // A wall clock that was set back between two results shows them as simultaneous.
                let apart = u64::try_from(at.saturating_sub(newest)).unwrap_or(0);
                base36(apart.min(LARGEST), &mut text);
            }
            for part in parts {
                text.push(' ');
                text.push_str(part);
            }
        }
        self.0 = Some(text.into());
    }

    pub(super) fn forget_oldest(&mut self) {
        let shorter = self.text().rsplit_once(' ').map(|(shorter, _)| shorter);
        self.0 = shorter.filter(|text| text.contains(' ')).map(Arc::from);
    }

    /// The results, newest first.
    pub fn iter(&self) -> impl Iterator<Item = Past> {
        let (mut at, parts) = self.split().unwrap_or((0, ""));
        parts.split(' ').map_while(move |part| {
            let (letter, latency, delta) = read(part)?;
            at = at.saturating_sub(i64::try_from(delta).unwrap_or(i64::MAX));
            Some(Past {
                at: UnixMillis(at.saturating_mul(1000)),
                outcome: Outcome::ALL
                    .into_iter()
                    .find(|outcome| outcome.letter() == letter)
                    .unwrap_or(Outcome::BadAnswer),
                latency: Duration::from_millis(latency),
            })
        })
    }

    /// How many results are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text().bytes().filter(|&byte| byte == b' ').count()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The newest result's second, and all results.
    fn split(&self) -> Option<(i64, &str)> {
        let (newest, parts) = self.text().split_once(' ')?;
        Some((newest.parse().ok()?, parts))
    }

    /// What can be read of a text that anybody may have written, up to the first part that cannot.
    fn kept(text: &str) -> Option<Arc<str>> {
        let (newest, parts) = text.split_once(' ')?;
        newest.parse::<i64>().ok()?;
        if newest.len() > LONGEST_SECOND {
            return None;
        }
        // Each result with the blank that follows it; the last one's stands for that after the second.
        let (mut rest, mut end) = (parts.as_bytes(), newest.len());
        for _ in 0..HISTORY_LENGTH {
            let Some(length) = result_length(rest) else {
                break;
            };
            end += length + 1;
            rest = rest.get(length + 1..).unwrap_or_default();
        }
        let kept = text.get(..end).filter(|_| end > newest.len())?;
        Some(kept.into())
    }
}

/// The most characters of a second, as it is written here.
const LONGEST_SECOND: usize = "-9223372036854775808".len();

/// The largest number of [`MOST_DIGITS`] digits.
const LARGEST: u64 = 36_u64.pow(12) - 1;

/// The length of the result at the front: a letter, a number, a comma, a number, and then a blank or the end.
fn result_length(text: &[u8]) -> Option<usize> {
    let number_to = |from: usize| {
        let digits = text.get(from..)?.iter().take(MOST_DIGITS + 1);
        let digits = digits.take_while(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        let count = digits.count();
        (1..=MOST_DIGITS).contains(&count).then_some(from + count)
    };
    text.first().filter(|byte| byte.is_ascii_alphabetic())?;
    let comma = number_to(1)?;
    text.get(comma).filter(|byte| **byte == b',')?;
    let end = number_to(comma + 1)?;
    matches!(text.get(end), None | Some(b' ')).then_some(end)
}

/// The parts of one result.
fn read(part: &str) -> Option<(char, u64, u64)> {
    let mut chars = part.chars();
    let letter = chars.next()?;
    let (latency, delta) = chars.as_str().split_once(',')?;
    let number = |text| u64::from_str_radix(text, 36).ok();
    Some((letter, number(latency)?, number(delta)?))
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
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for History {
    /// Takes what it can read and stops at the first part that it cannot: a damaged history is worth less than the
    /// entry that carries it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Borrowed where the input allows it.
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        Text::deserialize(deserializer).map(|text| Self(Self::kept(&text.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(second: i64, outcome: Outcome, millis: u64) -> Past {
        Past {
            at: UnixMillis(second * 1000),
            outcome,
            latency: Duration::from_millis(millis),
        }
    }

    #[test]
    fn a_second_written_with_more_digits_than_any_has_is_not_passed_on() {
        let mut history = History::default();
        history.push(past(7, Outcome::Healthy, 5));
        let text = history.text().to_owned();
        assert_eq!(History::kept(&text).as_deref(), Some(text.as_str()));
        assert_eq!(History::kept(&format!("{}{text}", "0".repeat(1_000))), None);
    }

    #[test]
    fn results_come_back_newest_first_with_their_times() {
        let mut history = History::default();
        let pushed = [
            past(1_795_358_400, Outcome::Healthy, 36),
            past(1_795_358_700, Outcome::Timeout, 60_000),
            past(1_795_359_001, Outcome::Healthy, 0),
        ];
        for past in pushed {
            history.push(past);
        }
        assert_eq!(history.text(), "1795359001 h0,0 t1aao,8d h10,8c");
        assert!(history.iter().eq(pushed.into_iter().rev()));
        history.forget_oldest();
        assert!(history.iter().eq(pushed.into_iter().rev().take(2)));
        assert_eq!(history.len(), 2);
    }

    #[test]
    fn a_clock_set_back_shows_two_results_as_simultaneous() {
        let mut history = History::default();
        history.push(past(1000, Outcome::Healthy, 1));
        history.push(past(900, Outcome::Healthy, 2));
        let times: Vec<i64> = history.iter().map(|past| past.at.0).collect();
        assert_eq!(times, [900_000, 900_000]);
    }

    #[test]
    fn the_readable_part_of_a_damaged_text_is_kept_and_goes_on() {
        let text = r#""1000 h1,0 z2,5 h3,! h4,1""#;
        let mut read: History = serde_json::from_str(text).unwrap();
        assert_eq!(read.len(), 2);
        read.push(past(1010, Outcome::Healthy, 7));
        assert_eq!(read.text(), "1010 h7,0 h1,a z2,5");
        assert_eq!(
            read.iter().nth(2),
            Some(past(995, Outcome::BadAnswer, 2)),
            "an outcome of a newer version"
        );
    }
}
