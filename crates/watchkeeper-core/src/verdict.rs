//! What a probe found.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::money::{Usage, Usd};
use crate::probe::Tier;
use crate::time::UnixMillis;

/// The outcome of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The endpoint answered as it should.
    Healthy,
    /// The key was refused (401).
    Unauthorized,
    /// The key may not do this (403).
    Forbidden,
    /// The model or deployment is not there (404).
    NotFound,
    /// Too many requests (429).
    RateLimited,
    /// The upstream says that it is too busy (503, 529).
    Overloaded,
    /// No answer within the check's time limit.
    Timeout,
    /// No connection (refused, reset, unreachable).
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The name did not resolve.
    Dns,
    /// An answer that is an error of another kind, or is not what the API promises.
    BadAnswer,
    /// A content filter refused the probe's text.
    ContentFilter,
    /// The check cannot be asked as it is configured; nothing was sent.
    ConfigError,
}

impl Outcome {
    /// All outcomes, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::Healthy,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::RateLimited,
        Self::Overloaded,
        Self::Timeout,
        Self::Connect,
        Self::Tls,
        Self::Dns,
        Self::BadAnswer,
        Self::ContentFilter,
        Self::ConfigError,
    ];

    /// The name used in answers, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::BadAnswer => "bad_answer",
            Self::ContentFilter => "content_filter",
            Self::ConfigError => "config_error",
        }
    }

    /// The letter that stands for it in an entry's history.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Healthy => 'h',
            Self::Unauthorized => 'u',
            Self::Forbidden => 'f',
            Self::NotFound => 'n',
            Self::RateLimited => 'r',
            Self::Overloaded => 'o',
            Self::Timeout => 't',
            Self::Connect => 'c',
            Self::Tls => 's',
            Self::Dns => 'd',
            Self::BadAnswer => 'b',
            Self::ContentFilter => 'p',
            Self::ConfigError => 'e',
        }
    }

    /// Whether the endpoint answered as it should. What counts as a pass beside it, `Passes` says.
    #[must_use]
    pub const fn is_healthy(self) -> bool {
        matches!(self, Self::Healthy)
    }
}

impl<'de> Deserialize<'de> for Outcome {
    /// An outcome that a newer version wrote and this one does not know reads as [`Outcome::BadAnswer`]: a report grows
    /// by addition, and a rolling upgrade must not make the older pods probe again.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(Self::ALL
            .into_iter()
            .find(|o| o.as_str() == name)
            .unwrap_or(Self::BadAnswer))
    }
}

/// Longest error text kept, in bytes: an entry of a report is to stay within 1 KiB.
pub const MAX_ERROR_BYTES: usize = 240;

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The outcome.
    #[serde(rename = "o")]
    pub outcome: Outcome,
    /// LiteLLM's `exception_status`: the upstream's status, 408 for a timeout, 500 where there was no answer; none
    /// when healthy.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, in words, without any secret; at most [`MAX_ERROR_BYTES`].
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// From the start of the request to the end of the answer.
    #[serde(rename = "l", with = "millis")]
    pub latency: Duration,
    /// When the probe ended, by the prober's wall clock.
    #[serde(rename = "t")]
    pub at: UnixMillis,
    /// Rate-limit headers that the upstream sent, as LiteLLM shows them (`x-ratelimit-remaining-requests`,
    /// `x-ratelimit-remaining-tokens`); at most four, short.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<(String, String)>,
    /// From the start of the request to the answer's headers; none where none came.
    #[serde(
        rename = "f",
        default,
        with = "maybe_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub headers_after: Option<Duration>,
    /// The model that the upstream says answered; at most [`MAX_MODEL_BYTES`].
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The tokens that the upstream says were used.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What it cost, where a price is known: by `usage`, or, where the answer tells none though it may have been
    /// billed, the most that it can have cost.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Usd>,
    /// What kind of probe it was.
    #[serde(rename = "k", default, skip_serializing_if = "Tier::is_inference")]
    pub tier: Tier,
    /// Why it was a cheaper one than the check's own, if it was.
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    pub spared: Option<Spared>,
    /// How long the upstream asks to be left alone (`Retry-After`), from the end of the answer; at most
    /// [`MAX_RETRY_AFTER`].
    #[serde(
        rename = "r",
        default,
        with = "maybe_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub retry_after: Option<Duration>,
}

/// Longest model's name kept, in bytes.
pub const MAX_MODEL_BYTES: usize = 64;

/// The longest that an upstream's wish to be left alone is honoured.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Why a check was asked by a cheaper probe than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Spared {
    /// The day's budget is spent.
    #[serde(rename = "b")]
    Budget,
    /// Its full probe comes less often (`intervals`). A reason that a newer version wrote and this one does not know
    /// reads as this one: what counts is that it was no full probe.
    #[serde(rename = "i", other)]
    Interval,
}

impl Spared {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Interval => "interval",
        }
    }
}

impl Verdict {
    /// A verdict without extras. Cuts the error text at [`MAX_ERROR_BYTES`].
    #[must_use]
    pub fn new(
        outcome: Outcome,
        status: Option<u16>,
        error: Option<String>,
        latency: Duration,
        at: UnixMillis,
    ) -> Self {
        let error = error.map(|text| cut(&text, MAX_ERROR_BYTES).to_owned());
        Self {
            outcome,
            status,
            error,
            latency,
            at,
            limits: Vec::new(),
            headers_after: None,
            model: None,
            usage: None,
            cost: None,
            tier: Tier::default(),
            spared: None,
            retry_after: None,
        }
    }
}

/// The longest beginning of `text` that is at most `max` bytes and ends at a character.
#[must_use]
pub fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max)
        .rev()
        .find(|&i| text.is_char_boundary(i))
        .unwrap_or(0);
    text.get(..end).unwrap_or("")
}

mod maybe_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    // serde hands fields over by reference
    #[allow(clippy::ref_option)]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::millis::serialize(value, s),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(d)?.map(Duration::from_millis))
    }
}

pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u64::deserialize(d).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_at_a_character() {
        let text = "é".repeat(500);
        let verdict = Verdict::new(
            Outcome::BadAnswer,
            Some(500),
            Some(text),
            Duration::ZERO,
            UnixMillis(0),
        );
        assert_eq!(verdict.error.unwrap().len(), 240);
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn every_outcome_is_listed_once_and_named_as_serde_names_it() {
        for outcome in Outcome::ALL {
            assert_eq!(
                serde_json::to_string(&outcome).unwrap(),
                format!("\"{}\"", outcome.as_str())
            );
        }
    }
}
