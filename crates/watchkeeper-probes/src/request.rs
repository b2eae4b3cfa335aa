//! A probe's request as a value: built without sending, compared in tests, shown by `check --plan`.

use std::hash::{Hash, Hasher};

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;
use watchkeeper_core::probe::{Identity, Plan, Tier};

use crate::credentials::Signing;
use crate::endpoint;
use crate::key::Proof;
use crate::promise::Promise;
use crate::send::{MAX_ANSWER_BYTES, MAX_MEDIA_BYTES};

/// How a request proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer`.
    Bearer,
    /// A key in a header of the vendor's own.
    Key,
    /// A signature of the AWS kind.
    SigV4,
    /// A token fetched from an identity provider.
    Token,
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
            Self::Key => "key",
            Self::SigV4 => "sigv4",
            Self::Token => "oauth",
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
    /// What is put in just before it leaves.
    pub(crate) signing: Signing,
    /// Whether the upstream bills it.
    pub(crate) billed: bool,
    /// Why it cannot be sent although it can be planned: a key that is missing. Holds no secret.
    pub(crate) unsendable: Option<String>,
    /// What kind of probe it is.
    pub(crate) tier: Tier,
    /// What a good answer holds.
    pub(crate) promise: Promise,
    /// Whether it needs HTTP/1.1: a handshake for another protocol.
    pub(crate) http1: bool,
    /// The most of an answer that is read, in bytes.
    pub(crate) most_answer: usize,
}

impl ProbeRequest {
    /// A GET that bills nothing, without headers: the free kind.
    pub(crate) fn get(url: Url, promise: Promise) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            auth: Auth::None,
            signing: Signing::None,
            billed: false,
            unsendable: None,
            tier: Tier::Free,
            promise,
            http1: false,
            most_answer: MAX_ANSWER_BYTES,
        }
    }

    /// A POST of JSON like those of users, billed.
    pub(crate) fn post(url: Url, body: &Map<String, Value>, promise: Promise) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self {
            method: Method::POST,
            headers,
            body: serde_json::to_vec(body).ok(),
            billed: true,
            tier: Tier::Inference,
            ..Self::get(url, promise)
        }
    }

    /// With room for an answer that holds a picture or sound as text.
    pub(crate) fn for_media(mut self) -> Self {
        self.most_answer = MAX_MEDIA_BYTES;
        self
    }

    /// With this proof of who it is.
    pub(crate) fn proved(mut self, (auth, unsendable): Proof) -> Self {
        self.auth = auth;
        self.unsendable = unsendable;
        self
    }

    /// What `check --plan` shows of it.
    pub(crate) fn plan(&self, provider: &str, mode: &str) -> Plan {
        Plan {
            provider: provider.to_owned(),
            mode: mode.to_owned(),
            method: self.method.to_string(),
            url: endpoint::shown(&self.url),
            auth: self.auth.as_str().to_owned(),
            billed: self.billed,
            tier: self.tier,
            most_cost: None,
            identity: Some(self.identity()),
        }
    }

    /// With a proof that is put in just before it leaves.
    pub(crate) fn signed(mut self, auth: Auth, signing: Signing) -> Self {
        self.auth = auth;
        self.signing = signing;
        self
    }

    /// A digest of all that is sent, the key or whose signature it is included, and of what is promised in return: two
    /// models of one server are asked for by the same list, and one may stand in it without the other.
    pub(crate) fn identity(&self) -> Identity {
        let mut digest = Sha256::new();
        let mut field = |bytes: &[u8]| {
            digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(bytes);
        };
        field(self.method.as_str().as_bytes());
        field(self.url.as_str().as_bytes());
        for (name, value) in &self.headers {
            field(name.as_str().as_bytes());
            field(value.as_bytes());
        }
        field(self.body.as_deref().unwrap_or_default());
        self.signing.hash(&mut Feed(&mut digest));
        self.promise.hash(&mut Feed(&mut digest));
        let mut identity = [0; 16];
        for (to, from) in identity.iter_mut().zip(digest.finalize()) {
            *to = from;
        }
        Identity(identity)
    }
}

/// Feeds what is hashed into a digest.
struct Feed<'a>(&'a mut Sha256);

impl Hasher for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
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

#[cfg(test)]
mod tests {
    use watchkeeper_core::secret::Secret;

    use super::*;
    use crate::credentials::google::Source;
    use crate::promise::Models;

    #[test]
    fn requests_in_the_names_of_two_accounts_are_two_requests() {
        let of = |credentials: Option<&str>| {
            let url = Url::parse("https://h/").unwrap();
            let credentials = credentials.map(Secret::new);
            ProbeRequest::get(url, Promise::Success)
                .signed(Auth::Token, Signing::Google(Source { credentials }))
                .identity()
        };
        assert_eq!(of(Some("a.json")), of(Some("a.json")));
        assert_ne!(of(Some("a.json")), of(Some("b.json")));
        assert_ne!(of(Some("a.json")), of(None));
    }

    #[test]
    fn one_list_that_is_searched_for_two_models_is_two_questions() {
        let of = |wanted: Option<&str>| {
            let promise = Promise::Models(Models {
                list: "data",
                names: &["id"],
                wanted: wanted.map(str::to_owned),
            });
            ProbeRequest::get(Url::parse("https://h/models").unwrap(), promise).identity()
        };
        assert_eq!(of(Some("a")), of(Some("a")));
        assert_ne!(of(Some("a")), of(Some("b")));
        assert_ne!(of(Some("a")), of(None));
    }
}
