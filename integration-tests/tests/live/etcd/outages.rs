//! Members that are away, frozen, restarted or cut off. What an operation says, how long it takes, how the store
//! comes back, and how change notices do.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use watchkeeper_core::cache::{Notice, Notices, ReportCache};
use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::LeaseStore;
use watchkeeper_etcd::{EtcdOptions, EtcdStore};
use watchkeeper_integration_tests::etcd_cluster::EtcdCluster;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::proxy::{Mode, Proxy};

use super::support::store;
use crate::support::{SLACK, fresh_fleet};

const TIMEOUT: Duration = Duration::from_millis(600);
/// A watch that has not come back by now does not come back by itself.
const RESUME_LIMIT: Duration = Duration::from_secs(15);
/// A silent way is found out within this.
const SILENCE_LIMIT: Duration = Duration::from_secs(2);

fn options(endpoints: &[&str]) -> EtcdOptions {
    let endpoints = endpoints.iter().map(|text| (*text).to_owned()).collect();
    let mut options = EtcdOptions::new(fresh_fleet(), endpoints);
    options.timeout = TIMEOUT;
    options
}

fn connect(options: EtcdOptions) -> EtcdStore {
    store(&options)
}

/// Asks until the store answers; on a loaded machine one try may be late.
async fn recovered(store: &EtcdStore) {
    let began = Instant::now();
    while let Err(error) = store.ping().await {
        assert!(began.elapsed() < RESUME_LIMIT, "not back: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn failed(store: &EtcdStore) -> StoreError {
    let began = Instant::now();
    let error = store.ping().await.unwrap_err();
    assert!(began.elapsed() < TIMEOUT + SLACK, "{:?}", began.elapsed());
    error
}

#[tokio::test]
async fn of_several_endpoints_one_that_lives_is_enough() {
    let etcd = EtcdProcess::start().await;
    let frozen = EtcdProcess::start().await;
    frozen.freeze();
    let dead = format!("http://{}", free_address());
    // Each begins with a member of its own choice.
    for _ in 0..6 {
        let all = [dead.as_str(), &frozen.endpoint(), &etcd.endpoint()].map(str::to_owned);
        let mut options = options(&[]);
        options.endpoints = all.to_vec();
        let store = connect(options);
        store.ping().await.unwrap();
        store.ping().await.unwrap();
    }
}

#[tokio::test]
async fn endpoints_that_are_all_away_are_told_within_the_limit() {
    let dead = [free_address(), free_address()].map(|address| format!("http://{address}"));
    let store = connect(options(&[&dead[0], &dead[1]]));
    let error = failed(&store).await;
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("nothing listens"), "{error}");
    assert!(error.message.contains("none of the 2 endpoints"), "{error}");
    let frozen = EtcdProcess::start().await;
    frozen.freeze();
    let store = connect(options(&[&frozen.endpoint()]));
    let error = failed(&store).await;
    assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
    assert!(error.message.contains("no connection"), "{error}");
    frozen.wake();
    recovered(&store).await;
}

#[tokio::test]
async fn a_member_that_freezes_is_left_for_another_with_the_next_operation() {
    let first = EtcdProcess::start().await;
    let mut second = EtcdProcess::not_started(&[]);
    let store = connect(options(&[&first.endpoint(), &second.endpoint()]));
    recovered(&store).await;
    second.start_again().await;
    first.freeze();
    let error = failed(&store).await;
    assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
    assert!(
        error.message.contains(&first.address().to_string()),
        "{error}"
    );
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_member_that_was_killed_is_told_and_used_again_once_it_is_back() {
    let mut etcd = EtcdProcess::start().await;
    let store = connect(options(&[&etcd.endpoint()]));
    recovered(&store).await;
    etcd.kill().await;
    let error = failed(&store).await;
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    etcd.start_again().await;
    recovered(&store).await;
    // A connection that broke while nobody asked costs no operation.
    etcd.kill().await;
    etcd.start_again().await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_cluster_without_its_quorum_takes_no_writes_and_comes_back() {
    let mut cluster = EtcdCluster::start().await;
    let endpoints = cluster.endpoints();
    let endpoints: Vec<&str> = endpoints.iter().map(String::as_str).collect();
    let store = connect(options(&endpoints));
    let mut notices = store.watch();
    recovered(&store).await;
    cluster.kill(0).await;
    recovered(&store).await;
    cluster.kill(1).await;
    let began = Instant::now();
    loop {
        let error = failed(&store).await;
        if error.kind == StoreErrorKind::Unwritable {
            assert!(error.message.contains("no leader"), "{error}");
            break;
        }
        // Until the member that is left knows.
        assert!(began.elapsed() < RESUME_LIMIT, "{error}");
    }
    cluster.start_all_again().await;
    recovered(&store).await;
    until(&mut notices, Notice::Resumed, RESUME_LIMIT).await;
}

async fn until(notices: &mut Notices, wanted: Notice, limit: Duration) {
    let mut heard = Vec::new();
    let hear = async {
        while let Some(notice) = notices.next().await {
            if notice == wanted {
                return;
            }
            heard.push(notice);
        }
    };
    let heard_it = tokio::time::timeout(limit, hear).await.is_ok();
    assert!(heard_it, "no {wanted:?} within {limit:?}, but {heard:?}");
}

/// What a pod would do to a group's keys, done past the store.
struct Pod<'a> {
    etcd: &'a EtcdProcess,
    prefix: String,
}

impl<'a> Pod<'a> {
    fn new(etcd: &'a EtcdProcess, options: &EtcdOptions) -> Self {
        Self {
            etcd,
            prefix: format!("watchkeeper/{}", options.fleet),
        }
    }

    async fn publish(&self, group: &str) -> Notice {
        let key = format!("{}/report/{group}", self.prefix);
        self.etcd.connect().await.put(key, "r", None).await.unwrap();
        Notice::Report {
            group: GroupId::new(group).unwrap(),
        }
    }

    async fn release(&self, group: &str) -> Notice {
        let key = format!("{}/lock/{group}", self.prefix);
        let mut client = self.etcd.connect().await;
        client.put(key.as_str(), "l", None).await.unwrap();
        client.delete(key, None).await.unwrap();
        Notice::Released {
            group: GroupId::new(group).unwrap(),
        }
    }
}

/// The stream's own first notice, and that of the watch made after it.
async fn watching(store: &EtcdStore) -> Notices {
    let mut notices = store.watch();
    until(&mut notices, Notice::Resumed, RESUME_LIMIT).await;
    until(&mut notices, Notice::Resumed, RESUME_LIMIT).await;
    notices
}

#[tokio::test]
async fn a_report_and_a_freed_lock_are_told_and_nothing_else() {
    let etcd = EtcdProcess::start().await;
    let options = options(&[&etcd.endpoint()]);
    let pod = Pod::new(&etcd, &options);
    let store = connect(options);
    let mut notices = watching(&store).await;
    let mut client = etcd.connect().await;
    for foreign in ["token/g-1", "pods/a", "report/", "report/a b"] {
        let key = format!("{}/{foreign}", pod.prefix);
        client.put(key, "x", None).await.unwrap();
    }
    let key = format!("{}/report/g-0", pod.prefix);
    client.put(key.as_str(), "x", None).await.unwrap();
    client.delete(key, None).await.unwrap();
    let mut expected = vec![Notice::Report {
        group: GroupId::new("g-0").unwrap(),
    }];
    expected.push(pod.publish("g-1").await);
    expected.push(pod.release("g-1").await);
    let mut heard = Vec::new();
    while heard.len() < expected.len() {
        let next = tokio::time::timeout(RESUME_LIMIT, notices.next()).await;
        heard.push(next.unwrap().unwrap());
    }
    // Two watches on one stream: each in its order, one before the other or not.
    for notice in expected {
        assert!(heard.contains(&notice), "{notice:?} in {heard:?}");
    }
}

#[tokio::test]
async fn a_watch_goes_on_where_it_stopped_when_etcd_is_back() {
    let mut etcd = EtcdProcess::start().await;
    let options = options(&[&etcd.endpoint()]);
    let store = connect(options.clone());
    let mut notices = watching(&store).await;
    let told = Pod::new(&etcd, &options).publish("before").await;
    until(&mut notices, told, RESUME_LIMIT).await;
    etcd.kill().await;
    etcd.start_again().await;
    // The watch may or may not be back by now: it tells this in either case.
    let told = Pod::new(&etcd, &options).publish("meanwhile").await;
    recovered(&store).await;
    until(&mut notices, told, RESUME_LIMIT).await;
    let told = Pod::new(&etcd, &options).release("after").await;
    until(&mut notices, told, RESUME_LIMIT).await;
}

#[tokio::test]
async fn a_watch_goes_on_after_etcd_lost_its_data() {
    let mut etcd = EtcdProcess::start().await;
    let options = options(&[&etcd.endpoint()]);
    let store = connect(options.clone());
    let mut notices = watching(&store).await;
    for _ in 0..20 {
        let told = Pod::new(&etcd, &options).publish("before").await;
        until(&mut notices, told, RESUME_LIMIT).await;
    }
    etcd.kill().await;
    etcd.wipe();
    etcd.start_again().await;
    until(&mut notices, Notice::Resumed, RESUME_LIMIT).await;
    let told = Pod::new(&etcd, &options).publish("after").await;
    until(&mut notices, told, RESUME_LIMIT).await;
}

#[tokio::test]
async fn a_watch_whose_place_was_compacted_begins_anew_and_says_so() {
    let etcd = EtcdProcess::start().await;
    let proxy = Proxy::start(etcd.address()).await;
    let options = options(&[&format!("http://{}", proxy.address())]);
    let store = connect(options.clone());
    let pod = Pod::new(&etcd, &options);
    let mut notices = watching(&store).await;
    let told = pod.publish("before").await;
    until(&mut notices, told, RESUME_LIMIT).await;
    proxy.set(Mode::Cut);
    for group in ["a", "b", "c"] {
        pod.publish(group).await;
    }
    etcd.compact(etcd.revision().await).await;
    proxy.set(Mode::Pass);
    until(&mut notices, Notice::Resumed, RESUME_LIMIT).await;
    let told = pod.publish("after").await;
    until(&mut notices, told, RESUME_LIMIT).await;
}

#[tokio::test]
async fn a_silent_way_is_found_out_and_another_one_taken() {
    let etcd = EtcdProcess::start().await;
    let (first, second) = (
        Proxy::start(etcd.address()).await,
        Proxy::start(etcd.address()).await,
    );
    second.set(Mode::Cut);
    let options = options(&[
        &format!("http://{}", first.address()),
        &format!("http://{}", second.address()),
    ]);
    let store = connect(options.clone());
    let mut notices = watching(&store).await;
    second.set(Mode::Pass);
    first.set(Mode::Drop);
    let began = Instant::now();
    let told = Pod::new(&etcd, &options).publish("meanwhile").await;
    until(&mut notices, told, RESUME_LIMIT).await;
    let took = began.elapsed();
    assert!(took < SILENCE_LIMIT + TIMEOUT + SLACK, "{took:?}");
}

#[tokio::test]
async fn a_quiet_watch_is_kept() {
    let etcd = EtcdProcess::start().await;
    let proxy = Proxy::start(etcd.address()).await;
    let options = options(&[&format!("http://{}", proxy.address())]);
    let store = connect(options.clone());
    let mut notices = watching(&store).await;
    // Longer than etcd bears with a client that asks too often by HTTP/2's own means.
    let quiet = tokio::time::timeout(Duration::from_secs(8), notices.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let told = Pod::new(&etcd, &options).publish("after").await;
    until(&mut notices, told, TIMEOUT).await;
}
