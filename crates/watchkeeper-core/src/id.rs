//! Names of things, checked where they enter.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` is not usable: {why}")]
pub struct BadName {
    /// What the name was for.
    pub what: &'static str,
    /// The name as given, cut at 80 characters.
    pub value: String,
    /// The rule it breaks.
    pub why: &'static str,
}

/// Longest name taken, in bytes. Names stand in store keys and on every line of a status table.
pub const MAX_NAME_BYTES: usize = 256;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:expr, $why:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a name that keeps the rule; refuses any other.
            ///
            /// # Errors
            /// [`BadName`] with the rule that is broken.
            pub fn new(value: impl AsRef<str>) -> Result<Self, BadName> {
                let value = value.as_ref();
                let rule: fn(&str) -> bool = $rule;
                if !value.is_empty() && value.len() <= MAX_NAME_BYTES && rule(value) {
                    Ok(Self(value.into()))
                } else {
                    Err(BadName { what: $what, value: value.chars().take(80).collect(), why: $why })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(value: String) -> Result<Self, BadName> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn printable(value: &str) -> bool {
    !value.chars().any(char::is_control)
}

fn key_safe(value: &str) -> bool {
    value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

name!(
    /// The namespace that the pods of one fleet share in the store.
    FleetName, "fleet name", |v| v.len() <= 64 && key_safe(v),
    "1 to 64 letters, digits, `-`, `_` or `.`"
);
name!(
    /// One running daemon. Unique even when two start in the same millisecond.
    PodId, "pod id", |v| v.len() <= 128 && key_safe(v),
    "1 to 128 letters, digits, `-`, `_` or `.`"
);
name!(
    /// One thing to probe, stable across pods and restarts: LiteLLM's `model_id` for its deployments, the unique name
    /// for native checks.
    CheckId, "check id", printable,
    "1 to 256 bytes without control characters"
);
name!(
    /// The checks that share one lock and one report. Contains the fingerprint, so pods with other lists never meet.
    GroupId, "group id", |v| v.len() <= 128 && key_safe(v),
    "1 to 128 letters, digits, `-`, `_` or `.`"
);

/// One attempt of one pod to take a lease. Asking again with the same attempt is the same question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_place_in_a_key_are_refused() {
        for bad in ["", "a}b", "a{b", "a b", "a\nb", "a:b", "é"] {
            assert!(FleetName::new(bad).is_err(), "{bad:?}");
            assert!(PodId::new(bad).is_err(), "{bad:?}");
        }
        assert!(FleetName::new("x".repeat(65)).is_err());
        assert_eq!(
            FleetName::new("prod-1.eu_west").unwrap().as_str(),
            "prod-1.eu_west"
        );
    }

    #[test]
    fn a_check_id_may_be_any_printable_text() {
        assert!(CheckId::new("gpt 4 / größe").is_ok());
        assert!(CheckId::new("a\u{0}b").is_err());
        assert!(serde_json::from_str::<CheckId>("\"a\\nb\"").is_err());
    }
}
