//! What a probe is charged by what became of it.

use std::time::Duration;

use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::money::{Price, Usage, Usd};
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::verdict::Outcome;

use crate::server::{Reply, Server, head, json};
use crate::support::{CHAT, check, model, prober};

const PRICE: Price = Price {
    input: Usd::from_picos(1_000),
    output: Usd::from_picos(5_000),
    call: Usd::ZERO,
};

fn priced(base: &str) -> Check {
    let mut target = model(base);
    target.health.price = Some(PRICE);
    let mut check = check(Target::Model(Box::new(target)));
    check.timeout = Duration::from_millis(500);
    check
}

fn used(input: u64, output: u64) -> String {
    let usage = format!(r#""usage":{{"prompt_tokens":{input},"completion_tokens":{output}}}"#);
    CHAT.replacen('{', &format!("{{{usage},"), 1)
}

#[tokio::test]
async fn a_probe_is_charged_by_its_use_by_the_most_where_it_may_be_billed_and_not_for_a_refusal() {
    let mut half = head(200, "application/json", Some(500));
    half.extend_from_slice(b"{\"choices\":[");
    for (case, reply, charged) in [
        (
            "told",
            json(200, &used(9, 16)),
            Some(9 * 1_000 + 16 * 5_000),
        ),
        ("untold", json(200, CHAT), None),
        ("absurd", json(200, &used(u64::MAX, u64::MAX)), None),
        ("absurd in part", json(200, &used(9, 9_000_000_000)), None),
        ("nonsense", json(200, "{}"), None),
        ("half an answer", Reply::Close(half), None),
        ("no answer in time", Reply::Stall(vec![]), None),
        ("closed on the question", Reply::Close(vec![]), None),
        ("a gateway gave up", json(504, "{}"), None),
        (
            "an error in a success",
            json(200, r#"{"error":"no"}"#),
            Some(0),
        ),
        ("refused", json(401, "{}"), Some(0)),
        ("too many", json(429, "{}"), Some(0)),
        ("broken", json(500, "{}"), Some(0)),
    ] {
        let server = Server::start([reply]).await;
        let prober = prober();
        let check = priced(&server.url("/v1"));
        let most = prober.plan(&check, Effort::Full).unwrap().most_cost;
        let verdict = prober.probe(&check, Effort::Full).await;
        assert!(most.unwrap() > Usd::from_picos(16 * 5_000), "{case}");
        let want = charged.map_or(most, |picos| Some(Usd::from_picos(picos)));
        assert_eq!(verdict.cost, want, "{case}: {verdict:?}");
        let told = (case == "told").then_some(Usage {
            input: 9,
            output: 16,
        });
        assert_eq!(verdict.usage, told, "{case}");
    }
}

#[tokio::test]
async fn what_never_left_costs_nothing() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (silent_at, gone_at) = (silent.local_addr().unwrap(), gone.local_addr().unwrap());
    drop(gone);
    for (base, outcome) in [
        (format!("http://{gone_at}/v1"), Outcome::Connect),
        (
            "http://watchkeeper-test.invalid/v1".to_owned(),
            Outcome::Dns,
        ),
        // no handshake, so no question
        (format!("https://{silent_at}/v1"), Outcome::Timeout),
    ] {
        let verdict = prober().probe(&priced(&base), Effort::Full).await;
        assert_eq!(verdict.outcome, outcome, "{verdict:?}");
        assert_eq!(verdict.cost, Some(Usd::ZERO), "{base}");
    }
}
