//! The lock trait.

use std::time::Duration;

use async_trait::async_trait;
use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};
use futures_util::future::try_join;
use watchkeeper_core::error::{StoreError, StoreOp};
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::{
    Acquire, Acquired, Busy, Guarantee, LeaseRef, LeaseStore, LockState, Released, Renewed, Token,
};

use crate::call::{Call, Committed, TRIES};
use crate::error::Failure;
use crate::store::EtcdStore;
use crate::term::{Term, whole_seconds};
use crate::value::{Lock, possible};
use crate::view::{Slot, Step, View, revision};

/// What an acquire may do with the lock as it stands.
enum Turn {
    /// It is this very attempt's already.
    Again(Token),
    /// It is free, the asking pod's own, or to be taken by compare.
    Grant,
    /// It is somebody else's.
    No(Busy),
    /// It has ended since it was seen.
    Ended,
}

async fn turn(
    call: &Call<'_>,
    view: &View,
    request: &Acquire,
    floor: Token,
) -> Result<Turn, Failure> {
    if view.lock.is_empty() {
        return Ok(Turn::Grant);
    }
    let own = view.lock.value.as_ref().filter(|l| l.pod == request.pod);
    if let Some(lock) = own {
        // A token below what the pod has seen since was overtaken.
        let stands = lock.attempt == request.attempt && lock.token >= floor;
        return Ok(if stands {
            Turn::Again(lock.token)
        } else {
            Turn::Grant
        });
    }
    Ok(match call.busy(&view.lock).await? {
        None => Turn::Ended,
        // A lease that ends by itself is waited for, never taken.
        Some(busy) if busy.remaining.is_none() && request.take.as_ref() == Some(&busy.marker) => {
            Turn::Grant
        }
        Some(busy) => Turn::No(busy),
    })
}

/// Above all that is known, and at least the store's revision, which stands in for its time: it goes on rising when
/// the keys are lost, and when a token's key was let go.
fn next_token(view: &View, floor: Token) -> Token {
    let next = view.known().max(floor).0.saturating_add(1);
    Token(next.max(u64::try_from(view.revision).unwrap_or(0)))
}

impl EtcdStore {
    async fn try_acquire(&self, client: Client, request: &Acquire) -> Result<Acquired, Failure> {
        let call = Call::new(self, client, &request.group);
        let mut term = None;
        let answer = self.contend(&call, request, &mut term).await;
        // One that was not needed serves the next time.
        if let Some(term) = term {
            self.memory.put_term(&request.group, term, self.now());
        }
        call.end(answer)
    }

    /// `term`: the lease in hand, which nothing else uses meanwhile.
    async fn contend(
        &self,
        call: &Call<'_>,
        request: &Acquire,
        term: &mut Option<Term>,
    ) -> Result<Acquired, Failure> {
        let group = &request.group;
        let asked = whole_seconds(request.ttl);
        let floor = possible(request.floor).unwrap_or(Token::ZERO);
        // With a lease at hand and the lock free as far as is known, the step itself is the look. Without one a look
        // comes first: a lease is not granted for a lock that somebody holds.
        let free = self.memory.view(group, call.began);
        let mut view = match free.filter(|view| view.lock.is_empty()) {
            Some(view) => {
                *term = self.memory.take_term(group, asked, call.began);
                if term.is_some() {
                    view
                } else {
                    call.look().await?
                }
            }
            None => call.look().await?,
        };
        for _ in 0..TRIES {
            match turn(call, &view, request, floor).await? {
                Turn::Ended => view = call.look().await?,
                Turn::No(busy) => return Ok(Acquired::Busy(busy)),
                Turn::Again(token) => match call.hold(&view, request.ttl).await? {
                    None => return Ok(Acquired::Held { token }),
                    Some(now) => view = now,
                },
                Turn::Grant => {
                    let token = next_token(&view, floor);
                    match self.take(call, request, &view, token, term).await? {
                        None => return Ok(Acquired::Held { token }),
                        Some(now) => view = now,
                    }
                }
            }
        }
        Err(call.restless())
    }

    /// Takes the lock that stands in `view`, or none does. `None`: it is held for the whole ttl; else the group stands
    /// otherwise, namely so.
    async fn take(
        &self,
        call: &Call<'_>,
        request: &Acquire,
        view: &View,
        token: Token,
        in_hand: &mut Option<Term>,
    ) -> Result<Option<View>, Failure> {
        let group = &request.group;
        let asked = whole_seconds(request.ttl);
        let at_hand = in_hand.take();
        let term = match at_hand.or_else(|| self.memory.take_term(group, asked, self.now())) {
            Some(term) => term,
            None => call.grant(asked).await?,
        };
        let mut step = Step::new(&call.keys, view);
        let under_token = call.token_lease(&view.token).await?;
        step.put_token(token, under_token.id);
        let lock = Lock {
            token,
            attempt: request.attempt,
            ttl: request.ttl.max(term.length()),
            pod: request.pod.clone(),
        };
        step.put_lock(lock, term.id);
        // At once: whichever comes first, the lock hangs on a lease that began anew after the request came.
        let (committed, kept) = try_join(call.commit(step), call.keep(term)).await?;
        if !matches!(committed, Committed::Done(_)) {
            call.not_hung(under_token);
        }
        let Some(kept) = kept else {
            return Ok(Some(call.look().await?));
        };
        match committed {
            Committed::Done(_) => {
                self.memory.put_term(group, kept, self.now());
                Ok(None)
            }
            Committed::Changed(view) => {
                *in_hand = Some(kept);
                Ok(Some(view))
            }
            Committed::NoLease => {
                self.memory.forget_token(group, self.now());
                Ok(Some(call.look().await?))
            }
        }
    }

