//! A TCP proxy that breaks the way from a daemon to its store in chosen ways, switchable while connections run.
//!
//! ```text
//! daemon ── to_server ──> proxy ──> store
//!        <── to_client ──
//! ```
//! Bytes that a fault threw away leave a stream without meaning, so a connection that lost any is cut when the fault
//! is lifted, as a network does that was away for longer than TCP's patience.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What happens to bytes and connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Everything passes.
    Pass,
    /// Everything passes, later by this much.
    Delay {
        /// On the way to the store.
        to_server: Duration,
        /// On the way back.
        to_client: Duration,
    },
    /// Connections stay open and nothing arrives, in either direction: a silent network.
    Drop,
    /// Requests arrive, answers do not, connections stay open.
    LoseReplies,
    /// Requests get lost; what the store says by itself, and answers to what it already has, still arrive.
    LoseRequests,
    /// Each connection ends after this many more bytes from the store, mostly in the middle of an answer. New ones are
    /// let in, and fare the same.
    CutAnswers(usize),
    /// Connections are closed, new ones as soon as they are made.
    Cut,
    /// At most this many bytes a second in each direction.
    Throttle(u32),
}

type Matcher = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// A request whose answer is to be lost: its bytes reach the store, the connection is closed once the store answers.
struct CutRule {
    matches: Matcher,
    left: usize,
    /// When the cuts took place.
    done: Vec<Instant>,
}

struct Shared {
    mode: watch::Sender<Mode>,
    rules: Mutex<Vec<CutRule>>,
    cuts: watch::Sender<usize>,
    accepted: AtomicUsize,
}

impl Shared {
    /// Whether the answer to these bytes is to be lost; takes one from the rule's count.
    fn takes(&self, bytes: &[u8]) -> bool {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        for rule in rules.iter_mut() {
            if rule.left > 0 && (rule.matches)(bytes) {
                rule.left -= 1;
                rule.done.push(Instant::now());
                return true;
            }
        }
        false
    }
}

