//! Text that must never be shown.

use std::fmt;
use std::sync::Arc;

/// A secret. Prints as stars; read it with [`Secret::expose`] at the one place that sends it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl AsRef<str>) -> Self {
        Self(value.as_ref().into())
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Shortest secret that [`redact`] looks for: shorter ones would blank ordinary words.
const MIN_REDACTED_BYTES: usize = 6;

/// The text with every occurrence of the given secrets replaced by stars. An upstream may echo a key in its error.
#[must_use]
pub fn redact<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let mut out = text.to_owned();
    for secret in secrets {
        if secret.expose().len() >= MIN_REDACTED_BYTES && out.contains(secret.expose()) {
            out = out.replace(secret.expose(), "***");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        assert_eq!(format!("{:?}", Secret::new("sk-live-1")), "***");
    }

    #[test]
    fn an_echoed_key_is_blanked() {
        let key = Secret::new("sk-live-1");
        assert_eq!(redact("bad key sk-live-1!", [&key]), "bad key ***!");
        assert_eq!(redact("a test", [&Secret::new("a")]), "a test");
    }
}
