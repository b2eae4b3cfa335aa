//! One network with a Redis, a mock upstream at its gateway, and pods of the image. Everything is removed when it drops.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use watchkeeper_integration_tests::http;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{MockLlm, Seen};
use watchkeeper_integration_tests::{eventually, redis_server};

use crate::{INTERVAL, SOON};

/// For one call of the engine's client; a stop of a pod is the longest.
const CALL_LIMIT: Duration = Duration::from_secs(60);
/// The key that pods ask for.
pub(crate) const KEY: &str = "sk-containers";
/// The models that the pods check.
pub(crate) const MODELS: [&str; 2] = ["m1", "m2"];

/// The image under test.
pub(crate) fn image() -> String {
    std::env::var("WATCHKEEPER_TEST_IMAGE")
        .unwrap_or_else(|_| format!("watchkeeper:{}", env!("CARGO_PKG_VERSION")))
}

/// Calls the engine's client; its output, or what it said when it failed.
pub(crate) async fn try_docker(arguments: &[&str]) -> Result<String, String> {
    let call = Command::new("docker")
        .args(arguments)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(CALL_LIMIT, call)
        .await
        .unwrap_or_else(|_| panic!("`docker {arguments:?}` hangs"))
        .unwrap_or_else(|error| panic!("`docker` cannot be run ({error}): install an engine, or run `scripts/test.sh containers`, which does"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{}{}", text(&output.stdout), text(&output.stderr)))
    }
}

/// The same where it has to succeed.
pub(crate) async fn docker(arguments: &[&str]) -> String {
    try_docker(arguments).await.unwrap_or_else(|said| {
        panic!(
            "`docker {}` failed: {said}; `scripts/test.sh containers` starts an engine and builds the image",
            arguments.join(" ")
        )
    })
}

/// A folder with this `watchkeeper.toml`, to be mounted.
pub(crate) fn folder_with(toml: &str) -> TempDir {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("watchkeeper.toml"), toml).unwrap();
    // The container's user is another one.
    fs::set_permissions(files.path(), fs::Permissions::from_mode(0o755)).unwrap();
    files
}

/// A pod of the image.
pub(crate) struct Pod {
    /// Its name in the fleet, and in the table of requests.
    pub(crate) name: String,
    container: String,
    address: SocketAddr,
}

impl Pod {
    /// What it answers at a path, asked from outside its container.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, String> {
        let answer = http::request(self.address, Method::GET, path, Some(KEY)).await?;
        Ok(answer.json())
    }

    /// What its own `status` says inside the container, whatever network it is in.
    pub(crate) async fn status_inside(&self) -> Value {
        let said = docker(&[
            "exec",
            &self.container,
            "/watchkeeper",
            "status",
            "--output",
            "json",
        ])
        .await;
        serde_json::from_str(&said).unwrap()
    }

    /// Ends it as an orchestrator does; its exit code.
    pub(crate) async fn stop(self) -> String {
        docker(&["stop", "--time", "30", &self.container]).await;
        docker(&[
            "inspect",
            "--format",
            "{{.State.ExitCode}}",
            &self.container,
        ])
        .await
    }
}

/// The network and all that is in it.
pub(crate) struct Stage {
    network: String,
    /// Counts what pods ask.
    pub(crate) mock: MockLlm,
    files: TempDir,
}

