//! Scripts on the connection that operations share ([`SharedConnection`]).
//!
//! No operation is repeated. A connection that let one wait too long is given up, so that nothing piles up behind a
//! server that does not answer, and so is one that leads to a former primary. Only a node of a cluster that executed
//! nothing and names another ([`crate::redirect`]) is followed within the same operation.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisError, Value};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_remote::SharedConnection;

use crate::dial::Dialer;
use crate::error::{self, Failure, Peer, Sign};
use crate::locate::{Locator, Purpose};
use crate::redirect::{self, Step};
use crate::scripts::Script;

type Ticket = watchkeeper_remote::Ticket<Connection, Failure>;

#[derive(Clone)]
struct Connection {
    peer: Peer,
    redis: MultiplexedConnection,
    ticket: Ticket,
    /// Ends with the last clone.
    _driver: Arc<AbortOnDropHandle<()>>,
}

/// Runs scripts on the shared connection.
pub(crate) struct Link {
    locator: Arc<Locator>,
    shared: SharedConnection<Connection, Failure>,
}

/// How far an operation came, for what is to be said when its time is up.
#[derive(Clone)]
enum Progress {
    Connecting,
    /// To this server; on the shared connection, if there is a ticket.
    Sent(Peer, Option<Ticket>),
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
        Self {
            locator,
            shared: SharedConnection::new(up),
        }
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
        let limit = self.locator.timeout();
        let progress = Mutex::new(Progress::Connecting);
        let ran = tokio::time::timeout(limit, self.try_run(step, &progress)).await;
        let progress = lock(&progress).clone();
        let sent = matches!(progress, Progress::Sent(..));
        let failure = match (ran, progress) {
            (Ok(Ok(value)), _) => return Ok(value),
            (Ok(Err(failure)), _) => failure,
            // The attempt has nearly the same limit, and on a busy machine does not get to say so itself.
            (Err(_), Progress::Connecting) => self.locator.dialer.too_slow(&address),
            (Err(_), Progress::Sent(peer, connection)) => {
                if let Some(connection) = connection {
                    connection.give_up();
                }
                let why = format!("no answer from `{}` within `{limit:?}`", peer.place);
                Failure::new(StoreErrorKind::Timeout, why)
            }
        };
        Err(Refused { failure, sent })
    }

    async fn try_run(&self, step: Step<'_>, progress: &Mutex<Progress>) -> Result<Value, Failure> {
        let cluster = self.locator.is_cluster();
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
                    self.locator.hint(node);
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
        let mut connection = self.connection().await?;
        let peer = connection.peer.clone();
        *lock(progress) = Progress::Sent(peer.clone(), Some(connection.ticket.clone()));
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
            connection.ticket.give_up();
        }
        match &failure.sign {
            Sign::Ask(Some(node)) if self.locator.is_cluster() => {
                *lock(progress) = Progress::Connecting;
                let mut way = redirect::open(&self.locator, node).await?;
                *lock(progress) = Progress::Sent(way.peer.clone(), None);
                redirect::ask(&mut way, step).await
            }
            _ => Err(failure),
        }
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let leads_to_primary =
            |connection: &Connection| self.locator.leads_to_primary(&connection.peer.place);
        let attempt = |ticket| make(Arc::clone(&self.locator), ticket);
        self.shared.get(leads_to_primary, attempt).await
    }
}

async fn make(locator: Arc<Locator>, ticket: Ticket) -> Result<Connection, Failure> {
    let way = locator.open(Purpose::Operations).await?;
    let peer = way.peer;
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let said = Dialer::nothing_to_say();
    let made = MultiplexedConnection::new_with_config(&said, way.wire, config);
    let (redis, driver) = made.await.map_err(|e| error::driver(&e, &peer))?;
    let broken = ticket.clone();
    let driver = tokio::spawn(async move {
        driver.await;
        // It broke while nobody used it: the next operation need not find out by failing.
        broken.give_up();
    });
    Ok(Connection {
        peer,
        redis,
        ticket,
        _driver: Arc::new(AbortOnDropHandle::new(driver)),
    })
}

async fn ask(connection: &mut Connection, command: &Cmd) -> Result<Value, RedisError> {
    let answer = connection.redis.send_packed_command(command).await?;
    answer.extract_error()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No step under these locks can panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
