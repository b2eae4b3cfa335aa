//! A runtime on the thread that feeds the target: one input after the other, nothing beside it.

use std::cell::OnceCell;
use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// Only something that hangs takes longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| {
        let runtime = runtime.get_or_init(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
        });
        runtime.block_on(async {
            let patient = tokio::time::timeout(PATIENCE, future);
            patient.await.expect("it hangs")
        })
    })
}

/// Reads until `bytes` holds this text; where it ends. None when the other side is gone.
pub(crate) async fn read_until(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
    text: &[u8],
) -> Option<usize> {
    loop {
        if let Some(at) = bytes.windows(text.len()).position(|w| w == text) {
            return Some(at + text.len());
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Sends what the other side will take, closes this half, and waits until it has closed the other.
pub(crate) async fn send_and_leave(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await.is_ok_and(|n| n > 0) {}
}

/// The input with every `{KEY}` replaced: so that an upstream can say what it was sent.
pub(crate) fn with_key(input: &[u8], key: &str) -> Vec<u8> {
    const HOLE: &[u8] = b"{KEY}";
    let mut out = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(HOLE) {
            out.extend_from_slice(key.as_bytes());
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}
