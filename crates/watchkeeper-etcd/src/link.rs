//! Operations on the connection that they share ([`SharedConnection`]).
//!
//! It leads to one member. No call that was sent is repeated: the next operation is the retry, with another member first.
//! A connection that let one operation wait too long is given up, so that nothing piles up behind a member that does not
//! answer.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_client::Client;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::FleetName;
use watchkeeper_remote::SharedConnection;

use crate::dial::{Dialer, Opened};
use crate::error::Failure;
use crate::options::EtcdOptions;
use crate::wire::End;

type Connection = Arc<Live>;

type Ticket = watchkeeper_remote::Ticket<Connection, Failure>;

struct Live {
    member: usize,
    address: String,
    client: Client,
    end: End,
    ticket: Ticket,
    _watched: AbortOnDropHandle<()>,
}

/// Runs operations on the shared connection.
pub(crate) struct Link {
    dialer: Arc<Dialer>,
    fleet: FleetName,
    shared: SharedConnection<Connection, Failure>,
    /// Whether the last operation was done.
    works: AtomicBool,
}

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
        Ok(Self {
            dialer: Arc::new(Dialer::new(options.clone())?),
            fleet: options.fleet.clone(),
            shared: SharedConnection::new(up),
            works: AtomicBool::new(false),
        })
    }

    /// Whether operations are done, as far as the last one tells. What keeps them out is told by them.
    pub(crate) fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// Makes connections of one's own, to the same members.
    pub(crate) fn dialer(&self) -> &Arc<Dialer> {
        &self.dialer
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
        let limit = self.dialer.timeout();
        let ran = tokio::time::timeout(limit, async {
            let connection = self.connection().await?;
            *lock(&progress) = Progress::Sent(Arc::clone(&connection));
            let done = work(connection.client.clone()).await;
            done.map_err(|failure| self.judged(&connection, failure))
        });
        let ran = ran.await;
        self.works
            .store(matches!(ran, Ok(Ok(_))), Ordering::Relaxed);
        let progress = progress
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let sent = matches!(progress, Progress::Sent(_));
        match (ran, progress) {
            (Ok(ran), _) => ran.map_err(|failure| self.explained(failure).of(op, sent)),
            (Err(_), Progress::Connecting) => Err(self.dialer.too_slow().of(op, sent)),
            (Err(_), Progress::Sent(connection)) => {
                self.give_up(&connection);
                let why = format!("no answer from `{}` within `{limit:?}`", connection.address);
                Err(Failure::new(StoreErrorKind::Timeout, why).of(op, sent))
            }
        }
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        let attempt = |ticket| connect(Arc::clone(&self.dialer), ticket);
        self.shared.get(|_| true, attempt).await
    }

    /// A failure on this connection, which is given up where it is not worth keeping.
    fn judged(&self, connection: &Live, failure: Failure) -> Failure {
        if failure.ends_connection() {
            self.give_up(connection);
        }
        at(failure, &connection.end, &connection.address)
    }

    fn give_up(&self, connection: &Live) {
        let avoid = || self.dialer.avoid(connection.member);
        connection.ticket.give_up_and(avoid);
    }

    /// A missing right is named.
    pub(crate) fn explained(&self, mut failure: Failure) -> Failure {
        if failure.is_missing_right() {
            let fleet = &self.fleet;
            failure.message.push_str(&format!(
                ": `etcdctl role grant-permission ROLE readwrite --prefix watchkeeper/{fleet}/` gives the right"
            ));
        }
        failure
    }
}

async fn connect(dialer: Arc<Dialer>, ticket: Ticket) -> Result<Connection, Failure> {
    let Opened {
        client,
        member,
        address,
        end,
    } = dialer.open().await?;
    let (ended, broken) = (end.clone(), ticket.clone());
    let watched = tokio::spawn(async move {
        ended.closed().await;
        // It broke while nobody used it: the next operation need not find out by failing.
        broken.give_up_and(|| dialer.avoid(member));
    });
    Ok(Arc::new(Live {
        member,
        address,
        client,
        end,
        ticket,
        _watched: AbortOnDropHandle::new(watched),
    }))
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
