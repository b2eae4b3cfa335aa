//! The prober: takes a check, gives a verdict.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use tokio::time::Instant;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::money::{Price, Usd};
use watchkeeper_core::probe::{Effort, Plan, Prober, Tier};
use watchkeeper_core::time::Clock;
use watchkeeper_core::verdict::{MAX_MODEL_BYTES, Outcome, Verdict, cut};

use crate::classify::Finding;
use crate::judge::judge;
use crate::options::{ProbeSetupError, ProberOptions, ProviderKeys};
use crate::request::ProbeRequest;
use crate::resolve::resolve;
use crate::scrub::Scrubber;
use crate::send::send;
use crate::{client, handshake, http, mock, tcp};

/// Rate-limit headers that are kept, and the names under which LiteLLM shows them. The first of a name counts.
const LIMIT_HEADERS: [(&str, &str); 4] = [
    ("x-ratelimit-remaining-requests", REQUESTS_LEFT),
    ("x-ratelimit-remaining-tokens", TOKENS_LEFT),
    ("anthropic-ratelimit-requests-remaining", REQUESTS_LEFT),
    ("anthropic-ratelimit-tokens-remaining", TOKENS_LEFT),
];

const REQUESTS_LEFT: &str = "x-ratelimit-remaining-requests";
const TOKENS_LEFT: &str = "x-ratelimit-remaining-tokens";

/// Longest rate-limit value kept: they are counts.
const MAX_LIMIT_BYTES: usize = 20;

/// The status of an error inside a 200 of an `http` check, whose body is not read.
const HTTP_FAULT: u16 = 500;

/// A time limit beyond all use, for one that would overflow the clock.
const FAR: Duration = Duration::from_secs(86_400);

/// Asks checks over HTTP and TCP. Cheap to share: one connection pool inside.
pub struct HttpProber {
    client: reqwest::Client,
    /// For handshakes only.
    http1: reqwest::Client,
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
            http1: client::build_http1(&options)?,
            clock: options.clock,
            keys: options.keys,
        })
    }

    /// What was found.
    async fn ask(&self, check: &Check, effort: Effort) -> Found {
        let now = Instant::now();
        let deadline = now.checked_add(check.timeout).unwrap_or(now + FAR);
        match &check.target {
            Target::Invalid { reason, .. } => Finding::config(reason).into(),
            Target::Tcp { host, port } => Found {
                tier: Tier::Reachability,
                ..tcp::probe(host, *port, deadline).await.into()
            },
            Target::Http { url } => match http::request(url) {
                Err(reason) => Finding::config(reason).into(),
                Ok(request) => self.send(request, HTTP_FAULT, deadline).await,
            },
            Target::Model(model) if let Some(finding) = mock::finding(model) => finding.into(),
            Target::Model(model) => match resolve(model, &self.keys, effort) {
                Err(reason) => Finding::config(reason).into(),
                Ok(resolved) => {
                    let price = model.health.price;
                    let (billed, most) = (resolved.request.billed, resolved.most_cost);
                    let mut found = self
                        .send(resolved.request, resolved.provider.fault, deadline)
                        .await;
                    found.cost = cost(&found.finding, price, billed, most);
                    found
                }
            },
        }
    }

    async fn send(&self, mut request: ProbeRequest, fault: u16, deadline: Instant) -> Found {
        if request.http1 {
            handshake::renew(&mut request, rand::random());
        }
        let client = if request.http1 {
            &self.http1
        } else {
            &self.client
        };
        let (tier, promise) = (request.tier, request.promise.clone());
        let found = match &request.unsendable {
            Some(reason) => Finding::config(reason).into(),
            None => match send(client, request, deadline, &*self.clock).await {
                Ok(answer) => Found {
                    limits: limits(&answer.headers),
                    headers_after: Some(answer.headers_after),
                    ..judge(&answer, &promise, fault).into()
                },
                Err(finding) => finding.into(),
            },
        };
        Found { tier, ..found }
    }
}

/// A finding and what else is told of it.
struct Found {
    finding: Finding,
    tier: Tier,
    limits: Vec<(String, String)>,
    headers_after: Option<Duration>,
    cost: Option<Usd>,
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Self {
        Self {
            finding,
            tier: Tier::default(),
            limits: Vec::new(),
            headers_after: None,
            cost: None,
        }
    }
}

/// What a probe cost, where the price is known: by the use that the answer tells; the most that it can have cost where
/// it tells none, or where the answer was lost after the question had left. A refusal is not billed.
fn cost(finding: &Finding, price: Option<Price>, billed: bool, most: Option<Usd>) -> Option<Usd> {
    let price = price?;
    match (finding.outcome, finding.usage) {
        _ if !billed => Some(Usd::ZERO),
        (_, Some(usage)) => Some(price.of(usage)),
        (Outcome::Healthy | Outcome::Timeout, None) => most,
        _ => Some(Usd::ZERO),
    }
}

#[async_trait]
impl Prober for HttpProber {
    fn plan(&self, check: &Check, effort: Effort) -> Result<Plan, String> {
        let plan = match &check.target {
            Target::Invalid { reason, .. } => Err(reason.clone()),
            Target::Tcp { host, port } => Ok(tcp::plan(host, *port)),
            Target::Http { url } => http::request(url).map(|request| Plan {
                most_cost: Some(Usd::ZERO),
                ..request.plan("http", "")
            }),
            Target::Model(model) if mock::finding(model).is_some() => Ok(mock::plan(model)),
            Target::Model(model) => {
                resolve(model, &self.keys, effort).map(|resolved| resolved.plan())
            }
        };
        plan.map_err(|reason| Scrubber::of(check, &self.keys).clean(&reason))
    }

    async fn probe(&self, check: &Check, effort: Effort) -> Verdict {
        let started = self.clock.now();
        let found = self.ask(check, effort).await;
        let latency = self.clock.now().since(started);
        let Finding {
            outcome,
            status,
            error,
            usage,
            model,
        } = found.finding;
        let scrubbed = |text: String| Scrubber::of(check, &self.keys).clean(&text);
        let error = error.map(scrubbed);
        let mut verdict = Verdict::new(outcome, status, error, latency, self.clock.unix());
        verdict.limits = found.limits;
        verdict.headers_after = found.headers_after;
        verdict.usage = usage;
        verdict.model = model.map(|name| cut(&scrubbed(name), MAX_MODEL_BYTES).to_owned());
        verdict.cost = found.cost;
        verdict.tier = found.tier;
        verdict
    }
}

/// The rate-limit headers that are counts; anything else in their place is dropped, since it could echo a secret.
fn limits(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut limits: Vec<(String, String)> = Vec::new();
    for (header, name) in LIMIT_HEADERS {
        let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) else {
            continue;
        };
        let value = value.trim();
        let count = !value.is_empty()
            && value.len() <= MAX_LIMIT_BYTES
            && value
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
        if count && limits.iter().all(|(known, _)| known != name) {
            limits.push((name.to_owned(), value.to_owned()));
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn what_is_left_of_a_limit_is_shown_under_one_name_whoever_says_it() {
        let left = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            limits(&headers)
        };
        let anthropic = left(&[
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-tokens-remaining", "sk-ant-1"),
        ]);
        assert_eq!(anthropic, [(REQUESTS_LEFT.to_owned(), "49".to_owned())]);
        let both = left(&[
            ("anthropic-ratelimit-tokens-remaining", "1"),
            ("x-ratelimit-remaining-tokens", "2"),
        ]);
        assert_eq!(both, [(TOKENS_LEFT.to_owned(), "2".to_owned())]);
    }
}
