//! One question and its answer: the request is finished, proves who it is, is sent once, and what comes back is judged.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::Tier;
use watchkeeper_core::time::{Clock, Moment};
use watchkeeper_core::verdict::Outcome;

use crate::classify::Finding;
use crate::credentials::{Added, Clients, Credentials, Parts, Signing, Vars};
use crate::judge::judge;
use crate::options::{ProbeSetupError, ProberOptions};
use crate::request::ProbeRequest;
use crate::send::send;
use crate::{bill, client, extra_headers, handshake, limits, retry_after};

/// A finding and what else is told of it.
pub(crate) struct Found {
    pub(crate) finding: Finding,
    pub(crate) tier: Tier,
    pub(crate) limits: Vec<(String, String)>,
    pub(crate) headers_after: Option<Duration>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) cost: Option<Usd>,
    /// When the request itself began: what was fetched for it before is no latency of the model.
    pub(crate) started: Option<Moment>,
    /// What was put into the request and must not be shown.
    pub(crate) added: Added,
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Self {
        Self {
            finding,
            tier: Tier::default(),
            limits: Vec::new(),
            headers_after: None,
            retry_after: None,
            cost: None,
            started: None,
            added: Vec::new(),
        }
    }
}

/// The ways out, and what all requests have in common.
pub(crate) struct Exchange {
    client: reqwest::Client,
    /// For handshakes only.
    http1: reqwest::Client,
    credentials: Credentials,
    /// Sent with every request that has no such header of its own.
    headers: HeaderMap,
    clock: Arc<dyn Clock>,
}

impl Exchange {
    /// Sets up TLS and the connection pools, and opens no connection.
    pub(crate) fn new(options: &ProberOptions) -> Result<Self, ProbeSetupError> {
        let client = client::build(options)?;
        let clients = Clients {
            outward: client.clone(),
            direct: client::build_direct(options)?,
        };
        let vars = Vars::from_fn(|name| options.keys.get(name).cloned());
        Ok(Self {
            client,
            http1: client::build_http1(options)?,
            credentials: Credentials::new(clients, vars, Arc::clone(&options.clock)),
            headers: extra_headers::build(&options.headers)?,
            clock: Arc::clone(&options.clock),
        })
    }

    /// Sends a request once and judges what comes back; `fault` is the status of an error inside a success. Ends at
    /// `deadline` at the latest.
    pub(crate) async fn make(
        &self,
        mut request: ProbeRequest,
        fault: u16,
        deadline: Instant,
    ) -> Found {
        let tier = request.tier;
        let found = match request.unsendable.take() {
            Some(reason) => Finding::config(reason).into(),
            None => self.ask(request, fault, deadline).await,
        };
        Found { tier, ..found }
    }

    async fn ask(&self, mut request: ProbeRequest, fault: u16, deadline: Instant) -> Found {
        if request.http1 {
            handshake::renew(&mut request, rand::random());
        }
        let client = if request.http1 {
            &self.http1
        } else {
            &self.client
        };
        extra_headers::add(&self.headers, &mut request.headers);
        let signing = std::mem::replace(&mut request.signing, Signing::None);
        let parts = Parts {
            method: &request.method,
            url: &mut request.url,
            headers: &mut request.headers,
            body: request.body.as_deref().unwrap_or_default(),
        };
        let added = match self.credentials.sign(&signing, parts, deadline).await {
            Ok(added) => added,
            Err(refusal) => {
                return Finding::new(refusal.outcome, refusal.status(), refusal.text).into();
            }
        };
        let promise = request.promise.clone();
        let started = self.clock.now();
        let found = match send(client, request, deadline, &*self.clock).await {
            Err(finding) => finding.into(),
            Ok(answer) => {
                let mut finding = judge(&answer, &promise, fault);
                // by the verdict, not by the status: AWS says 403 of credentials that have ended
                if finding.outcome == Outcome::Unauthorized {
                    self.credentials.refused(&signing);
                }
                finding.usage = finding.usage.and_then(bill::believed);
                let now = self.clock.unix();
                Found {
                    limits: limits::of(&answer.headers),
                    headers_after: Some(answer.headers_after),
                    retry_after: retry_after::of(answer.status, &answer.headers, now),
                    ..finding.into()
                }
            }
        };
        Found {
            started: Some(started),
            added,
            ..found
        }
    }
}
