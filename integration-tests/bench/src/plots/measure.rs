//! One fleet with one list of checks, looked at over two rounds.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::Error;
use crate::endpoint::Endpoint;
use crate::store::info;
use watchkeeper_integration_tests::measure::machine::{cpu_seconds, resident_mib};

/// Short, so that a run has rounds; what costs by the round shows forty times as often as with five minutes.
pub(super) const INTERVAL: Duration = Duration::from_secs(8);
const ROUNDS: u32 = 2;
/// Pods that start at once: each reads a list of up to 5,000 checks, and all share two cores.
const AT_ONCE: usize = 4;
const READY_LIMIT: Duration = Duration::from_secs(60);

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) pods: usize,
    pub(super) checks: usize,
    /// Commands that the whole fleet sent, pings and presence included, per second.
    pub(super) commands: f64,
    /// Bytes to and from the store, per second, of the whole fleet.
    pub(super) bytes: f64,
    /// Share of a core of one pod, the leader's work spread over all.
    pub(super) cpu: f64,
    /// Share of a core of the server.
    pub(super) store_cpu: f64,
    /// Resident memory of one pod, the mean.
    pub(super) memory: f64,
}

/// Starts the fleet, lets it come to rest, and looks.
pub(super) async fn cell(pods: usize, checks: usize) -> Result<Cell, Error> {
    let redis = RedisProcess::start().await;
    let endpoint = Endpoint::start(Duration::from_millis(1))?;
    let names: Vec<String> = (0..checks).map(|n| format!("model-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let toml = NativeConfig::new(&format!("http://{}/v1", endpoint.address), &names)
        .redis(redis.address())
        .interval(&format!("{}s", INTERVAL.as_secs()))
        .lock_ttl("10s")
        .probe("concurrency = 64")
        .toml();
    let setup = Setup::new().toml(toml);
    let mut fleet: Vec<Daemon> = Vec::new();
    while fleet.len() < pods {
        let mut batch: Vec<Daemon> = (fleet.len()..pods.min(fleet.len() + AT_ONCE))
            .map(|n| setup.clone().pod(&format!("pod-{n}")).spawn())
            .collect();
        for pod in &mut batch {
            pod.wait_until_it_answers().await;
        }
        fleet.append(&mut batch);
    }
    let began = Instant::now();
    for pod in &fleet {
        while !pod.get("/health/readiness").await.status.is_success() {
            if began.elapsed() > READY_LIMIT {
                return Err(
                    format!("a pod of {pods} with {checks} checks does not get ready").into(),
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    // The start's own work ends within a round.
    tokio::time::sleep(INTERVAL).await;
    let before = Look::take(&redis, &fleet).await?;
    tokio::time::sleep(INTERVAL * ROUNDS).await;
    let after = Look::take(&redis, &fleet).await?;
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let per_pod = |sum: f64| sum / pods as f64;
    Ok(Cell {
        pods,
        checks,
        commands: (after.commands - before.commands) / seconds,
        bytes: (after.bytes - before.bytes) / seconds,
        cpu: per_pod(after.cpu - before.cpu) / seconds,
        store_cpu: (after.store_cpu - before.store_cpu) / seconds,
        memory: per_pod(after.memory),
    })
}

/// All counters at one moment.
struct Look {
    at: Instant,
    commands: f64,
    bytes: f64,
    store_cpu: f64,
    cpu: f64,
    memory: f64,
}

impl Look {
    async fn take(redis: &RedisProcess, fleet: &[Daemon]) -> Result<Self, Error> {
        let text: String = redis.run(&["INFO", "everything"]).await;
        let mut look = Self {
            at: Instant::now(),
            commands: sent(&text),
            bytes: info(&text, "total_net_input_bytes")? + info(&text, "total_net_output_bytes")?,
            store_cpu: info(&text, "used_cpu_sys")? + info(&text, "used_cpu_user")?,
            cpu: 0.0,
            memory: 0.0,
        };
        for pod in fleet {
            look.cpu += cpu_seconds(pod.id())?;
            look.memory += resident_mib(pod.id())?;
        }
        Ok(look)
    }
}

/// Commands that pods sent so far. What their scripts call is not sent by anybody.
fn sent(info: &str) -> f64 {
    ["evalsha", "eval", "ping"]
        .iter()
        .filter_map(|name| {
            let start = format!("cmdstat_{name}:calls=");
            let line = info.lines().find_map(|line| line.strip_prefix(&start))?;
            line.split(',').next()?.parse::<f64>().ok()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_pods_send_is_counted() {
        let info = "cmdstat_set:calls=9,usec=1\r\ncmdstat_evalsha:calls=12,usec=3,usec_per_call=1\r\n\
                    cmdstat_ping:calls=30,usec=1\r\n";
        assert!((sent(info) - 42.0).abs() < 1e-9);
    }
}
