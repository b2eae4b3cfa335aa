//! One operation on one group: looking, changing what still stands as it was seen, and holding a lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use etcd_client::{Client, Txn, TxnResponse};
use futures_util::future::try_join;
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::{Busy, Marker};
use watchkeeper_core::time::Moment;

use crate::error::Failure;
use crate::store::EtcdStore;
use crate::term::{self, Left, Term, whole_seconds};
use crate::value::Lock;
use crate::view::{GroupKeys, Slot, Step, View, revision};

/// How often a step is decided anew because something changed under it. Each time somebody else got something done.
pub(crate) const TRIES: usize = 16;

/// The largest answer that is read: a group's three values, each as large as etcd takes by default.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

/// A token lasts this long after the last grant, so that abandoned groups vanish; longer than any pause after which a
/// pod may still believe in its token.
const TOKEN_KEEP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What became of a step.
pub(crate) enum Committed {
    /// It was taken.
    Done(View),
    /// Nothing was: the group stands otherwise, namely so.
    Changed(View),
    /// Nothing was: a lease that it named is none any more.
    NoLease,
}

pub(crate) struct Call<'a> {
    pub(crate) store: &'a EtcdStore,
    pub(crate) client: Client,
    pub(crate) group: &'a GroupId,
    pub(crate) keys: GroupKeys,
    /// When the operation began.
    pub(crate) began: Moment,
    /// A step was sent, and nothing says that it was not taken.
    wrote: AtomicBool,
}

/// The lease that a token is to hang on.
pub(crate) struct TokenLease {
    pub(crate) id: i64,
    /// Where nothing hangs on it yet.
    fresh: Option<Term>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(store: &'a EtcdStore, client: Client, group: &'a GroupId) -> Self {
        Self {
            store,
            client,
            group,
            keys: store.keys.group(group),
            began: store.now(),
            wrote: AtomicBool::new(false),
        }
    }

