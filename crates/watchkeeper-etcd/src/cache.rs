//! The cache trait.

use std::time::Duration;

use async_trait::async_trait;
use etcd_client::Client;
use watchkeeper_core::cache::{
    Found, MAX_PRESENCE_BYTES, Notices, PodSeen, Presence, Publish, Published, Read, ReportCache,
    Stored,
};
use watchkeeper_core::companion::{CompanionFound, CompanionState};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::Token;

use crate::call::{Call, Committed, TRIES};
use crate::error::Failure;
use crate::store::EtcdStore;
use crate::term;
use crate::value::{Head, possible};
use crate::view::{Slot, Step, View};

/// The largest report that is sent. etcd takes requests of one and a half MiB unless it was told otherwise.
pub const MAX_REPORT_BYTES: usize = 1024 * 1024;

/// A report that was put since an answer no older than this counts as just published.
const JUST_NOW: Duration = Duration::from_millis(1_500);

impl EtcdStore {
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
        self.notices()
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
    use super::*;

    #[test]
    fn a_lease_tells_the_least_age_in_whole_seconds() {
        let secs = Duration::from_secs;
        for (granted, left, age) in [(60, 59, 0), (60, 60, 0), (60, 57, 2), (60, 0, 59)] {
            let (granted, left) = (secs(granted), secs(left));
            assert_eq!(used_up(term::Left { granted, left }), secs(age));
        }
    }
}
