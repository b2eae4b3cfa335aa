//! AWS's crates on our HTTP client: our roots, our proxies, one request each, a bounded answer.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use std::time::Duration;
use tokio::time::timeout;
use watchkeeper_core::verdict::Outcome;

use crate::credentials::fetch::Fetcher;
use crate::credentials::refusal::Refusal;

/// Longest time for one request where AWS's settings name none; the fetch as a whole is bounded elsewhere.
const MAX_REQUEST: Duration = Duration::from_secs(10);

/// What to do when no keys are given.
const REMEDY: &str = "check the role, profile or keys of the entry";

/// What went wrong with the last request, if anything: AWS's errors tell it in words only.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<Refusal>>>);

impl Trouble {
    fn note(&self, refusal: Option<Refusal>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// What was noted last.
    pub(super) fn last(&self) -> Option<Refusal> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Our client as one of AWS's.
#[derive(Clone)]
pub(super) struct Connector {
    fetcher: Fetcher,
    trouble: Trouble,
    patience: Duration,
}

impl Connector {
    pub(super) const fn new(fetcher: Fetcher, trouble: Trouble) -> Self {
        Self {
            fetcher,
            trouble,
            patience: MAX_REQUEST,
        }
    }

    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let Some(request) = translate(&request) else {
            let error = "the request cannot be sent";
            return Err(ConnectorError::user(error.into()));
        };
        let sent = timeout(self.patience, self.fetcher.send(request))
            .await
            .unwrap_or_else(|_| Err(Refusal::timeout()));
        let reply = match sent {
            Ok(reply) => reply,
            Err(refusal) => {
                let error = refusal.text.clone().into();
                let late = refusal.outcome == Outcome::Timeout;
                self.trouble.note(Some(refusal));
                return Err(if late {
                    ConnectorError::timeout(error)
                } else {
                    ConnectorError::io(error)
                });
            }
        };
        let bad = (!reply.is_success()).then(|| reply.refusal_saying("", REMEDY));
        self.trouble.note(bad);
        let status = reply
            .status
            .try_into()
            .map_err(|_| ConnectorError::user("no HTTP status".into()))?;
        let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
        for (name, value) in &reply.headers {
            if let Ok(value) = value.to_str() {
                // one that AWS's types do not take is left out
                let _ = response
                    .headers_mut()
                    .try_append(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }
}

/// AWS's type of a request as reqwest's.
fn translate(request: &HttpRequest) -> Option<Request> {
    let method = Method::from_bytes(request.method().as_bytes()).ok()?;
    let mut out = Request::new(method, Url::parse(request.uri()).ok()?);
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        out.headers_mut()
            .append(name, HeaderValue::from_str(value).ok()?);
    }
    let body = request.body().bytes()?;
    if !body.is_empty() {
        *out.body_mut() = Some(body.to_vec().into());
    }
    Some(out)
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().exchange(request))
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let limits = [settings.connect_timeout(), settings.read_timeout()];
        let patience = match limits {
            [Some(connect), Some(read)] => (connect + read).min(MAX_REQUEST),
            _ => MAX_REQUEST,
        };
        SharedHttpConnector::new(Self {
            patience,
            ..self.clone()
        })
    }
}
