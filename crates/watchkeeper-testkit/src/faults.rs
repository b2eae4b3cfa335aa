//! A store that fails when told to, around any other store.
//!
//! ```text
//!   caller ──▶ Faulty ──▶ real store        refused: never gets there
//!          ◀──── ✗ ◀─────                   lost reply: gets there, the answer does not come back
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use watchkeeper_core::cache::{
    Notices, PodSeen, Presence, Publish, Published, Read, ReportCache, Store,
};
use watchkeeper_core::companion::CompanionState;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::{
    Acquire, Acquired, Guarantee, LeaseRef, LeaseStore, LockState, Released, Renewed, Token,
};

/// What goes wrong with one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It never reaches the store.
    Refused,
    /// It is done, but no answer comes back.
    LostReply,
    /// It takes this much longer before it reaches the store.
    Delay(Duration),
    /// It reaches the store twice; the second answer is the one that counts.
    Twice,
}

/// A [`Store`] that passes everything on, but for the faults planned for it.
pub struct Faulty {
    inner: Arc<dyn Store>,
    plan: Mutex<VecDeque<(StoreOp, Fault)>>,
    down: AtomicBool,
}

impl Faulty {
    /// Around `inner`, with no fault planned: transparent.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            plan: Mutex::default(),
            down: AtomicBool::new(false),
        }
    }

    /// Plans a fault for the next operation of this kind that has none yet; several of a kind wait in line.
    pub fn plan(&self, op: StoreOp, fault: Fault) {
        self.plans().push_back((op, fault));
    }

    /// From now on (`true`) nothing reaches the store, or (`false`) everything does again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    fn plans(&self) -> std::sync::MutexGuard<'_, VecDeque<(StoreOp, Fault)>> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, op: StoreOp) -> Option<Fault> {
        let mut plan = self.plans();
        let at = plan.iter().position(|(planned, _)| *planned == op)?;
        plan.remove(at).map(|(_, fault)| fault)
    }

    async fn pass<T, F>(&self, op: StoreOp, call: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let refused = || StoreError::refused(StoreErrorKind::Unreachable, op, "a planned fault");
        if self.down.load(Ordering::SeqCst) {
            return Err(refused());
        }
        match self.next(op) {
            None => call().await,
            Some(Fault::Refused) => Err(refused()),
            Some(Fault::LostReply) => {
                call().await?;
                let lost = StoreError::unknown(StoreErrorKind::Timeout, op, "a planned fault");
                Err(lost)
            }
            Some(Fault::Delay(by)) => {
                tokio::time::sleep(by).await;
                call().await
            }
            Some(Fault::Twice) => {
                call().await?;
                call().await
            }
        }
    }
}

#[async_trait]
impl LeaseStore for Faulty {
    async fn acquire(&self, request: &Acquire) -> Result<Acquired, StoreError> {
        self.pass(StoreOp::Acquire, || self.inner.acquire(request))
            .await
    }

    async fn renew(&self, lease: &LeaseRef, ttl: Duration) -> Result<Renewed, StoreError> {
        self.pass(StoreOp::Renew, || self.inner.renew(lease, ttl))
            .await
    }

    async fn release(&self, lease: &LeaseRef) -> Result<Released, StoreError> {
        self.pass(StoreOp::Release, || self.inner.release(lease))
            .await
    }

    async fn inspect(&self, group: &GroupId) -> Result<LockState, StoreError> {
        self.pass(StoreOp::Inspect, || self.inner.inspect(group))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.pass(StoreOp::Ping, || self.inner.ping()).await
    }

    fn guarantee(&self) -> Guarantee {
        self.inner.guarantee()
    }
}

#[async_trait]
impl ReportCache for Faulty {
    async fn publish(&self, publish: &Publish) -> Result<Published, StoreError> {
        self.pass(StoreOp::Publish, || self.inner.publish(publish))
            .await
    }

    async fn read(&self, group: &GroupId, floor: Token) -> Result<Read, StoreError> {
        self.pass(StoreOp::Read, || self.inner.read(group, floor))
            .await
    }

    async fn announce(&self, presence: &Presence) -> Result<(), StoreError> {
        self.pass(StoreOp::Announce, || self.inner.announce(presence))
            .await
    }

    async fn leave(&self, pod: &PodId) -> Result<(), StoreError> {
        self.pass(StoreOp::Announce, || self.inner.leave(pod)).await
    }

    async fn pods(&self) -> Result<Vec<PodSeen>, StoreError> {
        self.pass(StoreOp::Pods, || self.inner.pods()).await
    }

    fn companion(&self) -> CompanionState {
        self.inner.companion()
    }

    fn watch(&self) -> Notices {
        self.inner.watch()
    }
}
