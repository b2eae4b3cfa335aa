//! A `redis-server` of a test's own, as a child process on a free port: it can be killed, frozen and started empty,
//! which a shared server or a container cannot as quickly.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue};
use rustix::process::Signal;
use tokio::process::{Child, Command};

use crate::process;

mod doors;

pub use doors::{ClientCertificate, documented_rights};

/// From the start of the process until it answers; a healthy one needs some 20 ms.
const START_LIMIT: Duration = Duration::from_secs(10);

/// The child. Killed when dropped.
pub struct RedisProcess {
    address: SocketAddr,
    child: Option<Child>,
    /// What is run, where it is not the machine's own.
    binary: Option<PathBuf>,
    arguments: Vec<String>,
    /// The door with TLS, where it has one.
    tls: Option<SocketAddr>,
    /// What the test itself needs to be let in.
    password: Option<String>,
    directory: tempfile::TempDir,
}

impl RedisProcess {
    /// Starts an empty server that keeps nothing on disk.
    ///
    /// # Panics
    /// When `redis-server` is not installed (`WATCHKEEPER_REDIS_SERVER` names another binary) or does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more arguments, such as `--requirepass`.
    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::not_started(arguments);
        server.start_again().await;
        server
    }

    /// The same with the server at `binary`.
    ///
    /// # Panics
    /// When that does not start.
    pub async fn start_binary(binary: &Path) -> Self {
        let mut server = Self::not_started(&[]);
        server.binary = Some(binary.to_owned());
        server.start_again().await;
        server
    }

    /// Only chooses the address: the server is down until [`Self::start_again`].
    #[must_use]
    pub fn not_started(arguments: &[&str]) -> Self {
        Self {
            address: process::free_address(),
            child: None,
            binary: None,
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            tls: None,
            password: None,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// The same server, down, at an address that another one had.
    ///
    /// # Panics
    /// When it runs.
    #[must_use]
    pub fn listening_at(mut self, address: SocketAddr) -> Self {
        assert!(self.child.is_none(), "the server runs");
        self.address = address;
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As a URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// The same with a log on disk that survives [`Self::kill`]: what was answered is written, if not synchronised.
    pub async fn start_durable() -> Self {
        Self::start_with(&[
            "--appendonly",
            "yes",
            "--appendfsync",
            "no",
            "--auto-aof-rewrite-percentage",
            "0",
        ])
        .await
    }

    /// Loses the data of a durable server that is down.
    pub fn wipe(&self) {
        assert!(self.child.is_none(), "the server runs");
        for entry in std::fs::read_dir(self.directory.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    /// Starts a server that was killed or never started, on the same address; returns once it accepts connections. It
    /// is empty unless it is durable.
    pub async fn start_again(&mut self) {
        assert!(self.child.is_none(), "the server already runs");
        let port = self.address.port().to_string();
        let directory = self.directory.path().display().to_string();
        let socket = self.socket().display().to_string();
        let own = [
            ["--port", &port],
            ["--bind", "127.0.0.1"],
            ["--save", ""],
            ["--appendonly", "no"],
            ["--dir", &directory],
            ["--unixsocket", &socket],
        ];
        let arguments = own.as_flattened().iter().map(|&text| text.to_owned());
        let binary = self.binary.clone().unwrap_or_else(machines_own);
        let child = spawn(&binary, arguments.chain(self.arguments.iter().cloned()));
        self.child = Some(child);
        let address = self.address;
        crate::eventually(
            "redis-server accepts connections",
            START_LIMIT,
            async || tokio::net::TcpStream::connect(address).await.is_ok(),
        )
        .await;
    }

    /// Ends it at once, as `kill -9` does. All data is lost, but for a durable server's.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("the server does not run");
        child.kill().await.unwrap();
    }

    /// Freezes it: connections stay open and are accepted, nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Wakes it.
    pub fn wake(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        process::signal(
            self.child.as_ref().expect("the server does not run"),
            signal,
        );
    }

    /// A connection of the test's own.
    pub async fn connect(&self) -> MultiplexedConnection {
        let url = test_url(self.address, self.password.as_deref());
        open(&url).await.unwrap()
    }

    /// Runs one command on a connection of its own: `redis.run(&["SET", "a", "b"])`.
    ///
    /// # Panics
    /// When the server refuses it or the answer is of another type.
    pub async fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.run_bytes(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
            .await
    }

    /// The same with arguments that are not text.
    pub async fn run_bytes<T: FromRedisValue>(&self, words: &[&[u8]]) -> T {
        let mut command = Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command
            .query_async(&mut self.connect().await)
            .await
            .unwrap_or_else(|error| panic!("redis refused a test's command: {error}"))
    }

    /// The same where the server may be down, frozen or loading.
    ///
    /// # Errors
    /// A sentence.
    pub async fn try_run<T: FromRedisValue>(&self, words: &[&str]) -> Result<T, String> {
        try_run_as(self.address, self.password.as_deref(), words).await
    }

    /// The keys that match `pattern`, sorted.
    pub async fn keys(&self, pattern: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.run(&["KEYS", pattern]).await;
        keys.sort();
        keys
    }
}

/// How long a test waits for its own command where the server has to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer than a healthy server on a busy machine needs for one command.
const COMMAND_LIMIT: Duration = Duration::from_secs(1);

/// Runs one command on a connection of its own.
///
/// # Errors
/// A sentence, when the server is down, frozen or loading, or refuses the command.
pub async fn try_run<T: FromRedisValue>(address: SocketAddr, words: &[&str]) -> Result<T, String> {
    try_run_as(address, None, words).await
}

/// The same with a password, which may hold letters and digits only.
///
/// # Errors
/// A sentence, when the server is down, frozen or loading, or refuses the command.
pub(crate) async fn try_run_as<T: FromRedisValue>(
    address: SocketAddr,
    password: Option<&str>,
    words: &[&str],
) -> Result<T, String> {
    let run = async {
        let mut connection = open(&test_url(address, password)).await?;
        let mut command = Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query_async(&mut connection).await
    };
    match tokio::time::timeout(COMMAND_LIMIT, run).await {
        Ok(answer) => answer.map_err(|error: redis::RedisError| error.to_string()),
        Err(_) => Err(format!("redis did not answer within {COMMAND_LIMIT:?}")),
    }
}

/// A connection for a test's own commands, with more patience than the client has by itself.
///
/// # Errors
/// What the client says.
pub(crate) async fn open(url: &str) -> redis::RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let client = redis::Client::open(url)?;
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

fn test_url(address: SocketAddr, password: Option<&str>) -> String {
    match password {
        Some(password) => format!("redis://:{password}@{address}/"),
        None => format!("redis://{address}/"),
    }
}

/// The `redis-server` of this machine, or what `WATCHKEEPER_REDIS_SERVER` names in its place.
pub(crate) fn machines_own() -> PathBuf {
    std::env::var_os("WATCHKEEPER_REDIS_SERVER")
        .map_or_else(|| "redis-server".into(), PathBuf::from)
}

/// Starts a server, which is killed when the child is dropped.
///
/// # Panics
/// When it is not installed.
pub(crate) fn spawn(binary: &Path, arguments: impl IntoIterator<Item = String>) -> Child {
    Command::new(binary)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| {
            panic!(
                "`{}` cannot be started ({error}): install it (`apt-get install -y redis-server`) or name it in \
                 WATCHKEEPER_REDIS_SERVER",
                binary.display()
            )
        })
}
