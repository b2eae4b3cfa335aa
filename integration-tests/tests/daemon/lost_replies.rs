//! Redis did what it was asked, and the answer never came.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart, assert_rounds};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, End, MockLlm};
use watchkeeper_integration_tests::proxy::{Proxy, contains};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

const MODELS: [&str; 2] = ["m1", "m2"];

/// An interval of 2 s, a lease of 10 s: an orphan lease would keep the fleet silent for five rounds.
async fn goes_on(script: String) {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &MODELS)
        .redis(proxy.address())
        .lock_ttl("10s");
    let fleet = Fleet::start(2, &Setup::new().toml(config.toml())).await;
    mock.wait_for_starts("m2", 1, SOON).await;
    fleet.wait_for_same_report(SOON).await;

    for lost in 1..=3 {
        let script = script.clone();
        proxy.lose_answer(1, move |bytes| contains(bytes, &script));
        proxy.wait_for_lost(lost, SOON).await;
        let asked = mock.asked().count("m2");
        mock.wait_for_starts("m2", asked + 1, SOON).await;
    }
    mock.wait_for_rounds(&MODELS, 6, SOON).await;
    fleet.wait_for_same_report(SOON).await;
    let seen = mock.asked();
    assert_apart(&seen, &MODELS, Duration::from_millis(1800));
    for model in MODELS {
        let gaps = seen.gaps(model);
        assert!(
            gaps.iter().all(|gap| *gap <= Duration::from_millis(4000)),
            "{model} was left alone, gaps {gaps:?}; answers lost: {:?}\n{}\n{}",
            proxy.lost(),
            seen.table(),
            fleet.logs()
        );
    }
    eventually("the lease is free between rounds", SOON, async || {
        redis.keys("watchkeeper:*:lock:*").await.is_empty()
    })
    .await;
}

/// The name by which a script of ours is called.
macro_rules! sha {
    ($script:literal) => {
        redis::Script::new(concat!(
            include_str!("../../../crates/watchkeeper-redis/src/scripts/common.lua"),
            include_str!("../../../crates/watchkeeper-redis/src/scripts/companion.lua"),
            include_str!(concat!(
                "../../../crates/watchkeeper-redis/src/scripts/",
                $script,
                ".lua"
            )),
        ))
        .get_hash()
        .to_owned()
    };
}

#[tokio::test]
async fn a_lost_answer_to_acquire_leaves_no_orphan_lease_and_starts_no_second_round() {
    goes_on(sha!("acquire")).await;
}

#[tokio::test]
async fn a_lost_answer_to_publish_leaves_no_orphan_lease_and_starts_no_second_round() {
    goes_on(sha!("publish")).await;
}

#[tokio::test]
async fn a_lost_answer_to_read_starts_no_second_round() {
    goes_on(sha!("read")).await;
}

#[tokio::test]
async fn a_lost_answer_to_renew_neither_ends_the_round_nor_starts_a_second() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mock = MockLlm::start().await;
    mock.set("slow", Behaviour::Delay(Duration::from_millis(3500)));
    let config = NativeConfig::new(&mock.api_base(), &["slow"])
        .redis(proxy.address())
        .interval("5s");
    let fleet = Fleet::start(2, &Setup::new().toml(config.toml())).await;
    let renew = sha!("renew");
    for round in 1..=2 {
        let renew = renew.clone();
        mock.wait_for_starts("slow", round, SOON).await;
        proxy.lose_answer(1, move |bytes| contains(bytes, &renew));
        proxy.wait_for_lost(round, SOON).await;
    }
    mock.wait_for_starts("slow", 3, SOON).await;
    let seen = mock.asked();
    let gap = Duration::from_millis(4900)..=Duration::from_millis(6000);
    assert_rounds(&seen, &["slow"], 3, gap);
    for asked in &seen.all()[..2] {
        assert_eq!(
            asked.ended.unwrap().1,
            End::Answered(200),
            "{}\n{}",
            seen.table(),
            fleet.logs()
        );
    }
}
