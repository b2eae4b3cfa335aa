//! A Redis that Sentinel watches over: a master, a replica, and three sentinels of which two have to agree.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use redis::FromRedisValue;
use tokio::process::Child;

use crate::process;
use crate::redis_process::{self, RedisProcess};

/// What the sentinels call the master.
pub const MASTER_NAME: &str = "mymaster";
/// Without an answer for this long a sentinel takes a server for dead.
const DOWN_AFTER_MS: u32 = 1_000;
/// How long a failover may take before the next is begun.
const FAILOVER_MS: u32 = 3_000;
/// How many sentinels have to take the master for dead.
const QUORUM: &str = "2";
/// Until the sentinels know each other and the replica: they greet each other every two seconds.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Until another master is known to all; two or three seconds when all is well.
const FAILOVER_LIMIT: Duration = Duration::from_secs(30);

/// The passwords, of letters and digits, that the two kinds of servers ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passwords {
    /// Of the master and the replica.
    pub data: Option<&'static str>,
    /// Of the sentinels.
    pub sentinels: Option<&'static str>,
}

/// All five. Killed when dropped.
pub struct Sentinels {
    servers: [RedisProcess; 2],
    watchers: Vec<Watcher>,
    passwords: Passwords,
}

struct Watcher {
    address: SocketAddr,
    _child: Child,
    _directory: tempfile::TempDir,
}

impl Sentinels {
    /// Starts them without passwords.
    ///
    /// # Panics
    /// As [`RedisProcess::start`] does.
    pub async fn start() -> Self {
        Self::start_with(Passwords::default()).await
    }

    /// Returns once the replica is in step and each sentinel knows it and the two others.
    ///
    /// # Panics
    /// As [`RedisProcess::start`] does.
    pub async fn start_with(passwords: Passwords) -> Self {
        let mut servers = [(); 2].map(|()| {
            let mut server = RedisProcess::not_started(&["--repl-diskless-sync-delay", "0"]);
            if let Some(password) = passwords.data {
                server.protect(password);
            }
            server
        });
        for server in &mut servers {
            server.start_again().await;
        }
        let [master, replica] = &servers;
        replica.replicate(master.address()).await;
        let watchers = (0..3).map(|_| watcher(master.address(), passwords));
        let all = Self {
            watchers: watchers.collect(),
            servers,
            passwords,
        };
        crate::eventually("the sentinels know all", START_LIMIT, async || {
            all.all_known().await
        })
        .await;
        all
    }

    async fn all_known(&self) -> bool {
        for watcher in &self.watchers {
            let said = self.ask::<Vec<String>>(watcher, &["SENTINEL", "MASTER", MASTER_NAME]);
            let Ok(said) = said.await else {
                return false;
            };
            let field = |name: &str| {
                let mut pairs = said.chunks(2);
                pairs.find_map(|pair| (pair[0] == name).then(|| pair[1].as_str()))
            };
            let known = field("flags") == Some("master")
                && field("num-slaves") == Some("1")
                && field("num-other-sentinels") == Some("2");
            if !known {
                return false;
            }
            let replicas = &["SENTINEL", "REPLICAS", MASTER_NAME];
            let said: Result<Vec<Vec<String>>, _> = self.ask(watcher, replicas).await;
            let in_step = |said: &Vec<Vec<String>>| {
                let pair = ["master-link-status", "ok"];
                said.iter().all(|one| one.chunks(2).any(|two| two == pair))
            };
            if !said.is_ok_and(|said| in_step(&said)) {
                return false;
            }
        }
        true
    }

    /// Where the sentinels listen.
    #[must_use]
    pub fn sentinels(&self) -> Vec<SocketAddr> {
        self.watchers.iter().map(|one| one.address).collect()
    }

    /// The two servers with data, whichever is the master now.
    #[must_use]
    pub fn servers(&self) -> &[RedisProcess] {
        &self.servers
    }

    /// The master, as most sentinels say.
    ///
    /// # Panics
    /// When no two agree for long.
    pub async fn master(&self) -> SocketAddr {
        self.agreed(1, |_| true).await
    }

