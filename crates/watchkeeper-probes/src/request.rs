//! A probe's request as a value: built without sending, compared in tests, shown by `check --plan`.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use watchkeeper_core::probe::Plan;

use crate::endpoint;

/// How a request proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer`.
    Bearer,
    /// User and password of the URL.
    Basic,
    /// A header that the entry's `extra_headers` give.
    Header,
}

impl Auth {
    /// The word in a plan.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Header => "header",
        }
    }
}

/// One request, ready to be sent.
#[derive(Clone)]
pub(crate) struct ProbeRequest {
    pub(crate) method: Method,
    /// Without user and password; a query may hold a secret.
    pub(crate) url: Url,
    /// All but `Host`, `User-Agent` and `Content-Length`, which the client adds.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) auth: Auth,
    /// Whether the upstream bills it.
    pub(crate) billed: bool,
    /// Why it cannot be sent although it can be planned: a key that is missing. Holds no secret.
    pub(crate) unsendable: Option<String>,
}

impl ProbeRequest {
    /// The plan that `check --plan` shows.
    pub(crate) fn plan(&self, provider: &str, mode: &str) -> Plan {
        Plan {
            provider: provider.to_owned(),
            mode: mode.to_owned(),
            method: self.method.to_string(),
            url: endpoint::shown(&self.url),
            auth: self.auth.as_str().to_owned(),
            billed: self.billed,
            ..Plan::default()
        }
    }
}

/// Sets `Authorization`; `false` if the value cannot stand in a header.
#[must_use]
pub(crate) fn authorize(headers: &mut HeaderMap, value: &str) -> bool {
    match HeaderValue::from_str(value) {
        Ok(mut value) => {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
            true
        }
        Err(_) => false,
    }
}
