//! What a prober is built from.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::Clock;

use crate::credentials::VARIABLES;
use crate::endpoint::Endpoint;
use crate::providers;

/// What a prober is built from.
#[derive(Clone)]
pub struct ProberOptions {
    /// Where latency and the time of a verdict come from.
    pub clock: Arc<dyn Clock>,
    /// The environment's keys and bases for entries that name none.
    pub keys: ProviderKeys,
    /// Certificates in PEM that are trusted beside the built-in ones.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the process count.
    pub proxies_from_env: bool,
    /// Proxies by value. Where one is set, these count and the process's variables do not.
    pub proxies: Proxies,
    /// Headers for every probe, beside those of the entry, which go first. None may prove who asks.
    pub headers: Vec<(String, Secret)>,
    /// The version in `User-Agent: watchkeeper/<version>`.
    pub version: String,
}

impl ProberOptions {
    /// No keys, no extra CA, proxies from the environment, this build's version.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            keys: ProviderKeys::default(),
            extra_ca_pem: None,
            proxies_from_env: true,
            proxies: Proxies::default(),
            headers: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl ProberOptions {
    /// What is in here that must be kept out of every text, beside the keys: header values, proxies' logins.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let headers = self.headers.iter().map(|(_, value)| value.clone());
        headers.chain(self.proxies.secrets()).collect()
    }
}

/// Proxies, as the variables of the same names give them.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// `HTTP_PROXY`: for `http://`.
    pub http: Option<Secret>,
    /// `HTTPS_PROXY`: for `https://`.
    pub https: Option<Secret>,
    /// `ALL_PROXY`: for what the other two leave.
    pub all: Option<Secret>,
    /// `NO_PROXY`: names, addresses and networks that are asked directly, with commas between them.
    pub no_proxy: Option<String>,
}

impl Proxies {
    /// Whether any is set.
    pub(crate) fn is_set(&self) -> bool {
        [&self.http, &self.https, &self.all]
            .into_iter()
            .flatten()
            .any(|proxy| !proxy.expose().trim().is_empty())
    }

    /// The logins, whole and in parts, and as the proxy sees them.
    fn secrets(&self) -> impl Iterator<Item = Secret> {
        let proxies = [&self.http, &self.https, &self.all].into_iter().flatten();
        proxies
            .filter_map(|proxy| Endpoint::parse("proxy", proxy.expose()).ok())
            .flat_map(|endpoint| {
                let basic = endpoint.basic();
                let basic = basic.and_then(|value| Some(value.strip_prefix("Basic ")?.to_owned()));
                let password = endpoint.login.map(|(_, password)| password);
                [basic, password]
            })
            .flatten()
            .filter(|secret| !secret.is_empty())
            .map(Secret::new)
    }
}

/// Keys and base URLs that providers read from the environment, as LiteLLM does.
///
/// Handed in as a map, so that nothing here reads the process environment. A key from here goes to its own vendor
/// only: an entry with a base URL of its own never gets it.
#[derive(Clone, Default)]
pub struct ProviderKeys(HashMap<&'static str, Secret>);

/// What stands in the name of a variable that holds a secret.
const SECRET_NAMES: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS"];

/// How the name of a variable ends that says where a secret is kept: errors have to show it.
const PLACES: [&str; 3] = ["_FILE", "_DIR", "_URL"];

impl ProviderKeys {
    /// The variables that are looked at; all others are dropped on the way in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        providers::all()
            .flat_map(|provider| {
                [provider.base_vars, provider.key_vars, provider.other_vars]
                    .into_iter()
                    .flatten()
                    .copied()
            })
            .chain(VARIABLES)
    }

    /// Takes the known variables out of an environment. Empty values count as unset.
    pub fn from_vars<K, V>(vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let names: HashSet<&'static str> = Self::names().collect();
        let known = vars.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref().trim();
            let name = *names.get(name.as_ref())?;
            (!value.is_empty()).then(|| (name, Secret::new(value)))
        });
        Self(known.collect())
    }

    /// The value of one of [`Self::names`].
    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name)
    }

    /// The values that must be kept out of every text: keys and the like, and addresses with a login in them.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.0
            .iter()
            .filter(|(name, value)| {
                let named = SECRET_NAMES.iter().any(|part| name.contains(part))
                    && !PLACES.iter().any(|end| name.ends_with(end))
                    && !value.expose().starts_with(['/', '~']);
                named || value.expose().contains('@')
            })
            .map(|(_, value)| value)
    }
}

impl fmt::Debug for ProviderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a prober could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ProbeSetupError {
    /// The extra CA file is not what it should be.
    #[error(
        "the extra CA is not usable: {0}; give a PEM file with at least one `CERTIFICATE` block"
    )]
    ExtraCa(String),
    /// A proxy is not what it should be.
    #[error("`{0}` is not the address of a proxy; write it as `http://host:port`")]
    Proxy(&'static str),
    /// An extra header cannot be sent.
    #[error("the extra header `{name}` cannot be sent: {why}")]
    Header {
        /// Its name as given.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// TLS or the HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_and_set_variables_are_kept_and_none_is_printed() {
        let keys = ProviderKeys::from_vars([
            ("OPENAI_API_KEY", "sk-live-1"),
            ("OPENAI_BASE_URL", " "),
            ("SECRET_OF_ANOTHER_PROGRAM", "hunter22"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/adc.json"),
        ]);
        assert_eq!(keys.secrets().count(), 1);
        assert_eq!(keys.get("OPENAI_API_KEY").unwrap().expose(), "sk-live-1");
        let shown = format!("{keys:?}");
        assert!(shown.contains("OPENAI_API_KEY"), "{shown}");
        assert!(
            !shown.contains("sk-live") && !shown.contains("hunter22"),
            "{shown}"
        );
        assert!(keys.get("SECRET_OF_ANOTHER_PROGRAM").is_none());
    }
}
