//! Fetched credentials that an upstream no longer accepts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use watchkeeper_core::check::{HealthParams, ModelTarget, Target};
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::time::{Clock, Moment, UnixMillis};
use watchkeeper_core::verdict::Outcome;
use watchkeeper_probes::{HttpProber, ProviderKeys};

use crate::server::{Reply, Server, json as reply_json, reply};
use crate::support::{check, options};

const ANSWER: &str = r#"{"output":{"message":{"role":"assistant","content":[]}},"usage":{"inputTokens":9,"outputTokens":16}}"#;

/// Seconds, turned by hand.
#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.load(Ordering::SeqCst) * 1_000_000)
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(1_700_000_000_000 + self.0.load(Ordering::SeqCst) * 1000)
    }
}

/// The token service's answer: keys that are good for hours.
fn keys(id: &str) -> Reply {
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
         <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token\
         </SessionToken><Expiration>2023-11-15T12:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    reply(200, "text/xml", body)
}

#[tokio::test]
async fn keys_that_aws_calls_ended_by_a_403_are_fetched_anew() {
    let ended = r#"{"message":"The security token included in the request is expired"}"#;
    let sts = Server::start([keys("AKIAFIRST"), keys("AKIASECOND")]).await;
    let upstream = Server::start([
        reply_json(200, ANSWER),
        reply_json(403, ended),
        reply_json(200, ANSWER),
    ])
    .await;
    let hand = Arc::new(Hand::default());
    let mut options = options();
    options.clock = Arc::clone(&hand) as _;
    options.keys = ProviderKeys::default();
    let prober = HttpProber::new(options).unwrap();
    let params = json!({
        "aws_access_key_id": "AKIABASE", "aws_secret_access_key": "base-secret", "aws_role_name": "arn:aws:iam::1:role/r",
        "aws_sts_endpoint": sts.url(""), "aws_region_name": "eu-west-1",
        "aws_bedrock_runtime_endpoint": upstream.url(""),
    });
    let check = check(Target::Model(Box::new(ModelTarget {
        model: "bedrock/amazon.nova-lite-v1:0".into(),
        provider: Some("bedrock".into()),
        mode: None,
        api_base: None,
        api_key: None,
        params: params.as_object().unwrap().clone(),
        health: HealthParams::default(),
    })));
    for want in [Outcome::Healthy, Outcome::Unauthorized, Outcome::Healthy] {
        let verdict = prober.probe(&check, Effort::Full).await;
        assert_eq!(verdict.outcome, want, "{verdict:?}");
        hand.0.fetch_add(61, Ordering::SeqCst);
    }
    let used: Vec<bool> = upstream
        .seen()
        .iter()
        .map(|seen| seen.headers["authorization"].contains("AKIAFIRST"))
        .collect();
    assert_eq!(used, [true, true, false]);
    assert_eq!(sts.seen().len(), 2);
}