/// The running proxy. Stops, and closes all connections, when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Starts one on a free port in front of `target`, which need not be there yet.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            mode: watch::Sender::new(Mode::Pass),
            rules: Mutex::new(Vec::new()),
            cuts: watch::Sender::new(0),
            accepted: AtomicUsize::new(0),
        });
        let server = tokio::spawn(serve(listener, target, Arc::clone(&shared)));
        Self {
            address,
            shared,
            server,
        }
    }

    /// The address that clients are to use.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches the mode for all connections, old and new.
    pub fn set(&self, mode: Mode) {
        self.shared.mode.send_replace(mode);
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Loses the answers to the next `count` requests whose bytes `matches`: each is forwarded, and its connection is
    /// closed when the store's answer arrives, of which no byte is passed on. `matches` is shown the bytes of each read,
    /// together with the last few hundred before them, since a request may come in pieces.
    pub fn lose_answer(
        &self,
        count: usize,
        matches: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    ) {
        self.shared
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(CutRule {
                matches: Arc::new(matches),
                left: count,
                done: Vec::new(),
            });
    }

    /// When answers were lost by [`Self::lose_answer`]: the moment the request was seen.
    #[must_use]
    pub fn lost(&self) -> Vec<Instant> {
        let rules = self
            .shared
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Instant> = rules.iter().flat_map(|rule| rule.done.clone()).collect();
        all.sort();
        all
    }

    /// Waits until this many answers were lost in all.
    ///
    /// # Panics
    /// When they were not within `limit`.
    pub async fn wait_for_lost(&self, count: usize, limit: Duration) {
        let mut cuts = self.shared.cuts.subscribe();
        let outcome = tokio::time::timeout(limit, cuts.wait_for(|done| *done >= count)).await;
        assert!(
            outcome.is_ok(),
            "only {} of {count} answers were lost within {limit:?}",
            self.lost().len()
        );
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Whether `needle` stands in `bytes`.
#[must_use]
pub fn contains(bytes: &[u8], needle: &str) -> bool {
    bytes
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

async fn serve(listener: TcpListener, target: SocketAddr, shared: Arc<Shared>) {
    // Dropped with the task, which aborts every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    shared.accepted.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(connection(client, target, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Returns, and so closes both sides, when either side ends or a fault asks for it.
async fn connection(client: TcpStream, target: SocketAddr, shared: Arc<Shared>) {
    let mut mode = shared.mode.subscribe();
    let server = loop {
        let now = *mode.borrow_and_update();
        match now {
            Mode::Cut => return,
            // A silent network: the handshake was the kernel's doing, nothing more happens.
            Mode::Drop => {
                if mode.changed().await.is_err() {
                    return;
                }
            }
            _ => match TcpStream::connect(target).await {
                Ok(server) => break server,
                Err(_) => return,
            },
        }
    };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let cut = watch::Sender::new(Cut::No);
    let cut_seen = cut.subscribe();
    tokio::select! {
        () = to_server(client_read, server_write, &shared, cut) => {}
        () = to_client(server_read, client_write, &shared, cut_seen) => {}
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

/// How far a lost answer has come.
#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// None is to be lost.
    No,
    /// The request is about to be forwarded; answers to earlier ones are lost with its own.
    Forwarding,
    /// The store has the request: the connection ends when it answers.
    Forwarded,
}

/// The longest that a forwarded request is left for the store to carry out, where its answer came so early that it was
/// taken for that of a request before it.
const CARRY_OUT_LIMIT: Duration = Duration::from_millis(200);

/// Enough to hold the name and keys of a scripted call.
const TAIL_BYTES: usize = 512;

async fn to_server(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    cut: watch::Sender<Cut>,
) {
    let mut mode = shared.mode.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    let mut recent: Vec<u8> = Vec::new();
    let mut lost = false;
    loop {
        let Some(count) = read(&mut from, &mut buffer, &mut mode, lost, Mode::is_deaf).await else {
            return;
        };
        let bytes = &buffer[..count];
        let now = *mode.borrow();
        match now {
            Mode::Drop | Mode::LoseRequests => {
                lost = true;
                continue;
            }
            Mode::Delay { to_server, .. } => tokio::time::sleep(to_server).await,
            Mode::Throttle(rate) => pause(count, rate).await,
            _ => {}
        }
        recent.extend_from_slice(bytes);
        let lose_answer = shared.takes(&recent);
        if lose_answer {
            recent.clear();
            cut.send_replace(Cut::Forwarding);
        }
        let keep = recent.len().saturating_sub(TAIL_BYTES);
        recent.drain(..keep);
        if to.write_all(bytes).await.is_err() {
            return;
        }
        if lose_answer {
            cut.send_replace(Cut::Forwarded);
        }
    }
}

async fn to_client(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    mut cut: watch::Receiver<Cut>,
) {
    let mut mode = shared.mode.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    let mut lost = false;
    let mut passed = 0;
    loop {
        let carried_out = async {
            let _ = cut.wait_for(|cut| *cut == Cut::Forwarded).await;
            tokio::time::sleep(CARRY_OUT_LIMIT).await;
        };
        let count = tokio::select! {
            count = read(&mut from, &mut buffer, &mut mode, lost, Mode::is_mute) => count,
            () = carried_out => {
                shared.cuts.send_modify(|done| *done += 1);
                return;
            }
        };
        let Some(count) = count else { return };
        let cut_now = *cut.borrow();
        match cut_now {
            Cut::No => {}
            Cut::Forwarding => continue,
            Cut::Forwarded => {
                shared.cuts.send_modify(|done| *done += 1);
                return;
            }
        }
        let now = *mode.borrow();
        match now {
            Mode::Drop | Mode::LoseReplies => {
                lost = true;
                continue;
            }
            Mode::Delay { to_client, .. } => tokio::time::sleep(to_client).await,
            Mode::Throttle(rate) => pause(count, rate).await,
            Mode::CutAnswers(most) if passed + count > most => {
                let _ = to.write_all(&buffer[..most.saturating_sub(passed)]).await;
                return;
            }
            _ => {}
        }
        // Only what passes in this mode counts towards its end.
        passed = match now {
            Mode::CutAnswers(_) => passed + count,
            _ => 0,
        };
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

impl Mode {
    /// Bytes to the store are thrown away.
    fn is_deaf(self) -> bool {
        matches!(self, Self::Drop | Self::LoseRequests)
    }

    /// Bytes from the store are thrown away.
    fn is_mute(self) -> bool {
        matches!(self, Self::Drop | Self::LoseReplies)
    }
}

/// The next bytes; none at the stream's end, or when a connection that lost bytes leaves the mode that loses them.
async fn read(
    from: &mut OwnedReadHalf,
    buffer: &mut [u8],
    mode: &mut watch::Receiver<Mode>,
    lost: bool,
    loses: fn(Mode) -> bool,
) -> Option<usize> {
    loop {
        if lost && !loses(*mode.borrow_and_update()) {
            return None;
        }
        tokio::select! {
            count = from.read(buffer) => match count {
                Ok(count) if count > 0 => return Some(count),
                _ => return None,
            },
            changed = mode.changed() => changed.ok()?,
        }
    }
}

async fn pause(count: usize, rate: u32) {
    let seconds = count as f64 / f64::from(rate.max(1));
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