    /// Waits until every sentinel names another master than `old`, and it takes writes.
    pub async fn wait_for_new_master(&self, old: SocketAddr) -> SocketAddr {
        let new = self.agreed(0, |master| master != old).await;
        let server = self.server(new);
        crate::eventually("the new master is one", FAILOVER_LIMIT, async || {
            let role = self.servers[server]
                .try_run::<redis::Value>(&["ROLE"])
                .await;
            role.is_ok_and(|role| format!("{role:?}").contains("master"))
        })
        .await;
        new
    }

    /// The address that all sentinels but `fewer` name, once `good` likes it.
    async fn agreed(&self, fewer: usize, good: impl Fn(SocketAddr) -> bool) -> SocketAddr {
        let began = Instant::now();
        loop {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME];
            let mut said = Vec::new();
            for watcher in &self.watchers {
                let one: Result<(String, u16), _> = self.ask(watcher, &words).await;
                if let Ok((host, port)) = one {
                    said.push(SocketAddr::new(host.parse().unwrap(), port));
                }
            }
            for &address in &said {
                let votes = said.iter().filter(|&&other| other == address).count();
                if votes >= self.watchers.len() - fewer && good(address) {
                    return address;
                }
            }
            assert!(
                began.elapsed() < FAILOVER_LIMIT,
                "the sentinels agree on no such master: {said:?}"
            );
            tokio::time::sleep(crate::POLL).await;
        }
    }

    fn server(&self, address: SocketAddr) -> usize {
        let mut servers = self.servers.iter();
        servers
            .position(|server| server.address() == address)
            .expect("a server of ours")
    }

    /// Kills the master and says where it was.
    pub async fn kill_master(&mut self) -> SocketAddr {
        let old = self.master().await;
        let server = self.server(old);
        self.servers[server].kill().await;
        old
    }

    /// Freezes the master and says where it is.
    pub async fn freeze_master(&self) -> SocketAddr {
        let old = self.master().await;
        self.servers[self.server(old)].freeze();
        old
    }

    /// Wakes a server that was frozen.
    pub fn wake(&self, address: SocketAddr) {
        self.servers[self.server(address)].wake();
    }

    /// Starts a server that was killed, empty. It takes itself for a master until the sentinels have told it better,
    /// which takes them some ten seconds.
    pub async fn start_again(&mut self, old: SocketAddr) {
        let server = self.server(old);
        self.servers[server].start_again().await;
    }

    /// Asks for another master although this one is well, and waits for it.
    pub async fn failover(&self) -> SocketAddr {
        let old = self.master().await;
        // Refused while an earlier failover is not quite over.
        crate::eventually("a sentinel begins a failover", FAILOVER_LIMIT, async || {
            let words = ["SENTINEL", "FAILOVER", MASTER_NAME];
            self.ask::<String>(&self.watchers[0], &words).await.is_ok()
        })
        .await;
        self.wait_for_new_master(old).await
    }

    async fn ask<T: FromRedisValue>(&self, watcher: &Watcher, words: &[&str]) -> Result<T, String> {
        redis_process::try_run_as(watcher.address, self.passwords.sentinels, words).await
    }
}

/// Starts one; it writes what it learns into its file.
fn watcher(master: SocketAddr, passwords: Passwords) -> Watcher {
    let address = process::free_address();
    let directory = tempfile::tempdir().unwrap();
    let (host, port) = (master.ip(), master.port());
    let name = MASTER_NAME;
    let mut lines = vec![
        format!("port {}", address.port()),
        "bind 127.0.0.1".to_owned(),
        format!("dir {}", directory.path().display()),
        format!("sentinel monitor {name} {host} {port} {QUORUM}"),
        format!("sentinel down-after-milliseconds {name} {DOWN_AFTER_MS}"),
        format!("sentinel failover-timeout {name} {FAILOVER_MS}"),
    ];
    if let Some(password) = passwords.data {
        lines.push(format!("sentinel auth-pass {name} {password}"));
    }
    if let Some(password) = passwords.sentinels {
        lines.push(format!("requirepass {password}"));
        lines.push(format!("sentinel sentinel-pass {password}"));
    }
    let file = directory.path().join("sentinel.conf");
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();
    let arguments = [file.display().to_string(), "--sentinel".to_owned()];
    Watcher {
        address,
        _child: redis_process::spawn(&redis_process::machines_own(), arguments),
        _directory: directory,
    }
}
