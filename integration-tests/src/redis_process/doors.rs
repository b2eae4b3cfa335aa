//! The ways into a server: a socket, TLS, users; and what stands behind one: memory, a replica.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::RedisProcess;
use crate::certificates::Certificates;
use crate::process;

/// From the order to replicate until the replica has what its primary has.
const SYNC_LIMIT: Duration = Duration::from_secs(20);

/// Whether a server with TLS asks its clients for certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// It asks for none.
    Unasked,
    /// One that is shown has to be good.
    Optional,
    /// Nobody is let in without.
    Required,
}

/// The rights of `ACL SETUSER` that the operating guide lists, for one fleet.
///
/// # Panics
/// When the guide lists none.
#[must_use]
pub fn documented_rights(fleet: &str) -> Vec<String> {
    let guide = include_str!("../../../docs/operating.md");
    let mut blocks = guide.split("```");
    let block = blocks.find(|block| block.trim().starts_with("ACL SETUSER"));
    let line = block.unwrap().replace("FLEET", fleet);
    let words = line.split_whitespace().skip(3).map(str::to_owned);
    let of_the_user = |word: &String| ["reset", "on", ">PASSWORD"].contains(&word.as_str());
    words.filter(|word| !of_the_user(word)).collect()
}

impl RedisProcess {
    /// Starts a server with a second door that speaks TLS; the plain one stays, for the test itself. It listens on
    /// `127.0.0.2` as well, which its certificate does not hold.
    ///
    /// # Panics
    /// As [`Self::start`] does.
    pub async fn start_tls(certificates: &Certificates, clients: ClientCertificate) -> Self {
        let mut server = Self::not_started(&["--bind", "127.0.0.1", "127.0.0.2"]);
        server.add_tls(certificates, clients);
        server.start_again().await;
        server
    }

    /// Gives a server that is down a door with TLS.
    pub(crate) fn add_tls(&mut self, certificates: &Certificates, clients: ClientCertificate) {
        let address = process::free_address();
        let clients = match clients {
            ClientCertificate::Unasked => "no",
            ClientCertificate::Optional => "optional",
            ClientCertificate::Required => "yes",
        };
        let file = |path: PathBuf| path.display().to_string();
        let more = [
            ["--tls-port", &address.port().to_string()],
            ["--tls-cert-file", &file(certificates.certificate_file())],
            ["--tls-key-file", &file(certificates.key_file())],
            ["--tls-ca-cert-file", &file(certificates.ca_file())],
            ["--tls-auth-clients", clients],
        ];
        let more = more.as_flattened().iter().map(|&text| text.to_owned());
        self.arguments.extend(more);
        self.tls = Some(address);
    }

    /// Gives a server that is down a password, of letters and digits, and the same for its way to a primary.
    pub(crate) fn protect(&mut self, password: &str) {
        let more = ["--requirepass", password, "--masterauth", password];
        self.arguments.extend(more.map(str::to_owned));
        self.password = Some(password.to_owned());
    }

    /// Adds arguments to those of a server that is down.
    pub(crate) fn add_arguments(&mut self, arguments: &[&str]) {
        let more = arguments.iter().map(|&text| text.to_owned());
        self.arguments.extend(more);
    }

    /// The door with TLS, of a server that has one.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        self.tls.expect("the server was started without TLS")
    }

    /// The door with TLS where there is one, else the plain one.
    pub(crate) fn tls_or_plain(&self) -> SocketAddr {
        self.tls.unwrap_or(self.address())
    }

    /// The unix socket on which it listens as well.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    /// Whether it was started and not killed; a frozen one runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Adds the user `name` or replaces it, with a password and `rights` as `ACL SETUSER` takes them.
    pub async fn set_user(&self, name: &str, password: &str, rights: &[&str]) {
        let password = format!(">{password}");
        let mut words = vec!["ACL", "SETUSER", name, "reset", "on", &password];
        words.extend(rights);
        let _: String = self.run(&words).await;
    }

    /// Bounds the data to `bytes`, from which on writes are refused; 0 for no bound.
    pub async fn set_max_memory(&self, bytes: u64) {
        let bytes = bytes.to_string();
        let _: String = self.run(&["CONFIG", "SET", "maxmemory", &bytes]).await;
    }

    /// Makes it a replica of the server at `primary`; returns once it has what that has.
    pub async fn replicate(&self, primary: SocketAddr) {
        let (host, port) = (primary.ip().to_string(), primary.port().to_string());
        let _: String = self.run(&["REPLICAOF", &host, &port]).await;
        self.until_synced().await;
    }

    /// Returns once a replica has what its primary has.
    pub async fn until_synced(&self) {
        crate::eventually("the replica is in step", SYNC_LIMIT, async || {
            let said: Result<String, _> = self.try_run(&["INFO", "replication"]).await;
            said.is_ok_and(|said| {
                said.contains("role:slave") && said.contains("master_link_status:up")
            })
        })
        .await;
    }
}
