//! One small request for credentials, bounded in size. Time is bounded where credentials are kept.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request};
use serde_json::Value;
use url::Url;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::Clock;
use watchkeeper_core::verdict::Outcome;

use super::Clients;
use super::refusal::{Refusal, quoted};
use super::vars::Vars;
use crate::failure;

/// Longest answer that is read, in bytes: tokens have a few thousand.
pub(crate) const MAX_REPLY_BYTES: usize = 64 * 1024;

/// What every source of credentials is handed.
pub(crate) struct Env {
    pub(crate) fetcher: Fetcher,
    pub(crate) vars: Vars,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Something fetched, and how long it is good for.
#[derive(Clone, Debug)]
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    /// From now on; `None` if it has no end of its own.
    pub(crate) lifetime: Option<Duration>,
}

/// An answer that was read to its end.
pub(crate) struct Reply {
    /// Who answered, for people.
    pub(crate) host: String,
    pub(crate) status: u16,
    #[cfg_attr(not(feature = "aws"), allow(dead_code))]
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Sends requests for credentials.
#[derive(Clone)]
pub(crate) struct Fetcher(Clients);

impl Fetcher {
    pub(crate) const fn new(clients: Clients) -> Self {
        Self(clients)
    }

    /// Sends it once and reads the answer.
    pub(crate) async fn send(&self, request: Request) -> Result<Reply, Refusal> {
        let host = host(request.url());
        let tls = request.url().scheme() == "https";
        let client = if tls { &self.0.outward } else { &self.0.direct };
        let mut response = client.execute(request).await.map_err(|error| {
            let finding = failure::of(&error, tls, false);
            let why = finding.error.unwrap_or_default();
            Refusal::new(
                finding.outcome,
                format!("no credentials from `{host}`: {why}"),
            )
        })?;
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_REPLY_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(Refusal::bad_answer(format!(
                        "`{host}` answered the request for credentials with more than {} KiB; is it the right address?",
                        MAX_REPLY_BYTES / 1024
                    )));
                }
                Err(error) => {
                    return Err(Refusal::new(
                        Outcome::Connect,
                        format!(
                            "the answer of `{host}` to the request for credentials broke off: {}",
                            failure::body(&error)
                        ),
                    ));
                }
            }
        }
        Ok(Reply {
            host,
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

impl Reply {
    pub(crate) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(value) if value.is_object() => Ok(value),
            _ => Err(Refusal::bad_answer(format!(
                "`{}` answered the request for credentials with something that is no JSON object; is it the right address?",
                self.host
            ))),
        }
    }

    /// A text field of a JSON object; an answer without it is not what was asked for.
    pub(crate) fn secret(&self, json: &Value, field: &str) -> Result<Secret, Refusal> {
        match json.get(field).and_then(Value::as_str).map(str::trim) {
            Some(text) if !text.is_empty() => Ok(Secret::new(text)),
            _ => Err(Refusal::bad_answer(format!(
                "the answer of `{}` to the request for credentials has no `{field}`",
                self.host
            ))),
        }
    }

    /// The refusal that an answer other than 2xx is. `remedy` says what to do when the credentials were refused.
    pub(crate) fn refusal(&self, secrets: &[&Secret], remedy: &str) -> Refusal {
        let json: Option<Value> = serde_json::from_slice(&self.body).ok();
        let said = json.as_ref().map(said).unwrap_or_default();
        self.refusal_saying(&quoted(&said, secrets), remedy)
    }

    /// As [`Self::refusal`], with these words for what the answer says.
    pub(crate) fn refusal_saying(&self, said: &str, remedy: &str) -> Refusal {
        let (host, status) = (&self.host, self.status);
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        };
        let outcome = match status {
            400..=403 => Outcome::Unauthorized,
            408 => Outcome::Timeout,
            429 => Outcome::RateLimited,
            503 | 529 => Outcome::Overloaded,
            _ => Outcome::BadAnswer,
        };
        let text = match status {
            400..=403 => {
                format!("`{host}` gave no credentials ({status}{said}); {remedy}")
            }
            300..=399 => format!(
                "`{host}` answered the request for credentials with {status}, a redirect, which is not followed; correct its address"
            ),
            _ => format!("`{host}` answered the request for credentials with {status}{said}"),
        };
        Refusal::new(outcome, text)
    }
}

/// What an error answer says: OAuth's fields, Google's, GitHub's.
fn said(json: &Value) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let error = json.get("error");
    let code = text(error);
    let words = text(json.get("error_description"))
        .or_else(|| text(error.and_then(|e| e.get("message"))))
        .or_else(|| text(json.get("message")));
    match (code, words) {
        (Some(code), Some(words)) => format!("{code}: {words}"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

/// Host and port of a URL, for people.
pub(crate) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.scheme().to_owned(),
    }
}

/// A GET that takes JSON.
pub(crate) fn get(url: Url) -> Request {
    let mut request = Request::new(Method::GET, url);
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(ACCEPT, json);
    request
}

/// A POST of JSON that takes JSON.
pub(crate) fn post_json(url: Url, body: &Value) -> Request {
    let json = HeaderValue::from_static("application/json");
    let mut request = get(url);
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(CONTENT_TYPE, json);
    *request.body_mut() = Some(body.to_string().into());
    request
}

/// A URL from a config or a key file: `https`, or `http` where `plain` allows it.
pub(crate) fn url(text: &str, name: &str, plain: bool) -> Result<Url, Refusal> {
    let fit = |url: &Url| {
        let local = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => return false,
        };
        match url.scheme() {
            "https" => true,
            // what is sent there is worth as much as the key
            "http" => plain || local,
            _ => false,
        }
    };
    match Url::parse(text.trim()) {
        Ok(url) if fit(&url) => Ok(url),
        _ => Err(Refusal::config(format!(
            "`{name}` must be a URL that starts with `https://`"
        ))),
    }
}
