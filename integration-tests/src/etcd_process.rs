//! An `etcd` of a test's own, as a child process on free ports. Its data lies in memory where the machine has a folder
//! there: etcd waits for the disk at every write.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use etcd_client::{
    AlarmAction, AlarmOptions, AlarmType, Client, CompactionOptions, ConnectOptions, Error,
    Permission,
};
use rustix::process::Signal;
use tokio::process::{Child, Command};

use crate::certificates::Certificates;
use crate::process;

/// From the start of the process until it serves; a healthy one needs half a second.
const START_LIMIT: Duration = Duration::from_secs(20);
/// For one request of a test's own.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// The name of the user that may do everything, where [`EtcdProcess::enable_auth`] made one.
pub const ROOT: &str = "root";

/// The child. Killed when dropped.
pub struct EtcdProcess {
    client: SocketAddr,
    peer: SocketAddr,
    child: Option<Child>,
    arguments: Vec<String>,
    /// The plain door of a server whose other door wants TLS.
    tls: Option<SocketAddr>,
    root: Option<String>,
    directory: tempfile::TempDir,
}

impl EtcdProcess {
    /// Starts an empty server.
    ///
    /// # Panics
    /// When `etcd` is not installed (`WATCHKEEPER_ETCD` names another binary) or does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more arguments, such as `--quota-backend-bytes`.
    pub async fn start_with(arguments: &[&str]) -> Self {
        let mut server = Self::not_started(arguments);
        server.start_again().await;
        server
    }

    /// The same with room for `bytes` of data: beyond it raises the alarm `NOSPACE`.
    pub async fn start_small(bytes: u64) -> Self {
        Self::start_with(&["--quota-backend-bytes", &bytes.to_string()]).await
    }

    /// With a second door that speaks TLS, and asks for a client's certificate of the same authority if told so. The
    /// plain one stays, for the test itself.
    pub async fn start_tls(certificates: &Certificates, ask_clients: bool) -> Self {
        let mut server = Self::not_started(&[]);
        server.tls = Some(process::free_address());
        let file = |path: std::path::PathBuf| path.display().to_string();
        let mut more = vec![
            "--cert-file".to_owned(),
            file(certificates.certificate_file()),
            "--key-file".to_owned(),
            file(certificates.key_file()),
        ];
        // An authority that is named is one that clients are asked for.
        if ask_clients {
            more.extend([
                "--trusted-ca-file".to_owned(),
                file(certificates.ca_file()),
                "--client-cert-auth".to_owned(),
            ]);
        }
        server.arguments = more;
        server.start_again().await;
        server
    }

