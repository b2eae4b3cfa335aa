//! The prober: takes a check, gives a verdict.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Effort, Plan, Prober, Tier};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::Clock;
use watchkeeper_core::verdict::{MAX_MODEL_BYTES, Outcome, Verdict, cut};

use crate::classify::Finding;
use crate::exchange::{Exchange, Found};
use crate::options::{ProbeSetupError, ProberOptions, ProviderKeys};
use crate::resolve::resolve;
use crate::scrub::Scrubber;
use crate::{bill, http, mock, tcp};

/// The status of an error inside a 200 of an `http` check, whose body is not read.
const HTTP_FAULT: u16 = 500;

/// A time limit beyond all use, for one that would overflow the clock.
const FAR: Duration = Duration::from_secs(86_400);

/// Asks checks over HTTP and TCP. Cheap to share: one connection pool inside.
pub struct HttpProber {
    exchange: Exchange,
    clock: Arc<dyn Clock>,
    keys: ProviderKeys,
    /// What is kept out of every text beside a check's own secrets.
    secrets: Vec<Secret>,
}

impl HttpProber {
    /// Sets up TLS and the connection pool. Needs no system CA store and opens no connection.
    ///
    /// # Errors
    /// [`ProbeSetupError`] for an extra CA, a proxy or an extra header that cannot be used.
    pub fn new(options: ProberOptions) -> Result<Self, ProbeSetupError> {
        Ok(Self {
            exchange: Exchange::new(&options)?,
            secrets: options.secrets(),
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
                Ok(request) => self.exchange.make(request, HTTP_FAULT, deadline).await,
            },
            Target::Model(model) if let Some(finding) = mock::finding(model) => finding.into(),
            Target::Model(model) => match resolve(model, &self.keys, effort) {
                Err(reason) => Finding::config(reason).into(),
                Ok(resolved) => {
                    let price = model.health.price;
                    let (billed, most) = (resolved.request.billed, resolved.most_cost);
                    let mut found = self
                        .exchange
                        .make(resolved.request, resolved.provider.fault, deadline)
                        .await;
                    found.cost = bill::cost(&found.finding, price, billed, most);
                    found
                }
            },
        }
    }

    fn scrubber(&self, check: &Check, more: &[Secret]) -> Scrubber {
        Scrubber::of(check, &self.keys).and(&self.secrets).and(more)
    }
}

/// What is said of a refusal. Keys are often given the right to call models and not the right to list them.
fn explained(tier: Tier, outcome: Outcome, text: String) -> String {
    match (tier, outcome) {
        (Tier::Free, Outcome::Forbidden) => format!(
            "this key may not make the free call, whatever else it may; give it that right, or set `probe` to \
             `inference` or `reachability`: {text}"
        ),
        _ => text,
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
        plan.map_err(|reason| self.scrubber(check, &[]).clean(&reason))
    }

    async fn probe(&self, check: &Check, effort: Effort) -> Verdict {
        let started = self.clock.now();
        let found = self.ask(check, effort).await;
        let latency = self.clock.now().since(found.started.unwrap_or(started));
        let Finding {
            outcome,
            status,
            error,
            usage,
            model,
            may_bill: _,
        } = found.finding;
        let scrubbed = |text: String| self.scrubber(check, &found.added).clean(&text);
        let error = error.map(|text| scrubbed(explained(found.tier, outcome, text)));
        let mut verdict = Verdict::new(outcome, status, error, latency, self.clock.unix());
        verdict.limits = found.limits;
        verdict.headers_after = found.headers_after;
        verdict.usage = usage;
        verdict.model = model.map(|name| cut(&scrubbed(name), MAX_MODEL_BYTES).to_owned());
        verdict.cost = found.cost;
        verdict.retry_after = found.retry_after;
        verdict.tier = found.tier;
        verdict
    }
}
