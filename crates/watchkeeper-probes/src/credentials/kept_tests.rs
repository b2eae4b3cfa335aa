use std::future::{pending, ready};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use watchkeeper_core::time::UnixMillis;

use super::*;

/// A clock that moves when told to.
#[derive(Default)]
struct Hand(AtomicI64);

impl Hand {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(0)
    }
}

fn kept() -> (Arc<Hand>, Arc<Kept<&'static str, usize>>) {
    let hand = Arc::new(Hand::default());
    let clock: Arc<dyn Clock> = Arc::clone(&hand) as _;
    (hand, Arc::new(Kept::new(clock)))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(8)
}

fn good(value: usize, seconds: u64) -> Result<Fetched<usize>, Refusal> {
    Ok(Fetched {
        value,
        lifetime: Some(Duration::from_secs(seconds)),
    })
}

fn bad() -> Result<Fetched<usize>, Refusal> {
    Err(Refusal::new(Outcome::Unauthorized, "no"))
}

#[tokio::test(start_paused = true)]
async fn fifty_probes_at_once_fetch_once_and_another_account_for_itself() {
    let (_, kept) = kept();
    let fetches = Arc::new(AtomicUsize::new(0));
    let mut all = tokio::task::JoinSet::new();
    for i in 0..50 {
        let (kept, fetches) = (Arc::clone(&kept), Arc::clone(&fetches));
        all.spawn(async move {
            let key = if i == 7 { "other" } else { "one" };
            let fetch = || async {
                let n = fetches.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(200)).await;
                good(n, 3600)
            };
            kept.get(&key, soon(), fetch).await.unwrap()
        });
    }
    let values = all.join_all().await;
    assert_eq!(values.len(), 50);
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn what_ends_soon_is_fetched_anew_and_serves_on_while_that_fails() {
    let (hand, kept) = kept();
    let at = |value| kept.get(&"a", soon(), move || ready(good(value, 3600)));
    assert_eq!(at(1).await, Ok(1));
    hand.pass(3299);
    assert_eq!(
        at(2).await,
        Ok(1),
        "5 minutes before the end and no earlier"
    );
    hand.pass(2);
    assert_eq!(kept.get(&"a", soon(), || ready(bad())).await, Ok(1));
    assert_eq!(at(3).await, Ok(1), "a failure is remembered");
    hand.pass(6);
    assert_eq!(at(4).await, Ok(4));
    hand.pass(3600);
    let ended = kept.get(&"a", soon(), || ready(bad())).await;
    assert_eq!(ended.unwrap_err().outcome, Outcome::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn while_one_probe_renews_the_others_go_on_with_what_is_kept() {
    let (hand, kept) = kept();
    kept.get(&"a", soon(), || ready(good(1, 100)))
        .await
        .unwrap();
    hand.pass(80);
    let renewing = {
        let kept = Arc::clone(&kept);
        tokio::spawn(async move {
            let slow = || async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                good(2, 100)
            };
            kept.get(&"a", soon(), slow).await
        })
    };
    tokio::task::yield_now().await;
    assert_eq!(kept.get(&"a", soon(), || ready(good(9, 100))).await, Ok(1));
    assert_eq!(renewing.await.unwrap(), Ok(2));
    assert_eq!(kept.get(&"a", soon(), || ready(good(9, 100))).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_for_five_seconds() {
    let (hand, kept) = kept();
    let refused = kept.get(&"a", soon(), || ready(bad())).await;
    hand.pass(4);
    let again = kept.get(&"a", soon(), || ready(good(1, 60))).await;
    assert_eq!(again, refused);
    hand.pass(1);
    assert_eq!(kept.get(&"a", soon(), || ready(good(1, 60))).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_ends_at_the_deadline_and_after_ten_seconds_and_who_has_more_time_tries_again() {
    let (_, kept) = kept();
    let began = Instant::now();
    let late = kept
        .get(&"a", began + Duration::from_secs(2), pending)
        .await;
    assert_eq!(late.unwrap_err().outcome, Outcome::Timeout);
    assert_eq!(began.elapsed().as_secs(), 2);
    let no_more = Instant::now() + Duration::from_secs(1);
    let remembered = kept.get(&"a", no_more, || ready(good(1, 60))).await;
    assert_eq!(remembered.unwrap_err().outcome, Outcome::Timeout);
    let long = Instant::now() + Duration::from_secs(60);
    let late = kept.get(&"a", long, pending).await;
    assert_eq!(late.unwrap_err().outcome, Outcome::Timeout);
    assert_eq!(began.elapsed().as_secs(), 12, "10 s however long the check");
}

#[tokio::test(start_paused = true)]
async fn when_the_fetching_probe_is_dropped_the_next_takes_over() {
    let (_, kept) = kept();
    let first = {
        let kept = Arc::clone(&kept);
        tokio::spawn(async move { kept.get(&"a", soon(), pending).await })
    };
    tokio::task::yield_now().await;
    let second = {
        let kept = Arc::clone(&kept);
        tokio::spawn(async move { kept.get(&"a", soon(), || ready(good(2, 60))).await })
    };
    tokio::task::yield_now().await;
    first.abort();
    assert_eq!(second.await.unwrap(), Ok(2));
}

#[tokio::test(start_paused = true)]
async fn what_an_upstream_refuses_is_forgotten_unless_it_is_fresh() {
    let (hand, kept) = kept();
    let at = |value| kept.get(&"a", soon(), move || ready(good(value, 3600)));
    assert_eq!(at(1).await, Ok(1));
    kept.forget(&"a");
    assert_eq!(at(2).await, Ok(1), "fresh");
    hand.pass(61);
    kept.forget(&"a");
    assert_eq!(at(3).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn what_has_no_end_is_fetched_anew_after_ten_minutes() {
    let (hand, kept) = kept();
    let at = |value| {
        let fetched = Fetched {
            value,
            lifetime: None,
        };
        kept.get(&"a", soon(), move || ready(Ok(fetched)))
    };
    assert_eq!(at(1).await, Ok(1));
    hand.pass(440);
    assert_eq!(at(2).await, Ok(1));
    hand.pass(161);
    assert_eq!(at(3).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn what_ends_at_once_is_still_asked_for_once_in_a_round() {
    let (hand, kept) = kept();
    let at = |value| kept.get(&"a", soon(), move || ready(good(value, 0)));
    assert_eq!(at(1).await, Ok(1));
    assert_eq!(at(2).await, Ok(1));
    hand.pass(5);
    assert_eq!(at(3).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn accounts_that_nobody_uses_give_way_to_new_ones() {
    let clock: Arc<dyn Clock> = Arc::new(Hand::default());
    let kept = Kept::new(clock);
    for key in 0..3 * MAX_SLOTS {
        let got = kept.get(&key, soon(), || ready(good(key, 60))).await;
        assert_eq!(got, Ok(key));
        assert!(lock(&kept.slots).len() <= MAX_SLOTS);
    }
}
