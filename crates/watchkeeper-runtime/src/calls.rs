//! Calls for forced runs that wait for their answers: how many, how long, and how they are given up.
//!
//! A call is one ticket at each of the groups that its checks belong to. It is answered once all of them have; refused,
//! late or left by its caller, it gives up its tickets at those that have not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use watchkeeper_core::coordinator::{
    Answered, ISOLATED_AFTER, MAX_TICKETS, NotForced, ROUND_SLACK, Settings, Ticket,
};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::on_demand::{MAX_CALL, NotRun, OnDemand};
use watchkeeper_core::time::Moment;

use crate::driver::Input;
use crate::group::GroupKey;

/// What a call is answered with.
pub(crate) type Outcome = Result<Vec<Answered>, NotRun>;
/// Answers a forced run.
pub(crate) type Reply = oneshot::Sender<Outcome>;

/// A ticket that is not wanted any more, and the groups that still have it.
pub(crate) type GivenUp = (Ticket, BTreeSet<GroupKey>);

/// Store operations that a call may have to wait for: two questions for the lease, two publications.
const STORE_STEPS: u32 = 4;

/// How long a call for checks of this group waits at most: another pod's round, which it does not join, a lease that a
/// dead pod left behind, and a round of its own; or until this pod knows that the store is away.
pub(crate) fn patience(group: &Settings) -> Duration {
    let round = group.round_limit().saturating_add(ROUND_SLACK);
    round
        .saturating_mul(2)
        .saturating_add(group.lock_ttl)
        .saturating_add(ISOLATED_AFTER)
        .saturating_add(group.op_timeout.saturating_mul(STORE_STEPS))
        .min(MAX_CALL)
}

/// One call.
struct Open {
    /// Groups that have not answered.
    groups: BTreeSet<GroupKey>,
    found: Vec<Answered>,
    reply: Reply,
    limit: Duration,
    until: Moment,
}

/// The calls that wait.
#[derive(Default)]
pub(crate) struct Calls {
    last: u64,
    open: BTreeMap<Ticket, Open>,
    /// Answered, but not told yet: what was found is shown first.
    ready: Vec<(Reply, Outcome)>,
}

impl Calls {
    /// A new call at these groups, if there is room; else it is refused.
    pub(crate) fn open(
        &mut self,
        groups: BTreeSet<GroupKey>,
        limit: Duration,
        now: Moment,
        reply: Reply,
    ) -> Option<Ticket> {
        if self.open.len() >= MAX_TICKETS {
            self.refuse(reply, NotForced::TooMany);
            return None;
        }
        self.last += 1;
        let ticket = Ticket(self.last);
        let open = Open {
            groups,
            found: Vec::new(),
            reply,
            limit,
            until: now + limit,
        };
        self.open.insert(ticket, open);
        Some(ticket)
    }

    /// Turns a call away that has no ticket.
    pub(crate) fn refuse(&mut self, reply: Reply, why: NotForced) {
        self.ready.push((reply, Err(why.into())));
    }

    /// Whether the call still waits.
    pub(crate) fn waits(&self, ticket: Ticket) -> bool {
        self.open.contains_key(&ticket)
    }

    /// One of a call's groups has answered. Tells whether the whole call has its answer now.
    pub(crate) fn found(&mut self, ticket: Ticket, group: GroupKey, found: Vec<Answered>) -> bool {
        let Some(open) = self.open.get_mut(&ticket) else {
            return false;
        };
        open.groups.remove(&group);
        open.found.extend(found);
        if !open.groups.is_empty() {
            return false;
        }
        if let Some(open) = self.open.remove(&ticket) {
            self.ready.push((open.reply, Ok(open.found)));
        }
        true
    }

    /// One of a call's groups has turned it away: so has the pod. Names the groups where the ticket is still known.
    pub(crate) fn refused(
        &mut self,
        ticket: Ticket,
        group: GroupKey,
        why: NotForced,
    ) -> Option<GivenUp> {
        let mut open = self.open.remove(&ticket)?;
        open.groups.remove(&group);
        self.refuse(open.reply, why);
        Some((ticket, open.groups))
    }

    /// Takes out the calls that waited too long, and those whose callers have gone.
    pub(crate) fn give_up(&mut self, now: Moment) -> Vec<GivenUp> {
        let over: Vec<Ticket> = self
            .open
            .iter()
            .filter(|(_, open)| open.until <= now || open.reply.is_closed())
            .map(|(ticket, _)| *ticket)
            .collect();
        let mut given_up = Vec::with_capacity(over.len());
        for ticket in over {
            if let Some(open) = self.open.remove(&ticket) {
                self.ready.push((open.reply, Err(NotRun::Late(open.limit))));
                given_up.push((ticket, open.groups));
            }
        }
        given_up
    }

