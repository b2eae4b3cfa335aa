//! The cache trait.

use async_trait::async_trait;
use watchkeeper_core::cache::{
    Found, MAX_PRESENCE_BYTES, Notice, Notices, PodSeen, Presence, Publish, Published, Read,
    ReportCache, Stored, Then,
};
use watchkeeper_core::companion::{CompanionFound, CompanionState};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::planted::{Bug, is_planted};

use crate::state::{Group, Kept, ReportValue, Seen, StoreTime, TOKEN_RETAIN};
use crate::{MAX_REPORT_BYTES, MemoryStore};

/// The answer, and whether anything changed.
fn publish(group: &mut Group, publish: &Publish, time: StoreTime) -> (Published, bool) {
    let lease = &publish.lease;
    if let Some(Kept {
        value: ReportValue::Report { token, edition, .. },
        ..
    }) = &group.report
        && time.possible(*token).is_some()
    {
        if *token == lease.token && *edition >= publish.edition {
            return (Published::Done, false);
        }
        if *token > lease.token && !is_planted(Bug::UncheckedPublish) {
            return (fenced(group, time), false);
        }
    }
    let held = group.held(lease, time);
    if !held && !is_planted(Bug::UncheckedPublish) {
        return (fenced(group, time), false);
    }
    group.report = Some(Kept {
        value: ReportValue::Report {
            token: lease.token,
            edition: publish.edition,
            at: time.now,
            bytes: publish.value.clone(),
        },
        ends: time.now + publish.retain,
    });
    // Something may have put a lower or an impossible token in place since the grant.
    group.token = group.known(time);
    group.token_ends = time.now + TOKEN_RETAIN.max(publish.retain);
    match publish.then {
        _ if !held => {}
        Then::Keep(ttl) => group.extend(time.now, ttl),
        Then::Release => group.lock = None,
    }
    (Published::Done, true)
}

fn fenced(group: &Group, time: StoreTime) -> Published {
    Published::Fenced {
        current: group.known(time),
    }
}

fn found(report: Option<&Kept>, time: StoreTime) -> Found {
    match report.map(|r| &r.value) {
        None => Found::Nothing,
        Some(ReportValue::Foreign(bytes)) => Found::Garbage {
            why: format!("{} bytes that are no report", bytes.len()),
        },
        Some(ReportValue::Report { token, .. }) if time.possible(*token).is_none() => {
            Found::Garbage {
                why: "its token is more than a day ahead of the store's time".to_owned(),
            }
        }
        Some(ReportValue::Report {
            token,
            edition,
            at,
            bytes,
        }) => Found::Report(Stored {
            token: *token,
            edition: *edition,
            age: time.now.since(*at),
            value: bytes.to_vec(),
        }),
    }
}

#[async_trait]
impl ReportCache for MemoryStore {
    async fn publish(&self, request: &Publish) -> Result<Published, StoreError> {
        limit(
            StoreOp::Publish,
            "report",
            request.value.len(),
            MAX_REPORT_BYTES,
        )?;
        Ok(self.with(|state, time| {
            let group = state.group(&request.lease.group, time.now);
            let (answer, changed) = publish(group, request, time);
            if changed {
                let id = &request.lease.group;
                self.feed.tell(Notice::Report { group: id.clone() });
                if request.then == Then::Release {
                    self.feed.tell(Notice::Released { group: id.clone() });
                }
            }
            answer
        }))
    }

    async fn read(&self, id: &GroupId, floor: Token) -> Result<Read, StoreError> {
        Ok(self.with(|state, time| {
            let group = state.group(id, time.now);
            let known = group.known(time);
            let fence = known.max(time.possible(floor).unwrap_or(known));
            if fence > known && !is_planted(Bug::TokenReset) {
                group.token = fence;
                group.token_ends = time.now + TOKEN_RETAIN;
            }
            Read {
                fence,
                found: found(group.report.as_ref(), time),
                companion: CompanionFound::Nothing,
            }
        }))
    }

    async fn announce(&self, presence: &Presence) -> Result<(), StoreError> {
        limit(
            StoreOp::Announce,
            "presence",
            presence.info.len(),
            MAX_PRESENCE_BYTES,
        )?;
        self.with(|state, time| {
            state.sweep(time.now);
            let seen = Seen {
                info: presence.info.clone(),
                at: time.now,
                ends: time.now + presence.ttl,
            };
            state.pods.insert(presence.pod.clone(), seen);
        });
        Ok(())
    }

    async fn leave(&self, pod: &PodId) -> Result<(), StoreError> {
        self.with(|state, _| state.pods.remove(pod));
        Ok(())
    }

    async fn pods(&self) -> Result<Vec<PodSeen>, StoreError> {
        Ok(self.with(|state, time| {
            state.pods.retain(|_, seen| seen.ends > time.now);
            let pods = state.pods.iter();
            pods.map(|(pod, seen)| PodSeen {
                pod: pod.clone(),
                info: seen.info.to_vec(),
                age: time.now.since(seen.at),
            })
            .collect()
        }))
    }

    /// Within one process there are no programs but ours.
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
        format!("the {what} has `{size}` bytes, the store takes `{most}`"),
    ))
}
