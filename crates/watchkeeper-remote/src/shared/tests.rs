use std::time::Duration;

use futures_util::future::{join_all, pending};

use super::*;

type Connections = SharedConnection<u64, Reason>;

fn none_yet() -> (Connections, Arc<Notify>) {
    let up = Arc::new(Notify::new());
    (SharedConnection::new(Arc::clone(&up)), up)
}

/// Connects after a while, to the number of the attempt.
async fn connect(ticket: Ticket<u64, Reason>) -> Result<u64, Reason> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(ticket.id)
}

async fn fail(_: Ticket<u64, Reason>) -> Result<u64, Reason> {
    Err(Reason::new(StoreErrorKind::Unreachable, "away"))
}

#[tokio::test(start_paused = true)]
async fn all_who_need_it_wait_for_one_attempt() {
    let (shared, up) = none_yet();
    let all = join_all((0..10).map(|_| shared.get(|_| true, connect))).await;
    assert!(all.iter().all(|made| *made == Ok(1)), "{all:?}");
    assert_eq!(up.notified().now_or_never(), Some(()));
    assert_eq!(shared.get(|_| true, fail).await, Ok(1));
    assert_eq!(up.notified().now_or_never(), None);
}

#[tokio::test]
async fn a_failed_attempt_is_told_and_the_next_operation_tries_anew() {
    let (shared, up) = none_yet();
    let failed = shared.get(|_| true, fail).await.unwrap_err();
    assert_eq!(failed.message, "away");
    assert_eq!(up.notified().now_or_never(), None);
    assert_eq!(shared.get(|_| true, connect).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_goes_on_when_who_began_it_gives_up() {
    let (shared, up) = none_yet();
    let hasty = tokio::time::timeout(Duration::from_millis(1), shared.get(|_| true, connect));
    assert!(hasty.await.is_err());
    up.notified().await;
    assert_eq!(shared.get(|_| true, fail).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_no_good_any_more_is_replaced() {
    let (shared, _) = none_yet();
    assert_eq!(shared.get(|_| true, connect).await, Ok(1));
    assert_eq!(shared.get(|id| *id != 1, connect).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn only_the_connection_that_is_given_up_is() {
    let (shared, _) = none_yet();
    let ticket = Mutex::new(None);
    let noted = |made: Ticket<u64, Reason>| {
        *ticket.lock().unwrap() = Some(made.clone());
        connect(made)
    };
    assert_eq!(shared.get(|_| true, noted).await, Ok(1));
    let first = ticket.lock().unwrap().take().unwrap();
    let mut told = 0;
    first.give_up_and(|| told += 1);
    assert_eq!(shared.get(|_| true, connect).await, Ok(2));
    first.give_up_and(|| told += 1);
    assert_eq!(shared.get(|_| true, fail).await, Ok(2));
    assert_eq!(told, 1);
    drop(shared);
    first.give_up();
}

#[tokio::test]
async fn an_attempt_ends_with_its_owner() {
    let (shared, _) = none_yet();
    let held = Arc::new(());
    let kept = Arc::clone(&held);
    let forever = |_| async move {
        let _kept = kept;
        pending().await
    };
    assert!(shared.get(|_| true, forever).now_or_never().is_none());
    drop(shared);
    while Arc::strong_count(&held) > 1 {
        tokio::task::yield_now().await;
    }
}
