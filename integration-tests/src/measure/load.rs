//! Load over kept connections, each with one request at a time. Spends as little as it can: it runs on the cores that it
//! measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Error;

/// Where the head ends.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Load {
    /// Answers per second over all connections.
    pub per_second: f64,
    /// How long each answer took, shortest first.
    times: Vec<Duration>,
}

impl Load {
    /// How many answers came.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.times.len()
    }

    /// The time within which this share of the answers came, 0.99 for instance; zero if there was none.
    #[must_use]
    pub fn within(&self, share: f64) -> Duration {
        let last = self.times.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.times.get(at).copied().unwrap_or_default()
    }
}

/// Asks `path` over so many connections for so long. Any answer but 200 is an error.
pub async fn run(
    address: SocketAddr,
    path: &str,
    key: Option<&str>,
    connections: usize,
    time: Duration,
) -> Result<Load, Error> {
    let key = key.map_or_else(String::new, |key| {
        format!("authorization: Bearer {key}\r\n")
    });
    let request: Arc<[u8]> = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{key}\r\n")
        .into_bytes()
        .into();
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    let mut open = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        open.push(stream);
    }
    let began = Instant::now();
    for stream in open {
        clients.spawn(client(stream, Arc::clone(&request), Arc::clone(&over)));
    }
    let stop = async {
        tokio::time::sleep(time).await;
        over.store(true, Ordering::Relaxed);
    };
    let all = async {
        let mut times = Vec::new();
        while let Some(done) = clients.join_next().await {
            times.extend(done??);
        }
        Ok::<_, Error>(times)
    };
    let ((), times) = tokio::join!(stop, all);
    let mut times = times?;
    let per_second = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort_unstable();
    Ok(Load { per_second, times })
}

async fn client(
    mut stream: TcpStream,
    request: Arc<[u8]>,
    over: Arc<AtomicBool>,
) -> Result<Vec<Duration>, Error> {
    let mut buffer = vec![0; 64 * 1024];
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        stream.write_all(&request).await?;
        let mut have = 0;
        let mut need = usize::MAX;
        while have < need {
            let room = buffer.get_mut(have..).ok_or("an answer is too long")?;
            let read = stream.read(room).await?;
            if read == 0 {
                return Err("the server closed a connection".into());
            }
            have += read;
            if need == usize::MAX {
                need = length(buffer.get(..have).unwrap_or_default())?;
                if need != usize::MAX && need > buffer.len() {
                    buffer.resize(need, 0);
                }
            }
        }
        times.push(asked.elapsed());
    }
    Ok(times)
}

/// The length of an answer with its head, once the head is there; the largest number before.
fn length(bytes: &[u8]) -> Result<usize, Error> {
    let Some(end) = bytes
        .windows(HEAD_END.len())
        .position(|part| part == HEAD_END)
    else {
        return Ok(usize::MAX);
    };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        return Err(format!("an answer begins with `{status}`").into());
    }
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(end + HEAD_END.len() + value.trim().parse::<usize>()?);
        }
    }
    Err("an answer without a length".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_answers_came_within_the_median() {
        let times = (1..=101).map(Duration::from_millis).collect();
        let load = Load {
            per_second: 0.0,
            times,
        };
        assert_eq!(load.within(0.5), Duration::from_millis(51));
        assert_eq!(load.within(0.99), Duration::from_millis(100));
    }

    #[test]
    fn an_answer_is_as_long_as_its_head_says() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(length(answer).unwrap(), answer.len());
        assert_eq!(length(&answer[..20]).unwrap(), usize::MAX);
        assert!(length(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
