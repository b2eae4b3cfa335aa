//! Requests per second of the answers that are asked most, beside axum with fixed bytes. Both are processes of their
//! own, asked in turn by this one over the same kept connections.

mod bare;

use std::time::Duration;

use bytes::Bytes;
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::measure::load;
use watchkeeper_integration_tests::measure::machine::cpu_seconds;
use watchkeeper_integration_tests::mock_llm::MockLlm;

use crate::row::{Row, Target};
use crate::{Ctx, Error};
use bare::Bare;
pub(crate) use bare::serve as serve_bare;

const PATHS: [&str; 2] = ["/health/shared-status", "/health"];
const CONNECTIONS: [usize; 2] = [1, 32];
const CHECKS: usize = 100;
/// The first results of 100 checks of a mock come within a second.
const FIRST_RESULTS: Duration = Duration::from_secs(30);

/// The rows of this part.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let time = Duration::from_millis(if ctx.quick { 200 } else { 1500 });
    let mock = MockLlm::start().await;
    let daemon = started(CHECKS, &mock).await;
    let mut pages = Vec::new();
    for path in PATHS {
        pages.push((path, daemon.get(path).await.body));
    }
    let peer = Bare::start(&pages)?;
    let mut rows = Vec::new();
    for (path, body) in &pages {
        for connections in CONNECTIONS {
            rows.extend(compare(ctx, &daemon, &peer, path, body, connections, time).await?);
        }
    }
    Ok(rows)
}

/// A daemon with so many checks of the mock, all with results; it makes no more rounds.
pub(crate) async fn started(checks: usize, mock: &MockLlm) -> Daemon {
    let names: Vec<String> = (1..=checks).map(|at| format!("model-{at:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let config = LitellmConfig::new(&mock.api_base(), &names).interval(24 * 3600);
    let daemon = Setup::new().litellm(config.yaml()).start().await;
    watchkeeper_integration_tests::eventually("the first results", FIRST_RESULTS, async || {
        daemon.health().await.get("healthy_count") == Some(&serde_json::json!(checks))
    })
    .await;
    daemon
}

async fn compare(
    ctx: &Ctx,
    daemon: &Daemon,
    peer: &Bare,
    path: &str,
    body: &Bytes,
    connections: usize,
    time: Duration,
) -> Result<[Row; 2], Error> {
    let mut ours = Side::default();
    let mut bare = Side::default();
    for turn in 0..=ctx.repeat {
        // The first turn warms both up.
        let warm = turn > 0;
        for first in [turn % 2 == 0, turn % 2 != 0] {
            if first {
                ours.take(daemon.address(), daemon.id(), path, connections, time, warm)
                    .await?;
            } else {
                bare.take(peer.address, peer.id(), path, connections, time, warm)
                    .await?;
            }
        }
    }
    let plural = if connections == 1 { "" } else { "s" };
    let what = format!(
        "GET {path}, {CHECKS} checks, {} bytes, {connections} connection{plural}",
        body.len()
    );
    let peer_name = Some("axum, same bytes");
    Ok([
        Row {
            what: what.clone(),
            unit: "1/s",
            ours: ours.rate,
            peer: bare.rate,
            peer_name,
            target: Target::AtLeast(0.9),
        },
        Row {
            what: format!("{what}: the server's CPU per request"),
            unit: "us",
            ours: ours.cpu,
            peer: bare.cpu,
            peer_name,
            target: Target::Shown,
        },
    ])
}

/// The values of one side.
#[derive(Default)]
struct Side {
    rate: Vec<f64>,
    cpu: Vec<f64>,
}

impl Side {
    async fn take(
        &mut self,
        address: std::net::SocketAddr,
        pid: u32,
        path: &str,
        connections: usize,
        time: Duration,
        counts: bool,
    ) -> Result<(), Error> {
        let before = cpu_seconds(pid)?;
        let load = load::run(address, path, None, connections, time).await?;
        let (rate, requests) = (load.per_second, load.answers() as f64);
        if counts {
            self.rate.push(rate);
            self.cpu.push((cpu_seconds(pid)? - before) * 1e6 / requests);
        }
        Ok(())
    }
}
