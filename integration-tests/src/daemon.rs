//! A pod as a child process, `watchkeeper` or (see [`crate::litellm`]) LiteLLM: started with its files and a bare
//! environment, watched through its log and its HTTP endpoints, ended by signals.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use rustix::process::Signal;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::http::{self, Answer, Metrics};
pub use crate::lines::Line;
use crate::lines::Lines;
use crate::process;

/// Which program a pod runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Program {
    /// Ours.
    #[default]
    Watchkeeper,
    /// The pinned LiteLLM; [`crate::litellm::pod`] makes such a setup.
    Litellm,
}

impl Program {
    /// From the start of the process until its first answer. A healthy `watchkeeper` needs some 100 ms, LiteLLM 7 s alone
    /// and 20 s where four start on two cores; builds share the machine.
    const fn start_limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Watchkeeper => 10,
            Self::Litellm => 180,
        })
    }
}

/// The binary under test: `WATCHKEEPER_BIN`, else the debug build of this workspace.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn binary() -> PathBuf {
    let path = match std::env::var_os("WATCHKEEPER_BIN") {
        Some(path) => PathBuf::from(path),
        None => std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(
                || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
                PathBuf::from,
            )
            .join("debug/watchkeeper"),
    };
    assert!(
        path.is_file(),
        "no daemon at `{}`: run `cargo build -p watchkeeper` first, or name a binary in WATCHKEEPER_BIN",
        path.display()
    );
    path
}

/// What a daemon or a command is started with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    program: Program,
    files: Vec<(String, String)>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    key: Option<String>,
    listen: Option<SocketAddr>,
}

impl Setup {
    /// Nothing: no file, no variable but `PATH` and `HOME`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for this program.
    #[must_use]
    pub fn of(program: Program) -> Self {
        Self {
            program,
            ..Self::default()
        }
    }

    /// Writes a file into the working directory of the process.
    #[must_use]
    pub fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.files.push((name.to_owned(), text.into()));
        self
    }

    /// Writes `watchkeeper.toml` and passes it by `--config`.
    #[must_use]
    pub fn toml(self, text: impl Into<String>) -> Self {
        self.file("watchkeeper.toml", text)
            .arguments(&["--config", "watchkeeper.toml"])
    }

    /// Writes `proxy_config.yaml` and passes it by `--litellm-config`.
    #[must_use]
    pub fn litellm(self, text: impl Into<String>) -> Self {
        self.file("proxy_config.yaml", text)
            .arguments(&["--litellm-config", "proxy_config.yaml"])
    }

    /// Adds arguments after the subcommand.
    #[must_use]
    pub fn arguments(mut self, words: &[&str]) -> Self {
        self.arguments
            .extend(words.iter().map(|&word| word.to_owned()));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The Bearer key that requests of the test carry.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Listens there instead of on a free port, so that a pod started again is found where it was.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// The pod's name in the fleet.
    #[must_use]
    pub fn pod(self, id: &str) -> Self {
        self.env("WATCHKEEPER__FLEET__POD_ID", id)
    }

    fn command(&self, subcommand: &[&str]) -> (Command, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in &self.files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut command = Command::new(match self.program {
            Program::Watchkeeper => binary(),
            Program::Litellm => crate::litellm::command(),
        });
        command
            .args(subcommand)
            .args(&self.arguments)
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", directory.path())
            .env("NO_COLOR", "1")
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        (command, directory)
    }

    /// Starts a pod on a free port and returns at once.
    #[must_use]
    pub fn spawn(self) -> Daemon {
        let address = self.listen.unwrap_or_else(process::free_address);
        match self.program {
            Program::Watchkeeper => self
                .env("WATCHKEEPER__HTTP__LISTEN", address.to_string())
                .spawn_as(&["run"], address),
            Program::Litellm => {
                let port = address.port().to_string();
                self.arguments(&["--port", &port]).spawn_as(&[], address)
            }
        }
    }

    /// Starts a pod and waits for its first answer.
    ///
    /// # Panics
    /// When it ends or stays silent; the message shows its log.
    pub async fn start(self) -> Daemon {
        let mut daemon = self.spawn();
        daemon.wait_until_it_answers().await;
        daemon
    }

    /// Starts any subcommand that stays; `address` is where it is expected to listen.
    #[must_use]
    pub fn spawn_as(&self, subcommand: &[&str], address: SocketAddr) -> Daemon {
        let (mut command, directory) = self.command(subcommand);
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        let lines = Lines::default();
        let out = Lines::default();
        let readers = vec![
            tokio::spawn(lines.clone().collect(child.stderr.take().unwrap())),
            tokio::spawn(out.clone().collect(child.stdout.take().unwrap())),
        ];
        Daemon {
            program: self.program,
            began,
            address,
            child,
            lines,
            out,
            readers,
            key: self.key.clone(),
            directory,
        }
    }

    /// Runs a subcommand to its end.
    ///
    /// # Panics
    /// When it does not end within `limit`.
    pub async fn run(&self, subcommand: &[&str], limit: Duration) -> Finished {
        let (mut command, _directory) = self.command(subcommand);
        let began = Instant::now();
        let output = match tokio::time::timeout(limit, command.output()).await {
            Ok(output) => output.unwrap(),
            Err(_) => panic!(
                "`watchkeeper {}` did not end within {limit:?}",
                subcommand.join(" ")
            ),
        };
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            took: began.elapsed(),
        }
    }
}

/// A command that ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Its data.
    pub stdout: String,
    /// Everything else that it said.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
}

