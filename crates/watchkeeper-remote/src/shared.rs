//! The connection that operations share: made when it is needed, made anew when it broke, one attempt at a time.
//!
//! ```text
//!   Idle ──an operation needs it──▶ Dialing ──▶ Up
//!     ▲                                │         │
//!     └────────── it failed ───────────┘         │
//!     └── it was given up ───────────────────────┘
//! ```
//!
//! No attempt is made on its own account: the next operation is the retry.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::error::StoreErrorKind;

use crate::reason::Reason;

type Dialing<C, F> = Shared<BoxFuture<'static, Result<C, F>>>;

enum State<C, F> {
    Idle,
    Dialing(u64, Dialing<C, F>),
    Up(u64, C),
}

struct Inner<C, F> {
    state: Mutex<State<C, F>>,
    next_id: AtomicU64,
    up: Arc<Notify>,
}

/// One connection `C`, or the failure `F` of the attempt to make it. An attempt and what it holds end with this.
pub struct SharedConnection<C, F>(Arc<Inner<C, F>>);

/// Names one attempt and the connection that it makes; keeps nothing alive.
pub struct Ticket<C, F> {
    id: u64,
    of: Weak<Inner<C, F>>,
}

impl<C, F> Clone for Ticket<C, F> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            of: Weak::clone(&self.of),
        }
    }
}

impl<C, F> Ticket<C, F> {
    /// The next operation makes a new connection; those under way on this one may still end. Nothing happens where
    /// another one has taken its place.
    pub fn give_up(&self) {
        self.give_up_and(|| ());
    }

    /// The same, and does this before the next attempt can begin; not where another one has taken its place. `before`
    /// must not come back here.
    pub fn give_up_and(&self, before: impl FnOnce()) {
        let Some(inner) = self.of.upgrade() else {
            return;
        };
        let mut state = inner.state();
        if matches!(&*state, State::Up(id, _) if *id == self.id) {
            *state = State::Idle;
            before();
        }
    }
}

/// What there is for an operation that wants the connection.
enum Found<C, F> {
    Up(C),
    Dialing(Dialing<C, F>),
}

impl<C, F> SharedConnection<C, F>
where
    C: Clone + Send + Sync + 'static,
    F: Clone + Send + Sync + From<Reason> + 'static,
{
    /// None yet. `up` is notified each time a connection was made.
    #[must_use]
    pub fn new(up: Arc<Notify>) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State::Idle),
            next_id: AtomicU64::new(1),
            up,
        }))
    }

    /// The connection, made by `attempt` if there is none that `is_good`. Everybody who needs it meanwhile waits for the
    /// one attempt, which is a task of its own, so that it goes on when the operation that began it gives up. It has to
    /// bound its own time.
    ///
    /// # Errors
    /// What the attempt says.
    pub async fn get<A>(
        &self,
        is_good: impl FnOnce(&C) -> bool,
        attempt: impl FnOnce(Ticket<C, F>) -> A,
    ) -> Result<C, F>
    where
        A: Future<Output = Result<C, F>> + Send + 'static,
    {
        match self.find(is_good, attempt) {
            Found::Up(connection) => Ok(connection),
            Found::Dialing(dialing) => dialing.await,
        }
    }

    fn find<A>(
        &self,
        is_good: impl FnOnce(&C) -> bool,
        attempt: impl FnOnce(Ticket<C, F>) -> A,
    ) -> Found<C, F>
    where
        A: Future<Output = Result<C, F>> + Send + 'static,
    {
        let mut state = self.0.state();
        match &*state {
            State::Up(_, connection) if is_good(connection) => Found::Up(connection.clone()),
            State::Dialing(_, dialing) => Found::Dialing(dialing.clone()),
            State::Up(..) | State::Idle => {
                let ticket = Ticket {
                    id: self.0.next_id.fetch_add(1, Ordering::Relaxed),
                    of: Arc::downgrade(&self.0),
                };
                let id = ticket.id;
                let dialing = dial(ticket.clone(), attempt(ticket));
                *state = State::Dialing(id, dialing.clone());
                Found::Dialing(dialing)
            }
        }
    }
}

fn dial<C, F, A>(ticket: Ticket<C, F>, attempt: A) -> Dialing<C, F>
where
    C: Clone + Send + Sync + 'static,
    F: Clone + Send + Sync + From<Reason> + 'static,
    A: Future<Output = Result<C, F>> + Send + 'static,
{
    let attempt = tokio::spawn(async move {
        let made = attempt.await;
        if let Some(inner) = ticket.of.upgrade() {
            inner.settle(ticket.id, &made);
        }
        made
    });
    let attempt = AbortOnDropHandle::new(attempt);
    async move {
        attempt.await.unwrap_or_else(|_| {
            let why = "the attempt to connect was stopped";
            Err(Reason::new(StoreErrorKind::Unreachable, why).into())
        })
    }
    .boxed()
    .shared()
}

impl<C: Clone, F> Inner<C, F> {
    fn settle(&self, id: u64, made: &Result<C, F>) {
        let mut state = self.state();
        if !matches!(&*state, State::Dialing(current, _) if *current == id) {
            return;
        }
        *state = match made {
            Ok(connection) => State::Up(id, connection.clone()),
            Err(_) => State::Idle,
        };
        drop(state);
        if made.is_ok() {
            self.up.notify_one();
        }
    }
}

impl<C, F> Inner<C, F> {
    fn state(&self) -> MutexGuard<'_, State<C, F>> {
        // No step under this lock can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
