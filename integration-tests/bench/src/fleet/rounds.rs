//! Probes per check and round over the whole fleet, as the model server counts them.
//!
//! A check's starts are cut into rounds by time alone: a start that comes sooner than 0.9 of the interval after its
//! round's first is one too many. The figure is that of the worst check in the worst round, so one probe too many
//! anywhere shows.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use watchkeeper_integration_tests::mock_llm::{Behaviour, Seen};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use super::stand::{INTERVAL, Kind, LOCK_TTL, Stand};
use crate::row::{Row, Target};
use crate::server::Place;
use crate::{Ctx, Error};

const FLEETS: [(Kind, usize); 4] = [
    (Kind::Processes, 1),
    (Kind::Processes, 4),
    (Kind::Local, 20),
    (Kind::Local, 50),
];
const MODELS: usize = 5;
/// Longer than the lease.
const SLOW: Duration = Duration::from_secs(4);
/// An interval that a slow round fits into.
const SLOW_INTERVAL: Duration = Duration::from_secs(5);

/// One row per trouble and fleet. The fleets of one trouble run side by side on one server: nothing here is timed.
pub(super) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let fleets = if ctx.quick {
        &FLEETS[1..3]
    } else {
        &FLEETS[..]
    };
    let redis = RedisProcess::start().await;
    let place = Place::Redis(redis.address());
    let rounds = ctx.repeat;
    let mut rows = Vec::new();
    for trouble in [
        Trouble::None,
        Trouble::Slow,
        Trouble::Rolling,
        Trouble::Killed,
    ] {
        let all = fleets
            .iter()
            // Of one pod, nobody is left to go on.
            .filter(|(_, size)| trouble != Trouble::Killed || *size > 1)
            .map(|(kind, size)| measure(&place, trouble, *kind, *size, rounds));
        rows.extend(try_join_all(all).await?);
    }
    Ok(rows)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    None,
    Slow,
    Rolling,
    Killed,
}

async fn measure(
    place: &Place,
    trouble: Trouble,
    kind: Kind,
    size: usize,
    rounds: usize,
) -> Result<Row, Error> {
    let interval = match trouble {
        Trouble::Slow => SLOW_INTERVAL,
        _ => INTERVAL,
    };
    let mut stand = Stand::with_interval(place, kind, size, MODELS, interval).await?;
    let (what, target, worst) = match trouble {
        Trouble::None => {
            let worst = steady(&stand, rounds, interval).await?;
            ("steady", Target::Exactly(1.0), worst)
        }
        Trouble::Slow => {
            stand.mock.set(&stand.last_model(), Behaviour::Delay(SLOW));
            let worst = steady(&stand, rounds, interval).await?;
            (
                "an endpoint slower than the lease",
                Target::Exactly(1.0),
                worst,
            )
        }
        Trouble::Rolling => {
            let worst = rolling(&mut stand, rounds).await?;
            ("rolling restart", Target::Exactly(1.0), worst)
        }
        Trouble::Killed => {
            let worst = killed(&mut stand, rounds).await?;
            ("a round whose holder is killed", Target::AtMost(2.0), worst)
        }
    };
    let (pods, how) = match (size, kind) {
        (1, Kind::Processes) => ("pod", "a process"),
        _ => ("pods", kind.word()),
    };
    Ok(Row {
        what: format!(
            "probes per check and round, {size} {pods} ({how}, on redis): {what}, worst check of {rounds} rounds"
        ),
        unit: "probes",
        ours: vec![worst],
        peer: Vec::new(),
        peer_name: None,
        target,
    })
}

fn limit(rounds: usize, interval: Duration) -> Duration {
    interval * u32::try_from(rounds + 5).unwrap_or(u32::MAX) + Duration::from_secs(30)
}

async fn steady(stand: &Stand, rounds: usize, interval: Duration) -> Result<f64, Error> {
    stand
        .wait_for_rounds(rounds, limit(rounds, interval))
        .await?;
    // A probe too many of the last round would still come, long before the next round.
    tokio::time::sleep(interval / 2).await;
    worst(&stand.mock.asked(), &stand.models, rounds, interval)
}

/// Every pod is replaced once, one after the other, while the rounds go on; a lone pod as often as there are rounds.
async fn rolling(stand: &mut Stand, rounds: usize) -> Result<f64, Error> {
    stand.wait_for_rounds(1, limit(1, INTERVAL)).await?;
    let began = Instant::now();
    let restarts = stand.size().max(rounds);
    let over = INTERVAL * u32::try_from(rounds)?;
    for done in 0..restarts {
        let at = over.mul_f64(done as f64 / restarts as f64);
        tokio::time::sleep(at.saturating_sub(began.elapsed())).await;
        stand.leave(0).await?;
        stand.fill().await?;
    }
    steady(stand, rounds, INTERVAL).await
}

/// The most that a check was asked in a round whose holder was killed while one probe hung.
async fn killed(stand: &mut Stand, rounds: usize) -> Result<f64, Error> {
    let mut most = 0;
    let model = stand.last_model();
    for _ in 0..rounds {
        let soon = limit(1, INTERVAL) + LOCK_TTL;
        stand.wait_for_rounds(1, soon).await?;
        // Between two rounds, so that the hanging one is a round from its start.
        tokio::time::sleep(INTERVAL / 4).await;
        let before: Vec<usize> = counts(stand);
        stand.mock.set(&model, Behaviour::Hold);
        let asked = stand.mock.asked().count(&model);
        stand.wait_for_rounds(asked + 1, soon).await?;
        let holder = stand.holder().await?;
        stand.kill(holder).await?;
        stand.mock.set(&model, Behaviour::Ok);
        stand.wait_for_rounds(asked + 2, soon).await?;
        // The rest of the round; the next is still far.
        tokio::time::sleep(INTERVAL / 4).await;
        for (before, after) in before.iter().zip(counts(stand)) {
            most = most.max(after - before);
        }
        stand.fill().await?;
    }
    Ok(most as f64)
}

fn counts(stand: &Stand) -> Vec<usize> {
    let seen = stand.mock.asked();
    stand.models.iter().map(|model| seen.count(model)).collect()
}

/// The most starts of one check in one round.
fn worst(seen: &Seen, models: &[String], rounds: usize, interval: Duration) -> Result<f64, Error> {
    let mut worst = 0;
    for model in models {
        let found = per_round(&seen.starts(model), interval);
        if found.len() < rounds {
            return Err(format!(
                "`{model}` was asked in {} rounds, not {rounds}",
                found.len()
            )
            .into());
        }
        worst = worst.max(found.into_iter().max().unwrap_or(0));
    }
    Ok(worst as f64)
}

fn per_round(starts: &[Instant], interval: Duration) -> Vec<usize> {
    let mut rounds: Vec<(Instant, usize)> = Vec::new();
    for start in starts {
        match rounds.last_mut() {
            Some((first, count)) if start.duration_since(*first) < interval.mul_f64(0.9) => {
                *count += 1;
            }
            _ => rounds.push((*start, 1)),
        }
    }
    rounds.into_iter().map(|(_, count)| count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_too_soon_after_its_rounds_first_is_one_too_many() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let second = Duration::from_secs(1);
        assert_eq!(per_round(&[at(0), at(1000), at(2001)], second), [1, 1, 1]);
        assert_eq!(per_round(&[at(0), at(850), at(1000)], second), [2, 1]);
        assert_eq!(per_round(&[at(0), at(950), at(1900)], second), [1, 1, 1]);
    }
}
