//! The connection that operations share: made when it is needed, made anew when it broke, one attempt at a time.
//!
//! ```text
//!   Idle ──an operation needs it──▶ Dialing ──▶ Up
//!     ▲                                │         │
//!     └────────── it failed ───────────┘         │
//!     └── it broke, did not answer in time, ─────┘
//!         or leads to a former primary
//! ```
//!
//! No attempt is made on its own account, and none is repeated: the next operation is the retry. A connection that let
//! one operation wait too long is given up, so that nothing piles up behind a server that does not answer. Only a node
//! of a cluster that executed nothing and names another ([`crate::redirect`]) is followed within the same operation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisError, Value};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};

use crate::dial::Dialer;
use crate::error::{self, Failure, Peer, Sign};
use crate::locate::{Locator, Purpose};
use crate::redirect::{self, Step};
use crate::scripts::Script;

type Dialing = Shared<BoxFuture<'static, Result<Connection, Failure>>>;

#[derive(Clone)]
struct Connection {
    id: u64,
    peer: Peer,
    redis: MultiplexedConnection,
    /// Ends with the last clone.
    _driver: Arc<AbortOnDropHandle<()>>,
}

enum State {
    Idle,
    Dialing(u64, Dialing),
    Up(Connection),
}

struct Inner {
    locator: Arc<Locator>,
    state: Mutex<State>,
    next_id: AtomicU64,
    up: Arc<Notify>,
}

/// Runs scripts on the shared connection.
pub(crate) struct Link(Arc<Inner>);

/// How far an operation came, for what is to be said when its time is up.
#[derive(Clone)]
enum Progress {
    Connecting,
    /// To this server; on the shared connection, if it has a number.
    Sent(Peer, Option<u64>),
}

/// Why a script did not run to its end.
pub(crate) struct Refused {
    pub(crate) failure: Failure,
    /// Its request left before the failure.
    pub(crate) sent: bool,
}

impl Refused {
    /// As the error of an operation.
    pub(crate) fn of(self, op: StoreOp) -> StoreError {
        self.failure.of(op, self.sent)
    }
}

impl Link {
    /// `up` is notified each time a connection was made.
    pub(crate) fn new(locator: Arc<Locator>, up: Arc<Notify>) -> Self {
        Self(Arc::new(Inner {
            locator,
            state: Mutex::new(State::Idle),
            next_id: AtomicU64::new(1),
            up,
        }))
    }

    /// Runs one script, within the time limit.
    pub(crate) async fn run(
        &self,
        address: &str,
        script: &Script,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Value, Refused> {
        let step = Step {
            script,
            keys,
            arguments,
        };
        let limit = self.0.locator.timeout();
        let progress = Mutex::new(Progress::Connecting);
        let ran = tokio::time::timeout(limit, self.try_run(step, &progress)).await;
        let progress = lock(&progress).clone();
        let sent = matches!(progress, Progress::Sent(..));
        let failure = match (ran, progress) {
            (Ok(Ok(value)), _) => return Ok(value),
            (Ok(Err(failure)), _) => failure,
            // The attempt has nearly the same limit, and on a busy machine does not get to say so itself.
            (Err(_), Progress::Connecting) => self.0.locator.dialer.too_slow(&address),
            (Err(_), Progress::Sent(peer, connection)) => {
                if let Some(connection) = connection {
                    self.0.give_up(connection);
                }
                let why = format!("no answer from `{}` within `{limit:?}`", peer.place);
                Failure::new(StoreErrorKind::Timeout, why)
            }
        };
        Err(Refused { failure, sent })
    }

    async fn try_run(&self, step: Step<'_>, progress: &Mutex<Progress>) -> Result<Value, Failure> {
        let cluster = self.0.locator.is_cluster();
        let (mut followed, mut again) = (false, redirect::TRY_AGAIN.iter());
        loop {
            let failure = match self.once(step, progress).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let sign = if cluster {
                failure.sign.clone()
            } else {
                Sign::None
            };
            let sent = std::mem::replace(&mut *lock(progress), Progress::Connecting);
            match sign {
                Sign::Moved(node) if !followed => {
                    followed = true;
                    self.0.locator.hint(node);
                }
                Sign::TryAgain => match again.next() {
                    Some(wait) => tokio::time::sleep(*wait).await,
                    None => return Err(failure),
                },
                _ => {
                    *lock(progress) = sent;
                    return Err(failure);
                }
            }
        }
    }

    /// On the shared connection, or at the node to which it says that this one step has to go.
    async fn once(&self, step: Step<'_>, progress: &Mutex<Progress>) -> Result<Value, Failure> {
        let mut connection = self.0.connection().await?;
        let peer = connection.peer.clone();
        *lock(progress) = Progress::Sent(peer.clone(), Some(connection.id));
        let mut answer = ask(&mut connection, &step.by_hash()).await;
        if redirect::is_unknown_script(&answer) {
            // A new server, or one whose scripts were flushed. The text loads it again.
            answer = ask(&mut connection, &step.by_text()).await;
        }
        let error = match answer {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let failure = error::driver(&error, &peer);
        if error::ends_connection(&error, &failure) {
            self.0.give_up(connection.id);
        }
        match &failure.sign {
            Sign::Ask(Some(node)) if self.0.locator.is_cluster() => {
                *lock(progress) = Progress::Connecting;
                let mut way = redirect::open(&self.0.locator, node).await?;
                *lock(progress) = Progress::Sent(way.peer.clone(), None);
                redirect::ask(&mut way, step).await
            }
            _ => Err(failure),
        }
    }
}

async fn ask(connection: &mut Connection, command: &Cmd) -> Result<Value, RedisError> {
    let answer = connection.redis.send_packed_command(command).await?;
    answer.extract_error()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No step under these locks can panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// The connection, made now if there is none. Everybody who needs it meanwhile waits for the one attempt.
    async fn connection(self: &Arc<Self>) -> Result<Connection, Failure> {
        let dialing = {
            let mut state = lock(&self.state);
            match &*state {
                State::Up(connection) if self.locator.leads_to_primary(&connection.peer.place) => {
                    return Ok(connection.clone());
                }
                State::Dialing(_, dialing) => dialing.clone(),
                State::Up(_) | State::Idle => {
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
        let locator = self.locator.clone();
        let inner = Arc::downgrade(self);
        let attempt = tokio::spawn(async move {
            let made = make(&locator, id, inner.clone()).await;
            if let Some(inner) = inner.upgrade() {
                inner.settle(id, &made);
            }
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

    /// The next operation makes a new connection; those under way on this one may still end.
    fn give_up(&self, id: u64) {
        let mut state = lock(&self.state);
        if matches!(&*state, State::Up(connection) if connection.id == id) {
            *state = State::Idle;
        }
    }
}

async fn make(locator: &Locator, id: u64, inner: Weak<Inner>) -> Result<Connection, Failure> {
    let way = locator.open(Purpose::Operations).await?;
    let peer = way.peer;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let said = Dialer::nothing_to_say();
    let made = MultiplexedConnection::new_with_config(&said, way.wire, config);
    let (redis, driver) = made.await.map_err(|e| error::driver(&e, &peer))?;
    let driver = tokio::spawn(async move {
        driver.await;
        // It broke while nobody used it: the next operation need not find out by failing.
        if let Some(inner) = inner.upgrade() {
            inner.give_up(id);
        }
    });
    Ok(Connection {
        id,
        peer,
        redis,
        _driver: Arc::new(AbortOnDropHandle::new(driver)),
    })
}
