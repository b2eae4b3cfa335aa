//! How soon the next round starts when a holder was killed, and when one left in order. Real processes; a round's
//! start is its first request to the model server, so starting the probe is part of the figure.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm, Seen};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use super::stand::{Kind, Stand};
use crate::row::{Row, Target};
use crate::server::Server;
use crate::{Ctx, Error};

const PODS: usize = 4;
const SOON: Duration = Duration::from_secs(15);

/// Both rows.
pub(super) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let redis = Server::Redis(RedisProcess::start().await);
    let mut stand = Stand::new(&redis.place(), Kind::Processes, PODS, 2).await?;
    let (mut killed, mut left) = (Vec::new(), Vec::new());
    for _ in 0..ctx.repeat {
        killed.push(after_kill(&mut stand, &redis).await?);
        left.push(after_sigterm(&mut stand, redis.redis_of("").await?).await?);
    }
    Ok(vec![
        row(KILLED, &redis, killed, 200.0),
        row(
            "release of a holder told to leave by SIGTERM",
            &redis,
            left,
            100.0,
        ),
    ])
}

/// Only what follows a kill, on any server; `limit` in milliseconds.
pub(crate) async fn killed(server: &Server, limit: f64, ctx: &Ctx) -> Result<Row, Error> {
    let mut stand = Stand::new(&server.place(), Kind::Processes, PODS, 2).await?;
    let mut took = Vec::new();
    for _ in 0..ctx.repeat {
        took.push(after_kill(&mut stand, server).await?);
    }
    Ok(row(KILLED, server, took, limit))
}

const KILLED: &str = "end of a killed holder's lease";

fn row(what: &str, server: &Server, ours: Vec<f64>, limit: f64) -> Row {
    let word = server.place().word();
    Row {
        what: format!("{what} -> first probe of the next round ({PODS} processes, on {word})"),
        unit: "ms",
        ours,
        peer: Vec::new(),
        peer_name: None,
        target: Target::AtMost(limit),
    }
}

/// Waits until a round hangs at the last model; returns how often that one was asked so far.
async fn hang(stand: &mut Stand) -> Result<usize, Error> {
    let model = stand.last_model();
    let before = stand.mock.asked().count(&model);
    stand.mock.set(&model, Behaviour::Hold);
    let seen = stand.mock.wait_for_starts(&model, before + 1, SOON).await;
    Ok(seen.count(&model))
}

async fn after_kill(stand: &mut Stand, server: &Server) -> Result<f64, Error> {
    let model = stand.last_model();
    let asked = hang(stand).await?;
    let holder = stand.holder().await?;
    stand.kill(holder).await?;
    let ends = server.lease_end().await?;
    stand.mock.set(&model, Behaviour::Ok);
    let next = start_of(&stand.mock, &model, asked).await?;
    stand.fill().await?;
    if next + GRAIN < ends {
        return Err("a probe started while the dead holder's lease stood".into());
    }
    Ok(next.saturating_duration_since(ends).as_secs_f64() * 1e3)
}

/// A lease's rest is told in whole milliseconds, and it takes a moment to be told.
const GRAIN: Duration = Duration::from_millis(5);

async fn after_sigterm(stand: &mut Stand, redis: &RedisProcess) -> Result<f64, Error> {
    let model = stand.last_model();
    let asked = hang(stand).await?;
    let holder = stand.holder().await?;
    let client = redis::Client::open(redis.url())?;
    let mut notices = client.get_async_pubsub().await?;
    notices.psubscribe("watchkeeper:*:events").await?;
    let mut notices = notices.into_on_message();
    let leaving = stand.leave(holder);
    let released = async {
        while let Some(message) = notices.next().await {
            if message
                .get_payload_bytes()
                .windows(8)
                .any(|part| part == b"released")
            {
                return Ok(Instant::now());
            }
        }
        Err::<_, Error>("the server ended the subscription".into())
    };
    let (left, released) = tokio::join!(leaving, tokio::time::timeout(SOON, released));
    left?;
    let released = released.map_err(|_| "no release within the limit")??;
    stand.mock.set(&model, Behaviour::Ok);
    let next = start_of(&stand.mock, &model, asked).await?;
    stand.fill().await?;
    Ok(next.saturating_duration_since(released).as_secs_f64() * 1e3)
}

/// When `model` was asked for the first time after `asked` times.
async fn start_of(mock: &MockLlm, model: &str, asked: usize) -> Result<Instant, Error> {
    let seen: Seen = mock.wait_for_starts(model, asked + 1, SOON).await;
    seen.starts(model)
        .get(asked)
        .copied()
        .ok_or_else(|| "the model was not asked again".into())
}
