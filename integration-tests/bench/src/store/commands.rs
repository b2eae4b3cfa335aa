//! What a follower asks of the store in an interval in which nothing happens, as the server's `MONITOR` shows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::fleet::local::{LocalPod, Shape, checks};
use crate::row::{Row, Target};
use crate::server::Server;
use crate::{Ctx, Error};

pub(crate) const PODS: usize = 4;
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(30);
/// Any key of the fleet: all lie in one slot.
const KEY: &str = "watchkeeper:{bench}:pods";

macro_rules! digest {
    ($($name:literal),+) => {
        redis::Script::new(concat!(
            include_str!("../../../../crates/watchkeeper-redis/src/scripts/common.lua"),
            $(include_str!(concat!(
                "../../../../crates/watchkeeper-redis/src/scripts/",
                $name,
                ".lua"
            )),)+
        ))
        .get_hash()
        .to_owned()
    };
}

/// One row per number of checks.
pub(super) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let sizes: &[usize] = if ctx.quick { &[10] } else { &[10, 100, 1000] };
    let mut rows = Vec::new();
    for &size in sizes {
        let server = Server::Redis(RedisProcess::start().await);
        rows.push(Row {
            what: format!(
                "store commands of the busiest of {} followers per interval, {size} checks (in-process, on redis), \
                 pings and presence aside",
                PODS - 1
            ),
            unit: "commands",
            ours: busiest(&server, size, ctx.repeat).await?,
            peer: Vec::new(),
            peer_name: None,
            target: Target::AtMost(3.0),
        });
    }
    Ok(rows)
}

/// A command of a client: who sent it, and the script if it runs one, its own name otherwise.
struct Sent {
    client: String,
    what: String,
}

/// From one publication to the next: what the busiest client sent that did not lead the later round.
///
/// The fleet's primary in a cluster is where all but a question after the topology goes.
pub(crate) async fn busiest(
    server: &Server,
    size: usize,
    intervals: usize,
) -> Result<Vec<f64>, Error> {
    let redis = server.redis_of(KEY).await?;
    let place = server.place();
    let models: Vec<String> = (0..size).map(|n| format!("model-{n}")).collect();
    let shape = Shape {
        place: place.clone(),
        // Another list than that of other measures on the same server, and so another group.
        checks: checks("http://127.0.0.1:7/v1", &models)?,
        interval: INTERVAL,
        lock_ttl: Duration::from_secs(3),
        drain: Duration::from_secs(1),
        asks: false,
        on_publish: None,
        aside: Arc::default(),
    };
    let mut pods = Vec::new();
    for n in 0..PODS {
        pods.push(LocalPod::start(&shape, &format!("pod-{n}")).await?);
    }
    let mut monitor = TcpStream::connect(redis.address()).await?;
    monitor.write_all(b"MONITOR\r\n").await?;
    let counted = count(BufReader::new(monitor), intervals);
    tokio::time::timeout(LIMIT + INTERVAL * u32::try_from(intervals)?, counted)
        .await
        .map_err(|_| "too few rounds were published")?
}

async fn count(mut lines: BufReader<TcpStream>, intervals: usize) -> Result<Vec<f64>, Error> {
    let publish = digest!("companion", "publish");
    let aside = [digest!("ping"), digest!("announce"), digest!("pods")];
    let mut line = Vec::new();
    let mut sent: BTreeMap<String, u32> = BTreeMap::new();
    // The first rounds load the scripts, and the window before the first publication is no whole one.
    let mut skip = 3;
    let mut found = Vec::new();
    while found.len() < intervals {
        line.clear();
        if lines.read_until(b'\n', &mut line).await? == 0 {
            return Err("the server ended MONITOR".into());
        }
        let Some(Sent { client, what }) = parse(&line) else {
            continue;
        };
        if aside.contains(&what) || what == "ping" {
            continue;
        }
        if what != publish {
            *sent.entry(client).or_default() += 1;
            continue;
        }
        let followers = sent.iter().filter(|(who, _)| **who != client);
        let most = followers.map(|(_, count)| *count).max().unwrap_or(0);
        sent.clear();
        if skip > 0 {
            skip -= 1;
        } else {
            found.push(f64::from(most));
        }
    }
    Ok(found)
}

/// `+1700000000.123456 [0 127.0.0.1:4711] "EVALSHA" "<digest>" ...`; none for what a script does itself.
fn parse(line: &[u8]) -> Option<Sent> {
    let head = line.get(..line.len().min(200))?;
    let text = String::from_utf8_lossy(head);
    let (_, rest) = text.split_once(" [")?;
    let (client, words) = rest.split_once("] ")?;
    let (_, client) = client.split_once(' ')?;
    if client == "lua" {
        return None;
    }
    let mut words = words.split('"').skip(1).step_by(2);
    let name = words.next()?.to_ascii_lowercase();
    let what = match name.as_str() {
        "evalsha" => words.next()?.to_owned(),
        _ => name,
    };
    Some(Sent {
        client: client.to_owned(),
        what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_monitor_is_read() {
        let sent = parse(b"+1.2 [0 127.0.0.1:4711] \"EVALSHA\" \"abc\" \"3\" \"k\"\r\n").unwrap();
        assert_eq!(
            (sent.client.as_str(), sent.what.as_str()),
            ("127.0.0.1:4711", "abc")
        );
        let sent = parse(b"+1.2 [0 127.0.0.1:4711] \"PING\"\r\n").unwrap();
        assert_eq!(sent.what, "ping");
        assert!(parse(b"+1.2 [0 lua] \"SET\" \"k\" \"v\"\r\n").is_none());
        assert!(parse(b"+OK\r\n").is_none());
    }
}
