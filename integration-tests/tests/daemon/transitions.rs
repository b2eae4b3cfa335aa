//! When a model turned: one list, the same on every pod with the same tokens, whoever holds the lease; and the stream of
//! events that tells it.

use serde_json::Value;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;
use crate::stream::Stream;

/// Waits until all these pods show so many transitions of `m2`, and all the same; newest first.
async fn same_on_all(fleet: &Fleet, count: usize) -> Vec<Value> {
    let shown = std::cell::RefCell::new(Vec::new());
    eventually("all pods show the same transitions", SOON, async || {
        let mut all = Vec::new();
        for pod in fleet.pods() {
            let history = pod.json("/v1/checks/m2/history").await;
            all.push(history["transitions"].as_array().unwrap().clone());
        }
        let same = all.iter().all(|one| one == &all[0] && one.len() == count);
        let published = all[0].iter().all(|one| one["token"].is_u64());
        *shown.borrow_mut() = all.swap_remove(0);
        same && published
    })
    .await;
    shown.into_inner()
}

#[tokio::test]
async fn all_pods_show_when_a_model_turned_also_after_the_holder_is_killed_and_a_stream_tells_it() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1", "m2"])
        .redis(redis.address())
        .lock_ttl("3s");
    let mut fleet = Fleet::start(3, &Setup::new().toml(config.toml())).await;
    fleet.wait_for_reports(SOON).await;
    let mut streams = Vec::new();
    for pod in fleet.pods() {
        let mut stream = Stream::open(pod.address(), "transition", None).await;
        assert_eq!(stream.next().await.0, "hello");
        streams.push(stream);
    }

    mock.set("m2", Behaviour::Status(500));
    let first = same_on_all(&fleet, 1).await;
    assert_eq!(first[0]["to"], "unhealthy", "{first:?}");
    assert_eq!(first[0]["status"], 500);
    let by = first[0]["by"].as_str().unwrap();
    assert!(fleet.index_of(by).is_some(), "{by} is none of the fleet");
    let mut last = Vec::new();
    for stream in &mut streams {
        let (name, id, data) = stream.next().await;
        assert_eq!(name, "transition");
        for key in ["check_id", "from", "to", "at", "by", "token", "outcome"] {
            assert_eq!(data[key], first[0][key], "{key}");
        }
        last.push(id);
    }

    // Killed in the middle of its round; the model comes back in that of the next.
    mock.set("m1", Behaviour::Hold);
    let holder = fleet.wait_for_holder(SOON).await;
    let killed = fleet.remove(holder);
    let killed_id = last.remove(holder);
    streams.remove(holder);
    killed.kill();
    // One stream is cut, and comes back later.
    drop(streams.remove(0));
    mock.set("m1", Behaviour::Ok);
    mock.set("m2", Behaviour::Ok);
    let both = same_on_all(&fleet, 2).await;
    assert_eq!(both[1], first[0], "what was published stays as it was");
    assert_eq!(both[0]["to"], "healthy");
    assert!(both[0]["token"].as_u64() > both[1]["token"].as_u64());
    assert!(
        fleet.index_of(both[0]["by"].as_str().unwrap()).is_some(),
        "{both:?}"
    );
    assert_eq!(streams[0].next().await.2["to"], "healthy");
    let mut again = Stream::open(fleet[0].address(), "transition", Some(&last[0])).await;
    assert_eq!(again.next().await.2["resumed"], true);
    let (name, _, data) = again.next().await;
    assert_eq!((name.as_str(), &data["to"]), ("transition", &both[0]["to"]));
    // The killed pod's numbers mean nothing here, and that is said.
    let mut elsewhere = Stream::open(fleet[0].address(), "transition", Some(&killed_id)).await;
    assert_eq!(elsewhere.next().await.2["resumed"], false);
    assert_eq!(elsewhere.next().await.2["reason"], "unknown_id");

    // Open streams do not hold up a stop.
    let mut leaves = fleet.remove(0);
    leaves.terminate();
    let ended = leaves.wait_for_end(SOON).await;
    assert_eq!(ended.code(), Some(0), "{}", leaves.log());
}
