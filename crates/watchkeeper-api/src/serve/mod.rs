//! Sockets: how many, how large, how long, and how they end.
//!
//! HTTP/1.1 only: every client of a status endpoint speaks it, and its limits are few enough to set them all.

mod activity;
mod connection;
mod io;
mod patience;
#[cfg(test)]
mod tests;

pub(crate) use patience::Patience;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What one listener takes at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue. At least 1.
    pub connections: usize,
    /// Bytes of a request's line and headers. At least 8192.
    pub head_bytes: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Time for a request's headers to arrive, and for a connection to stay open without a request; it may take up to
    /// twice as long until that is noticed.
    pub idle: Duration,
    /// Time for a request to be answered, once its headers are there; a run on demand is given more once its body is.
    pub request: Duration,
    /// Time that a client may leave an answer unread.
    pub unread: Duration,
    /// Time for open requests to end once the shutdown begins.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A scraper, a few dashboards and the pods' probes need tens; each costs a few KiB.
            connections: 512,
            // Room for a long key and a proxy's headers.
            head_bytes: 32 * 1024,
            // Reads need no body; a body that starts a check is a line.
            body_bytes: 64 * 1024,
            // A scraper asks every 15 to 60 s; longer would only keep sockets.
            idle: Duration::from_secs(60),
            // Answers come from memory; this is for what waits on a client's body.
            request: Duration::from_secs(30),
            // A whole answer of 5,000 checks over a slow line keeps moving all the time.
            unread: Duration::from_secs(30),
            // `http.drain`'s default.
            drain: Duration::from_secs(10),
        }
    }
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because their requests did not end within [`Limits::drain`].
    pub cut: usize,
}

/// First and longest pause after a socket could not be accepted, for instance because the process is out of files.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// Answers on `listener` until `shutdown` ends; then takes no more connections, lets open requests end within
/// [`Limits::drain`], and cuts what is left. Owns every task it starts: when it returns, none is left; when it is
/// dropped, all are aborted.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    limits: Limits,
) -> Drained {
    let slots = Arc::new(Semaphore::new(limits.connections.max(1)));
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut accepting = Accepting {
        listener,
        slots,
        failures: 0,
    };
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, slot) = accepting.next() => {
                let served = connection::run(stream, router.clone(), limits.clone(), stopped.clone());
                connections.spawn(async move {
                    served.await;
                    drop(slot);
                });
            }
        }
    }
    // New clients are refused from here on, rather than left waiting.
    drop(accepting);
    stop.send_replace(true);
    let ended = timeout(limits.drain, async {
        while connections.join_next().await.is_some() {}
    });
    let cut = if ended.await.is_ok() {
        0
    } else {
        connections.len()
    };
    connections.shutdown().await;
    if cut > 0 {
        tracing::warn!(connections = cut, drain = ?limits.drain, "requests were cut at the end of the drain");
    }
    Drained { cut }
}

struct Accepting {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    failures: u32,
}

impl Accepting {
    /// The next connection, once there is room for it. Nothing is lost when the wait is given up.
    async fn next(&mut self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
                // The semaphore is never closed.
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    if self.failures > 0 {
                        tracing::info!(failures = self.failures, "connections are accepted again");
                        self.failures = 0;
                    }
                    return (stream, slot);
                }
                Err(error) => {
                    if self.failures == 0 {
                        tracing::warn!(%error, "a connection could not be accepted; trying on");
                    }
                    let (first, longest) = ACCEPT_PAUSE;
                    let pause = first
                        .saturating_mul(1 << self.failures.min(16))
                        .min(longest);
                    self.failures = self.failures.saturating_add(1);
                    sleep(pause).await;
                }
            }
        }
    }
}
