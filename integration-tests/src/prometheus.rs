//! A Prometheus of a test's own: Debian's server as a child process, asked over its HTTP API; and its `promtool`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::{http, process};

/// From its start until it is ready; a healthy one needs less than a second.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How often targets are scraped and rules are evaluated.
pub const EVERY: Duration = Duration::from_secs(1);

/// A running server. Killed when dropped.
pub struct Prometheus {
    address: SocketAddr,
    child: Child,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that scrapes `targets` and evaluates the rules of a file, both each second.
    ///
    /// # Panics
    /// When it is not installed, or does not get ready.
    pub async fn start(targets: &[SocketAddr], rules: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
        // JSON is YAML.
        let config = serde_json::json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [rules],
            "scrape_configs": [{"job_name": "watchkeeper", "static_configs": [{"targets": targets}]}],
        });
        let file = directory.path().join("prometheus.yml");
        std::fs::write(&file, config.to_string()).unwrap();
        let address = process::free_address();
        let flag = |name: &str, value: String| format!("--{name}={value}");
        let child = Command::new("prometheus")
            .args([
                flag("config.file", file.display().to_string()),
                flag(
                    "storage.tsdb.path",
                    directory.path().join("data").display().to_string(),
                ),
                flag("web.listen-address", address.to_string()),
                flag("log.level", "warn".to_owned()),
            ])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{}", missing("prometheus", &error)));
        let mut started = Self {
            address,
            child,
            _directory: directory,
        };
        started.wait_until_ready().await;
        started
    }

    async fn wait_until_ready(&mut self) {
        let began = Instant::now();
        loop {
            let ready = http::request(self.address, Method::GET, "/-/ready", None).await;
            if ready.is_ok_and(|answer| answer.status.is_success()) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("prometheus ended at its start ({status}), see its log above");
            }
            assert!(
                began.elapsed() < START_LIMIT,
                "prometheus is not ready within {START_LIMIT:?}"
            );
            tokio::time::sleep(crate::POLL).await;
        }
    }

    /// The `data` of an answer of its API.
    ///
    /// # Errors
    /// What Prometheus says of the question.
    pub async fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        let path = format!("/api/v1/{path}?{}", query.join("&"));
        let answer = http::request(self.address, Method::GET, &path, None)
            .await?
            .json();
        if answer["status"] == "success" {
            Ok(answer["data"].clone())
        } else {
            Err(answer["error"].as_str().unwrap_or("no reason").to_owned())
        }
    }

    /// What an expression gives now: one object per series, with `metric` and `value`.
    ///
    /// # Errors
    /// What Prometheus says of the expression.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let data = self.ask("query", &[("query", expression)]).await?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }

    /// What it gave over the last `seconds`, in steps of one: one object per series, with `metric` and `values`.
    ///
    /// # Errors
    /// What Prometheus says of the expression.
    pub async fn query_range(&self, expression: &str, seconds: u32) -> Result<Vec<Value>, String> {
        let end = self.now().await?;
        let (start, end) = ((end - f64::from(seconds)).to_string(), end.to_string());
        let parameters = [
            ("query", expression),
            ("start", &start),
            ("end", &end),
            ("step", "1"),
        ];
        let data = self.ask("query_range", &parameters).await?;
        Ok(data["result"].as_array().cloned().unwrap_or_default())
    }

    async fn now(&self) -> Result<f64, String> {
        let data = self.ask("query", &[("query", "time()")]).await?;
        data["result"][0]
            .as_f64()
            .ok_or_else(|| format!("`time()` gave {data}"))
    }
}

/// Runs `promtool` to its end; the error is all that it said.
///
/// # Panics
/// When it is not installed.
pub fn promtool(arguments: &[&str], directory: &Path) -> Result<(), String> {
    let output = std::process::Command::new("promtool")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap_or_else(|error| panic!("{}", missing("promtool", &error)));
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(String::from_utf8_lossy(&said).into_owned())
}

fn missing(program: &str, error: &std::io::Error) -> String {
    format!("`{program}` cannot be started ({error}): install it (`apt-get install -y prometheus`)")
}

/// As a part of a URL's query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
