//! The lock trait.

use std::time::Duration;

use async_trait::async_trait;
use watchkeeper_core::cache::Notice;
use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::{
    Acquire, Acquired, Guarantee, LeaseRef, LeaseStore, LockState, Released, Renewed, Token,
};
use watchkeeper_core::planted::{Bug, is_planted};

use crate::MemoryStore;
use crate::state::{Group, Lock, LockValue, StoreTime, TOKEN_RETAIN};

/// What an acquire may do with the lock as it stands.
enum Turn {
    /// It is this very attempt's already.
    Again(Token),
    /// It is free, the asking pod's own, or to be taken by compare.
    Grant,
    /// It is somebody else's.
    No,
}

fn turn(lock: &Lock, request: &Acquire, floor: Token, time: StoreTime) -> Turn {
    if let LockValue::Lease {
        pod,
        token,
        attempt,
    } = &lock.value
        && *pod == request.pod
        && !is_planted(Bug::OrphanLease)
    {
        // A token below what the pod has seen since was overtaken; one that cannot be is no token.
        let stands =
            *attempt == request.attempt && *token >= floor && time.possible(*token).is_some();
        return if stands {
            Turn::Again(*token)
        } else {
            Turn::Grant
        };
    }
    let busy = lock.busy(time);
    // A lease that ends by itself is waited for, never taken.
    if busy.remaining.is_none() && request.take.as_ref() == Some(&busy.marker) {
        Turn::Grant
    } else {
        Turn::No
    }
}

fn acquire(group: &mut Group, request: &Acquire, time: StoreTime) -> Acquired {
    let floor = time.possible(request.floor).unwrap_or(Token::ZERO);
    let turn = group
        .lock
        .as_ref()
        .map(|lock| (turn(lock, request, floor, time), lock));
    let token = match turn {
        Some((Turn::No, lock)) => return Acquired::Busy(lock.busy(time)),
        Some((Turn::Again(token), _)) => token,
        Some((Turn::Grant, _)) | None if is_planted(Bug::TokenReset) => {
            Token(group.known(time).0.saturating_add(1))
        }
        Some((Turn::Grant, _)) | None => {
            let next = group.known(time).max(floor).0.saturating_add(1);
            Token(next.max(time.micros))
        }
    };
    group.token = token;
    group.token_ends = time.now + TOKEN_RETAIN;
    group.lock = Some(Lock {
        value: LockValue::Lease {
            pod: request.pod.clone(),
            token,
            attempt: request.attempt,
        },
        ends: Some(time.now + request.ttl),
        ttl: request.ttl,
    });
    Acquired::Held { token }
}

#[async_trait]
impl LeaseStore for MemoryStore {
    async fn acquire(&self, request: &Acquire) -> Result<Acquired, StoreError> {
        Ok(self.with(|state, time| acquire(state.group(&request.group, time.now), request, time)))
    }

    async fn renew(&self, lease: &LeaseRef, ttl: Duration) -> Result<Renewed, StoreError> {
        Ok(self.with(|state, time| {
            let group = state.group(&lease.group, time.now);
            if group.held(lease, time) {
                group.extend(time.now, ttl);
                return Renewed::Extended;
            }
            let holder = group.lock.as_ref().and_then(|l| l.lease(time));
            Renewed::Lost {
                holder: holder.map(|(pod, _)| pod.clone()),
            }
        }))
    }

    async fn release(&self, lease: &LeaseRef) -> Result<Released, StoreError> {
        Ok(self.with(|state, time| {
            let group = state.group(&lease.group, time.now);
            if !group.held(lease, time) && !is_planted(Bug::ForeignRelease) {
                return Released::NotHeld;
            }
            group.lock = None;
            self.feed.tell(Notice::Released {
                group: lease.group.clone(),
            });
            Released::Done
        }))
    }

    async fn inspect(&self, group: &GroupId) -> Result<LockState, StoreError> {
        Ok(
            self.with(|state, time| match &state.group(group, time.now).lock {
                None => LockState::Free,
                Some(lock) => LockState::Held(lock.busy(time)),
            }),
        )
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Linearizable
    }
}
