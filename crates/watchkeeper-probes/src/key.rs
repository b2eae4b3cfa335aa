//! Which key a request carries, and how.
//!
//! A key goes to its own vendor only: the entry's key to the entry's endpoint; a key of the environment to the vendor's
//! own endpoint, or to the base that the same environment names for the same provider.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::ask::Ask;
use crate::base::{Base, Origin};
use crate::request::{Auth, authorize};

/// How a provider takes its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// `Authorization: WORD KEY`.
    Word(&'static str),
    /// A header of its own.
    Header(&'static str),
}

/// How a request proves who it is, and why nothing can be sent if that is so.
pub(crate) type Proof = (Auth, Option<String>);

/// The key for an endpoint of this base: the entry's own, else the environment's where it may go.
pub(crate) fn find<'a>(ask: &Ask<'a>, base: &Base) -> Option<&'a str> {
    own(ask).or_else(|| of_environment(ask, base, ask.provider.key_vars))
}

/// The entry's own key.
pub(crate) fn own<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    set(ask.target.api_key.as_ref()?.expose())
}

/// The first key of these variables, if the environment's keys may go to an endpoint of this base.
pub(crate) fn of_environment<'a>(ask: &Ask<'a>, base: &Base, names: &[&str]) -> Option<&'a str> {
    let may = base.origin != Origin::Entry;
    may.then(|| ask.variable(names)).flatten().and_then(set)
}

/// A key without the space around it, if there is one.
fn set(key: &str) -> Option<&str> {
    Some(key.trim()).filter(|key| !key.is_empty())
}

/// Puts the key into the headers as the provider's scheme wants it.
///
/// A login in the URL wins over the key, as in the HTTP library under OpenAI's SDK: such bases stand behind a proxy
/// that wants it, with a placeholder for a key.
pub(crate) fn prove(ask: &Ask<'_>, base: &Base, headers: &mut HeaderMap) -> Proof {
    if let Some(value) = base.endpoint.basic() {
        // base64 can always stand in a header
        let _ = authorize(headers, &value);
        return (Auth::Basic, None);
    }
    match find(ask, base) {
        Some(key) => put(ask.provider.scheme, key, headers),
        None if base.origin == Origin::Vendor && ask.provider.needs_key => {
            (auth_of(ask.provider.scheme), Some(missing(ask)))
        }
        None => (Auth::None, None),
    }
}

/// Puts this key into the headers.
pub(crate) fn put(scheme: Scheme, key: &str, headers: &mut HeaderMap) -> Proof {
    let done = match scheme {
        Scheme::Bearer => authorize(headers, &format!("Bearer {key}")),
        Scheme::Word(word) => authorize(headers, &format!("{word} {key}")),
        Scheme::Header(name) => match HeaderValue::from_str(key) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(HeaderName::from_static(name), value);
                true
            }
            Err(_) => false,
        },
    };
    let refused = (!done).then(|| {
        "the API key holds a character that no header may hold, such as a line break".to_owned()
    });
    (auth_of(scheme), refused)
}

/// What is said where a vendor's own endpoint would be asked without a key.
pub(crate) fn missing(ask: &Ask<'_>) -> String {
    match ask.provider.key_vars.first() {
        Some(name) => format!("no API key; set `api_key` of this entry, or `{name}`"),
        None => "no API key; set `api_key` of this entry".to_owned(),
    }
}

const fn auth_of(scheme: Scheme) -> Auth {
    match scheme {
        Scheme::Bearer => Auth::Bearer,
        Scheme::Word(_) | Scheme::Header(_) => Auth::Key,
    }
}
