//! The connection that operations share: made when it is needed, made anew when it broke, one attempt at a time.
//!
//! ```text
//!   Idle ──an operation needs it──▶ Dialing ──▶ Up
//!     ▲                                │         │
//!     └────────── it failed ───────────┘         │
//!     └── it broke, or did not answer in time ───┘
//! ```
//!
//! It leads to one member. No attempt is made on its own account, and no call that was sent is repeated: the next
//! operation is the retry, with another member first. A connection that let one operation wait too long is given up, so
//! that nothing piles up behind a member that does not answer.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_client::Client;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::FleetName;

use crate::dial::{Dialer, Opened};
use crate::error::Failure;
use crate::options::EtcdOptions;
use crate::wire::End;

type Dialing = Shared<BoxFuture<'static, Result<Connection, Failure>>>;

type Connection = Arc<Live>;

struct Live {
    id: u64,
    member: usize,
    address: String,
    client: Client,
    end: End,
    _watched: AbortOnDropHandle<()>,
}

enum State {
    Idle,
    Dialing(u64, Dialing),
    Up(Connection),
}

struct Inner {
    dialer: Arc<Dialer>,
    fleet: FleetName,
    state: Mutex<State>,
    next_id: AtomicU64,
    up: Arc<Notify>,
    /// Whether the last operation was done.
    works: AtomicBool,
}

/// Runs operations on the shared connection.
pub(crate) struct Link(Arc<Inner>);

/// How far an operation came, for what is to be said when its time is up.
enum Progress {
    Connecting,
    Sent(Connection),
}

