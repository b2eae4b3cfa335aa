//! A model of the store for one group.

use super::*;

/// What stands in the lock's place.
#[derive(Clone, Debug)]
pub(super) enum Lock {
    Lease {
        pod: PodId,
        attempt: AttemptId,
        token: Token,
        ends: i64,
    },
    Garbage,
}

/// A store of one group, as the traits promise it.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) lock: Option<Lock>,
    pub(super) token: u64,
    pub(super) report: Option<(Token, u32, i64, Report)>,
    pub(super) garbage: bool,
}

impl Store {
    pub(super) fn expire(&mut self, now: i64) {
        self.lock
            .take_if(|l| matches!(l, Lock::Lease { ends, .. } if *ends <= now));
    }

    fn held(&self, lease: &LeaseRef) -> bool {
        matches!(&self.lock, Some(Lock::Lease { pod, token, .. }) if *pod == lease.pod && *token == lease.token)
    }

    pub(super) fn perform(&mut self, now: i64, command: &Command) -> Event {
        self.expire(now);
        match command {
            Command::Acquire(op, request) => {
                let acquired = match &self.lock {
                    Some(Lock::Lease {
                        pod,
                        attempt,
                        token,
                        ..
                    }) if *pod == request.pod
                        && *attempt == request.attempt
                        && *token >= request.floor =>
                    {
                        Ok(*token)
                    }
                    Some(Lock::Lease {
                        pod, token, ends, ..
                    }) if *pod != request.pod => Err(Busy {
                        holder: Some(pod.clone()),
                        token: Some(*token),
                        remaining: Some(millis(*ends - now)),
                        marker: crate::lease::Marker("lease".into()),
                    }),
                    Some(Lock::Garbage)
                        if request.take != Some(crate::lease::Marker("junk".into())) =>
                    {
                        Err(Busy {
                            holder: None,
                            token: None,
                            remaining: None,
                            marker: crate::lease::Marker("junk".into()),
                        })
                    }
                    _ => {
                        self.token = self.token.max(request.floor.0) + 1;
                        Ok(Token(self.token))
                    }
                };
                Event::Acquired(
                    *op,
                    Ok(match acquired {
                        Ok(token) => {
                            self.lock = Some(Lock::Lease {
                                pod: request.pod.clone(),
                                attempt: request.attempt,
                                token,
                                ends: now + LOCK_TTL,
                            });
                            Acquired::Held { token }
                        }
                        Err(busy) => Acquired::Busy(busy),
                    }),
                )
            }
            Command::Renew(op, lease, _) => Event::Renewed(*op, Ok(self.extend(now, lease))),
            Command::Release(op, lease) => {
                let held = self.held(lease);
                self.lock.take_if(|_| held);
                Event::Released(
                    *op,
                    Ok(if held {
                        Released::Done
                    } else {
                        Released::NotHeld
                    }),
                )
            }
            Command::Read(op, floor) => {
                self.token = self.token.max(floor.0);
                let found = match &self.report {
                    _ if self.garbage => FoundReport::Garbage { why: "junk".into() },
                    None => FoundReport::Nothing,
                    Some((token, _, at, report)) => FoundReport::Report {
                        token: *token,
                        age: millis(now - at),
                        report: Box::new(report.clone()),
                    },
                };
                let fence = Token(self.token);
                Event::Read(
                    *op,
                    Ok(ReadReport {
                        fence,
                        found,
                        beside: Beside::Nothing,
                    }),
                )
            }
            Command::Publish(op, publication) => {
                Event::Published(*op, Ok(self.publish(now, publication)))
            }
            other => panic!("{other:?}"),
        }
    }

    fn extend(&mut self, now: i64, lease: &LeaseRef) -> Renewed {
        if !self.held(lease) {
            return Renewed::Lost { holder: None };
        }
        if let Some(Lock::Lease { ends, .. }) = &mut self.lock {
            *ends = now + LOCK_TTL;
        }
        Renewed::Extended
    }

    fn publish(&mut self, now: i64, publication: &Publication) -> Published {
        let lease = &publication.lease;
        if let Some((token, edition, ..)) = &self.report
            && *token == lease.token
            && *edition >= publication.edition
        {
            return Published::Done;
        }
        if !self.held(lease) {
            return Published::Fenced {
                current: Token(self.token),
            };
        }
        let report = (*publication.report).clone();
        self.report = Some((lease.token, publication.edition, now, report));
        self.garbage = false;
        match publication.then {
            Then::Keep(_) => {
                self.extend(now, lease);
            }
            Then::Release => self.lock = None,
        }
        Published::Done
    }
}
