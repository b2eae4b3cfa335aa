//! Sentinels that cannot name a primary.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::process::{Child, Command};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use super::harness::{RIGHT, Trouble, WRONG, case, side_by_side};
use crate::SOON;

/// A sentinel of its own over one server. Killed when dropped.
struct Sentinel {
    address: SocketAddr,
    child: Option<Child>,
    directory: tempfile::TempDir,
}

impl Sentinel {
    /// Not started; `lines` are added to its file.
    fn over(primary: &RedisProcess, lines: &str) -> Self {
        let address = free_address();
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "port {}\nbind 127.0.0.1\ndir {}\nsentinel monitor mymaster 127.0.0.1 {} 1\n{lines}\n",
            address.port(),
            directory.path().display(),
            primary.address().port()
        );
        std::fs::write(directory.path().join("sentinel.conf"), text).unwrap();
        Self {
            address,
            child: None,
            directory,
        }
    }

    async fn start(&mut self) {
        let binary =
            std::env::var("WATCHKEEPER_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let child = Command::new(binary)
            .arg(self.directory.path().join("sentinel.conf"))
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.unwrap());
        let address = self.address;
        eventually("the sentinel listens", SOON, async || {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await;
    }

    async fn run(&self, words: &[&str], password: Option<&str>) {
        let who = password.map_or_else(String::new, |password| format!(":{password}@"));
        let client = ::redis::Client::open(format!("redis://{who}{}/", self.address)).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = ::redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.exec_async(&mut connection).await.unwrap();
    }

    /// The lines of `[backend.redis]` that name it.
    fn lines(&self, master: &str, password: Option<&str>) -> String {
        let password = password.map_or_else(String::new, |word| format!(", password = \"{word}\""));
        format!(
            "sentinel = {{ master = \"{master}\", nodes = [\"{}\"]{password} }}",
            self.address
        )
    }
}

async fn unknown_name() {
    let redis = RedisProcess::start().await;
    let mut sentinel = Sentinel::over(&redis, "");
    sentinel.start().await;
    let says = &[
        "know no primary `other`",
        "see `sentinel monitor` there and `sentinel.master` of the redis backend",
    ];
    let port = redis.address().port().to_string();
    Trouble::redis(sentinel.lines("other", None), says)
        .mended_by(async || {
            let words = ["SENTINEL", "MONITOR", "other", "127.0.0.1", &port, "1"];
            sentinel.run(&words, None).await;
        })
        .await;
}

async fn wrong_password() {
    let redis = RedisProcess::start().await;
    let mut sentinel = Sentinel::over(&redis, &format!("requirepass {RIGHT}"));
    sentinel.start().await;
    let says = &[
        "the sentinel at",
        "refused the user or password",
        "see `sentinel.username` and `sentinel.password`",
    ];
    let password = format!(">{WRONG}");
    Trouble::redis(sentinel.lines("mymaster", Some(WRONG)), says)
        .mended_by(async || {
            let words = ["ACL", "SETUSER", "default", "resetpass", &password];
            sentinel.run(&words, Some(RIGHT)).await;
        })
        .await;
}

async fn all_away() {
    let redis = RedisProcess::start().await;
    let mut sentinel = Sentinel::over(&redis, "");
    let says = &["nothing listens at", "is the sentinel running there"];
    Trouble::redis(sentinel.lines("mymaster", None), says)
        .mended_by(async || sentinel.start().await)
        .await;
}

async fn a_data_node_in_its_place() {
    let mut redis = RedisProcess::start().await;
    let primary = RedisProcess::start().await;
    let mut sentinel = Sentinel::over(&primary, "");
    let lines = format!(
        "sentinel = {{ master = \"mymaster\", nodes = [\"{}\", \"{}\"] }}",
        redis.address(),
        sentinel.address
    );
    let says = &["is no sentinel", "name the sentinels"];
    Trouble::redis(lines, says)
        .mended_by(async || {
            redis.kill().await;
            sentinel.start().await;
        })
        .await;
}

#[tokio::test]
async fn sentinels_that_cannot_help_are_told_once_and_used_again_when_mended() {
    side_by_side([
        case("unknown name", unknown_name()),
        case("wrong password", wrong_password()),
        case("all away", all_away()),
        case("a data node in its place", a_data_node_in_its_place()),
    ])
    .await;
}
