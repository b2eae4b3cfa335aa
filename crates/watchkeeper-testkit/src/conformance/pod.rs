//! One pod as the suite's functions use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use watchkeeper_core::cache::{Found, Publish, Published, Read, Store, Stored, Then};
use watchkeeper_core::id::{AttemptId, GroupId, PodId};
use watchkeeper_core::lease::{
    Acquire, Acquired, Busy, LeaseRef, LockState, Marker, Released, Renewed, Token,
};

use super::Harness;

/// A lease time that never ends within a test.
pub(super) const LONG: Duration = Duration::from_secs(60);
/// How long a report is to be kept at least.
pub(super) const RETAIN: Duration = Duration::from_secs(600);

pub(super) fn group() -> GroupId {
    GroupId::new("g-1").unwrap()
}

pub(super) struct Pod {
    pub(super) store: Arc<dyn Store>,
    pub(super) id: PodId,
    pub(super) group: GroupId,
    attempts: AtomicU64,
}

impl Pod {
    pub(super) async fn new(harness: &dyn Harness, name: &str) -> Self {
        Self::over(harness.store().await, name)
    }

    pub(super) fn over(store: Arc<dyn Store>, name: &str) -> Self {
        Self {
            store,
            id: PodId::new(name).unwrap(),
            group: group(),
            attempts: AtomicU64::new(1),
        }
    }

    /// A request of a new attempt.
    pub(super) fn request(&self, ttl: Duration) -> Acquire {
        Acquire {
            group: self.group.clone(),
            pod: self.id.clone(),
            attempt: AttemptId(self.attempts.fetch_add(1, Ordering::Relaxed)),
            ttl,
            floor: Token::ZERO,
            take: None,
        }
    }

    pub(super) async fn ask(&self, request: &Acquire) -> Acquired {
        self.store.acquire(request).await.unwrap()
    }

    pub(super) async fn win_as(&self, request: &Acquire) -> Token {
        match self.ask(request).await {
            Acquired::Held { token } => token,
            Acquired::Busy(busy) => panic!("expected the lease, found {busy:?}"),
        }
    }

    pub(super) async fn win(&self, ttl: Duration) -> Token {
        self.win_as(&self.request(ttl)).await
    }

    pub(super) async fn lose(&self) -> Busy {
        match self.ask(&self.request(LONG)).await {
            Acquired::Busy(busy) => busy,
            Acquired::Held { token } => panic!("expected busy, was granted {token}"),
        }
    }

    pub(super) async fn take(&self, marker: &Marker) -> Acquired {
        let mut request = self.request(LONG);
        request.take = Some(marker.clone());
        self.ask(&request).await
    }

    pub(super) fn lease(&self, token: Token) -> LeaseRef {
        LeaseRef {
            group: self.group.clone(),
            pod: self.id.clone(),
            token,
        }
    }

    pub(super) async fn renew(&self, token: Token, ttl: Duration) -> Renewed {
        self.store.renew(&self.lease(token), ttl).await.unwrap()
    }

    pub(super) async fn release(&self, token: Token) -> Released {
        self.store.release(&self.lease(token)).await.unwrap()
    }

    pub(super) async fn inspect(&self) -> LockState {
        self.store.inspect(&self.group).await.unwrap()
    }

    /// What stands in the lock's place; something must.
    pub(super) async fn locked(&self) -> Busy {
        match self.inspect().await {
            LockState::Held(busy) => busy,
            LockState::Free => panic!("expected a lock, found none"),
        }
    }

    pub(super) fn edition(&self, token: Token, edition: u32, value: &[u8], then: Then) -> Publish {
        Publish {
            lease: self.lease(token),
            edition,
            value: value.into(),
            retain: RETAIN,
            then,
            companion: None,
        }
    }

    pub(super) async fn publish(&self, token: Token, value: &[u8], then: Then) -> Published {
        let publish = self.edition(token, 1, value, then);
        self.store.publish(&publish).await.unwrap()
    }

    pub(super) async fn read(&self) -> Read {
        self.store.read(&self.group, Token::ZERO).await.unwrap()
    }

    /// The report that stands there; one must.
    pub(super) async fn report(&self) -> Stored {
        match self.read().await.found {
            Found::Report(stored) => stored,
            other => panic!("expected a report, found {other:?}"),
        }
    }
}
