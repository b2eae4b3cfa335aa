//! Keeps a check's secrets out of every text, also when an upstream echoes them whole, cut or encoded.

use std::collections::HashSet;

use serde_json::{Map, Value};
use url::Url;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::secret::{Secret, redact};
use watchkeeper_core::verdict::{MAX_ERROR_BYTES, cut};

use crate::endpoint::Endpoint;
use crate::options::ProviderKeys;

/// Pieces of a secret from this length on are blanked too: upstreams cut keys, and escape or encode parts of them.
/// Shorter pieces are vendors' prefixes (`sk-proj-`) and ordinary words.
const MIN_PIECE_BYTES: usize = 8;

/// Shorter secrets than core looks for are blanked from this length on, where they stand as words of their own.
const MIN_WORD_BYTES: usize = 3;

/// Names of parameters that hold secrets, by what stands in them.
const SECRET_NAMES: [&str; 9] = [
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "credential",
    "auth",
    "cookie",
    "signature",
];

/// Ends of names that hold an address, whatever else stands in them.
const ADDRESSES: [&str; 2] = ["_uri", "_url"];

/// Ends of names whose numbers are limits or prices.
const COUNTS: [&str; 2] = ["_tokens", "_per_token"];

/// Beginnings by which a secret shows under any name.
const SECRET_STARTS: [&str; 21] = [
    "sk-",
    "Bearer ",
    "Basic ",
    "AKIA",
    "ASIA",
    "AIza",
    "ya29.",
    "ghp_",
    "gho_",
    "ghu_",
    "github_pat_",
    "tid=",
    "eyJ",
    "xox",
    "hf_",
    "gsk_",
    "xai-",
    "r8_",
    "nvapi-",
    "pplx-",
    "-----BEGIN",
];

/// The secrets of one check.
pub(crate) struct Scrubber(Vec<Secret>);

impl Scrubber {
    /// Collects what must not be shown: keys, logins and query values of URLs, header values, secret parameters.
    pub(crate) fn of(check: &Check, keys: &ProviderKeys) -> Self {
        let mut all = Self(Vec::new());
        match &check.target {
            Target::Model(model) => {
                for secret in model.api_key.iter().chain(keys.secrets()) {
                    all.add_param("", &Value::from(secret.expose()), true);
                }
                for base in model.api_base.iter().map(Secret::expose) {
                    all.add_url(base);
                }
                for (name, value) in &model.params {
                    if [
                        "base_url",
                        "api_base",
                        "aws_bedrock_runtime_endpoint",
                        "sagemaker_base_url",
                    ]
                    .contains(&name.as_str())
                    {
                        all.add_url(value.as_str().unwrap_or_default());
                    }
                    all.add_param(name, value, is_headers(name));
                }
            }
            Target::Http { url } => all.add_url(url.expose()),
            Target::Tcp { .. } | Target::Invalid { .. } => {}
        }
        all.sorted()
    }

    /// With these beside them.
    pub(crate) fn and(mut self, secrets: &[Secret]) -> Self {
        if secrets.is_empty() {
            return self;
        }
        for secret in secrets {
            self.add(secret.expose());
        }
        self.sorted()
    }

    /// Longest first: a secret inside another must not leave the rest of it standing.
    fn sorted(mut self) -> Self {
        self.0.sort_by_key(|s| std::cmp::Reverse(s.expose().len()));
        self
    }

    fn add(&mut self, secret: &str) {
        for part in [secret, secret.trim()]
            .into_iter()
            .chain(secret.split_whitespace())
        {
            let known = self.0.iter().any(|s| s.expose() == part);
            if !part.is_empty() && !known {
                self.0.push(Secret::new(part));
            }
        }
    }

    fn add_url(&mut self, text: &str) {
        let Ok(url) = Url::parse(text.trim()) else {
            // not a URL, so never sent and never echoed; but nothing of it may be shown
            self.add(text);
            return;
        };
        self.add(url.username());
        self.add(url.password().unwrap_or_default());
        if let Ok(endpoint) = Endpoint::parse("", text) {
            self.add(&endpoint.basic().unwrap_or_default());
            if let Some((user, password)) = &endpoint.login {
                self.add(user);
                self.add(password);
            }
        }
        for pair in url.query().unwrap_or_default().split('&') {
            self.add(pair.split_once('=').map_or(pair, |(_, value)| value));
        }
        for (_, value) in url.query_pairs() {
            self.add(&value);
        }
    }

