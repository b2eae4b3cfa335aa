//! What a model's endpoint may answer: any bytes, then the end of the connection; or no end.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Map;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::probe::{Effort, ProbeKind, Prober};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::{MAX_ERROR_BYTES, Outcome, Verdict};
use watchkeeper_probes::{HttpProber, ProberOptions};

use crate::clock::{Still, UNIX};
use crate::sockets::{block_on, read_until, send_and_leave, with_key};

const KEY: &str = "sk-fuzz-4f9a72c1d0e8";
/// A piece of the key as short as this may stand in no text.
const PIECE: usize = 8;
/// How long an endpoint that never ends its answer is waited for.
const SHORT: Duration = Duration::from_millis(30);

struct Upstream {
    address: SocketAddr,
    prober: HttpProber,
    next: Arc<Mutex<Next>>,
}

#[derive(Clone, Default)]
struct Next {
    bytes: Vec<u8>,
    never_ends: bool,
}

thread_local! {
    static UPSTREAM: OnceCell<Upstream> = const { OnceCell::new() };
}

pub(crate) fn answer(input: &[u8]) {
    let (&how, reply) = input.split_first().unwrap_or((&0, &[]));
    let verdict = UPSTREAM.with(|upstream| {
        let upstream = upstream.get_or_init(|| block_on(start()));
        let never_ends = how == 255;
        *upstream.next.lock().unwrap() = Next {
            bytes: with_key(reply, KEY),
            never_ends,
        };
        let check = check(upstream.address, how, never_ends);
        block_on(upstream.prober.probe(&check, Effort::Full))
    });
    is_sound(&verdict);
}

fn is_sound(verdict: &Verdict) {
    let text = format!("{verdict:?}");
    for piece in KEY.as_bytes().windows(PIECE) {
        let piece = std::str::from_utf8(piece).unwrap();
        assert!(!text.contains(piece), "`{piece}` in {text}");
    }
    let error = verdict.error.as_deref().unwrap_or_default();
    assert!(error.len() <= MAX_ERROR_BYTES);
    assert!(!error.chars().any(char::is_control), "{error:?}");
    let healthy = verdict.outcome == Outcome::Healthy;
    assert_eq!(healthy, verdict.error.is_none(), "{text}");
    assert_eq!(healthy, verdict.status.is_none(), "{text}");
    assert!(verdict.limits.len() <= 2);
    assert!(verdict.limits.iter().all(|(_, value)| value.len() <= 20));
    assert_ne!(verdict.outcome, Outcome::ConfigError, "{text}");
    assert_eq!(verdict.at, UNIX);
}

async fn start() -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let next = Arc::new(Mutex::new(Next::default()));
    let address = listener.local_addr().expect("its address");
    let shared = Arc::clone(&next);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let next = shared.lock().unwrap().clone();
            tokio::spawn(serve(stream, next));
        }
    });
    let mut options = ProberOptions::new(Arc::new(Still));
    options.proxies_from_env = false;
    Upstream {
        address,
        prober: HttpProber::new(options).expect("a prober"),
        next,
    }
}

async fn serve(mut stream: TcpStream, next: Next) {
    let mut request = Vec::new();
    let Some(end) = read_until(&mut stream, &mut request, b"\r\n\r\n").await else {
        return;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |n| n.parse().unwrap());
    while request.len() < end + length {
        if stream.read_buf(&mut request).await.is_ok_and(|n| n == 0) {
            return;
        }
    }
    if !next.never_ends {
        return send_and_leave(&mut stream, &next.bytes).await;
    }
    let _ = stream.write_all(&next.bytes).await;
    // For ever: the same once more, until the prober has enough.
    while !next.bytes.is_empty() && stream.write_all(&next.bytes).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let _ = stream.read(&mut [0]).await;
}