impl Link {
    /// `up` is notified each time a connection was made.
    ///
    /// # Errors
    /// Of kind `Config`, naming the option that cannot be used.
    pub(crate) fn new(options: &EtcdOptions, up: Arc<Notify>) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(Inner {
            dialer: Arc::new(Dialer::new(options.clone())?),
            fleet: options.fleet.clone(),
            state: Mutex::new(State::Idle),
            next_id: AtomicU64::new(1),
            up,
            works: AtomicBool::new(false),
        })))
    }

    /// Whether operations are done, as far as the last one tells. What keeps them out is told by them.
    pub(crate) fn works(&self) -> bool {
        self.0.works.load(Ordering::Relaxed)
    }

    /// Makes connections of one's own, to the same members.
    pub(crate) fn dialer(&self) -> &Arc<Dialer> {
        &self.0.dialer
    }

    /// Runs one operation of one or several calls, within the time limit. `work` is called once a connection is there,
    /// and never again: what it sent is not repeated, but for a call that was refused because a token had run out.
    ///
    /// # Errors
    /// As [`StoreError`] has them; the write may have landed where `work` was called and its end is not known.
    pub(crate) async fn run<T, F, Fut>(&self, op: StoreOp, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(Client) -> Fut + Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
        T: Send,
    {
        let progress = Mutex::new(Progress::Connecting);
        let limit = self.0.dialer.timeout();
        let ran = tokio::time::timeout(limit, async {
            let connection = self.0.connection().await?;
            *lock(&progress) = Progress::Sent(Arc::clone(&connection));
            let done = work(connection.client.clone()).await;
            done.map_err(|failure| self.0.judged(&connection, failure))
        });
        let ran = ran.await;
        self.0
            .works
            .store(matches!(ran, Ok(Ok(_))), Ordering::Relaxed);
        let progress = progress
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let sent = matches!(progress, Progress::Sent(_));
        match (ran, progress) {
            (Ok(ran), _) => ran.map_err(|failure| self.explained(failure).of(op, sent)),
            (Err(_), Progress::Connecting) => Err(self.0.dialer.too_slow().of(op, sent)),
            (Err(_), Progress::Sent(connection)) => {
                self.0.give_up(&connection);
                let why = format!("no answer from `{}` within `{limit:?}`", connection.address);
                Err(Failure::new(StoreErrorKind::Timeout, why).of(op, sent))
            }
        }
    }

    /// A missing right is named.
    pub(crate) fn explained(&self, mut failure: Failure) -> Failure {
        if failure.is_missing_right() {
            let fleet = &self.0.fleet;
            failure.message.push_str(&format!(
                ": `etcdctl role grant-permission ROLE readwrite --prefix watchkeeper/{fleet}/` gives the right"
            ));
        }
        failure
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No step under these locks can panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A failure with what is known of where it happened.
pub(crate) fn at(failure: Failure, end: &End, address: &str) -> Failure {
    if failure.is_transport()
        && let Some(told) = end.failure()
    {
        return told;
    }
    let placed = matches!(
        failure.kind,
        StoreErrorKind::Unreachable
            | StoreErrorKind::Timeout
            | StoreErrorKind::Protocol
            | StoreErrorKind::Unwritable
    );
    let mut failure = failure;
    if placed {
        failure.message.push_str(&format!(", says `{address}`"));
    }
    failure
}

impl Inner {
    /// The connection, made now if there is none. Everybody who needs it meanwhile waits for the one attempt.
    async fn connection(self: &Arc<Self>) -> Result<Connection, Failure> {
        let dialing = {
            let mut state = lock(&self.state);
            match &*state {
                State::Up(connection) => return Ok(connection.clone()),
                State::Dialing(_, dialing) => dialing.clone(),
                State::Idle => {
                    let id = self.next_id.fetch_add(1, Ordering::Relaxed);
                    let dialing = self.dial(id);
                    *state = State::Dialing(id, dialing.clone());
                    dialing
                }
            }
        };
        dialing.await
    }

    /// Starts an attempt as a task of its own, so that it goes on when the operation that began it gives up.
    fn dial(self: &Arc<Self>, id: u64) -> Dialing {
        let dialer = self.dialer.clone();
        let inner = Arc::downgrade(self);
        let attempt = tokio::spawn(async move {
            let opened = dialer.open().await;
            let Some(inner) = inner.upgrade() else {
                let why = "the store is gone";
                return Err(Failure::new(StoreErrorKind::Unreachable, why));
            };
            let made = opened.map(|opened| inner.watched(id, opened));
            inner.settle(id, &made);
            made
        });
        let attempt = AbortOnDropHandle::new(attempt);
        async move {
            attempt.await.unwrap_or_else(|_| {
                let why = "the attempt to connect was stopped";
                Err(Failure::new(StoreErrorKind::Unreachable, why))
            })
        }
        .boxed()
        .shared()
    }

    fn watched(self: &Arc<Self>, id: u64, opened: Opened) -> Connection {
        let Opened {
            client,
            member,
            address,
            end,
        } = opened;
        let (inner, ended) = (Arc::downgrade(self), end.clone());
        let watched = tokio::spawn(async move {
            ended.closed().await;
            // It broke while nobody used it: the next operation need not find out by failing.
            if let Some(inner) = inner.upgrade() {
                inner.forget(id, member);
            }
        });
        Arc::new(Live {
            id,
            member,
            address,
            client,
            end,
            _watched: AbortOnDropHandle::new(watched),
        })
    }

    fn settle(&self, id: u64, made: &Result<Connection, Failure>) {
        let mut state = lock(&self.state);
        if !matches!(&*state, State::Dialing(current, _) if *current == id) {
            return;
        }
        *state = match made {
            Ok(connection) => State::Up(connection.clone()),
            Err(_) => State::Idle,
        };
        drop(state);
        if made.is_ok() {
            self.up.notify_one();
        }
    }

    /// A failure on this connection, which is given up where it is not worth keeping.
    fn judged(&self, connection: &Live, failure: Failure) -> Failure {
        if failure.ends_connection() {
            self.give_up(connection);
        }
        at(failure, &connection.end, &connection.address)
    }

    fn give_up(&self, connection: &Live) {
        self.forget(connection.id, connection.member);
    }

    /// The next operation makes a new connection; those under way on this one may still end.
    fn forget(&self, id: u64, member: usize) {
        let mut state = lock(&self.state);
        if matches!(&*state, State::Up(connection) if connection.id == id) {
            *state = State::Idle;
            self.dialer.avoid(member);
        }
    }
}
