//! What only etcd can do to us: leases that end behind our back, a history that is thrown away, a limit on requests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use watchkeeper_core::cache::{Found, Notice, Publish, Published, ReportCache, Then};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::{Acquired, LeaseStore, Released, Renewed, Token};
use watchkeeper_etcd::{EtcdStore, MAX_REPORT_BYTES};
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::etcd_server::EtcdServer;

use super::support::{Stand, lease, report, win};
use crate::support::{LONG, group, publish, request};

/// A notice that has not come by now does not come.
const PATIENCE: Duration = Duration::from_secs(5);

async fn next(notices: &mut watchkeeper_core::cache::Notices, wanted: &Notice) {
    let heard = async { while notices.next().await.as_ref() != Some(wanted) {} };
    tokio::time::timeout(PATIENCE, heard).await.unwrap();
}

#[tokio::test]
async fn a_lease_revoked_behind_the_holders_back_is_lost() {
    let server = EtcdServer::shared().await;
    let stand = Stand::at(server.endpoint()).await;
    let a = stand.store();
    let token = win(&a, "a", 1).await;
    stand.revoke("lock").await;
    assert_eq!(
        a.renew(&lease("a", token), LONG).await,
        Ok(Renewed::Lost { holder: None })
    );
    let late = a.publish(&publish("a", token, b"late")).await;
    assert_eq!(late, Ok(Published::Fenced { current: token }));
    assert_eq!(a.release(&lease("a", token)).await, Ok(Released::NotHeld));
    // What the handle remembers of that lease is worth nothing, and it finds that out.
    let next = win(&a, "a", 2).await;
    assert!(next > token);
    stand.revoke("lock").await;
    assert!(win(&a, "a", 3).await > next);
}

#[tokio::test]
async fn a_holder_publishes_whatever_lease_it_remembers_was_revoked() {
    let server = EtcdServer::shared().await;
    let stand = Stand::at(server.endpoint()).await;
    let (a, b) = (stand.store(), stand.store());
    let mut last = Token::ZERO;
    for (attempt, place) in (1..).zip(["report", "token", "report", "token", "report"]) {
        let token = win(&a, "a", attempt).await;
        assert!(token > last, "{token} after {last}");
        let found = publish("a", token, b"found");
        assert_eq!(a.publish(&found).await, Ok(Published::Done));
        assert_eq!(report(&b).await.token, token);
        stand.revoke(place).await;
        last = token;
    }
}

#[tokio::test]
async fn a_report_that_ended_is_nothing_and_its_token_is_not_given_again() {
    let server = EtcdServer::shared().await;
    let stand = Stand::at(server.endpoint()).await;
    let (a, b) = (stand.store(), stand.store());
    let token = win(&a, "a", 1).await;
    a.publish(&publish("a", token, b"found")).await.unwrap();
    stand.revoke("report").await;
    stand.revoke("token").await;
    let read = b.read(&group(), Token::ZERO).await.unwrap();
    assert_eq!((read.found, read.fence), (Found::Nothing, Token::ZERO));
    assert!(win(&b, "b", 1).await > token);
}

#[tokio::test]
async fn nothing_is_lost_when_the_history_is_thrown_away() {
    let server = EtcdProcess::start().await;
    let stand = Stand::at(&server.endpoint()).await;
    let (a, b) = (stand.store(), stand.store());
    let mut notices = b.watch();
    assert_eq!(notices.next().await, Some(Notice::Resumed));
    let mut token = win(&a, "a", 1).await;
    for attempt in 2..5 {
        server.compact(server.revision().await).await;
        server.defrag().await;
        assert_eq!(
            a.renew(&lease("a", token), LONG).await,
            Ok(Renewed::Extended)
        );
        let found = publish("a", token, b"found");
        assert_eq!(a.publish(&found).await, Ok(Published::Done));
        next(&mut notices, &Notice::Report { group: group() }).await;
        assert_eq!(report(&b).await.token, token);
        token = win(&a, "a", attempt).await;
    }
}

#[tokio::test]
async fn a_report_beyond_the_limit_is_refused_before_it_is_sent() {
    let server = EtcdProcess::start().await;
    let stand = Stand::at(&server.endpoint()).await;
    let a = stand.store();
    let token = win(&a, "a", 1).await;
    let before = server.revision().await;
    let more = vec![b'x'; MAX_REPORT_BYTES + 1];
    let error = a.publish(&publish("a", token, &more)).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    assert!(!error.may_have_landed && !error.may_retry());
    assert!(error.message.contains("1048577"), "{error}");
    assert_eq!(server.revision().await, before);
    let found = publish("a", token, &more[1..]);
    assert_eq!(a.publish(&found).await, Ok(Published::Done));
    assert_eq!(report(&a).await.value.len(), MAX_REPORT_BYTES);
}

#[tokio::test]
async fn a_report_beyond_the_servers_own_limit_is_refused_and_the_lease_stands() {
    let server = EtcdProcess::start_with(&["--max-request-bytes", "100000"]).await;
    let stand = Stand::at(&server.endpoint()).await;
    let a = stand.store();
    let token = win(&a, "a", 1).await;
    let much = publish("a", token, &[b'x'; 200_000]);
    let error = a.publish(&much).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooLarge, "{error}");
    assert!(!error.may_have_landed, "{error}");
    let found = publish("a", token, b"found");
    assert_eq!(a.publish(&found).await, Ok(Published::Done));
}

