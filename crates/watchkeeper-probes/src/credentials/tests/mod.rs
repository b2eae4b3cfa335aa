//! Against local servers. Keys here were made for these tests and open nothing.

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod aws_chain;
mod bounds;
mod copilot;
mod entra;
mod google;
mod google_files;
#[allow(
    dead_code,
    reason = "shared with the crate's other tests, which use all of it"
)]
#[path = "../../../tests/probes/server.rs"]
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use tokio::time::Instant;
use url::Url;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::{Clock, Moment, UnixMillis};

use super::{Added, Clients, Credentials, Parts, Refusal, Signing, Vars};
use crate::{ProberOptions, client};

/// The wall clock's start: 2025-10-09 12:26:40 UTC.
const START: i64 = 1_760_012_800;

/// A clock that moves when told to.
#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.load(Ordering::SeqCst) * 1_000_000)
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis((START + self.0.load(Ordering::SeqCst)) * 1000)
    }
}

struct Fixture {
    hand: Arc<Hand>,
    credentials: Credentials,
}

/// What left, or would have.
struct Signed {
    url: Url,
    headers: HeaderMap,
    added: Added,
}

impl Signed {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn bearer(&self) -> &str {
        let value = self.headers[AUTHORIZATION].to_str().unwrap();
        value.strip_prefix("Bearer ").unwrap()
    }
}

impl Fixture {
    fn new(vars: &[(&str, &str)]) -> Self {
        let hand = Arc::new(Hand::default());
        let clock: Arc<dyn Clock> = Arc::clone(&hand) as _;
        let mut options = ProberOptions::new(Arc::clone(&clock));
        options.proxies_from_env = false;
        let client = client::build(&options).unwrap();
        let clients = Clients {
            outward: client.clone(),
            direct: client,
        };
        let vars = Vars::from_fn(|name| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| Secret::new(value))
        });
        Self {
            hand,
            credentials: Credentials::new(clients, vars, clock),
        }
    }

    fn pass(&self, seconds: i64) {
        self.hand.0.fetch_add(seconds, Ordering::SeqCst);
    }

    async fn sign(&self, signing: &Signing) -> Result<Signed, Refusal> {
        self.sign_within(
            signing,
            "https://upstream.test/v1/x",
            Duration::from_secs(20),
        )
        .await
    }

    async fn sign_within(
        &self,
        signing: &Signing,
        url: &str,
        time: Duration,
    ) -> Result<Signed, Refusal> {
        let mut url = Url::parse(url).unwrap();
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
        let parts = Parts {
            method: &Method::POST,
            url: &mut url,
            headers: &mut headers,
            body: br#"{"a":1}"#,
        };
        let deadline = Instant::now() + time;
        let added = self.credentials.sign(signing, parts, deadline).await?;
        Ok(Signed {
            url,
            headers,
            added,
        })
    }
}

fn params(json: &Value) -> Map<String, Value> {
    json.as_object().unwrap().clone()
}

/// The pairs of a form.
fn form(body: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    &form.iter().find(|(known, _)| known == name).unwrap().1
}