    /// Only chooses the addresses: the server is down until [`Self::start_again`].
    #[must_use]
    pub fn not_started(arguments: &[&str]) -> Self {
        let memory = Path::new("/dev/shm");
        let directory = if memory.is_dir() {
            tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir())
        } else {
            tempfile::tempdir()
        };
        Self {
            client: process::free_address(),
            peer: process::free_address(),
            child: None,
            arguments: arguments.iter().map(|&text| text.to_owned()).collect(),
            tls: None,
            root: None,
            directory: directory.unwrap(),
        }
    }

    /// Where it listens without TLS.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.client
    }

    /// The plain door as an endpoint.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.client)
    }

    /// The door with TLS, of a server that has one.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        self.tls.expect("the server was started without TLS")
    }

    /// Where the other members of a cluster reach it.
    pub(crate) fn peer_url(&self) -> String {
        format!("http://{}", self.peer)
    }

    pub(crate) fn add_arguments(&mut self, arguments: impl IntoIterator<Item = String>) {
        self.arguments.extend(arguments);
    }

    /// Starts a server that was killed or never started, on the same addresses and with what it had; returns once it
    /// answers.
    pub async fn start_again(&mut self) {
        self.spawn();
        self.until_it_serves().await;
    }

    /// Only starts the process: a member of a cluster serves once most of them run.
    pub(crate) fn spawn(&mut self) {
        assert!(self.child.is_none(), "the server already runs");
        let binary = std::env::var("WATCHKEEPER_ETCD").unwrap_or_else(|_| "etcd".to_owned());
        let mut doors = self.endpoint();
        if let Some(tls) = self.tls {
            doors = format!("{doors},https://{tls}");
        }
        let log = std::fs::File::create(self.log_file()).unwrap();
        let mut command = Command::new(&binary);
        // Where it is not well tried it wants to be asked for by name.
        #[cfg(not(target_arch = "x86_64"))]
        command.env("ETCD_UNSUPPORTED_ARCH", go_name(std::env::consts::ARCH));
        let spawned = command
            .arg("--data-dir")
            .arg(self.directory.path().join("data"))
            // Each connection proves its password, which is made to be slow; here nobody has to be kept from guessing.
            .args(["--bcrypt-cost", "4"])
            .args(["--listen-client-urls", &doors])
            .args(["--advertise-client-urls", &doors])
            .args(["--listen-peer-urls", &self.peer_url()])
            .args(["--initial-advertise-peer-urls", &self.peer_url()])
            .args(if self.arguments.iter().any(|a| a == "--initial-cluster") {
                vec![]
            } else {
                let own = format!("default={}", self.peer_url());
                vec!["--initial-cluster".to_owned(), own]
            })
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        match spawned {
            Ok(child) => self.child = Some(child),
            Err(error) => panic!(
                "`{binary}` cannot be started ({error}): install it (`apt-get install -y etcd-server`) or name it in \
                 WATCHKEEPER_ETCD"
            ),
        }
    }

    fn log_file(&self) -> std::path::PathBuf {
        self.directory.path().join("log")
    }

    pub(crate) async fn until_it_serves(&mut self) {
        let began = std::time::Instant::now();
        while !self.serves().await {
            let ended = self.child.as_mut().and_then(|c| c.try_wait().unwrap());
            if ended.is_some() || began.elapsed() > START_LIMIT {
                let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let last = lines[lines.len().saturating_sub(15)..].join("\n");
                panic!("etcd does not serve within {START_LIMIT:?}; its last words:\n{last}");
            }
            tokio::time::sleep(crate::POLL).await;
        }
    }

    /// Whether a read that needs a leader is answered; a refusal is an answer.
    pub async fn serves(&self) -> bool {
        if tokio::net::TcpStream::connect(self.client).await.is_err() {
            return false;
        }
        let ask = async {
            let mut client = Client::connect([self.endpoint()], None).await?;
            client.get("watchkeeper-test", None).await
        };
        match tokio::time::timeout(Duration::from_secs(1), ask).await {
            Ok(Ok(_)) => true,
            // A server with users wants to know who asks, and has a leader if it can say so.
            Ok(Err(Error::GRpcStatus(status))) => status.message().contains("user name is empty"),
            _ => false,
        }
    }

    /// Ends it at once, as `kill -9` does. Its data stays.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("the server does not run");
        child.kill().await.unwrap();
    }

    /// Whether it was started and not killed; a frozen one runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Loses the data of a server that is down.
    pub fn wipe(&self) {
        assert!(self.child.is_none(), "the server runs");
        std::fs::remove_dir_all(self.directory.path().join("data")).unwrap();
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

    /// A client of the test's own at the plain door, as [`ROOT`] where there are users.
    ///
    /// # Panics
    /// When it is not let in.
    pub async fn connect(&self) -> Client {
        self.try_connect().await.unwrap()
    }

    /// The same of a server that may be down.
    ///
    /// # Errors
    /// What the client says.
    pub async fn try_connect(&self) -> Result<Client, Error> {
        let mut options = ConnectOptions::new()
            .with_timeout(REQUEST_LIMIT)
            .with_connect_timeout(Duration::from_secs(1));
        if let Some(password) = &self.root {
            options = options.with_user(ROOT, password);
        }
        Client::connect([self.endpoint()], Some(options)).await
    }

    /// Turns users on: [`ROOT`] with `password`.
    pub async fn enable_auth(&mut self, password: &str) {
        let mut client = self.connect().await;
        client.user_add(ROOT, password, None).await.unwrap();
        client.role_add(ROOT).await.unwrap();
        client.user_grant_role(ROOT, ROOT).await.unwrap();
        client.auth_enable().await.unwrap();
        self.root = Some(password.to_owned());
    }

    /// Adds a user that may read and write what begins with `prefix` and nothing else.
    pub async fn add_user(&self, name: &str, password: &str, prefix: &str) {
        let mut client = self.connect().await;
        let allowed = Permission::read_write(prefix).with_prefix();
        client.role_add(name).await.unwrap();
        client.role_grant_permission(name, allowed).await.unwrap();
        client.user_add(name, password, None).await.unwrap();
        client.user_grant_role(name, name).await.unwrap();
    }

    /// The revision of the last write.
    pub async fn revision(&self) -> i64 {
        let answer = self.connect().await.get("revision", None).await.unwrap();
        answer.header().unwrap().revision()
    }

    /// Forgets what every key was before `revision`, and does not return before it is gone.
    pub async fn compact(&self, revision: i64) {
        let options = CompactionOptions::new().with_physical();
        let mut client = self.connect().await;
        client.compact(revision, Some(options)).await.unwrap();
    }

    /// Gives back the room that a compaction freed.
    pub async fn defrag(&self) {
        self.connect().await.defragment().await.unwrap();
    }

    /// The alarms that are raised.
    pub async fn alarms(&self) -> Vec<AlarmType> {
        let mut client = self.connect().await;
        let answer = client.alarm(AlarmAction::Get, AlarmType::None, None).await;
        let answer = answer.unwrap();
        answer.alarms().iter().map(|alarm| alarm.alarm()).collect()
    }

    /// Takes back every alarm `NOSPACE`, whichever member raised it.
    pub async fn disarm(&self) {
        let mut client = self.connect().await;
        let raised = client.alarm(AlarmAction::Get, AlarmType::None, None).await;
        for alarm in raised.unwrap().alarms() {
            let mut of = AlarmOptions::new();
            of.with_member(alarm.member_id());
            client
                .alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(of))
                .await
                .unwrap();
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn go_name(architecture: &str) -> &str {
    match architecture {
        "aarch64" => "arm64",
        other => other,
    }
}