/// Each task takes the lease so often and gives it up again, with a report or without. Who finds it held waits as pods
/// do: for a notice, with a timer as the net.
async fn race(stores: Vec<Arc<EtcdStore>>, cycles: usize) -> Vec<Token> {
    let mut racers = tokio::task::JoinSet::new();
    for (number, store) in stores.into_iter().enumerate() {
        racers.spawn(async move {
            let pod = format!("pod-{number}");
            let mut notices = store.watch();
            let mut won = Vec::new();
            for attempt in 0.. {
                if won.len() == cycles {
                    break;
                }
                let asked = store.acquire(&request(&pod, attempt)).await.unwrap();
                let Acquired::Held { token } = asked else {
                    let _ = tokio::time::timeout(PATIENCE / 5, notices.next()).await;
                    continue;
                };
                won.push(token);
                if won.len() % 2 == 0 {
                    let released = store.release(&lease(&pod, token)).await;
                    assert_eq!(released, Ok(Released::Done));
                } else {
                    let published = store.publish(&publish(&pod, token, b"found")).await;
                    assert_eq!(published, Ok(Published::Done));
                }
            }
            won
        });
    }
    racers.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_racing_tasks_one_holds_the_lease_at_a_time_and_no_token_is_given_twice() {
    let server = EtcdProcess::start().await;
    for shared in [true, false] {
        let stand = Stand::at(&server.endpoint()).await;
        let one = Arc::new(stand.store());
        let stores = (0..64).map(|_| match shared {
            true => one.clone(),
            false => Arc::new(stand.store()),
        });
        let won = race(stores.collect(), 2).await;
        let different: BTreeSet<Token> = won.iter().copied().collect();
        assert_eq!((won.len(), different.len()), (128, 128));
        assert!(report(&one).await.token <= *different.last().unwrap());
    }
}

#[tokio::test]
async fn leases_do_not_pile_up() {
    let server = EtcdProcess::start().await;
    let stand = Stand::at(&server.endpoint()).await;
    let pods = ["a", "b", "c"];
    let stores = pods.map(|_| stand.store());
    for attempt in 0..30 {
        for (pod, store) in pods.iter().zip(&stores) {
            let token = win(store, pod, attempt).await;
            let some = Publish {
                then: Then::Keep(LONG),
                ..publish(pod, token, b"some")
            };
            let all = Publish {
                edition: 2,
                ..publish(pod, token, b"all")
            };
            store.publish(&some).await.unwrap();
            store.publish(&all).await.unwrap();
        }
    }
    // One for each handle's lock, one or two for each handle's reports, one for the token. What others left is given
    // back beside the work.
    let most = 3 + 2 * 3 + 1;
    let few = async {
        loop {
            let leases = stand.client.lease_client().leases().await.unwrap();
            if leases.leases().len() <= most {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, few).await.unwrap();
}

#[tokio::test]
async fn pods_that_meet_at_new_groups_leave_no_leases_of_days_behind() {
    const PODS: usize = 8;
    const GROUPS: usize = 6;
    let server = EtcdProcess::start().await;
    let stand = Stand::at(&server.endpoint()).await;
    let stores: Vec<_> = (0..PODS).map(|_| stand.store()).collect();
    for n in 0..GROUPS {
        let asked = stores.iter().enumerate().map(|(pod, store)| async move {
            let mut asks = request(&format!("pod-{pod}"), 1);
            asks.group = GroupId::new(format!("new-{n}")).unwrap();
            store.acquire(&asks).await.unwrap()
        });
        let answers = futures_util::future::join_all(asked).await;
        let held = |answer: &&Acquired| matches!(answer, Acquired::Held { .. });
        assert_eq!(answers.iter().filter(held).count(), 1);
    }
    let mut days = 0;
    let all = stand.client.lease_client().leases().await.unwrap();
    for lease in all.leases() {
        let mut leases = stand.client.lease_client();
        let left = leases.time_to_live(lease.id(), None).await.unwrap();
        days += usize::from(left.granted_ttl() > 24 * 3_600);
    }
    // One for each group's token, and one that each pod keeps for the next.
    assert!((GROUPS..=GROUPS + PODS).contains(&days), "{days}");
}

#[tokio::test]
async fn a_report_in_a_store_that_lost_its_data_is_as_old_as_in_any() {
    let mut server = EtcdProcess::start().await;
    let stand = Stand::at(&server.endpoint()).await;
    let (a, b) = (stand.store(), stand.store());
    for attempt in 1..6 {
        let token = win(&a, "a", attempt).await;
        a.publish(&publish("a", token, b"found")).await.unwrap();
        report(&b).await;
    }
    server.kill().await;
    server.wipe();
    server.start_again().await;
    while a.ping().await.is_err() || b.ping().await.is_err() {}
    let token = win(&a, "a", 9).await;
    a.publish(&publish("a", token, b"found")).await.unwrap();
    let first = report(&b).await.age;
    // From then on it counts on this pod's clock, whatever its lease says.
    tokio::time::sleep(Duration::from_millis(1_700)).await;
    let lease = stand.get("report").await.unwrap().lease();
    stand.client.lease_client().keep_alive(lease).await.unwrap();
    let age = report(&b).await.age;
    assert!(
        age >= first + Duration::from_millis(1_650),
        "{first:?} {age:?}"
    );
}

#[tokio::test]
async fn a_ping_writes_nothing_and_is_weighed_as_a_write() {
    let server = EtcdProcess::start_small(2 * 1024 * 1024).await;
    let stand = Stand::at(&server.endpoint()).await;
    let a = stand.store();
    let before = server.revision().await;
    for _ in 0..3 {
        a.ping().await.unwrap();
    }
    assert_eq!(server.revision().await, before);
    let mut client = stand.client.clone();
    while client.put("fill", vec![b'x'; 300_000], None).await.is_ok() {}
    let error = a.ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unwritable, "{error}");
}