    fn add_param(&mut self, name: &str, value: &Value, secret: bool) {
        let name = name.to_ascii_lowercase();
        let named = SECRET_NAMES.iter().any(|part| name.contains(part));
        let secret = secret || named && !ADDRESSES.iter().any(|end| name.ends_with(end));
        let shows = |text: &str| SECRET_STARTS.iter().any(|start| text.starts_with(start));
        match value {
            Value::String(text) if let Some(inner) = mapping(text) => {
                // credentials as JSON: most of it is public, and words of it stand in every error
                for (inner, value) in &inner {
                    self.add_param(inner, value, false);
                }
            }
            Value::String(text) if secret || shows(text) => self.add(text),
            // limits and prices are named after tokens, and errors tell them
            Value::Number(number) if secret && !COUNTS.iter().any(|end| name.ends_with(end)) => {
                self.add(&number.to_string());
            }
            Value::Object(map) => {
                // headers are secrets one and all; of other mappings those that are named so
                for (inner, value) in map {
                    self.add_param(inner, value, secret && !is_credentials(&name));
                }
            }
            Value::Array(list) => {
                for value in list {
                    self.add_param(&name, value, secret);
                }
            }
            _ => {}
        }
    }

    /// The text on one line, without the secrets or pieces of them, at most [`MAX_ERROR_BYTES`] long.
    pub(crate) fn clean(&self, text: &str) -> String {
        let text = redact(text, &self.0);
        let text = self.blank_pieces(&text);
        let mut line = String::with_capacity(MAX_ERROR_BYTES);
        for word in text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
        {
            if line.len() > MAX_ERROR_BYTES {
                break;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        cut(&line, MAX_ERROR_BYTES).to_owned()
    }

    fn blank_pieces(&self, text: &str) -> String {
        let pieces: HashSet<&[u8]> = self
            .0
            .iter()
            .flat_map(|s| s.expose().as_bytes().windows(MIN_PIECE_BYTES))
            .collect();
        let mut hidden = vec![false; text.len()];
        for secret in self.0.iter().map(Secret::expose) {
            if (MIN_WORD_BYTES..MIN_PIECE_BYTES).contains(&secret.len()) {
                for (start, _) in text.match_indices(secret) {
                    if is_word(text, start, secret.len()) {
                        hide(&mut hidden, start, secret.len());
                    }
                }
            }
        }
        for (start, window) in text.as_bytes().windows(MIN_PIECE_BYTES).enumerate() {
            if pieces.contains(window) {
                hide(&mut hidden, start, MIN_PIECE_BYTES);
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut blanked = false;
        for (at, c) in text.char_indices() {
            let hide = hidden.iter().skip(at).take(c.len_utf8()).any(|h| *h);
            if !hide {
                out.push(c);
            } else if !blanked {
                out.push_str("***");
            }
            blanked = hide;
        }
        out
    }
}

fn hide(hidden: &mut [bool], start: usize, length: usize) {
    hidden
        .iter_mut()
        .skip(start)
        .take(length)
        .for_each(|h| *h = true);
}

/// Whether no letter or digit touches this part of the text.
fn is_word(text: &str, start: usize, length: usize) -> bool {
    let before = text.get(..start).and_then(|t| t.chars().next_back());
    let after = text.get(start + length..).and_then(|t| t.chars().next());
    ![before, after]
        .into_iter()
        .flatten()
        .any(char::is_alphanumeric)
}

/// A text that is a JSON object.
fn mapping(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim();
    text.starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// Parameters that hold a mapping with public values among the secret ones.
fn is_credentials(name: &str) -> bool {
    name.contains("credential")
}

/// Parameters whose every value is a header's, so possibly a secret.
fn is_headers(name: &str) -> bool {
    matches!(name, "extra_headers" | "headers")
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
