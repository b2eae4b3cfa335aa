//! Who is let in.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::watch;
use watchkeeper_core::secret::Secret;

use crate::reply::{self, Problem};
use crate::state::App;

/// The keys that are let in, as digests: comparing these takes the same time whatever a guess looks like, and whatever
/// its length.
struct Keys(Vec<[u8; 32]>);

/// Who is let in. May change while requests are answered: each is judged by one state of it, the old or the new.
pub struct Access {
    rules: ArcSwap<Rules>,
    /// Counts the changes, for those whose answers go on.
    changes: watch::Sender<u64>,
}

struct Rules {
    keys: Keys,
    metrics_auth: bool,
}

impl Rules {
    fn new(keys: &[Secret], metrics_auth: bool) -> Self {
        Self {
            keys: Keys::new(keys),
            metrics_auth,
        }
    }
}

impl Access {
    /// These keys are let in, to `/metrics` without one unless `metrics_auth`. No keys: everybody is let in, which the
    /// configuration allows on a loopback address only, or where `http.allow_anonymous` says so.
    #[must_use]
    pub fn new(keys: &[Secret], metrics_auth: bool) -> Self {
        Self {
            rules: ArcSwap::from_pointee(Rules::new(keys, metrics_auth)),
            changes: watch::Sender::new(0),
        }
    }

    /// As [`Access::new`] from the next request on.
    pub fn replace(&self, keys: &[Secret], metrics_auth: bool) {
        self.rules.store(Arc::new(Rules::new(keys, metrics_auth)));
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        self.rules.load().keys.check(headers)
    }

    fn check_to_act(&self, headers: &HeaderMap) -> Result<(), MayNotAct> {
        let rules = self.rules.load();
        rules.keys.check(headers).map_err(MayNotAct::Refused)?;
        if rules.keys.0.is_empty() && !is_own_page(headers) {
            return Err(MayNotAct::OtherOrigin);
        }
        Ok(())
    }

    fn check_for_metrics(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let rules = self.rules.load();
        if rules.metrics_auth {
            rules.keys.check(headers)?;
        }
        Ok(())
    }
}

/// The key of a request whose answer goes on: it may be taken away meanwhile.
pub(crate) struct Pass {
    access: Arc<Access>,
    /// The key as it came, and nothing else.
    headers: HeaderMap,
    changes: watch::Receiver<u64>,
    let_in: bool,
}

impl Pass {
    /// Of a request with these headers.
    pub(crate) fn new(access: &Arc<Access>, headers: &HeaderMap) -> Self {
        let mut kept = HeaderMap::new();
        if let Some(key) = headers.get(AUTHORIZATION) {
            let mut key = key.clone();
            key.set_sensitive(true);
            kept.insert(AUTHORIZATION, key);
        }
        // Listens first, so that no change falls in between.
        let changes = access.changes.subscribe();
        Self {
            let_in: access.check(&kept).is_ok(),
            access: Arc::clone(access),
            headers: kept,
            changes,
        }
    }

    /// Whether it is let in now.
    pub(crate) fn holds(&mut self) -> bool {
        if self.changes.has_changed().unwrap_or(false) {
            self.changes.mark_unchanged();
            self.judge();
        }
        self.let_in
    }

    /// Returns once who is let in has changed.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as the access that is kept here.
        let _ = self.changes.changed().await;
        self.judge();
    }

    fn judge(&mut self) {
        self.let_in = self.access.check(&self.headers).is_ok();
    }
}

/// Why a request was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No key came.
    Missing,
    /// Something else than a Bearer key came.
    NotBearer,
    /// The key is not one of ours.
    Wrong,
}

impl Keys {
    fn new(keys: &[Secret]) -> Self {
        Self(
            keys.iter()
                .map(|key| digest(key.expose().as_bytes()))
                .collect(),
        )
    }

    /// Checks a request's key. Without any configured key everybody is let in.
    fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if self.0.is_empty() {
            return Ok(());
        }
        let header = headers.get(AUTHORIZATION).ok_or(Refused::Missing)?;
        let key = bearer(header.as_bytes())?;
        let given = digest(key);
        // Every key is compared, also after a match.
        let found = self
            .0
            .iter()
            .fold(Choice::from(0), |found, key| found | key.ct_eq(&given));
        if bool::from(found) {
            Ok(())
        } else {
            Err(Refused::Wrong)
        }
    }
}

fn digest(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// The key in `Bearer <key>`; the scheme's case does not matter.
fn bearer(header: &[u8]) -> Result<&[u8], Refused> {
    let header = header.trim_ascii();
    if header.is_empty() {
        return Err(Refused::Missing);
    }
    let end = header
        .iter()
        .position(|b| b.is_ascii_whitespace())
        .unwrap_or(header.len());
    let (scheme, key) = header.split_at(end);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(Refused::NotBearer);
    }
    let key = key.trim_ascii();
    if key.is_empty() {
        Err(Refused::Missing)
    } else {
        Ok(key)
    }
}

