//! What a Redis, or whatever stands in its place, may answer to each operation: any bytes, then the end of the
//! connection. What may stand under the keys of a real one is in the live tests.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use watchkeeper_core::cache::{Found, Presence, Publish, ReportCache, Then};
use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::{AttemptId, FleetName, GroupId, PodId};
use watchkeeper_core::lease::{Acquire, LeaseRef, LeaseStore, Marker, Token};
use watchkeeper_core::report::Report;
use watchkeeper_redis::{RedisOptions, RedisStore};

use crate::sockets::{PATIENCE, block_on, send_and_leave};

/// The longest message: one line that a person reads.
const MAX_MESSAGE: usize = 2_000;

struct Server {
    port: u16,
    reply: Arc<Mutex<Vec<u8>>>,
}

thread_local! {
    static SERVER: OnceCell<Server> = const { OnceCell::new() };
}

pub(crate) fn values(input: &[u8]) {
    let (&op, reply) = input.split_first().unwrap_or((&0, &[]));
    SERVER.with(|server| {
        let server = server.get_or_init(|| block_on(start()));
        *server.reply.lock().unwrap() = reply.to_vec();
        block_on(async {
            let fleet = FleetName::new("fleet").unwrap();
            let mut options = RedisOptions::new(fleet, "127.0.0.1", server.port);
            // The server closes after each answer, so nothing waits this long.
            options.timeout = PATIENCE;
            let store = RedisStore::connect(options).expect("options that work");
            if let Err(error) = ask(&store, op, reply).await {
                is_sound(&error);
            }
        });
    });
}

fn is_sound(error: &StoreError) {
    let text = error.to_string();
    assert!(text.len() <= MAX_MESSAGE, "{} bytes: {text}", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

async fn ask(store: &RedisStore, op: u8, reply: &[u8]) -> Result<(), StoreError> {
    let (group, pod) = (GroupId::new("g").unwrap(), PodId::new("me").unwrap());
    let ttl = Duration::from_secs(60);
    let lease = LeaseRef {
        group: group.clone(),
        pod: pod.clone(),
        token: Token(7),
    };
    match op % 10 {
        0 => {
            let request = Acquire {
                group,
                pod,
                attempt: AttemptId(1),
                ttl,
                floor: Token(u64::from(op)),
                take: (op > 100).then(|| Marker("string:1:x".to_owned())),
            };
            store.acquire(&request).await?;
        }
        1 => {
            store.renew(&lease, ttl).await?;
        }
        2 => {
            store.release(&lease).await?;
        }
        3 => {
            store.inspect(&group).await?;
        }
        4 => store.ping().await?,
        5 => {
            let publish = Publish {
                lease,
                edition: 1,
                value: Arc::from(&b"x"[..]),
                retain: ttl,
                then: Then::Keep(ttl),
                companion: None,
            };
            store.publish(&publish).await?;
        }
        6 => {
            let read = store.read(&group, Token(7)).await?;
            if let Found::Report(stored) = read.found {
                assert!(stored.value.len() <= reply.len());
                let _ = Report::decode(&stored.value);
            }
        }
        7 => {
            let info = Arc::from(&b"{}"[..]);
            store.announce(&Presence { pod, info, ttl }).await?;
        }
        8 => store.leave(&pod).await?,
        _ => {
            let pods = store.pods().await?;
            assert!(pods.len() <= reply.len());
            assert!(pods.is_sorted_by(|a, b| a.pod <= b.pod));
        }
    }
    Ok(())
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let reply = Arc::new(Mutex::new(Vec::new()));
    let port = listener.local_addr().expect("its address").port();
    let shared = Arc::clone(&reply);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, shared.lock().unwrap().clone()));
        }
    });
    Server { port, reply }
}

/// Greets as Redis does, and answers the first script with `reply`. A subscription is left waiting.
async fn serve(mut stream: TcpStream, reply: Vec<u8>) {
    let mut asked = Vec::new();
    while stream.read_buf(&mut asked).await.is_ok_and(|n| n > 0) {
        if asked.windows(4).any(|word| word == b"EVAL") {
            return send_and_leave(&mut stream, &reply).await;
        }
        if asked.ends_with(b"PING\r\n") {
            asked.clear();
            if stream.write_all(b"+PONG\r\n").await.is_err() {
                return;
            }
        }
    }
}

/// A field as a script answers it.
fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn array(fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|text| bulk(text)).collect();
    let count = fields.matches("$").count();
    format!("*{count}\r\n{fields}")
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let busy = format!(
        "*5\r\n{}{}{}:2990\r\n{}",
        bulk("busy"),
        bulk("other"),
        bulk("1795358411941123"),
        bulk("string:9:abc")
    );
    let dead = format!(
        "*5\r\n{}{}{}:-1\r\n{}",
        bulk("busy"),
        bulk(""),
        bulk(""),
        bulk("list:1")
    );
    let report = r#"{"v":1,"by":"a","at":0,"took":0,"entries":[]}"#;
    let answers = [
        (0, array(&["held", "1795358411941123", "ours"])),
        (0, busy.clone()),
        (0, dead),
        (1, array(&["extended"])),
        (1, array(&["lost", "other"])),
        (2, array(&["done"])),
        (2, array(&["not held"])),
        (3, array(&["free"])),
        (3, busy),
        (4, array(&["ok"])),
        (5, array(&["done", "foreign"])),
        (5, array(&["fenced", "9"])),
        (6, array(&["9", "ours", "nothing"])),
        (6, array(&["9", "foreign", "garbage", "a list"])),
        (6, array(&["9", "ours", "report", "9", "1", "1000", report])),
        (7, array(&["ok", "ours"])),
        (8, array(&["ok"])),
        (9, array(&["ours", "b", "1", "{}", "a", "2", "{}"])),
        (9, array(&["foreign"])),
        (0, "-NOSCRIPT no\r\n".to_owned()),
        (0, "-READONLY You can't write\r\n".to_owned()),
        (1, "-MOVED 1 h:1\r\n".to_owned()),
        (5, "-OOM command not allowed\r\n".to_owned()),
        (6, "*-1\r\n".to_owned()),
        (6, "$-1\r\n".to_owned()),
        (6, "*2147483647\r\n$1\r\n".to_owned()),
        (6, "$536870912\r\nx".to_owned()),
        (6, "*1\r\n".repeat(300)),
        (
            0,
            "%1\r\n+a\r\n,1.5\r\n~1\r\n#t\r\n>2\r\n_\r\n(1\r\n=5\r\ntxt:x\r\n!1\r\ne\r\n"
                .to_owned(),
        ),
        (0, "+OK\r\n+OK\r\n".to_owned()),
    ];
    let seed = |(op, answer): &(u8, String)| [&[*op][..], answer.as_bytes()].concat();
    answers.iter().map(seed).collect()
}
