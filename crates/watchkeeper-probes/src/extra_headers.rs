//! Headers of the operator's that go out with every probe.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use watchkeeper_core::secret::Secret;

use crate::options::ProbeSetupError;
use crate::params::KEPT_HEADERS;

/// Headers that say who asks. They are the business of the check, or of the proxy's URL.
const OWN_HEADERS: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "host",
    "user-agent",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "xi-api-key",
    "x-amz-date",
    "x-amz-security-token",
];

/// The headers as they are sent; a name given twice is sent once, with the last value.
///
/// # Errors
/// A name that is none, is the client's own or proves who asks; a value that no header may hold. Errors do not quote
/// values.
pub(crate) fn build(given: &[(String, Secret)]) -> Result<HeaderMap, ProbeSetupError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let refused = |why| ProbeSetupError::Header {
            name: name.clone(),
            why,
        };
        let parsed = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| refused("that is no header's name"))?;
        let taken = OWN_HEADERS
            .iter()
            .chain(&KEPT_HEADERS)
            .any(|own| parsed.as_str() == *own);
        if taken {
            return Err(refused(
                "probes set it themselves; a key belongs to its entry (`api_key`, `extra_headers`)",
            ));
        }
        let mut value = HeaderValue::from_str(value.expose().trim()).map_err(|_| {
            refused("its value holds a line break or another character that no header may hold")
        })?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(headers)
}

/// Adds them to a request's own, which go first.
pub(crate) fn add(extra: &HeaderMap, headers: &mut HeaderMap) {
    for (name, value) in extra {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, value: &str) -> Vec<(String, Secret)> {
        vec![(name.to_owned(), Secret::new(value))]
    }

    #[test]
    fn what_a_request_says_itself_is_not_overwritten() {
        let mut extra = given("X-Team", "ops");
        extra.extend(given("accept", "text/html"));
        let extra = build(&extra).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/json"));
        add(&extra, &mut headers);
        assert_eq!(headers["accept"], "application/json");
        assert_eq!(headers["x-team"], "ops");
        assert!(headers["x-team"].is_sensitive());
    }

    #[test]
    fn headers_that_prove_who_asks_or_cannot_be_sent_are_refused_without_their_value() {
        for (name, value) in [
            ("Authorization", "Bearer hunter22"),
            ("X-API-Key", "hunter22"),
            ("Host", "hunter22"),
            ("User-Agent", "hunter22"),
            ("Content-Length", "hunter22"),
            ("x y", "hunter22"),
            ("", "hunter22"),
            ("x-a", "hunter22\nx"),
        ] {
            let text = build(&given(name, value)).unwrap_err().to_string();
            assert!(text.contains(&format!("`{name}`")), "{text}");
            assert!(!text.contains("hunter22"), "{text}");
        }
    }
}
