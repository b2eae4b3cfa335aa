//! How many calls a step costs, by the server's own count.

use std::collections::BTreeMap;

use hyper::Method;
use watchkeeper_core::cache::ReportCache;
use watchkeeper_core::lease::{Acquired, LeaseStore, Renewed, Token};
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::http;

use super::support::{Stand, lease, win};
use crate::support::{LONG, group, publish, request};

/// The calls of each kind that the server has answered, and the steps that its members had to agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Calls(BTreeMap<&'static str, u64>);

const NAMES: [(&str, &str); 6] = [
    ("txn", "grpc_server_started_total{grpc_method=\"Txn\""),
    ("range", "grpc_server_started_total{grpc_method=\"Range\""),
    (
        "grant",
        "grpc_server_started_total{grpc_method=\"LeaseGrant\"",
    ),
    (
        "keep",
        "grpc_server_started_total{grpc_method=\"LeaseKeepAlive\"",
    ),
    (
        "left",
        "grpc_server_started_total{grpc_method=\"LeaseTimeToLive\"",
    ),
    ("agreed", "etcd_server_proposals_committed_total"),
];

async fn calls(server: &EtcdProcess) -> Calls {
    let answer = http::request(server.address(), Method::GET, "/metrics", None).await;
    let text = answer.unwrap().text();
    let count = |of: &str| {
        let line = text.lines().find(|line| line.starts_with(of))?;
        let number: f64 = line.rsplit(' ').next()?.parse().ok()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(number as u64)
    };
    Calls(
        NAMES
            .map(|(name, of)| (name, count(of).unwrap_or(0)))
            .into(),
    )
}

impl Calls {
    /// What came since, without what did not.
    fn since(&self, before: &Self) -> BTreeMap<&'static str, u64> {
        let more = self.0.iter().map(|(name, n)| (*name, n - before.0[name]));
        more.filter(|(_, n)| *n > 0).collect()
    }
}

#[tokio::test]
async fn a_lock_cycle_costs_two_agreements_and_a_followers_interval_three_calls() {
    let server = EtcdProcess::start().await;
    let stand = Stand::at(&server.endpoint()).await;
    let (a, b) = (stand.store(), stand.store());
    // The first rounds are granted the leases that the later ones use again.
    for attempt in 1..4 {
        let token = win(&a, "a", attempt).await;
        a.publish(&publish("a", token, b"found")).await.unwrap();
    }
    b.read(&group(), Token::ZERO).await.unwrap();

    let before = calls(&server).await;
    let token = win(&a, "a", 9).await;
    let acquired = calls(&server).await;
    assert_eq!(
        acquired.since(&before),
        [("agreed", 1), ("keep", 1), ("txn", 1)].into()
    );

    let extended = a.renew(&lease("a", token), LONG).await;
    assert_eq!(extended, Ok(Renewed::Extended));
    let renewed = calls(&server).await;
    assert_eq!(
        renewed.since(&acquired),
        [("keep", 1), ("txn", 1)].into(),
        "a renewal needs no agreement"
    );

    let busy = b.acquire(&request("b", 1)).await.unwrap();
    assert!(matches!(busy, Acquired::Busy(_)), "{busy:?}");
    let lost = calls(&server).await;
    assert_eq!(
        lost.since(&renewed),
        [("left", 1), ("txn", 1)].into(),
        "who finds the lock held is granted no lease"
    );

    a.publish(&publish("a", token, b"found")).await.unwrap();
    let published = calls(&server).await;
    assert_eq!(
        published.since(&lost),
        [("agreed", 1), ("keep", 1), ("txn", 1)].into()
    );

    b.read(&group(), Token::ZERO).await.unwrap();
    let read = calls(&server).await;
    assert_eq!(read.since(&published), [("txn", 1)].into());
}