impl Stage {
    /// A network with a Redis and the mock.
    pub(crate) async fn set() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let network = format!("wk-test-{}-{number}", std::process::id());
        docker(&["network", "create", &network]).await;
        let gateway = docker(&[
            "network",
            "inspect",
            "--format",
            "{{(index .IPAM.Config 0).Gateway}}",
            &network,
        ])
        .await;
        let gateway: IpAddr = gateway.parse().unwrap();
        let mock = MockLlm::start_at(gateway).await;
        let config = NativeConfig::new(&mock.api_base(), &MODELS)
            .backend("kind = \"redis\"\n\n[backend.redis]\nurl = \"redis://redis:6379/\"\n")
            .interval(&format!("{}s", INTERVAL.as_secs()))
            .http(&format!("api_keys = [\"{KEY}\"]"));
        let files = folder_with(&config.toml());
        let stage = Self {
            network,
            mock,
            files,
        };
        stage.start_redis().await;
        stage
    }

    async fn start_redis(&self) {
        let image = std::env::var("WATCHKEEPER_TEST_REDIS_IMAGE")
            .unwrap_or_else(|_| redis_server::DEFAULT_IMAGE.to_owned());
        let name = self.container("redis");
        docker(&[
            "run",
            "--detach",
            "--name",
            &name,
            "--network",
            &self.network,
            "--network-alias",
            "redis",
            &image,
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .await;
        eventually("Redis answers", SOON, async || {
            try_docker(&["exec", &name, "redis-cli", "ping"])
                .await
                .is_ok_and(|said| said == "PONG")
        })
        .await;
    }

    fn container(&self, name: &str) -> String {
        format!("{}-{name}", self.network)
    }

    /// Starts a pod as a careful user would, and waits until it is ready.
    pub(crate) async fn start_pod(&mut self, name: &str) -> Pod {
        let door = self.mock.open_door(name).await;
        let container = self.container(name);
        let (pod_name, proxy) = (
            format!("POD_NAME={name}"),
            format!("HTTP_PROXY=http://{door}"),
        );
        let key = format!("WATCHKEEPER_API_KEY={KEY}");
        let files = format!("{}:/etc/watchkeeper:ro", self.files.path().display());
        let image = image();
        docker(&[
            "run",
            "--detach",
            "--name",
            &container,
            "--network",
            &self.network,
            "--read-only",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--env",
            &pod_name,
            "--env",
            &proxy,
            "--env",
            &key,
            "--volume",
            &files,
            &image,
        ])
        .await;
        let address = self.address(&container).await;
        let pod = Pod {
            name: name.to_owned(),
            container,
            address,
        };
        eventually(&format!("{name} is ready"), SOON, async || {
            http::request(pod.address, Method::GET, "/health/readiness", None)
                .await
                .is_ok_and(|answer| answer.status == 200)
        })
        .await;
        pod
    }

    async fn address(&self, container: &str) -> SocketAddr {
        let format = format!(
            "{{{{(index .NetworkSettings.Networks \"{}\").IPAddress}}}}",
            self.network
        );
        let ip = docker(&["inspect", "--format", &format, container]).await;
        SocketAddr::new(ip.parse().unwrap(), 4100)
    }

    /// Takes a pod out of the network: it reaches nothing, and nothing reaches it.
    pub(crate) async fn cut_off(&self, pod: &Pod) {
        docker(&["network", "disconnect", &self.network, &pod.container]).await;
    }

    /// Puts it back; its address may be another one.
    pub(crate) async fn join(&self, pod: &mut Pod) {
        docker(&["network", "connect", &self.network, &pod.container]).await;
        pod.address = self.address(&pod.container).await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Waited for: the next test may want the addresses.
        let run = |arguments: &[&str]| {
            let output = std::process::Command::new("docker")
                .args(arguments)
                .output();
            output
                .map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
                .unwrap_or_default()
        };
        let ours = format!("name=^/?{}-", self.network);
        let ids = run(&["ps", "--all", "--quiet", "--filter", &ours]);
        let mut remove = vec!["rm", "--force", "--volumes"];
        remove.extend(ids.split_whitespace());
        if remove.len() > 3 {
            run(&remove);
        }
        run(&["network", "rm", &self.network]);
    }
}

/// What the mock counted, as one line for the record of a run.
pub(crate) fn figures(what: &str, seen: &Seen) -> String {
    let counts: Vec<String> = MODELS
        .iter()
        .map(|m| format!("{m} {}", seen.count(m)))
        .collect();
    let gaps: Vec<Duration> = MODELS.iter().flat_map(|m| seen.gaps(m)).collect();
    let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
    format!(
        "{what}: requests {}; from one to the next {:.2} to {:.2} s, interval {} s",
        counts.join(", "),
        least.as_secs_f64(),
        most.as_secs_f64(),
        INTERVAL.as_secs()
    )
}
