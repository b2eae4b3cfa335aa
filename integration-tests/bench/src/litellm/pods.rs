//! A pod of either program as a child process: started with the same file and the same settings, judged by the same
//! endpoints and the same log line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;
use watchkeeper_integration_tests::daemon::binary;
use watchkeeper_integration_tests::http;
use watchkeeper_integration_tests::process::free_address;

use crate::Error;
use crate::litellm::{KEY, LOCK_SECONDS, TTL_SECONDS};

/// What both print when a pod begins a round.
const ACQUIRED: &str = "acquired health check lock";

/// Which program.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// Ours.
    Watchkeeper,
    /// Theirs, by the path of its command.
    Litellm(PathBuf),
}

/// A running pod. Killed when dropped.
pub(crate) struct Pod {
    pub(crate) address: SocketAddr,
    pub(crate) began: Instant,
    child: Child,
    log: PathBuf,
}

impl Pod {
    /// Starts a pod with `config`, a LiteLLM file; its log goes below `directory`.
    pub(crate) fn start(
        program: &Program,
        config: &Path,
        directory: &Path,
        number: usize,
    ) -> Result<Self, Error> {
        let address = free_address();
        let log = directory.join(format!("pod-{number}.log"));
        let file = std::fs::File::create(&log)?;
        let mut command = match program {
            Program::Watchkeeper => {
                let mut command = Command::new(binary());
                command
                    .args(["run", "--litellm-config"])
                    .arg(config)
                    .env("WATCHKEEPER__HTTP__LISTEN", address.to_string());
                command
            }
            Program::Litellm(path) => {
                let mut command = Command::new(path);
                command
                    .arg("--config")
                    .arg(config)
                    .args(["--host", "127.0.0.1", "--telemetry", "False", "--port"])
                    .arg(address.port().to_string());
                command
            }
        };
        for name in [
            "MODEL_COST_MAP",
            "ANTHROPIC_BETA_HEADERS",
            "BLOG_POSTS",
            "POLICY_TEMPLATES",
            "AUTOROUTER_PRESETS",
        ] {
            // Nothing is looked up outside.
            command.env(format!("LITELLM_LOCAL_{name}"), "True");
        }
        for name in ["DATABASE_URL", "REDIS_HOST", "REDIS_URL", "REDIS_PORT"] {
            command.env_remove(name);
        }
        let began = Instant::now();
        let child = command
            .current_dir(directory)
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", TTL_SECONDS.to_string())
            .env(
                "DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL",
                LOCK_SECONDS.to_string(),
            )
            .env("LITELLM_LOG", "INFO")
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|error| format!("{program:?} does not start: {error}"))?;
        Ok(Self {
            address,
            began,
            child,
            log,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// How many rounds it began.
    pub(crate) fn rounds_begun(&self) -> usize {
        self.log().matches(ACQUIRED).count()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> Result<(), Error> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    pub(crate) async fn answers(&self) -> bool {
        http::request(self.address, Method::GET, "/health/liveliness", None)
            .await
            .is_ok_and(|answer| answer.status.is_success())
    }

    /// How many models it shows as healthy and as unhealthy.
    pub(crate) async fn shows(&self) -> Option<(u64, u64)> {
        let answer = http::request(self.address, Method::GET, "/health", Some(KEY)).await;
        let body: Value = serde_json::from_slice(&answer.ok()?.body).ok()?;
        Some((
            body.get("healthy_count")?.as_u64()?,
            body.get("unhealthy_count")?.as_u64()?,
        ))
    }

    /// Waits until it shows so many healthy and unhealthy models; answers the moment.
    pub(crate) async fn wait_until_it_shows(
        &self,
        healthy: u64,
        unhealthy: u64,
        limit: Duration,
    ) -> Result<Instant, Error> {
        let began = Instant::now();
        while self.shows().await != Some((healthy, unhealthy)) {
            if began.elapsed() > limit {
                let log = self.log();
                let tail: Vec<&str> = log.lines().rev().take(20).collect();
                return Err(format!(
                    "a pod does not show {healthy} healthy and {unhealthy} unhealthy models within {limit:?}; the end \
                     of its log, newest first:\n{}",
                    tail.join("\n")
                )
                .into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Instant::now())
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