impl IntoResponse for Refused {
    /// LiteLLM's shape (its `param` is the text `None`); the key that came is not repeated.
    fn into_response(self) -> Response {
        let message = match self {
            Self::Missing => "Authentication Error, No api key passed in.",
            Self::NotBearer => {
                "Authentication Error, Only bearer keys are taken: send `Authorization: Bearer <key>`."
            }
            Self::Wrong => "Authentication Error, Invalid api key passed in.",
        };
        let mut response = reply::problem(
            StatusCode::UNAUTHORIZED,
            &Problem {
                message,
                kind: "auth_error",
                param: Some("None"),
            },
        );
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}

/// Stands in a handler's arguments where a key is needed.
pub(crate) struct Authorized;

impl FromRequestParts<App> for Authorized {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        app.access.check(&parts.headers).map(|()| Self)
    }
}

/// As [`Authorized`], where a request has something done.
///
/// Where no key is configured a page that somebody has open in a browser could send such a request as well as they: one
/// that names another origin than this pod is refused. A key is never sent by a browser on its own.
pub(crate) struct AuthorizedToAct;

/// Why a request may not have something done.
pub(crate) enum MayNotAct {
    /// No key that is let in.
    Refused(Refused),
    /// It comes from a page of somebody else.
    OtherOrigin,
}

impl FromRequestParts<App> for AuthorizedToAct {
    type Rejection = MayNotAct;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, MayNotAct> {
        app.access.check_to_act(&parts.headers).map(|()| Self)
    }
}

/// Whether a request comes from no page at all, or from one that this pod serves: under an address, or the name
/// `localhost`, since any other name may be somebody else's that leads here.
fn is_own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let page = origin.to_str().ok();
    let page = page.and_then(|origin| origin.split_once("://"));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    page.zip(host)
        .is_some_and(|((_, page), host)| page.eq_ignore_ascii_case(host) && is_address(host))
}

fn is_address(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok()
        || bare.is_some_and(|name| name.parse::<Ipv6Addr>().is_ok())
}

impl IntoResponse for MayNotAct {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refused) => refused.into_response(),
            Self::OtherOrigin => reply::problem(
                StatusCode::FORBIDDEN,
                &Problem {
                    message: "without a configured key nothing is done for pages of another origin; configure \
                              `http.api_keys` and send one",
                    kind: "permission_error",
                    param: None,
                },
            ),
        }
    }
}

/// As [`Authorized`], where `http.metrics_auth` asks for it.
pub(crate) struct AuthorizedForMetrics;

impl FromRequestParts<App> for AuthorizedForMetrics {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        app.access.check_for_metrics(&parts.headers).map(|()| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[&str], header: Option<&'static [u8]>) -> Result<(), Refused> {
        let keys: Vec<Secret> = keys.iter().map(Secret::new).collect();
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(header).unwrap());
        }
        Keys::new(&keys).check(&headers)
    }

    #[test]
    fn a_key_is_compared_as_a_whole_and_only_as_a_bearer() {
        let keys = ["sk-one", "sk-two"];
        for good in [
            "Bearer sk-one",
            "bearer sk-two",
            "BEARER   sk-one ",
            "Bearer\tsk-two",
        ] {
            assert_eq!(check(&keys, Some(good.as_bytes())), Ok(()), "{good}");
        }
        for (bad, why) in [
            (None, Refused::Missing),
            (Some(&b""[..]), Refused::Missing),
            (Some(b"Bearer"), Refused::Missing),
            (Some(b"Bearer  "), Refused::Missing),
            (Some(b"Basic c2stb25l"), Refused::NotBearer),
            (Some(b"sk-one"), Refused::NotBearer),
            (Some(b"Bearersk-one"), Refused::NotBearer),
            (Some(b"Bearer sk-on"), Refused::Wrong),
            (Some(b"Bearer sk-one1"), Refused::Wrong),
            (Some(b"Bearer SK-ONE"), Refused::Wrong),
            (Some(b"Bearer sk-one sk-two"), Refused::Wrong),
            (Some(b"Bearer \xff\xfe"), Refused::Wrong),
        ] {
            assert_eq!(check(&keys, bad), Err(why), "{bad:?}");
        }
    }

    #[test]
    fn without_a_configured_key_everybody_is_let_in() {
        assert_eq!(check(&[], None), Ok(()));
        assert_eq!(check(&[], Some(b"Basic x")), Ok(()));
    }
}
