//! Names newer than the table: `gpt-5.9-mini`, `o5-mini`, `claude-opus-7`.
//!
//! LiteLLM fetches its cost map from the network at start, so a running proxy knows names that the table here does not.
//! A name that the table should know but does not is an old one that LiteLLM has dropped; guessing there would ask, and
//! pay, for nothing. So only a *newer* name of a known family is taken. The rules:
//!
//! 1. Claude, by the two patterns that LiteLLM has itself: `claude-WORD-MAJOR`, with a minor and a date or without; and
//!    anything after `anthropic.claude-`, behind at most one region (`us.`), is Bedrock's.
//! 2. A name up to its first digit is its family (`gpt-`, `o`, `text-embedding-`), the number there its version, with a
//!    minor behind a dot or a dash. Zeros in front make another family (`text-embedding-005` is not OpenAI's). A size
//!    (`20b`) is no version.
//! 3. The family counts if its listed names have one provider, taking those of its newest major number and the one
//!    before it, and if a single name or a single letter is not all that speaks for it.
//! 4. The version must be later than all that are listed: of a higher major number, or of the newest or the one before
//!    it with a higher minor. A number over twice the newest is another way of counting (`gpt-35-turbo`).

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::names::{Bare, bare};

/// How many times the newest listed number a newer one may be.
const MOST_TIMES: u64 = 2;

/// Who serves a name that the table does not have, and what it does if the whole family does the same.
pub(super) fn newer(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    if let Some(provider) = claude(name) {
        return Some((provider, Some("chat")));
    }
    let (key, version) = parse(name)?;
    families().get(&key)?.newer(version)
}

/// LiteLLM's own two patterns.
fn claude(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let behind_region = match name.split_once('.') {
        Some((region, rest))
            if rest.starts_with("anthropic.")
                && !region.is_empty()
                && region.chars().all(|c| c.is_ascii_lowercase() || c == '-') =>
        {
            rest
        }
        _ => name.as_str(),
    };
    if behind_region.starts_with("anthropic.claude-") {
        return Some("bedrock");
    }
    let (word, version) = name.strip_prefix("claude-")?.split_once('-')?;
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_lowercase()) {
        return None;
    }
    let all_digits =
        |part: &str| !part.is_empty() && part.chars().all(|c: char| c.is_ascii_digit());
    let is_date = |part: &str| part.len() == 8 && all_digits(part);
    // `4`, `4-5`, `4.5`, `4-20250514`, `4-5-20250929`.
    let numbers = match version.rsplit_once('-') {
        Some((before, date)) if is_date(date) => before,
        _ => version,
    };
    let mut parts = numbers.splitn(2, ['-', '.']);
    let good = parts.next().is_some_and(all_digits) && parts.next().is_none_or(all_digits);
    good.then_some("anthropic")
}

/// The name up to its first digit, and whether the number there has zeros in front.
type Key = (String, bool);
/// Major and minor.
type Version = (u64, u64);

fn parse(name: &str) -> Option<(Key, Version)> {
    // A path or a colon's suffix is no part of a bare name's version.
    if name.contains('/') {
        return None;
    }
    let at = name.find(|c: char| c.is_ascii_digit())?;
    let (stem, rest) = name.split_at_checked(at)?;
    if !stem.contains(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let (major, rest) = number(rest)?;
    if is_size(rest) {
        return None;
    }
    let padded = major.len() > 1 && major.starts_with('0');
    let minor = rest
        .strip_prefix(['.', '-'])
        .and_then(number)
        .filter(|(digits, rest)| {
            digits.len() <= 2 && !rest.starts_with(|c: char| c.is_ascii_alphabetic())
        })
        .map_or("0", |(digits, _)| digits);
    Some((
        (stem.to_owned(), padded),
        (major.parse().ok()?, minor.parse().ok()?),
    ))
}

fn number(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(digits, _)| !digits.is_empty())
}

fn is_size(rest: &str) -> bool {
    let mut chars = rest.chars();
    matches!(chars.next(), Some('b' | 'B' | 'k' | 'K'))
        && !chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
}

struct Family {
    newest: u64,
    /// Versions of the newest major number and the one before it.
    versions: Vec<Version>,
    provider: &'static str,
    mode: Option<&'static str>,
}

