//! Several ways to one end: tried one after the other, none waited for so long that the others cannot be tried.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};
use watchkeeper_remote::share;

use crate::error::Failure;

/// The first success within `limit`. Each next way is tried when those before it have failed or had their share of the
/// time; one that is slow may still succeed meanwhile.
///
/// # Errors
/// What each said, in the order in which they failed, none where somebody else had said it; and `late` of those that
/// did not answer in time.
pub(crate) async fn in_turn<W, T, A>(
    ways: Vec<W>,
    limit: Duration,
    attempt: impl Fn(W) -> A,
    late: impl Fn(Vec<W>) -> Failure,
) -> Result<T, Vec<Failure>>
where
    W: Clone + PartialEq,
    A: Future<Output = Result<T, Option<Failure>>>,
{
    let share = share(limit, ways.len());
    let end = Instant::now() + limit;
    let mut ways = ways.into_iter();
    let mut waiting: Vec<W> = Vec::new();
    let mut running = FuturesUnordered::new();
    let mut failures = Vec::new();
    let mut next_at = Instant::now();
    loop {
        if running.is_empty() || Instant::now() >= next_at {
            let Some(way) = ways.next().or_else(|| {
                // Nobody is left to be tried after those that run.
                next_at = end + limit;
                None
            }) else {
                if running.is_empty() {
                    return Err(failures);
                }
                continue;
            };
            waiting.push(way.clone());
            let attempted = attempt(way.clone());
            running.push(async move { (way, attempted.await) });
            next_at = Instant::now() + share;
        }
        tokio::select! {
            ended = running.next() => match ended {
                Some((_, Ok(found))) => return Ok(found),
                Some((way, Err(failure))) => {
                    waiting.retain(|other| *other != way);
                    failures.extend(failure);
                }
                None => {}
            },
            () = sleep_until(next_at.min(end)) => {
                if Instant::now() >= end {
                    failures.push(late(waiting));
                    return Err(failures);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Mutex;

    use tokio::time::sleep;
    use watchkeeper_core::error::StoreErrorKind;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(400);

    fn late<W: std::fmt::Debug>(waiting: Vec<W>) -> Failure {
        Failure::new(StoreErrorKind::Timeout, format!("late: {waiting:?}"))
    }

    fn failure(text: &str) -> Option<Failure> {
        Some(Failure::new(StoreErrorKind::Unreachable, text))
    }

    #[tokio::test(start_paused = true)]
    async fn frozen_ones_cost_their_share_and_no_more() {
        let began = Instant::now();
        let found = in_turn(
            vec![0, 1, 2],
            LIMIT,
            |way| async move {
                if way < 2 {
                    pending::<()>().await;
                }
                Ok(way)
            },
            late,
        );
        assert_eq!(found.await, Ok(2));
        assert_eq!(began.elapsed(), 2 * share(LIMIT, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_one_still_wins_where_the_others_are_dead() {
        let found = in_turn(
            vec![0, 1],
            LIMIT,
            |way| async move {
                if way == 1 {
                    return Err(failure("dead"));
                }
                sleep(LIMIT * 9 / 10).await;
                Ok(way)
            },
            late,
        );
        assert_eq!(found.await, Ok(0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_failed_is_followed_at_once_and_the_rest_is_left_alone() {
        let asked = Mutex::new(Vec::new());
        let began = Instant::now();
        let found = in_turn(
            vec![0, 1, 2],
            LIMIT,
            |way| {
                asked.lock().unwrap().push(way);
                async move {
                    if way == 0 {
                        Err(failure("dead"))
                    } else {
                        Ok(way)
                    }
                }
            },
            late,
        );
        assert_eq!(found.await, Ok(1));
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(*asked.lock().unwrap(), [0, 1]);
    }

    #[tokio::test]
    async fn every_failure_is_told() {
        let failed: Result<(), _> = in_turn(
            vec!["a", "", "b"],
            LIMIT,
            |way| async move { Err(Some(way).filter(|text| !text.is_empty()).and_then(failure)) },
            late,
        )
        .await;
        let texts: Vec<String> = failed.unwrap_err().into_iter().map(|f| f.message).collect();
        assert_eq!(texts, ["a", "b"]);
        let none = in_turn(Vec::<u8>::new(), LIMIT, |_| async { Ok::<u8, _>(0) }, late);
        assert_eq!(none.await, Err(Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn all_ends_at_the_limit_and_those_that_did_not_answer_are_told() {
        let began = Instant::now();
        let failed: Result<(), _> = in_turn(
            vec![0, 1, 2],
            LIMIT,
            |way| async move {
                if way != 1 {
                    pending::<()>().await;
                }
                Err(failure("dead"))
            },
            late,
        )
        .await;
        assert_eq!(began.elapsed(), LIMIT);
        let texts: Vec<String> = failed.unwrap_err().into_iter().map(|f| f.message).collect();
        assert_eq!(texts, ["dead", "late: [0, 2]"]);
    }
}
