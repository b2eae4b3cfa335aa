//! LS-1, LS-2, LS-3, SN-1: what the store granted and took.

use futures_util::FutureExt;
use watchkeeper_core::cache::{Found, Published, ReportCache, Then};
use watchkeeper_core::coordinator::{Command, Event};
use watchkeeper_core::invariant::Invariant;
use watchkeeper_core::lease::{Acquired, LeaseStore, LockState, Renewed, Token};
use watchkeeper_memory::MemoryStore;

use super::Rules;
use crate::breach::{Breach, broken, wrong};
use crate::plan::{Plan, Time, micros};
use crate::pod::Pod;

impl Rules {
    /// The lease that the store keeps for this token must not have ended, as far as its holder can know.
    pub(super) fn holds(
        &self,
        who: &str,
        group: usize,
        token: Token,
        now: Time,
    ) -> Result<(), Breach> {
        let group = &self.groups[group];
        match group.ends.get(&token) {
            Some(end) if now < *end || group.overslept.contains(&token) => Ok(()),
            end => broken(
                Invariant::Ls3,
                format!("{who} at {now}, the lease of {token} ended at {end:?}"),
            ),
        }
    }

    /// LS-3 for publications, as they leave.
    pub(crate) fn sent(
        &self,
        pod: &Pod,
        group: usize,
        command: &Command,
        now: Time,
    ) -> Result<(), Breach> {
        if let Command::Publish(_, publication) = command {
            let who = format!("{} publishes", pod.name);
            self.holds(&who, group, publication.lease.token, now)?;
        }
        Ok(())
    }

    /// What the store did.
    pub(crate) fn performed(
        &mut self,
        plan: &Plan,
        store: &MemoryStore,
        index: usize,
        command: &Command,
        event: &Event,
        now: Time,
    ) -> Result<(), Breach> {
        let group = &mut self.groups[index];
        match (command, event) {
            (Command::Acquire(_, request), Event::Acquired(_, Ok(Acquired::Held { token }))) => {
                let by = (request.pod.clone(), request.attempt);
                match group.grants.get(token) {
                    Some(before) if *before == by => {}
                    Some(before) => {
                        return broken(
                            Invariant::Ls2,
                            format!("{token} for {before:?} and {by:?}"),
                        );
                    }
                    None if *token <= group.highest => {
                        return broken(Invariant::Ls1, format!("{token} after {}", group.highest));
                    }
                    None => {
                        // A lease that stood was not to be granted to another.
                        let standing = group.ends.get(&group.highest).copied();
                        let holder = group.grants.get(&group.highest);
                        if group.is_undisturbed(group.highest)
                            && standing.is_some_and(|end| now < end)
                            && !group.released.contains(&group.highest)
                            && holder.is_some_and(|(pod, _)| *pod != request.pod)
                        {
                            return broken(
                                Invariant::Ls3,
                                format!("{token} is granted while {} stands", group.highest),
                            );
                        }
                        group.granted.insert(*token, now);
                        group.counter_lost = false;
                    }
                }
                group.grants.insert(*token, by);
                group.highest = group.highest.max(*token);
                group.ends.insert(*token, now + micros(request.ttl));
            }
            (Command::Acquire(_, request), Event::Acquired(_, Ok(Acquired::Busy(busy))))
                if busy.holder.as_ref() == Some(&request.pod) =>
            {
                return wrong(format!("{} is told to wait for itself", request.pod));
            }
            (Command::Renew(_, lease, ttl), Event::Renewed(_, Ok(Renewed::Extended))) => {
                group.ends.insert(lease.token, now + micros(*ttl));
            }
            (Command::Release(_, lease), Event::Released(_, Ok(_))) => {
                group.released.insert(lease.token);
            }
            (Command::Publish(_, publication), Event::Published(_, Ok(Published::Done))) => {
                let token = publication.lease.token;
                // Published again is done again, and changes nothing.
                let first = token != group.report;
                let over = group.ends.get(&token).is_none_or(|end| now >= *end);
                if first && over && group.is_undisturbed(token) {
                    return broken(
                        Invariant::Ls3,
                        format!("a publication of {token} is taken after its lease"),
                    );
                }
                let id = &plan.groups[index].id;
                if publication.then == Then::Release {
                    group.released.insert(token);
                } else if let LockState::Held(busy) =
                    store.inspect(id).now_or_never().unwrap().unwrap()
                    && busy.token == Some(token)
                    && let Some(remaining) = busy.remaining
                {
                    // One that was overtaken by the next is done as well, and keeps nothing.
                    group.ends.insert(token, now + micros(remaining));
                }
                let read = store.read(id, Token::ZERO).now_or_never().unwrap().unwrap();
                if let Found::Report(stored) = read.found {
                    if stored.token < group.report {
                        return broken(
                            Invariant::Sn1,
                            format!("{} over {}", stored.token, group.report),
                        );
                    }
                    group.report = stored.token;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
