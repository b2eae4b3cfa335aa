//! `[probe.headers]`.

use std::collections::BTreeMap;

use watchkeeper_core::secret::Secret;

use super::Resolver;
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::lenient::Opaque;

/// Most headers, and the most bytes of a name and of a value.
const MAX_HEADERS: usize = 32;
const MAX_NAME_BYTES: usize = 128;
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// They frame the message, or ask for an answer that cannot be read.
const FRAMING: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-connection",
];
/// They prove who asks, and these headers go to every vendor.
const KEYS: [&str; 7] = [
    "api-key",
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
    "xi-api-key",
];

impl Resolver<'_> {
    pub(super) fn headers(
        &mut self,
        raw: &BTreeMap<String, Opaque>,
    ) -> Result<Vec<(String, Secret)>, ConfigError> {
        if raw.len() > MAX_HEADERS {
            return Err(self.invalid(
                "probe.headers",
                format!("has {} headers: {MAX_HEADERS} at most", raw.len()),
            ));
        }
        let mut out: Vec<(String, Secret)> = Vec::with_capacity(raw.len());
        for (name, value) in raw {
            let key = format!("probe.headers.{name}");
            let name = name.to_ascii_lowercase();
            if let Some(why) = wrong_name(&name) {
                return Err(self.invalid(&key, why));
            }
            if out.iter().any(|(known, _)| *known == name) {
                return Err(self.invalid(&key, "stands there twice: case does not count"));
            }
            // A dot in a name hides who wrote it; a header is always of our own layers.
            let rank = self.layers.rank(&key).max(Rank::Toml);
            let value = self.referred(&key, &value.0, rank)?;
            let good = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
            if value.len() > MAX_VALUE_BYTES || !value.bytes().all(good) {
                return Err(self.invalid(
                    &key,
                    format!(
                        "must have at most {MAX_VALUE_BYTES} characters, all of ASCII and printable"
                    ),
                ));
            }
            let origin = self.origin(&key);
            self.origins.insert(format!("probe.headers.{name}"), origin);
            out.push((name, Secret::new(value)));
        }
        out.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(out)
    }
}

/// Why a name in lower case cannot be that of a header.
fn wrong_name(name: &str) -> Option<&'static str> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(token) {
        return Some("is no header's name: letters, digits and `-`, 128 at most");
    }
    if FRAMING.contains(&name) {
        return Some("frames the message, which only the client may do: leave it out");
    }
    if KEYS.contains(&name) {
        return Some(
            "would send one key to every vendor: give it to the check that needs it, as `api_key` or in `params.extra_headers`",
        );
    }
    None
}