fn check(address: SocketAddr, how: u8, never_ends: bool) -> Check {
    let model = |provider: &str, mode: &str| {
        Target::Model(Box::new(ModelTarget {
            model: format!("{provider}/m"),
            provider: Some(provider.to_owned()),
            mode: Some(mode.to_owned()),
            api_base: Some(Secret::new(format!("http://{address}/v1"))),
            api_key: Some(Secret::new(KEY)),
            params: Map::new(),
            // what costs is asked for, too; every other one goes for its list of models
            health: HealthParams {
                kind: if how < 128 || never_ends {
                    ProbeKind::Inference
                } else {
                    ProbeKind::Free
                },
                ..HealthParams::default()
            },
        }))
    };
    // the first three as they were, so that what is known of them stays of use
    let target = match how % 11 {
        0 => model("openai", "chat"),
        1 => model("openai", "embedding"),
        2 => Target::Http {
            url: Secret::new(format!("http://{address}/x?key={KEY}")),
        },
        3 => model("openai", "responses"),
        4 => model("openai", "moderation"),
        5 => model("openai", "audio_speech"),
        6 => model("openai", "audio_transcription"),
        7 => model("openai", "realtime"),
        8 => model("openai", "batch"),
        9 => model("hosted_vllm", "rerank"),
        _ => model("litellm_proxy", "anthropic_messages"),
    };
    Check {
        id: CheckId::new("c").unwrap(),
        name: "c".to_owned(),
        target,
        timeout: if never_ends {
            SHORT
        } else {
            Duration::from_secs(10)
        },
        shown: Map::new(),
        background: true,
        full_every: None,
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let chat = r#"{"id":"x","choices":[{"index":0,"message":{"content":""}}]}"#;
    let lists = r#"{"data":[{"index":0,"embedding":[0.1]}]}"#;
    let whole = |how: u8, status: &str, headers: &str, body: &str| {
        let length = body.replace("{KEY}", KEY).len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
        [&[how][..], head.as_bytes(), body.as_bytes()].concat()
    };
    let json = "content-type: application/json\r\n";
    let mut seeds = vec![
        whole(0, "200 OK", json, chat),
        whole(1, "200 OK", json, lists),
        whole(2, "204 No Content", "", ""),
        whole(
            3,
            "200 OK",
            json,
            r#"{"status":"incomplete","output":[],"error":null}"#,
        ),
        whole(4, "200 OK", json, r#"{"results":[{"flagged":false}]}"#),
        whole(5, "200 OK", "content-type: audio/mpeg\r\n", "ID3{KEY}"),
        whole(6, "200 OK", json, r#"{"text":""}"#),
        whole(8, "200 OK", json, r#"{"data":[]}"#),
        whole(
            9,
            "200 OK",
            json,
            r#"{"results":[{"index":0,"relevance_score":0.1}]}"#,
        ),
        whole(10, "200 OK", json, r#"{"content":[],"model":"{KEY}"}"#),
        whole(132, "200 OK", json, r#"{"data":[{"id":"{KEY}"}]}"#),
        whole(
            0,
            "401 No",
            json,
            r#"{"error":{"message":"bad key {KEY}","code":"x"}}"#,
        ),
        whole(
            0,
            "400 No",
            json,
            r#"{"error":{"code":"content_filter","message":"no"}}"#,
        ),
        whole(
            0,
            "429 Slow",
            "x-ratelimit-remaining-tokens: 1{KEY}\r\nx-ratelimit-remaining-requests: 7\r\n",
            "{KEY}",
        ),
        whole(
            0,
            "200 OK",
            "content-type: text/event-stream\r\n",
            "data: {}\n\n",
        ),
        whole(2, "302 Found", "location: http://h/{KEY}\r\n", ""),
        whole(
            1,
            "500 X",
            "content-type: text/html\r\n",
            "<html>{KEY}</html>",
        ),
        whole(
            0,
            "200 OK",
            json,
            r#"{"detail":[{"msg":"{KEY}"}],"choices":[{"error":{"code":502}}]}"#,
        ),
        whole(
            0,
            "200 OK",
            "content-encoding: gzip\r\n",
            "\u{1f}\u{8b}\u{8}",
        ),
        whole(255, "500 X", "", "x{KEY}"),
    ];
    for text in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"cho\r\n6;x=y\r\nices\":\r\n5\r\n[{}]}\r\n0\r\nx: y\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.0 503 X\r\n\r\nbusy",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncontent-length: 11\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{",
        "HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n",
        "HTTP/9.9 999 \r\n\r\n",
        "garbage",
        "",
    ] {
        seeds.push([&[0][..], text.as_bytes()].concat());
    }
    seeds.push(
        [
            &[7][..],
            b"HTTP/1.1 101 X\r\nsec-websocket-accept: x\r\n\r\nx",
        ]
        .concat(),
    );
    seeds.push([&[255][..], b"HTTP/1.1 200 OK\r\n\r\n{\"x\":\"".as_slice()].concat());
    seeds.push([&[255][..], b"x: y\r\n".as_slice()].concat());
    seeds
}
