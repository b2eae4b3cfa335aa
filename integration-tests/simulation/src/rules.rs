//! What must hold: the invariants of the design, checked against what really happened.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use watchkeeper_core::cache::{Found, Published, Then};
use watchkeeper_core::coordinator::{Command, Coordinator, Event, NotForced};
use watchkeeper_core::id::{AttemptId, CheckId, PodId};
use watchkeeper_core::lease::{Acquired, LockState, Renewed, Token};
use watchkeeper_core::report::Entry;
use watchkeeper_core::status::Mode;

use super::plan::{Plan, SECOND, Time, micros};
use super::pod::{Pod, START_UNIX_MILLIS, group_id};
use super::{Subject, Tally, Weather};

/// More wakes of a pod in one second are a spin.
const MOST_WAKES: u32 = 100;

/// Ages travel with requests and answers, whose time under way nobody knows.
const TOLERANCE: Time = 2 * SECOND;

/// A check as a pod's life shows it.
type Shown = (PodId, u64, CheckId);

/// A probe that was started.
#[derive(Clone, Debug)]
struct Start {
    at: Time,
    /// The start of its round.
    round: Time,
    pod: PodId,
    life: u64,
    token: Option<Token>,
    ended: bool,
}

#[derive(Default)]
struct Group {
    highest: Token,
    grants: BTreeMap<Token, (PodId, AttemptId)>,
    /// Until when the store keeps the lease of a token, as last asked.
    ends: BTreeMap<Token, Time>,
    granted: BTreeMap<Token, Time>,
    rounds: BTreeMap<Token, Time>,
    /// The last damage to the lock.
    disturbed: Time,
    report: Token,
}

pub(super) struct Rules {
    weather: Weather,
    groups: Vec<Group>,
    starts: BTreeMap<CheckId, Vec<Start>>,
    shown: BTreeMap<Shown, (Option<Token>, Time)>,
    skews: BTreeMap<PodId, i64>,
}

impl Rules {
    pub(super) fn new(weather: Weather, groups: usize) -> Self {
        Self {
            weather,
            groups: (0..groups).map(|_| Group::default()).collect(),
            starts: BTreeMap::new(),
            shown: BTreeMap::new(),
            skews: BTreeMap::new(),
        }
    }

    /// The lock of a group (or all) was damaged: what the store promised about leases is void.
    pub(super) fn disturb(&mut self, group: Option<usize>, now: Time) {
        for (index, state) in self.groups.iter_mut().enumerate() {
            if group.is_none_or(|g| g == index) {
                state.disturbed = now;
            }
        }
    }

    pub(super) fn report_lost(&mut self, group: usize) {
        self.groups[group].report = Token::ZERO;
    }

    /// No spin.
    pub(super) fn woke(&self, pod: &mut Pod, now: Time) -> Result<(), String> {
        let second = now / SECOND;
        if pod.wakes.0 != second {
            pod.wakes = (second, 0);
        }
        pod.wakes.1 += 1;
        if pod.wakes.1 > MOST_WAKES * u32::try_from(self.groups.len()).unwrap() {
            return Err(format!("{} wakes all the time", pod.name));
        }
        Ok(())
    }

    /// EC-1, EC-2, LS-3: may this probe start?
    pub(super) fn start(
        &mut self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        check: &CheckId,
        subject: &Subject,
        now: Time,
    ) -> Result<(), String> {
        self.skews.insert(pod.name.clone(), pod.skew_millis);
        let view = pod.groups[group].view(pod.now(now).steady);
        let who = format!("{} asks {check}", pod.name);
        let token = match view.mode {
            Mode::Leading => {
                let token = view.token.ok_or(format!("{who} without a token"))?;
                self.holds(&who, group, token, now)?;
                let undisturbed = self.groups[group].granted[&token] > self.groups[group].disturbed;
                let id = group_id(group);
                let lock = subject.store.inspect(&id);
                let held = match lock.now_or_never().unwrap().unwrap() {
                    LockState::Held(busy) => busy.token == Some(token),
                    LockState::Free => false,
                };
                if undisturbed && !held {
                    return Err(format!("LS-3: {who} under a lease that it does not hold"));
                }
                Some(token)
            }
            Mode::Isolated => None,
            Mode::Following if pod.impatient[group] => None,
            mode => return Err(format!("{who} while {mode:?}")),
        };
        let round = match token {
            Some(token) => *self.groups[group].rounds.entry(token).or_insert(now),
            None => now,
        };
        let apart = plan.apart() - plan.apart() / 100;
        let starts = self.starts.entry(check.clone()).or_default();
        let calm = matches!(self.weather, Weather::Calm | Weather::Rolling);
        if calm {
            if token.is_none() {
                return Err(format!("EC-1: {who} on its own"));
            }
            let before = starts
                .iter()
                .rev()
                .find(|s| self.weather == Weather::Calm || s.ended);
            if let Some(before) = before
                && (before.token == token || round - before.round < apart)
            {
                return Err(format!("EC-1: {who} again, after {before:?}"));
            }
        }
        if let Some(before) = starts.iter().rev().find(|s| s.token == token)
            && token.is_some()
        {
            return Err(format!("EC-1: {who} twice in a round, after {before:?}"));
        }
        // A round that began under a lease goes on alone, and a check may come earlier in it than in the one before.
        let apart_alone = match self.weather {
            Weather::Outage => apart,
            _ => apart - TOLERANCE,
        };
        let alone = starts
            .iter()
            .rev()
            .find(|s| s.token.is_none() && s.pod == pod.name && s.life == pod.life);
        if let (None, Some(before)) = (token, alone)
            && plan.calls.is_empty()
            && now - before.at < apart_alone
        {
            return Err(format!("EC-2: {who} again, after {before:?}"));
        }
        starts.push(Start {
            at: now,
            round,
            pod: pod.name.clone(),
            life: pod.life,
            token,
            ended: false,
        });
        Ok(())
    }

