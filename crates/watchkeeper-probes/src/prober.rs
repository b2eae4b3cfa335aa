//! The prober: takes a check, gives a verdict.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use tokio::time::Instant;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::probe::{Effort, Plan, Prober};
use watchkeeper_core::time::Clock;
use watchkeeper_core::verdict::Verdict;

use crate::adapter::resolve;
use crate::classify::Finding;
use crate::options::{ProbeSetupError, ProberOptions, ProviderKeys};
use crate::request::ProbeRequest;
use crate::scrub::Scrubber;
use crate::send::{Want, send};
use crate::{client, http, mock, tcp};

/// Rate-limit headers that are kept, as LiteLLM shows them.
const LIMIT_HEADERS: [&str; 2] = [
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
];

/// Longest rate-limit value kept: they are counts.
const MAX_LIMIT_BYTES: usize = 20;

/// A time limit beyond all use, for one that would overflow the clock.
const FAR: Duration = Duration::from_secs(86_400);

/// Asks checks over HTTP and TCP. Cheap to share: one connection pool inside.
pub struct HttpProber {
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    keys: ProviderKeys,
}

impl HttpProber {
    /// Sets up TLS and the connection pool. Needs no system CA store and opens no connection.
    ///
    /// # Errors
    /// [`ProbeSetupError`] for an extra CA that cannot be used.
    pub fn new(options: ProberOptions) -> Result<Self, ProbeSetupError> {
        Ok(Self {
            client: client::build(&options)?,
            clock: options.clock,
            keys: options.keys,
        })
    }

    /// What was found, with the answer's headers if there was one.
    async fn ask(&self, check: &Check) -> (Finding, HeaderMap) {
        let now = Instant::now();
        let deadline = now.checked_add(check.timeout).unwrap_or(now + FAR);
        match &check.target {
            Target::Invalid { reason, .. } => (Finding::config(reason), HeaderMap::new()),
            Target::Tcp { host, port } => {
                (tcp::probe(host, *port, deadline).await, HeaderMap::new())
            }
            Target::Http { url } => match http::request(url) {
                Err(reason) => (Finding::config(reason), HeaderMap::new()),
                Ok(request) => match self.send(request, deadline, Want::Status).await {
                    Ok(answer) => (http::read(&answer), HeaderMap::new()),
                    Err(finding) => (finding, HeaderMap::new()),
                },
            },
            Target::Model(model) if let Some(finding) = mock::finding(model) => {
                (finding, HeaderMap::new())
            }
            Target::Model(model) => match resolve(model, &self.keys) {
                Err(reason) => (Finding::config(reason), HeaderMap::new()),
                Ok(resolved) => match self.send(resolved.request, deadline, Want::Body).await {
                    Ok(answer) => (
                        resolved.adapter.read(resolved.mode, &answer),
                        answer.headers,
                    ),
                    Err(finding) => (finding, HeaderMap::new()),
                },
            },
        }
    }

    async fn send(
        &self,
        request: ProbeRequest,
        deadline: Instant,
        want: Want,
    ) -> Result<crate::answer::Answer, Finding> {
        match &request.unsendable {
            Some(reason) => Err(Finding::config(reason)),
            None => send(&self.client, request, deadline, want).await,
        }
    }
}

#[async_trait]
impl Prober for HttpProber {
    fn plan(&self, check: &Check, _: Effort) -> Result<Plan, String> {
        let plan = match &check.target {
            Target::Invalid { reason, .. } => Err(reason.clone()),
            Target::Tcp { host, port } => Ok(tcp::plan(host, *port)),
            Target::Http { url } => http::request(url).map(|request| request.plan("http", "")),
            Target::Model(model) if mock::finding(model).is_some() => Ok(mock::plan(model)),
            Target::Model(model) => resolve(model, &self.keys).map(|resolved| {
                resolved
                    .request
                    .plan(resolved.provider, resolved.mode.as_str())
            }),
        };
        plan.map_err(|reason| Scrubber::of(check, &self.keys).clean(&reason))
    }

    async fn probe(&self, check: &Check, _: Effort) -> Verdict {
        let started = self.clock.now();
        let (finding, headers) = self.ask(check).await;
        let latency = self.clock.now().since(started);
        let limits = limits(&headers);
        let Finding {
            outcome,
            status,
            error,
        } = finding;
        let error = error.map(|text| Scrubber::of(check, &self.keys).clean(&text));
        let mut verdict = Verdict::new(outcome, status, error, latency, self.clock.unix());
        verdict.limits = limits;
        verdict
    }
}

/// The rate-limit headers that are counts; anything else in their place is dropped, since it could echo a secret.
fn limits(headers: &HeaderMap) -> Vec<(String, String)> {
    LIMIT_HEADERS
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?.trim();
            let count = !value.is_empty()
                && value.len() <= MAX_LIMIT_BYTES
                && value
                    .chars()
                    .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
            count.then(|| ((*name).to_owned(), value.to_owned()))
        })
        .collect()
}