/// A running pod. Killed when dropped, also by a test that panics.
pub struct Daemon {
    program: Program,
    began: Instant,
    address: SocketAddr,
    child: Child,
    lines: Lines,
    out: Lines,
    readers: Vec<JoinHandle<()>>,
    key: Option<String>,
    directory: tempfile::TempDir,
}

impl Daemon {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Which program it runs.
    #[must_use]
    pub fn program(&self) -> Program {
        self.program
    }

    /// When its process was started.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Waits for the first answer of the liveness endpoint.
    ///
    /// # Panics
    /// When the process ends or stays silent; the message shows its log.
    pub async fn wait_until_it_answers(&mut self) {
        let limit = self.program.start_limit();
        loop {
            let path = "/health/liveliness";
            if http::request(self.address, Method::GET, path, None)
                .await
                .is_ok()
            {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the pod ended at its start ({status}):\n{}", self.log());
            }
            assert!(
                self.began.elapsed() < limit,
                "no answer within {limit:?}:\n{}",
                self.log()
            );
            tokio::time::sleep(crate::POLL).await;
        }
    }

    /// Asks with the daemon's key.
    ///
    /// # Panics
    /// When there is no answer; the message shows the daemon's log.
    pub async fn get(&self, path: &str) -> Answer {
        self.try_get(path)
            .await
            .unwrap_or_else(|error| panic!("{error}; its log:\n{}", self.log()))
    }

    /// The same where the daemon may be gone.
    pub async fn try_get(&self, path: &str) -> Result<Answer, String> {
        http::request(self.address, Method::GET, path, self.key.as_deref()).await
    }

    /// Asks with another key or none, by any method.
    pub async fn request(&self, method: Method, path: &str, key: Option<&str>) -> Answer {
        http::request(self.address, method, path, key)
            .await
            .unwrap_or_else(|error| panic!("{error}; its log:\n{}", self.log()))
    }

    /// Asks with the daemon's key for JSON, whatever the status.
    pub async fn json(&self, path: &str) -> Value {
        self.get(path).await.json()
    }

    /// `/health/shared-status`.
    pub async fn shared_status(&self) -> Value {
        self.json("/health/shared-status").await
    }

    /// `/health`.
    pub async fn health(&self) -> Value {
        self.json("/health").await
    }

    /// `/metrics`, read.
    pub async fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics").await;
        assert!(answer.status.is_success(), "{}", answer.text());
        Metrics::parse(&answer.text())
    }

    /// All log lines (stderr) so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lines.all()
    }

    /// The log as one text, for messages.
    #[must_use]
    pub fn log(&self) -> String {
        self.lines.text()
    }

    /// All that it wrote to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.out.text()
    }

    /// The log lines that hold `part`.
    #[must_use]
    pub fn lines_with(&self, part: &str) -> Vec<Line> {
        let mut lines = self.lines();
        lines.retain(|line| line.text.contains(part));
        lines
    }

    /// Waits for a log line that holds `part`, counting those already there.
    ///
    /// # Panics
    /// When none comes within `limit`; the message shows the log.
    pub async fn wait_for_line(&self, part: &str, limit: Duration) -> Line {
        self.wait_for_line_after(0, part, limit).await
    }

    /// The same, passing over the first `skip` lines.
    pub async fn wait_for_line_after(&self, skip: usize, part: &str, limit: Duration) -> Line {
        self.lines
            .wait_for(skip, limit, |text| text.contains(part))
            .await
            .unwrap_or_else(|log| panic!("no log line with `{part}` within {limit:?}:\n{log}"))
    }

    /// Waits for a line on stdout.
    pub async fn wait_for_stdout(&self, part: &str, limit: Duration) -> Line {
        self.out
            .wait_for(0, limit, |text| text.contains(part))
            .await
            .unwrap_or_else(|out| panic!("no output with `{part}` within {limit:?}:\n{out}"))
    }

    /// Its working directory, with the files of its setup.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Puts a file of its working directory in the place of an older one, in one step.
    pub fn replace(&self, name: &str, text: &str) {
        let new = self.directory().join(format!("{name}.new"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.directory().join(name)).unwrap();
    }

    /// SIGHUP: read the configuration again.
    pub fn hang_up(&self) {
        process::signal(&self.child, Signal::HUP);
    }

    /// SIGTERM: drain and leave.
    pub fn terminate(&self) {
        process::signal(&self.child, Signal::TERM);
    }

    /// SIGKILL: gone at once.
    pub fn kill(&self) {
        process::signal(&self.child, Signal::KILL);
    }

    /// SIGSTOP: frozen, connections stay.
    pub fn freeze(&self) {
        process::signal(&self.child, Signal::STOP);
    }

    /// SIGCONT.
    pub fn wake(&self) {
        process::signal(&self.child, Signal::CONT);
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("the daemon has ended")
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end, and for the end of its output.
    ///
    /// # Panics
    /// When it does not end within `limit`; the message shows its log.
    pub async fn wait_for_end(&mut self, limit: Duration) -> ExitStatus {
        match tokio::time::timeout(limit, self.ended()).await {
            Ok(status) => status,
            Err(_) => panic!("the daemon did not end within {limit:?}:\n{}", self.log()),
        }
    }

    /// The same without a limit. May be given up and called again.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = self.child.wait().await.unwrap();
        for reader in self.readers.drain(..) {
            let _ = tokio::time::timeout(Duration::from_secs(1), reader).await;
        }
        status
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // SIGKILL also ends a frozen process.
        let _ = self.child.start_kill();
        for reader in &self.readers {
            reader.abort();
        }
    }
}
