//! Why a request cannot prove who it is, in words for people.

use watchkeeper_core::secret::{Secret, redact};
use watchkeeper_core::verdict::{Outcome, cut};

/// Pieces of a secret from this length on are not shown either: an upstream may quote a key in part.
const MIN_PIECE_BYTES: usize = 8;

/// Longest text of an upstream that is quoted, in bytes: the rest of the line says what to do.
const MAX_QUOTED_BYTES: usize = 110;

/// Why there is no identity. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What it counts as; never healthy.
    pub(crate) outcome: Outcome,
    /// What is wrong, where, and what to do.
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        Self {
            outcome,
            text: text.into(),
        }
    }

    /// Nothing usable is configured; nothing was sent.
    pub(crate) fn config(text: impl Into<String>) -> Self {
        Self::new(Outcome::ConfigError, text)
    }

    /// An answer that is not what the API promises.
    pub(crate) fn bad_answer(text: impl Into<String>) -> Self {
        Self::new(Outcome::BadAnswer, text)
    }

    /// The probe's time was over first.
    pub(crate) fn timeout() -> Self {
        Self::new(
            Outcome::Timeout,
            "the credentials could not be fetched within the check's time limit",
        )
    }

    /// The status of LiteLLM's `exception_status` for it.
    pub(crate) const fn status(&self) -> u16 {
        match self.outcome {
            Outcome::Unauthorized => 401,
            Outcome::Forbidden => 403,
            Outcome::RateLimited => 429,
            Outcome::Overloaded => 503,
            Outcome::Timeout => 408,
            _ => 500,
        }
    }
}

/// What an upstream said, fit to be quoted: one line, short, without the secrets; empty if a piece of one is left.
pub(crate) fn quoted(text: &str, secrets: &[&Secret]) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let line = redact(line, secrets.iter().copied());
    let leaks = line.as_bytes().windows(MIN_PIECE_BYTES).any(|piece| {
        secrets.iter().any(|secret| {
            secret
                .expose()
                .as_bytes()
                .windows(MIN_PIECE_BYTES)
                .any(|other| other == piece)
        })
    });
    if leaks {
        return String::new();
    }
    cut(&line, MAX_QUOTED_BYTES).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_one_short_line_without_a_secret_or_a_piece_of_one() {
        let secret = Secret::new("abcdefghijkl-MNOPQRST");
        for (said, shown) in [
            ("no such client\r\nTrace: 1", "no such client"),
            ("bad secret abcdefghijkl-MNOPQRST", "bad secret ***"),
            ("bad secret abcdefghij...", ""),
            ("ends with -MNOPQRST", ""),
            ("", ""),
        ] {
            assert_eq!(quoted(said, &[&secret]), shown, "{said}");
        }
        assert!(quoted(&"x".repeat(10_000), &[&secret]).len() <= MAX_QUOTED_BYTES);
    }
}
