//! Checks and probers for the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::{Clock, Moment, UnixMillis};
use watchkeeper_core::verdict::{Outcome, Verdict};
use watchkeeper_probes::{HttpProber, ProberOptions, ProviderKeys};

/// A key long enough to be looked for, in no other text of these tests.
pub(crate) const KEY: &str = "sk-test-4f9a72c1d0";

/// More than any answer here takes; only a probe that hangs meets it.
pub(crate) const AMPLE: Duration = Duration::from_secs(20);

/// Every reading is 7 ms after the one before.
#[derive(Default)]
struct Steps(AtomicI64);

impl Clock for Steps {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.fetch_add(7_000, Ordering::Relaxed))
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(1_700_000_000_000)
    }
}

pub(crate) fn options() -> ProberOptions {
    let mut options = ProberOptions::new(Arc::new(Steps::default()));
    options.proxies_from_env = false;
    options.version = "1.2.3".into();
    // lies ready in every test: no private endpoint may ever see it
    options.keys = ProviderKeys::from_vars([("OPENAI_API_KEY", "sk-environment-key")]);
    options
}

pub(crate) fn prober() -> HttpProber {
    HttpProber::new(options()).unwrap()
}

pub(crate) fn check(target: Target) -> Check {
    Check {
        id: CheckId::new("c1").unwrap(),
        name: "c1".into(),
        target,
        timeout: AMPLE,
        shown: Map::new(),
        background: true,
        full_every: None,
    }
}

/// An `openai` model behind this base, with [`KEY`].
pub(crate) fn model(base: &str) -> ModelTarget {
    ModelTarget {
        model: "openai/gpt-4o".into(),
        provider: Some("openai".into()),
        mode: None,
        api_base: Some(Secret::new(base)),
        api_key: Some(Secret::new(KEY)),
        params: Map::new(),
        health: HealthParams::default(),
    }
}

pub(crate) fn model_check(base: &str) -> Check {
    check(Target::Model(Box::new(model(base))))
}

pub(crate) fn http_check(url: &str) -> Check {
    check(Target::Http {
        url: Secret::new(url),
    })
}

pub(crate) fn tcp_check(host: &str, port: u16) -> Check {
    let host = host.to_owned();
    check(Target::Tcp { host, port })
}

/// One probe; fails when it does not end long after its limit.
pub(crate) async fn probe(check: &Check) -> Verdict {
    let prober = prober();
    tokio::time::timeout(2 * AMPLE, prober.probe(check, Effort::Full))
        .await
        .expect("the probe hangs")
}

/// Outcome, status and text of a verdict.
pub(crate) fn found(verdict: &Verdict) -> (Outcome, Option<u16>, &str) {
    (
        verdict.outcome,
        verdict.status,
        verdict.error.as_deref().unwrap_or_default(),
    )
}

pub(crate) fn parse(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

pub(crate) const CHAT: &str = r#"{"id":"x","choices":[{"index":0,"finish_reason":"length","message":{"role":"assistant","content":""}}]}"#;
pub(crate) const EMBEDDING: &str =
    r#"{"object":"list","data":[{"index":0,"embedding":[0.1,0.2]}]}"#;