    /// The operation's answer. What fails beside a step, or after one, does not tell that the step was not taken.
    pub(crate) fn end<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        answer.map_err(|failure| {
            if self.wrote.load(Ordering::Relaxed) {
                failure.beside_a_write()
            } else {
                failure
            }
        })
    }

    async fn txn(&self, txn: Txn) -> Result<TxnResponse, etcd_client::Error> {
        let kv = self.client.kv_client();
        kv.max_decoding_message_size(MAX_ANSWER_BYTES)
            .txn(txn)
            .await
    }

    /// How the group stands now. A report that was seen before is not read again.
    pub(crate) async fn look(&self) -> Result<View, Failure> {
        let left = self.store.now();
        let seen = self.store.memory.view(self.group, left);
        let txn = match &seen {
            Some(seen) => View::look_again(&self.keys, seen),
            None => View::look(&self.keys),
        };
        let answer = self.txn(txn).await?;
        let (view, _) = View::of(&answer, seen.as_ref())?;
        self.saw(&view, left);
        Ok(view)
    }

    /// How the group stands now, and the report's bytes.
    pub(crate) async fn look_whole(&self) -> Result<(View, Vec<u8>), Failure> {
        let left = self.store.now();
        let answer = self.txn(View::look(&self.keys)).await?;
        let (view, body) = View::of(&answer, None)?;
        self.saw(&view, left);
        Ok((view, body))
    }

    /// Takes the step if the group still stands as it was seen.
    pub(crate) async fn commit(&self, mut step: Step<'_>) -> Result<Committed, Failure> {
        let left = self.store.now();
        let before = self.wrote.swap(true, Ordering::Relaxed);
        let answer = match self.txn(step.txn()).await {
            Ok(answer) => answer,
            Err(error) => {
                // A failure tells by its kind whether it is a refusal.
                self.wrote.store(before, Ordering::Relaxed);
                return term::gone(error).map(|()| Committed::NoLease);
            }
        };
        if answer.succeeded() {
            let view = step.after(revision(&answer)?);
            self.saw(&view, left);
            return Ok(Committed::Done(view));
        }
        self.wrote.store(before, Ordering::Relaxed);
        let (view, _) = View::of(&answer, Some(step.seen()))?;
        self.saw(&view, left);
        Ok(Committed::Changed(view))
    }

    fn saw(&self, view: &View, left: Moment) {
        let (memory, now) = (&self.store.memory, self.store.now());
        memory.saw(self.group, view, left, now);
        let foreign = view.token.is_foreign();
        self.store.foreign.met(&self.keys.token, foreign);
    }

    /// A new lease of etcd's.
    pub(crate) async fn grant(&self, asked: i64) -> Result<Term, Failure> {
        term::grant(&self.client, asked, self.store.now()).await
    }

    /// Makes the lease begin anew, unless this operation did so before; `None` where there is none any more.
    pub(crate) async fn keep(&self, mut term: Term) -> Result<Option<Term>, Failure> {
        if term.since >= self.began {
            return Ok(Some(term));
        }
        let left = self.store.now();
        if !term::keep(&self.client, term.id).await? {
            return Ok(None);
        }
        term.since = left;
        Ok(Some(term))
    }

    /// The lease that the token is to hang on: the one that it hangs on already, kept alive now and then, or a new one.
    pub(crate) async fn token_lease<T>(&self, token: &Slot<T>) -> Result<TokenLease, Failure> {
        let (memory, now) = (&self.store.memory, self.store.now());
        let id = token.lease;
        if id != 0 && token.value.is_some() {
            if memory.token_is_kept(self.group, id, now) {
                return Ok(TokenLease { id, fresh: None });
            }
            // One that lasts shorter is no lease of ours.
            let left = term::left(&self.client, id).await?;
            let ours = left.is_some_and(|left| left.granted >= TOKEN_KEEP);
            if ours && term::keep(&self.client, id).await? {
                memory.token_kept(self.group, id, now);
                return Ok(TokenLease { id, fresh: None });
            }
        }
        let asked = whole_seconds(TOKEN_KEEP);
        let kept = match memory.take_spare(asked, now) {
            Some(spare) => self.keep(spare).await?,
            None => None,
        };
        let term = match kept {
            Some(term) => term,
            None => self.grant(asked).await?,
        };
        memory.token_kept(self.group, term.id, now);
        Ok(TokenLease {
            id: term.id,
            fresh: Some(term),
        })
    }

    /// The step that was to hang a token there was not taken, so the lease serves the next time: it lasts for days, and
    /// all pods may meet at a new group.
    pub(crate) fn not_hung(&self, lease: TokenLease) {
        if let Some(term) = lease.fresh {
            self.store.spare(term);
        }
    }

    /// Makes the lock that stands in `view`, and is the asking pod's, last the whole `ttl` again. `None`: it does;
    /// else nothing was changed but a lease, and the group stands otherwise, namely so.
    pub(crate) async fn hold(&self, view: &View, ttl: Duration) -> Result<Option<View>, Failure> {
        let Some(lock) = &view.lock.value else {
            return Ok(Some(self.look().await?));
        };
        let (memory, now) = (&self.store.memory, self.store.now());
        let asked = whole_seconds(ttl);
        if let Some(term) = memory.term_on(self.group, view.lock.lease, asked, now) {
            // At once: each of the two proves what it proves at a moment after the request came.
            let (kept, stands) = try_join(self.keep(term), self.look()).await?;
            let Some(kept) = kept else {
                memory.forget_term(self.group, term.id, now);
                return Ok(Some(self.look().await?));
            };
            if stands.lock.revision != view.lock.revision {
                return Ok(Some(stands));
            }
            memory.put_term(self.group, kept, now);
            return Ok(None);
        }
        let term = self.grant(asked).await?;
        let mut step = Step::new(&self.keys, view);
        let moved = Lock {
            ttl: ttl.max(term.length()),
            ..lock.clone()
        };
        step.put_lock(moved, term.id);
        match self.commit(step).await? {
            Committed::Done(_) => {
                memory.put_term(self.group, term, now);
                Ok(None)
            }
            Committed::Changed(view) => Ok(Some(view)),
            Committed::NoLease => Ok(Some(self.look().await?)),
        }
    }

    /// What stands in the lock's place; `None` if it has ended since it was seen.
    pub(crate) async fn busy(&self, slot: &Slot<Lock>) -> Result<Option<Busy>, Failure> {
        let lock = slot.value.as_ref();
        let mut remaining = None;
        if let (Some(lock), true) = (lock, slot.lease != 0) {
            let Some(left) = term::left(&self.client, slot.lease).await? else {
                return Ok(None);
            };
            remaining = ends_in(lock.ttl, left);
        }
        Ok(Some(Busy {
            holder: lock.map(|lock| lock.pod.clone()),
            token: lock.map(|lock| lock.token),
            remaining,
            marker: marker(slot),
        }))
    }

    /// The group changed under every try.
    pub(crate) fn restless(&self) -> Failure {
        Failure::new(
            StoreErrorKind::Unwritable,
            format!(
                "`{}` changed under each of `{TRIES}` tries: who else writes there",
                self.keys.lock
            ),
        )
    }
}

/// How long a lock lasts that asked for so much; `None` where its lease is a longer one, which no pod hung it on.
fn ends_in(asked: Duration, left: Left) -> Option<Duration> {
    // Up to a second more is left than the whole seconds; who comes back too early would only ask again.
    let longest = left.left + Duration::from_secs(1);
    (left.granted <= asked).then(|| longest.min(left.granted))
}

/// Changes with each writing of the lock, also where the same is written again: who writes lives.
fn marker(slot: &Slot<Lock>) -> Marker {
    Marker(format!("{}:{}:{:x}", slot.revision, slot.size, slot.lease))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_on_a_longer_lease_than_it_asked_for_has_no_end() {
        let secs = Duration::from_secs;
        for (asked, granted, left, ends) in [
            (10, 10, 7, Some(8)),
            (10, 10, 10, Some(10)),
            (10, 10, 0, Some(1)),
            (10, 2, 1, Some(2)),
            (10, 11, 3, None),
        ] {
            let left = Left {
                granted: secs(granted),
                left: secs(left),
            };
            assert_eq!(ends_in(secs(asked), left), ends.map(secs));
        }
    }
}
