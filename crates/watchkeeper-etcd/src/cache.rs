//! The cache trait.

use std::time::Duration;

use async_trait::async_trait;
use etcd_client::Client;
use futures_util::future::try_join;
use watchkeeper_core::cache::{
    Found, MAX_PRESENCE_BYTES, Notices, PodSeen, Presence, Publish, Published, Read, ReportCache,
    Stored, Then,
};
use watchkeeper_core::companion::{CompanionFound, CompanionState};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::Token;

use crate::call::{Call, Committed, TRIES};
use crate::error::Failure;
use crate::store::EtcdStore;
use crate::term::{self, Term, whole_seconds};
use crate::value::{Head, Lock, possible};
use crate::view::{Slot, Step, View};

/// The largest report that is sent. etcd takes requests of one and a half MiB unless it was told otherwise.
pub const MAX_REPORT_BYTES: usize = 1024 * 1024;

/// No report is forgotten sooner.
const SHORTEST_RETAIN: Duration = Duration::from_secs(60);

/// A report that was put since an answer no older than this counts as just published.
const JUST_NOW: Duration = Duration::from_millis(1_500);

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
    async fn try_publish(&self, client: Client, publish: &Publish) -> Result<Published, Failure> {
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

    async fn try_read(
        &self,
        client: Client,
        group: &GroupId,
        floor: Token,
    ) -> Result<Read, Failure> {
        let call = Call::new(self, client, group);
        let (view, body) = call.look_whole().await?;
        let slot = &view.report;
        let found = match slot.value {
            None if slot.is_empty() => Found::Nothing,
            None => Found::Garbage {
                why: format!("`{}` bytes that are no report", slot.size),
            },
            Some(head) => Found::Report(Stored {
                token: head.token,
                edition: head.edition,
                age: self.age(&call, slot).await?,
                value: body,
            }),
        };
        let fence = match possible(floor) {
            Some(floor) => self.raise(&call, view, floor).await?,
            None => view.known(),
        };
        Ok(Read {
            fence,
            found,
            companion: CompanionFound::Nothing,
        })
    }

    /// Raises the stored token to the floor. Returns the highest token that the store then knows.
    async fn raise(&self, call: &Call<'_>, mut view: View, floor: Token) -> Result<Token, Failure> {
        for _ in 0..TRIES {
            // What only the lock or the report tells ends with them; the token's own key lasts.
            if floor == Token::ZERO || view.token.value >= Some(floor) {
                return Ok(view.known());
            }
            let mut step = Step::new(&call.keys, &view);
            let lease = call.token_lease(&view.token).await?;
            step.put_token(view.known().max(floor), lease.id);
            view = match call.commit(step).await? {
                Committed::Done(now) => now,
                Committed::Changed(now) => {
                    call.not_hung(lease);
                    now
                }
                Committed::NoLease => {
                    self.memory.forget_token(call.group, self.now());
                    call.look().await?
                }
            };
        }
        Err(call.restless())
    }

    /// How long ago the report was published. etcd tells no times, so it is this pod's steady time since it first saw
    /// the report, and at first sight what the report's lease has used up, in whole seconds.
    async fn age(&self, call: &Call<'_>, slot: &Slot<Head>) -> Result<Duration, Failure> {
        let (memory, now) = (&self.memory, self.now());
        if let Some(born) = memory.born(call.group, slot.revision, now) {
            return Ok(now.since(born));
        }
        let at_most = memory.at_most(slot.revision, now);
        let age = match at_most {
            Some(most) if most <= JUST_NOW => Duration::ZERO,
            _ if slot.lease == 0 => Duration::ZERO,
            _ => {
                let left = term::left(&call.client, slot.lease).await?;
                let used = left.map_or(Duration::ZERO, used_up);
                used.min(at_most.unwrap_or(Duration::MAX))
            }
        };
        memory.note_born(call.group, slot.revision, call.began - age);
        Ok(age)
    }
}

/// What a lease has used up at least. Up to a second more may be: who takes a report for younger than it is asks
/// nobody too early for it.
fn used_up(left: term::Left) -> Duration {
    let longest = left.left + Duration::from_secs(1);
    left.granted.saturating_sub(longest)
}

#[async_trait]
impl ReportCache for EtcdStore {
    async fn publish(&self, publish: &Publish) -> Result<Published, StoreError> {
        let size = publish.value.len();
        limit(StoreOp::Publish, "report", size, MAX_REPORT_BYTES)?;
        self.run(StoreOp::Publish, |client| self.try_publish(client, publish))
            .await
    }

    async fn read(&self, group: &GroupId, floor: Token) -> Result<Read, StoreError> {
        self.run(StoreOp::Read, |client| self.try_read(client, group, floor))
            .await
    }

    async fn announce(&self, presence: &Presence) -> Result<(), StoreError> {
        let size = presence.info.len();
        limit(StoreOp::Announce, "presence", size, MAX_PRESENCE_BYTES)?;
        self.run(StoreOp::Announce, |client| {
            self.try_announce(client, presence)
        })
        .await
    }

    async fn leave(&self, pod: &PodId) -> Result<(), StoreError> {
        self.run(StoreOp::Announce, |client| self.try_leave(client, pod))
            .await
    }

    async fn pods(&self) -> Result<Vec<PodSeen>, StoreError> {
        self.run(StoreOp::Pods, |client| self.try_pods(client))
            .await
    }

    /// Nobody else's programs share etcd with us.
    fn companion(&self) -> CompanionState {
        CompanionState::default()
    }

    fn watch(&self) -> Notices {
        self.feed.watch()
    }
}

fn limit(op: StoreOp, what: &str, size: usize, most: usize) -> Result<(), StoreError> {
    if size <= most {
        return Ok(());
    }
    Err(StoreError::refused(
        StoreErrorKind::TooLarge,
        op,
        format!("the {what} has `{size}` bytes, etcd is given at most `{most}`"),
    ))
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::lease::LeaseRef;

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

    #[test]
    fn a_lease_tells_the_least_age_in_whole_seconds() {
        let secs = Duration::from_secs;
        for (granted, left, age) in [(60, 59, 0), (60, 60, 0), (60, 57, 2), (60, 0, 59)] {
            let (granted, left) = (secs(granted), secs(left));
            assert_eq!(used_up(term::Left { granted, left }), secs(age));
        }
    }
}