impl Family {
    fn of(key: &Key, listed: &[(Version, Bare)]) -> Option<Self> {
        let newest = listed.iter().map(|((major, _), _)| *major).max()?;
        let recent: Vec<&(Version, Bare)> = listed
            .iter()
            .filter(|((major, _), _)| *major + 1 >= newest)
            .collect();
        let one = |values: HashSet<&'static str>| {
            let mut values = values.into_iter();
            values.next().filter(|_| values.next().is_none())
        };
        let provider = one(recent.iter().map(|(_, bare)| bare.provider).collect())?;
        let mode = one(recent.iter().map(|(_, bare)| bare.mode).collect());
        let versions: Vec<Version> = recent.iter().map(|(version, _)| *version).collect();
        let several_versions = listed.iter().map(|(v, _)| v).collect::<HashSet<_>>().len() > 1;
        let a_word = key.0.chars().filter(char::is_ascii_alphabetic).count() > 1;
        (several_versions || (a_word && listed.len() > 1)).then_some(Self {
            newest,
            versions,
            provider,
            mode,
        })
    }

    fn newer(&self, version: Version) -> Option<(&'static str, Option<&'static str>)> {
        let (major, minor) = version;
        let higher_minor = || {
            let same: Vec<u64> = self
                .versions
                .iter()
                .filter(|(listed, _)| *listed == major)
                .map(|(_, minor)| *minor)
                .collect();
            same.iter().max().is_some_and(|newest| minor > *newest)
        };
        let later = if major > self.newest {
            major <= self.newest.saturating_mul(MOST_TIMES)
        } else {
            higher_minor()
        };
        later.then_some((self.provider, self.mode))
    }
}

fn families() -> &'static HashMap<Key, Family> {
    static FAMILIES: OnceLock<HashMap<Key, Family>> = OnceLock::new();
    FAMILIES.get_or_init(|| {
        let mut listed: HashMap<Key, Vec<(Version, Bare)>> = HashMap::new();
        for (name, bare) in bare() {
            if let Some((key, version)) = parse(name) {
                listed.entry(key).or_default().push((version, *bare));
            }
        }
        listed
            .into_iter()
            .filter_map(|(key, listed)| Family::of(&key, &listed).map(|family| (key, family)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_name_of_a_known_family_has_its_provider() {
        for (name, provider) in [
            ("gpt-5.9-mini", "openai"),
            ("gpt-7", "openai"),
            ("o5-mini", "openai"),
            ("text-embedding-4-small", "openai"),
            ("tts-2", "openai"),
            ("gpt-realtime-2026-08-28", "openai"),
            ("gemini-4-pro", "vertex_ai"),
            ("text-embedding-006", "vertex_ai"),
            ("claude-opus-9", "anthropic"),
            ("claude-newfamily-5-1", "anthropic"),
            ("claude-sonnet-4-20270101", "anthropic"),
            ("us.anthropic.claude-opus-9-v1:0", "bedrock"),
            ("anthropic.claude-anything", "bedrock"),
            ("amazon.nova-3-pro-v1:0", "bedrock"),
            ("us.meta.llama5-70b-instruct-v1:0", "bedrock"),
            ("mistral.mistral-large-2512-v1:0", "bedrock"),
            ("rerank-v5.0-pro", "cohere"),
        ] {
            assert_eq!(newer(name).map(|(p, _)| p), Some(provider), "{name}");
        }
    }

    #[test]
    fn a_retired_name_or_another_way_of_counting_is_nobodys() {
        for name in [
            "claude-3-haiku-20240307",
            "claude-3-5-sonnet-latest",
            "claude-2.1",
            "gpt-4-turbo-preview",
            "gpt-4-vision-preview",
            "gpt-4.5-preview",
            "gpt-4.1-long-context",
            "gpt-4-32k",
            "gpt-35-turbo",
            "gpt-5-turbo",
            "o1-preview",
            "o2",
            "gemini-1.5-pro",
            "gemini-2.0-flash",
            "gemini-pro",
            "text-embedding-002",
            "j3-x",
            "model-2",
            "v2",
            "99",
            "",
            "bedrockz/anthropic.claude-9",
            "foo.bar.anthropic.claude-9",
            "claude--5",
            "claude-opus-4-5-6",
            "claude-opus-4-5-preview",
        ] {
            assert_eq!(newer(name), None, "{name}");
        }
    }

    #[test]
    fn a_mode_is_known_where_the_whole_family_has_it() {
        assert_eq!(
            newer("text-embedding-4-small"),
            Some(("openai", Some("embedding")))
        );
        assert_eq!(newer("tts-2"), Some(("openai", Some("audio_speech"))));
        assert_eq!(newer("claude-opus-9"), Some(("anthropic", Some("chat"))));
        assert_eq!(newer("gpt-5.9-mini"), Some(("openai", None)));
    }
}
