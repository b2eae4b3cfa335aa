//! The connection that operations share: made when it is needed, made anew when it broke, one attempt at a time.
//!
//! ```text
//!   Idle ──an operation needs it──▶ Dialing ──▶ Up
//!     ▲                                │         │
//!     └────────── it failed ───────────┘         │
//!     └── it broke, or did not answer in time ───┘
//! ```
//!
//! No attempt is made on its own account, and none is repeated: the next operation is the retry. A connection that let
//! one operation wait too long is given up, so that nothing piles up behind a server that does not answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};

use crate::dial::Dialer;
use crate::error::{self, Failure};
use crate::scripts::Script;

type Dialing = Shared<BoxFuture<'static, Result<Connection, Failure>>>;

#[derive(Clone)]
struct Connection {
    id: u64,
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
    dialer: Arc<Dialer>,
    state: Mutex<State>,
    next_id: AtomicU64,
    up: Arc<Notify>,
}

/// Runs scripts on the shared connection.
pub(crate) struct Link(Arc<Inner>);

/// How far an operation came, for what is to be said when its time is up.
#[derive(Clone, Copy)]
enum Progress {
    Connecting,
    Sent { connection: u64 },
}

impl Link {
    /// `up` is notified each time a connection was made.
    pub(crate) fn new(dialer: Arc<Dialer>, up: Arc<Notify>) -> Self {
        Self(Arc::new(Inner {
            dialer,
            state: Mutex::new(State::Idle),
            next_id: AtomicU64::new(1),
            up,
        }))
    }

    /// Runs one script, within the time limit.
    pub(crate) async fn run(
        &self,
        op: StoreOp,
        script: &Script,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let progress = Mutex::new(Progress::Connecting);
        let ran = tokio::time::timeout(
            self.0.dialer.timeout(),
            self.try_run(script, keys, arguments, &progress),
        );
        let ran = ran.await;
        let progress = *lock(&progress);
        let sent = matches!(progress, Progress::Sent { .. });
        match (ran, progress) {
            (Ok(ran), _) => ran.map_err(|failure| failure.of(op, sent)),
            (Err(_), Progress::Connecting) => Err(self.0.dialer.too_slow().of(op, sent)),
            (Err(_), Progress::Sent { connection }) => {
                self.0.give_up(connection);
                let (address, limit) = (&self.0.dialer.address, self.0.dialer.timeout());
                let why = format!("no answer from `{address}` within `{limit:?}`");
                Err(Failure::new(StoreErrorKind::Timeout, why).of(op, sent))
            }
        }
    }

    async fn try_run(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&[u8]],
        progress: &Mutex<Progress>,
    ) -> Result<Value, Failure> {
        let mut connection = self.0.connection().await?;
        *lock(progress) = Progress::Sent {
            connection: connection.id,
        };
        let by_sha = command("EVALSHA", &script.sha, keys, arguments);
        let mut answer = ask(&mut connection, &by_sha).await;
        if matches!(&answer, Err(e) if e.kind() == ErrorKind::Server(ServerErrorKind::NoScript)) {
            // A new server, or one whose scripts were flushed. The text loads it again.
            let by_text = command("EVAL", script.text, keys, arguments);
            answer = ask(&mut connection, &by_text).await;
        }
        answer.map_err(|error| {
            if error::ends_connection(&error) {
                self.0.give_up(connection.id);
            }
            error::driver(&error, &self.0.dialer.address)
        })
    }
}

fn command(name: &str, script: &str, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys);
    for argument in arguments {
        command.arg(*argument);
    }
    command
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
            let made = make(&dialer, id, inner.clone()).await;
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

async fn make(dialer: &Dialer, id: u64, inner: Weak<Inner>) -> Result<Connection, Failure> {
    let wire = dialer.open().await?;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let said = Dialer::nothing_to_say();
    let made = MultiplexedConnection::new_with_config(&said, wire, config);
    let (redis, driver) = made.await.map_err(|e| error::driver(&e, &dialer.address))?;
    let driver = tokio::spawn(async move {
        driver.await;
        // It broke while nobody used it: the next operation need not find out by failing.
        if let Some(inner) = inner.upgrade() {
            inner.give_up(id);
        }
    });
    Ok(Connection {
        id,
        redis,
        _driver: Arc::new(AbortOnDropHandle::new(driver)),
    })
}