    /// When the next call has waited too long.
    pub(crate) fn next_late(&self) -> Option<Moment> {
        self.open.values().map(|open| open.until).min()
    }

    /// Tells callers what became of their calls.
    pub(crate) fn tell(&mut self) {
        for (reply, outcome) in self.ready.drain(..) {
            // The caller may be gone; then nobody wants the answer.
            let _ = reply.send(outcome);
        }
    }
}

/// Hands calls to the driver.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) mpsc::Sender<Input>);

/// One call that waits for the driver.
struct Wait<'a> {
    answer: oneshot::Receiver<Outcome>,
    inbox: &'a mpsc::Sender<Input>,
    answered: bool,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.answer.close();
            // Without it the driver sees that the caller has gone when the next call comes.
            let _ = self.inbox.try_send(Input::CallersGone);
        }
    }
}

#[async_trait]
impl OnDemand for Caller {
    async fn run(&self, checks: Vec<CheckId>) -> Outcome {
        let (reply, answer) = oneshot::channel();
        self.0
            .send(Input::Force(checks, reply))
            .await
            .map_err(|_| NotRun::Stopped)?;
        let mut wait = Wait {
            answer,
            inbox: &self.0,
            answered: false,
        };
        let answer = (&mut wait.answer).await;
        wait.answered = true;
        answer.map_err(|_| NotRun::Stopped)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: u64) -> Moment {
        Moment::ZERO + Duration::from_secs(seconds)
    }

    fn open(calls: &mut Calls, groups: &[u64]) -> (Option<Ticket>, oneshot::Receiver<Outcome>) {
        let (reply, answer) = oneshot::channel();
        let groups = groups.iter().copied().map(GroupKey).collect();
        let ticket = calls.open(groups, Duration::from_secs(10), moment(0), reply);
        (ticket, answer)
    }

    #[test]
    fn a_call_is_answered_once_all_its_groups_have_answered() {
        let mut calls = Calls::default();
        let (ticket, mut answer) = open(&mut calls, &[1, 4]);
        assert!(!calls.found(ticket.unwrap(), GroupKey(1), Vec::new()));
        calls.tell();
        assert!(answer.try_recv().is_err(), "one of two");
        assert!(calls.found(ticket.unwrap(), GroupKey(4), Vec::new()));
        calls.tell();
        assert_eq!(answer.try_recv(), Ok(Ok(Vec::new())));
    }

    #[test]
    fn what_one_group_refuses_is_given_up_at_the_others() {
        let mut calls = Calls::default();
        let (ticket, mut answer) = open(&mut calls, &[1, 4, 7]);
        let ticket = ticket.unwrap();
        calls.found(ticket, GroupKey(1), Vec::new());
        let given_up = calls.refused(ticket, GroupKey(4), NotForced::Draining);
        assert_eq!(given_up, Some((ticket, BTreeSet::from([GroupKey(7)]))));
        calls.tell();
        let refused = NotRun::Refused(NotForced::Draining);
        assert_eq!(answer.try_recv(), Ok(Err(refused)));
        assert_eq!(
            calls.refused(ticket, GroupKey(7), NotForced::Draining),
            None
        );
    }

    #[test]
    fn a_late_call_and_one_whose_caller_has_gone_give_up_their_places() {
        let mut calls = Calls::default();
        let (late, mut answer) = open(&mut calls, &[0]);
        assert_eq!(calls.next_late(), Some(moment(10)));
        assert_eq!(calls.give_up(moment(9)), []);
        assert_eq!(
            calls.give_up(moment(10)),
            [(late.unwrap(), BTreeSet::from([GroupKey(0)]))]
        );
        calls.tell();
        let limit = Duration::from_secs(10);
        assert_eq!(answer.try_recv(), Ok(Err(NotRun::Late(limit))));

        let (gone, answer) = open(&mut calls, &[0]);
        drop(answer);
        assert_eq!(calls.give_up(moment(0)).len(), 1);
        assert!(!calls.waits(gone.unwrap()));
        assert_eq!(calls.next_late(), None);
    }

    #[test]
    fn more_calls_than_there_are_places_are_refused() {
        let mut calls = Calls::default();
        let waiting: Vec<_> = (0..MAX_TICKETS).map(|_| open(&mut calls, &[0])).collect();
        assert!(waiting.iter().all(|(ticket, _)| ticket.is_some()));
        let (none, mut answer) = open(&mut calls, &[0]);
        assert_eq!(none, None);
        calls.tell();
        let refused = NotRun::Refused(NotForced::TooMany);
        assert_eq!(answer.try_recv(), Ok(Err(refused)));
    }
}
