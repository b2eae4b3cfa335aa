//! Pods whose checks and settings change while they run.

use watchkeeper_core::coordinator::NotForced;
use watchkeeper_core::on_demand::{NotRun, OnDemand};
use watchkeeper_runtime::ReloadError;

use super::*;

/// Some of the checks, by their numbers.
fn some(numbers: &[usize]) -> Vec<Check> {
    let all = checks(9);
    numbers.iter().map(|n| all[n - 1].clone()).collect()
}

fn counts(world: &World, names: &[&str]) -> Vec<usize> {
    let starts = names.iter().map(|name| world.prober.starts(name).len());
    starts.collect()
}

fn known(pod: &Pod) -> Vec<String> {
    let snapshot = pod.status().snapshot();
    let checks = snapshot.checks.iter();
    let known = checks.filter(|check| snapshot.known(&check.id).is_some());
    known.map(|check| check.name.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn lists_that_change_one_after_the_other_in_a_round_cost_no_probe_twice() {
    for scope in [LockScope::Fleet, LockScope::Check] {
        let world = World::new(scope, Duration::from_secs(3));
        let pod = world.pod("pod-1", some(&[1, 2]));
        sleep(Duration::from_secs(1)).await;
        // To another list, back to the first while it still leaves, and on to a third.
        for list in [&[1, 2, 3][..], &[1, 2], &[2, 4, 1]] {
            let change = world.change("pod-1", some(list), |_| {});
            pod.reloads().reload(change).await.unwrap();
            assert_eq!(pod.status().snapshot().checks.len(), list.len());
            sleep(Duration::from_millis(200)).await;
        }
        sleep(Duration::from_millis(3_100)).await;
        assert_eq!(counts(&world, &["m1", "m2", "m4"]), [1, 1, 1], "{scope:?}");
        assert_eq!(known(&pod), ["m2", "m1"], "{scope:?}");
        sleep(Duration::from_secs(20)).await;
        assert_eq!(known(&pod), ["m2", "m4", "m1"], "{scope:?}");
        for name in ["m1", "m2", "m4"] {
            let starts = world.prober.starts(name);
            assert!(
                gaps(&starts).iter().all(|gap| *gap >= 4.9),
                "{scope:?} {name}: {starts:?}"
            );
            assert!(starts.len() >= 4, "{scope:?} {name}: {starts:?}");
        }
        assert!(counts(&world, &["m3"])[0] <= 1);
        pod.leave().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_checks_stay_keeps_its_rounds_and_goes_by_the_new_interval() {
    let world = World::new(LockScope::Check, Duration::from_millis(100));
    let pod = world.pod("pod-1", some(&[1, 2]));
    sleep(Duration::from_secs(2)).await;
    let change = world.change("pod-1", some(&[3, 2]), |o| {
        o.interval = Duration::from_secs(3)
    });
    pod.reloads().reload(change).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(counts(&world, &["m1", "m2", "m3"]), [1, 1, 1]);
    assert_eq!(known(&pod), ["m3", "m2"]);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(counts(&world, &["m1", "m2", "m3"]), [1, 3, 3]);
    let snapshot = pod.status().snapshot();
    assert_eq!(snapshot.groups.len(), 2);
    for (place, name) in [(0, "m3"), (1, "m2")] {
        let only: Vec<_> = snapshot.groups[place]
            .entries
            .keys()
            .map(CheckId::as_str)
            .collect();
        assert_eq!(only, [name]);
    }
    pod.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_forced_run_that_waits_for_a_check_of_the_old_list_is_told_so() {
    let world = World::new(LockScope::Fleet, Duration::from_secs(3));
    let pod = world.pod("pod-1", some(&[1]));
    sleep(Duration::from_secs(1)).await;
    let forced = pod.force(vec![CheckId::new("m1").unwrap()]);
    let reload = async {
        tokio::task::yield_now().await;
        let change = world.change("pod-1", some(&[2]), |_| {});
        pod.reloads().reload(change).await.unwrap();
    };
    let (forced, ()) = tokio::join!(forced, reload);
    assert_eq!(forced, Err(NotRun::Refused(NotForced::Reloaded)));
    let gone = pod.force(vec![CheckId::new("m1").unwrap()]).await;
    assert_eq!(gone, Err(NotRun::Refused(NotForced::UnknownCheck)));
    pod.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_leaves_takes_no_other_settings_and_one_that_changes_leaves_in_order() {
    let world = World::new(LockScope::Fleet, Duration::from_secs(2));
    let pod = world.pod("pod-1", some(&[1, 2]));
    sleep(Duration::from_secs(1)).await;
    let reloads = pod.reloads();
    reloads
        .reload(world.change("pod-1", some(&[1, 3]), |_| {}))
        .await
        .unwrap();
    pod.begin_drain().await;
    let late = reloads
        .reload(world.change("pod-1", some(&[1]), |_| {}))
        .await;
    assert_eq!(late, Err(ReloadError::Leaving));
    let left = Instant::now();
    pod.leave().await;
    assert!(
        left.elapsed() < Duration::from_secs(2),
        "{:?}",
        left.elapsed()
    );
    assert_eq!(counts(&world, &["m1", "m2", "m3"]), [1, 1, 0]);
    let gone = reloads
        .reload(world.change("pod-1", some(&[1]), |_| {}))
        .await;
    assert_eq!(gone, Err(ReloadError::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_taken_out_while_it_waits_for_a_place_is_not_asked_and_holds_nobody_up() {
    let world = World::new(LockScope::Check, Duration::from_secs(3));
    // Eight places for nine checks: the last one's group has never had a probe leave.
    let pod = world.pod("pod-1", checks(9));
    sleep(Duration::from_secs(1)).await;
    let mut list = checks(10);
    list.remove(8);
    let change = world.change("pod-1", list, |_| {});
    pod.reloads().reload(change).await.unwrap();
    sleep(Duration::from_millis(3_500)).await;
    assert_eq!(counts(&world, &["m9", "m10"]), [0, 1]);
    pod.leave().await;
}

/// Notes how many checks are shown at the very moment in which a caller is woken.
struct Looks {
    pod: Arc<dyn StatusSource>,
    seen: Mutex<Vec<usize>>,
    caller: Waker,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let shown = self.pod.snapshot().checks.len();
        self.seen.lock().unwrap().push(shown);
        self.caller.wake_by_ref();
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_of_a_reload_is_answered_only_once_the_new_list_is_shown() {
    let world = World::new(LockScope::Fleet, Duration::from_millis(100));
    let pod = world.pod("pod-1", some(&[1]));
    sleep(Duration::from_secs(2)).await;
    let reloads = pod.reloads();
    let mut looks = None;
    let mut reload = pin!(reloads.reload(world.change("pod-1", some(&[1, 2, 3]), |_| {})));
    let reloaded = poll_fn(|context| {
        let looks = looks.get_or_insert_with(|| {
            Arc::new(Looks {
                pod: pod.status(),
                seen: Mutex::default(),
                caller: context.waker().clone(),
            })
        });
        let waker = Waker::from(Arc::clone(looks));
        reload.as_mut().poll(&mut Context::from_waker(&waker))
    });
    reloaded.await.unwrap();
    let seen = looks.unwrap().seen.lock().unwrap().clone();
    assert_eq!(seen.last(), Some(&3), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_checks_are_all_gone_leaves_at_once_whatever_else_it_hears() {
    let world = World::new(LockScope::Fleet, Duration::from_millis(100));
    let pod = world.pod("pod-1", some(&[1]));
    sleep(Duration::from_secs(2)).await;
    let reloads = pod.reloads();
    reloads
        .reload(world.change("pod-1", Vec::new(), |_| {}))
        .await
        .unwrap();
    sleep(Duration::from_secs(1)).await;
    // Both wait when the driver looks: the order to leave is not the first that it finds.
    let left = Instant::now();
    let on_demand: Arc<dyn OnDemand> = pod.on_demand();
    let call = on_demand.run(vec![CheckId::new("m1").unwrap()]);
    let (refused, ()) = tokio::join!(biased; call, pod.leave());
    assert!(refused.is_err(), "{refused:?}");
    assert!(
        left.elapsed() < Duration::from_secs(1),
        "{:?}",
        left.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_ready_stays_so_when_all_its_checks_are_others() {
    let world = World::new(LockScope::Fleet, Duration::from_millis(300));
    let pod = world.pod("pod-1", some(&[1]));
    assert!(!pod.status().snapshot().is_ready());
    sleep(Duration::from_secs(2)).await;
    let change = world.change("pod-1", some(&[2]), |_| {});
    pod.reloads().reload(change).await.unwrap();
    let snapshot = pod.status().snapshot();
    assert!(!snapshot.has_results());
    assert!(snapshot.is_ready());
    pod.leave().await;
}
