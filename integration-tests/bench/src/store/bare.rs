//! The calls of a lock cycle as the Redis backend makes them, through the same driver with nothing around it. What is
//! done with the answers is only what the next call needs.

use std::sync::Arc;
use std::time::Instant;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, Value};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use super::cycles::{REPORT, RETAIN, TTL};
use crate::Error;

/// How long the backend keeps a token; an argument of its scripts.
const TOKEN_KEEP_MS: &str = "604800000";

/// The scripts as the backend sends them.
const ACQUIRE: &str = concat!(
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/common.lua"),
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/companion.lua"),
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/acquire.lua"),
);
const PUBLISH: &str = concat!(
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/common.lua"),
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/companion.lua"),
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/publish.lua"),
);

/// The driver and nothing else.
#[derive(Clone)]
pub(crate) struct Bare {
    connection: MultiplexedConnection,
    acquire: Arc<str>,
    publish: Arc<str>,
}

impl Bare {
    /// Connects and loads the scripts.
    pub(crate) async fn connect(server: &RedisProcess) -> Result<Self, Error> {
        let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), server.address().port());
        let info = address
            .into_connection_info()?
            // As ours has it: a peer that waits for full segments would be an easy one.
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let mut connection = redis::Client::open(info)?
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let mut digests = Vec::new();
        for text in [ACQUIRE, PUBLISH] {
            let mut load = redis::cmd("SCRIPT");
            let digest: String = load
                .arg("LOAD")
                .arg(text)
                .query_async(&mut connection)
                .await?;
            digests.push(Arc::from(digest));
        }
        match <[Arc<str>; 2]>::try_from(digests) {
            Ok([acquire, publish]) => Ok(Self {
                connection,
                acquire,
                publish,
            }),
            Err(_) => Err("the server did not take both scripts".into()),
        }
    }

    /// Cycles of one task, in a group of its own.
    pub(crate) async fn run(mut self, task: usize, until: Instant) -> Result<u32, Error> {
        let pod = format!("pod-{task}");
        let group = format!("group-{task}");
        let [lock, token, report] =
            ["lock", "token", "report"].map(|what| format!("watchkeeper:{{bench}}:{what}:{group}"));
        let (ttl, retain) = (TTL.as_millis().to_string(), RETAIN.as_millis().to_string());
        let (mut cycles, mut floor) = (0_u32, b"0".to_vec());
        while Instant::now() < until {
            cycles += 1;
            let mut acquire = redis::cmd("EVALSHA");
            acquire
                .arg(&*self.acquire)
                .arg("3")
                .arg(&lock)
                .arg(&token)
                .arg(&report);
            acquire
                .arg(&pod)
                .arg(cycles)
                .arg(&ttl)
                .arg(floor)
                .arg("")
                .arg(TOKEN_KEEP_MS);
            floor = held(acquire.query_async(&mut self.connection).await?)?;
            let mut publish = redis::cmd("EVALSHA");
            publish
                .arg(&*self.publish)
                .arg("3")
                .arg(&lock)
                .arg(&token)
                .arg(&report);
            publish
                .arg(&pod)
                .arg(&floor)
                .arg("1")
                .arg("")
                .arg(&retain)
                .arg(TOKEN_KEEP_MS);
            publish
                .arg("watchkeeper:{bench}:events")
                .arg(&group)
                .arg(&REPORT[..]);
            let done: Value = publish.query_async(&mut self.connection).await?;
            first_is(&done, b"done")?;
        }
        Ok(cycles)
    }
}

/// The token of an acquire's answer.
fn held(answer: Value) -> Result<Vec<u8>, Error> {
    first_is(&answer, b"held")?;
    match answer {
        Value::Array(fields) => match fields.into_iter().nth(1) {
            Some(Value::BulkString(token)) => Ok(token),
            _ => Err("a lease without a token".into()),
        },
        _ => Err("an answer that the script does not give".into()),
    }
}

fn first_is(answer: &Value, word: &[u8]) -> Result<(), Error> {
    match answer {
        Value::Array(fields) if matches!(fields.first(), Some(Value::BulkString(first)) if first == word) => {
            Ok(())
        }
        other => Err(format!("the peer was answered `{other:?}`").into()),
    }
}
