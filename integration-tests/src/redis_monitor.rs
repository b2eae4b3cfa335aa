//! The commands that reach a Redis, as its `MONITOR` tells them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::lines::{Line, Lines};

/// What a script does inside the server is told as well; it is no command of a client.
const INSIDE: &str = " lua] ";

/// Looks on until dropped.
pub struct RedisMonitor {
    lines: Lines,
    reader: JoinHandle<()>,
    // Its end would end the watch.
    _writer: tokio::net::tcp::OwnedWriteHalf,
}

impl RedisMonitor {
    /// Watches from now on: once this returns, nothing is missed.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn watch(address: SocketAddr) -> Self {
        let (read, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
        writer.write_all(b"MONITOR\r\n").await.unwrap();
        let lines = Lines::default();
        let reader = tokio::spawn(lines.clone().collect(read));
        let answer = lines.wait_for(0, Duration::from_secs(5), |_| true).await;
        answer.unwrap_or_else(|_| panic!("redis did not answer MONITOR"));
        Self {
            lines,
            reader,
            _writer: writer,
        }
    }

    /// All commands of clients so far, this watch's own answer left out.
    #[must_use]
    pub fn commands(&self) -> Vec<Line> {
        let mut lines = self.lines.all();
        lines.retain(|line| line.text.contains('[') && !line.text.contains(INSIDE));
        lines
    }

    /// Waits for the next command of a client that holds all these parts.
    ///
    /// # Panics
    /// When none comes within `limit`.
    pub async fn wait_for_next(&self, parts: &[&str], limit: Duration) -> Line {
        let fits =
            |text: &str| parts.iter().all(|part| text.contains(part)) && !text.contains(INSIDE);
        let found = self
            .lines
            .wait_for(self.lines.all().len(), limit, fits)
            .await;
        found.unwrap_or_else(|_| panic!("no command with {parts:?} within {limit:?}"))
    }
}

impl Drop for RedisMonitor {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