    pub(super) fn probed(&mut self, pod: &Pod, check: &CheckId) {
        let starts = self.starts.get_mut(check).unwrap();
        let mine = |s: &&mut Start| s.pod == pod.name && s.life == pod.life;
        starts.iter_mut().rev().find(mine).unwrap().ended = true;
    }

    /// The lease that the store keeps for this token must not have ended.
    fn holds(&self, who: &str, group: usize, token: Token, now: Time) -> Result<(), String> {
        match self.groups[group].ends.get(&token) {
            Some(end) if now < *end => Ok(()),
            end => Err(format!(
                "LS-3: {who} at {now}, the lease of {token} ended at {end:?}"
            )),
        }
    }

    /// LS-3 for publications.
    pub(super) fn sent(
        &mut self,
        pod: &Pod,
        group: usize,
        command: &Command,
        now: Time,
    ) -> Result<(), String> {
        self.skews.insert(pod.name.clone(), pod.skew_millis);
        if let Command::Publish(_, publication) = command {
            let who = format!("{} publishes", pod.name);
            self.holds(&who, group, publication.lease.token, now)?;
        }
        Ok(())
    }

    /// LS-1, LS-2, SN-1: what the store did.
    pub(super) fn performed(
        &mut self,
        subject: &Subject,
        index: usize,
        command: &Command,
        event: &Event,
        now: Time,
    ) -> Result<(), String> {
        let group = &mut self.groups[index];
        match (command, event) {
            (Command::Acquire(_, request), Event::Acquired(_, Ok(Acquired::Held { token }))) => {
                let by = (request.pod.clone(), request.attempt);
                match group.grants.get(token) {
                    Some(before) if *before == by => {}
                    Some(before) => return Err(format!("LS-2: {token} for {before:?} and {by:?}")),
                    None if *token <= group.highest => {
                        return Err(format!("LS-1: {token} after {}", group.highest));
                    }
                    None => {
                        group.granted.insert(*token, now);
                    }
                }
                group.grants.insert(*token, by);
                group.highest = group.highest.max(*token);
                group.ends.insert(*token, now + micros(request.ttl));
            }
            (Command::Renew(_, lease, ttl), Event::Renewed(_, Ok(Renewed::Extended))) => {
                group.ends.insert(lease.token, now + micros(*ttl));
            }
            (Command::Publish(_, publication), Event::Published(_, Ok(Published::Done))) => {
                if let Then::Keep(ttl) = publication.then {
                    group
                        .ends
                        .insert(publication.lease.token, now + micros(ttl));
                }
                let id = group_id(index);
                let read = subject.store.read(&id, Token::ZERO);
                let read = read.now_or_never().unwrap().unwrap();
                if let Found::Report(stored) = read.found {
                    if stored.token < group.report {
                        return Err(format!("SN-1: {} over {}", stored.token, group.report));
                    }
                    group.report = stored.token;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A call is answered by a probe that started after it came.
    pub(super) fn answered(
        &self,
        result: Result<(), NotForced>,
        since: Time,
        check: &CheckId,
    ) -> Result<(), String> {
        if result.is_err() {
            return Ok(());
        }
        let starts = self
            .starts
            .get(check)
            .map(Vec::as_slice)
            .unwrap_or_default();
        if starts
            .iter()
            .any(|s| s.ended && s.at >= since - TOLERANCE / 2)
        {
            Ok(())
        } else {
            Err(format!(
                "the call for {check} at {since} is answered by an old probe"
            ))
        }
    }

    /// When the round of an entry really started.
    fn truth(&self, entry: &Entry) -> Time {
        (entry.started.0 - START_UNIX_MILLIS - self.skews[&entry.checked_by]) * 1_000
    }

    /// SN-2, FB-1, and that ages are what they say.
    pub(super) fn sample(&mut self, plan: &Plan, pod: &Pod, now: Time) -> Result<(), String> {
        let due = now - pod.up_since > plan.oldest();
        for coordinator in &pod.groups {
            let steady = pod.now(now).steady;
            let view = coordinator.view(steady);
            for check in &coordinator.settings().checks {
                let who = format!("{} shows {}", pod.name, check.id);
                let Some(known) = view.entries.get(&check.id) else {
                    if due && !coordinator.is_stopped() {
                        return Err(format!("FB-1: {who} not at all"));
                    }
                    continue;
                };
                let started = self.truth(&known.entry);
                let (age, said) = (now - started, micros(steady.since(known.probed_at)));
                if due && age > plan.oldest() && !coordinator.is_stopped() {
                    return Err(format!("FB-1: {who} {age} old"));
                }
                if (age - said).abs() > TOLERANCE + age / 100 {
                    return Err(format!("{who} as {said} old, it is {age}"));
                }
                let key = (pod.name.clone(), pod.life, check.id.clone());
                let token = known.entry.token;
                let before = self.shown.insert(key, (token, started));
                if let Some((had, then)) = before {
                    let back = match (had, token) {
                        (Some(had), Some(token)) => token < had,
                        _ => started < then - TOLERANCE,
                    };
                    if back {
                        return Err(format!("SN-2: {who} from {token:?}, had {had:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// LV-1: there is a report, and it is not old.
    pub(super) fn alive(&self, subject: &Subject, plan: &Plan) -> Result<(), String> {
        for group in 0..self.groups.len() {
            let id = group_id(group);
            let read = subject.store.read(&id, Token::ZERO);
            match read.now_or_never().unwrap().unwrap().found {
                Found::Report(stored) if micros(stored.age) <= plan.liveness() => {}
                found => {
                    let kind = match found {
                        Found::Report(stored) => format!("one of {:?} ago", stored.age),
                        Found::Nothing => "none".to_owned(),
                        Found::Garbage { .. } => "garbage".to_owned(),
                    };
                    return Err(format!("LV-1: no report for group {group}: {kind}"));
                }
            }
        }
        Ok(())
    }

    /// At the end all is as if nothing had ever been wrong.
    pub(super) fn settled(&self, plan: &Plan, pod: &Pod, now: Time) -> Result<(), String> {
        for coordinator in &pod.groups {
            let view = coordinator.view(pod.now(now).steady);
            let name = &pod.name;
            if !matches!(view.mode, Mode::Leading | Mode::Following) {
                return Err(format!("{name} is still {:?} at the end", view.mode));
            }
            for check in &coordinator.settings().checks {
                let age = view
                    .entries
                    .get(&check.id)
                    .map(|k| now - self.truth(&k.entry));
                if age.is_none_or(|age| age > plan.liveness()) {
                    return Err(format!(
                        "{name} shows {} as of {age:?} at the end",
                        check.id
                    ));
                }
            }
        }
        Ok(())
    }

    /// A pod that is to leave has left in time.
    pub(super) fn must_have_stopped(
        &self,
        plan: &Plan,
        pod: &Pod,
        since: Time,
        now: Time,
    ) -> Result<(), String> {
        let limit = plan.template.drain + 3 * plan.template.op_timeout;
        let had_time = now - since > micros(limit) && pod.up_since < since;
        if !had_time || pod.groups.iter().all(Coordinator::is_stopped) {
            Ok(())
        } else {
            Err(format!("{} does not stop", pod.name))
        }
    }

    /// In calm weather the store is asked little, whatever the number of checks.
    pub(super) fn spared(&self, plan: &Plan, tally: &Tally) -> Result<(), String> {
        let count = |what: &str| tally.get(what).copied().unwrap_or(0);
        // Rounds longer than a third of the lease cost a renewal, and those who follow them ask anew at its end.
        if self.weather != Weather::Calm || count("renew") > 0 {
            return Ok(());
        }
        let rounds: BTreeSet<_> = self
            .groups
            .iter()
            .enumerate()
            .flat_map(|(i, g)| g.rounds.keys().map(move |t| (i, *t)))
            .collect();
        let (rounds, pods) = (rounds.len() as u64, plan.pods as u64);
        let used: u64 = ["acquire", "read", "publish", "release"]
            .into_iter()
            .map(count)
            .sum();
        // What is finished goes out with renewals of a long round, and is read.
        let kept = count("publish").saturating_sub(rounds);
        let most =
            rounds * (3 * (pods - 1) + 5) + kept * (pods + 1) + 6 * pods * self.groups.len() as u64;
        if used > most {
            return Err(format!(
                "{used} store commands in {rounds} rounds of {pods} pods"
            ));
        }
        Ok(())
    }
}
