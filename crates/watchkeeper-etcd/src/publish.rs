//! Publications: what one may do, and how it is done with the lock kept, moved or given back in the same step.

use std::time::Duration;

use etcd_client::Client;
use futures_util::future::try_join;
use watchkeeper_core::cache::{Publish, Published, Then};

use crate::call::{Call, Committed, TRIES};
use crate::error::Failure;
use crate::store::EtcdStore;
use crate::term::{Term, whole_seconds};
use crate::value::{Head, Lock};
use crate::view::{Step, View};

/// No report is forgotten sooner.
const SHORTEST_RETAIN: Duration = Duration::from_secs(60);

/// What a publication may do.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It has landed before.
    Landed,
    /// The lease is not held under its token.
    Fenced,
    Write,
}

fn judge(view: &View, publish: &Publish) -> Verdict {
    let lease = &publish.lease;
    if let Some(head) = view.report.value {
        if head.token == lease.token && head.edition >= publish.edition {
            return Verdict::Landed;
        }
        if head.token > lease.token {
            return Verdict::Fenced;
        }
    }
    if view.is_held(&lease.pod, lease.token) {
        Verdict::Write
    } else {
        Verdict::Fenced
    }
}

impl EtcdStore {
    /// One publication.
    pub(crate) async fn try_publish(
        &self,
        client: Client,
        publish: &Publish,
    ) -> Result<Published, Failure> {
        let call = Call::new(self, client, &publish.lease.group);
        let mut spare = None;
        let answer = self.write(&call, publish, &mut spare).await;
        if let Some(spare) = spare {
            self.spare(spare);
        }
        call.end(answer)
    }

    /// `spare`: a lease for the report, which nothing else uses meanwhile.
    async fn write(
        &self,
        call: &Call<'_>,
        publish: &Publish,
        spare: &mut Option<Term>,
    ) -> Result<Published, Failure> {
        let mut view = self.held_or_look(call, &publish.lease).await?;
        // What is remembered may have changed, so it only ever says what to try.
        let mut certain = false;
        for _ in 0..TRIES {
            match judge(&view, publish) {
                Verdict::Write => {}
                _ if !certain => {
                    view = call.look().await?;
                    certain = true;
                    continue;
                }
                Verdict::Landed => return Ok(Published::Done),
                Verdict::Fenced => {
                    return Ok(Published::Fenced {
                        current: view.known(),
                    });
                }
            }
            match self.put_report(call, publish, &view, spare).await? {
                None => return Ok(Published::Done),
                Some(now) => view = now,
            }
            certain = true;
        }
        Err(call.restless())
    }

    /// Writes the report in place of what stands in `view`. `None`: it stands there; else the group stands otherwise,
    /// namely so.
    async fn put_report(
        &self,
        call: &Call<'_>,
        publish: &Publish,
        view: &View,
        spare: &mut Option<Term>,
    ) -> Result<Option<View>, Failure> {
        let (memory, group) = (&self.memory, &publish.lease.group);
        let asked = whole_seconds(publish.retain.max(SHORTEST_RETAIN));
        let at_hand = spare
            .take()
            .or_else(|| memory.take_spare(asked, self.now()));
        let report_term = match at_hand {
            Some(term) => term,
            None => call.grant(asked).await?,
        };
        let mut step = Step::new(&call.keys, view);
        let head = Head {
            token: publish.lease.token,
            edition: publish.edition,
        };
        step.put_report(head, &publish.value, report_term.id);
        let mut moved_lock = None;
        match publish.then {
            Then::Release => step.delete_lock(),
            Then::Keep(ttl) => {
                let (asked, now) = (whole_seconds(ttl), self.now());
                if let Some(term) = memory.term_on(group, view.lock.lease, asked, now) {
                    // Before the step, not beside it: a lock that stands in the step and ends before it is kept alive
                    // would be told as one that lasts.
                    let Some(kept) = call.keep(term).await? else {
                        memory.forget_term(group, term.id, now);
                        *spare = Some(report_term);
                        return Ok(Some(call.look().await?));
                    };
                    memory.put_term(group, kept, now);
                } else if let Some(lock) = &view.lock.value {
                    let term = call.grant(asked).await?;
                    let moved = Lock {
                        ttl: ttl.max(term.length()),
                        ..lock.clone()
                    };
                    step.put_lock(moved, term.id);
                    moved_lock = Some(term);
                }
            }
        }
        // Something may have put a lower or an impossible token in place since the grant.
        let known = view.known();
        let mut under_token = None;
        if view.token.value != Some(known) {
            let lease = call.token_lease(&view.token).await?;
            step.put_token(known, lease.id);
            under_token = Some(lease);
        }
        let left = self.now();
        // At once: the report hangs on a lease that nothing else hangs on.
        let (committed, kept) = try_join(call.commit(step), call.keep(report_term)).await?;
        if let (false, Some(lease)) = (matches!(committed, Committed::Done(_)), under_token) {
            call.not_hung(lease);
        }
        match (committed, kept) {
            (Committed::Done(after), Some(kept)) => {
                if let Some(term) = moved_lock {
                    memory.put_term(group, term, left);
                }
                memory.note_born(group, after.report.revision, left);
                let old = view.report.value.map_or(0, |_| view.report.lease);
                if let Some(needless) = memory.published(group, kept, old, left) {
                    self.chores.give_back(needless);
                }
                Ok(None)
            }
            (Committed::Changed(now), kept) => {
                *spare = kept;
                Ok(Some(now))
            }
            (Committed::NoLease, _) => {
                memory.forget_token(group, left);
                Ok(Some(call.look().await?))
            }
            // Somebody took the lease away, and the report with it.
            (Committed::Done(_), None) => Ok(Some(call.look().await?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::id::{GroupId, PodId};
    use watchkeeper_core::lease::{LeaseRef, Token};

    use super::*;
    use crate::view::tests::view;

    fn publication(pod: &str, token: u64, edition: u32) -> Publish {
        Publish {
            lease: LeaseRef {
                group: GroupId::new("g").unwrap(),
                pod: PodId::new(pod).unwrap(),
                token: Token(token),
            },
            edition,
            value: b"found".as_slice().into(),
            retain: SHORTEST_RETAIN,
            then: Then::Release,
            companion: None,
        }
    }

    #[test]
    fn what_a_publication_may_do_depends_on_the_lock_and_the_report() {
        for (lock, report, pod, token, edition, verdict) in [
            // Held.
            (Some(5), None, "a", 5, 1, Verdict::Write),
            (Some(5), Some(4), "a", 5, 1, Verdict::Write),
            (Some(5), Some(5), "a", 5, 2, Verdict::Write),
            // Not held under this token by this pod.
            (None, None, "a", 5, 1, Verdict::Fenced),
            (Some(5), None, "b", 5, 1, Verdict::Fenced),
            (Some(6), None, "a", 5, 1, Verdict::Fenced),
            // Landed, whatever became of the lease.
            (Some(5), Some(5), "a", 5, 1, Verdict::Landed),
            (None, Some(5), "a", 5, 1, Verdict::Landed),
            // Overtaken, though the lock says it is held.
            (Some(5), Some(6), "a", 5, 1, Verdict::Fenced),
        ] {
            let seen = view(lock, None, report);
            assert_eq!(judge(&seen, &publication(pod, token, edition)), verdict);
        }
    }
}