    async fn try_renew(
        &self,
        client: Client,
        lease: &LeaseRef,
        ttl: Duration,
    ) -> Result<Renewed, Failure> {
        let call = Call::new(self, client, &lease.group);
        let answer = self.extend(&call, lease, ttl).await;
        call.end(answer)
    }

    async fn extend(
        &self,
        call: &Call<'_>,
        lease: &LeaseRef,
        ttl: Duration,
    ) -> Result<Renewed, Failure> {
        let mut view = self.held_or_look(call, lease).await?;
        for _ in 0..TRIES {
            if !view.is_held(&lease.pod, lease.token) {
                return Ok(Renewed::Lost {
                    holder: view.holder(),
                });
            }
            match call.hold(&view, ttl).await? {
                None => return Ok(Renewed::Extended),
                Some(now) => view = now,
            }
        }
        Err(call.restless())
    }

    async fn try_release(&self, client: Client, lease: &LeaseRef) -> Result<Released, Failure> {
        let call = Call::new(self, client, &lease.group);
        let answer = self.free(&call, lease).await;
        call.end(answer)
    }

    async fn free(&self, call: &Call<'_>, lease: &LeaseRef) -> Result<Released, Failure> {
        let mut view = self.held_or_look(call, lease).await?;
        for _ in 0..TRIES {
            if !view.is_held(&lease.pod, lease.token) {
                return Ok(Released::NotHeld);
            }
            let mut step = Step::new(&call.keys, &view);
            step.delete_lock();
            match call.commit(step).await? {
                Committed::Done(_) => return Ok(Released::Done),
                Committed::Changed(now) => view = now,
                Committed::NoLease => view = call.look().await?,
            }
        }
        Err(call.restless())
    }

    /// How the group stood when this handle last saw it, if the lease was held then; else how it stands now.
    pub(crate) async fn held_or_look(
        &self,
        call: &Call<'_>,
        lease: &LeaseRef,
    ) -> Result<View, Failure> {
        let seen = self.memory.view(&lease.group, call.began);
        match seen.filter(|view| view.is_held(&lease.pod, lease.token)) {
            Some(view) => Ok(view),
            None => call.look().await,
        }
    }

    async fn try_inspect(&self, client: Client, group: &GroupId) -> Result<LockState, Failure> {
        let call = Call::new(self, client, group);
        let mut kv = call.client.kv_client();
        let found = kv.get(call.keys.lock.as_str(), None).await?;
        let slot: Slot<Lock> = Slot::of(found.kvs().first(), Lock::parse);
        if slot.is_empty() {
            return Ok(LockState::Free);
        }
        Ok(call
            .busy(&slot)
            .await?
            .map_or(LockState::Free, LockState::Held))
    }

    /// A transaction whose compare never holds. Its write is never made, and yet it is weighed as one: the members
    /// agree on it, and it is refused where there is no room or no right to write.
    async fn try_ping(&self, client: Client) -> Result<(), Failure> {
        let left = self.now();
        let key = self.keys.nobodys_lock();
        let never = Compare::version(key.as_str(), CompareOp::Less, 0);
        let txn = Txn::new()
            .when([never])
            .and_then([TxnOp::put(key, "", None)]);
        let answer = client.kv_client().txn(txn).await?;
        self.memory.heard(left, self.now(), revision(&answer)?);
        Ok(())
    }
}

#[async_trait]
impl LeaseStore for EtcdStore {
    async fn acquire(&self, request: &Acquire) -> Result<Acquired, StoreError> {
        self.run(StoreOp::Acquire, |client| self.try_acquire(client, request))
            .await
    }

    async fn renew(&self, lease: &LeaseRef, ttl: Duration) -> Result<Renewed, StoreError> {
        self.run(StoreOp::Renew, |client| self.try_renew(client, lease, ttl))
            .await
    }

    async fn release(&self, lease: &LeaseRef) -> Result<Released, StoreError> {
        self.run(StoreOp::Release, |client| self.try_release(client, lease))
            .await
    }

    async fn inspect(&self, group: &GroupId) -> Result<LockState, StoreError> {
        self.run(StoreOp::Inspect, |client| self.try_inspect(client, group))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.run(StoreOp::Ping, |client| self.try_ping(client))
            .await
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Linearizable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::view;

    #[test]
    fn a_token_is_above_all_that_is_known_and_at_least_the_stores_revision() {
        for (stored, revision, floor, next) in [
            (None, 5, 0, 5),
            (Some(3), 5, 0, 5),
            (Some(5), 5, 0, 6),
            (Some(9), 5, 0, 10),
            (Some(9), 5, 20, 21),
        ] {
            let mut seen = view(None, stored, None);
            seen.revision = revision;
            assert_eq!(next_token(&seen, Token(floor)), Token(next));
        }
    }
}
