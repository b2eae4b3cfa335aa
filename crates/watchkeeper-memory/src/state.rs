//! What the store holds, and the rules that both traits share.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::id::{AttemptId, GroupId, PodId};
use watchkeeper_core::lease::{Busy, LeaseRef, Marker, Token};
use watchkeeper_core::time::Moment;

/// A token this far ahead of the store's time was not given out by it: some clock or some writer was wrong.
const IMPOSSIBLE_AHEAD_MICROS: u64 = 24 * 60 * 60 * 1_000_000;

/// Tokens of a group that nobody uses are forgotten after this long, so that abandoned groups vanish. Longer than any
/// pause after which a pod may still believe in its token; the store's time lifts the next token above it anyway.
pub(crate) const TOKEN_RETAIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How often expired things are dropped. Expiry itself is judged at every read; this only frees memory.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The store's time: steady for ages and expiry, and the wall clock's microseconds as the tokens' floor.
#[derive(Clone, Copy)]
pub(crate) struct StoreTime {
    pub(crate) now: Moment,
    pub(crate) micros: u64,
}

impl StoreTime {
    /// The token, unless it is too far ahead of the store's time to have been given out.
    pub(crate) fn possible(self, token: Token) -> Option<Token> {
        (token.0 <= self.micros.saturating_add(IMPOSSIBLE_AHEAD_MICROS)).then_some(token)
    }
}

/// What stands in a lock's place.
#[derive(Clone)]
pub(crate) struct Lock {
    pub(crate) value: LockValue,
    /// `None`: it never ends by itself.
    pub(crate) ends: Option<Moment>,
    /// What was asked for: an end beyond it was left by a clock that went back.
    pub(crate) ttl: Duration,
}

#[derive(Clone)]
pub(crate) enum LockValue {
    Lease {
        pod: PodId,
        token: Token,
        attempt: AttemptId,
    },
    Foreign(Vec<u8>),
}

impl Lock {
    /// The holder and token, if this is a lease under a token that the store can have given out.
    pub(crate) fn lease(&self, time: StoreTime) -> Option<(&PodId, Token)> {
        match &self.value {
            LockValue::Lease { pod, token, .. } => Some((pod, time.possible(*token)?)),
            LockValue::Foreign(_) => None,
        }
    }

    pub(crate) fn busy(&self, time: StoreTime) -> Busy {
        let digest = match &self.value {
            LockValue::Lease {
                pod,
                token,
                attempt,
            } => format!("lease:{token}:{}:{pod}", attempt.0),
            LockValue::Foreign(bytes) => {
                let mut hasher = DefaultHasher::new();
                bytes.hash(&mut hasher);
                format!("foreign:{}:{:016x}", bytes.len(), hasher.finish())
            }
        };
        let lease = self.lease(time);
        Busy {
            holder: lease.map(|(pod, _)| pod.clone()),
            token: lease.map(|(_, token)| token),
            // An end beyond what was asked for counts as none.
            remaining: lease
                .and(self.ends)
                .map(|ends| ends.since(time.now))
                .filter(|remaining| *remaining <= self.ttl),
            marker: Marker(digest),
        }
    }
}

/// What stands in a report's place.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) value: ReportValue,
    pub(crate) ends: Moment,
}

#[derive(Clone)]
pub(crate) enum ReportValue {
    Report {
        token: Token,
        edition: u32,
        at: Moment,
        bytes: Arc<[u8]>,
    },
    Foreign(Vec<u8>),
}

#[derive(Clone, Default)]
pub(crate) struct Group {
    pub(crate) token: Token,
    pub(crate) token_ends: Moment,
    pub(crate) lock: Option<Lock>,
    pub(crate) report: Option<Kept>,
}

impl Group {
    /// Drops what has ended. Called before every look, so that expiry is judged at read.
    pub(crate) fn expire(&mut self, now: Moment) {
        self.lock.take_if(|l| l.ends.is_some_and(|e| e <= now));
        self.report.take_if(|r| r.ends <= now);
        if self.token_ends <= now {
            self.token = Token::ZERO;
        }
    }

    /// The highest token that the store knows for the group, wherever it stands.
    pub(crate) fn known(&self, time: StoreTime) -> Token {
        let report = match self.report.as_ref().map(|r| &r.value) {
            Some(ReportValue::Report { token, .. }) => time.possible(*token),
            _ => None,
        };
        let lock = self.lock.as_ref().and_then(|l| l.lease(time));
        time.possible(self.token)
            .max(report)
            .max(lock.map(|(_, token)| token))
            .unwrap_or(Token::ZERO)
    }

    /// Whether the lease is held exactly as its holder names it.
    pub(crate) fn held(&self, lease: &LeaseRef, time: StoreTime) -> bool {
        self.lock.as_ref().and_then(|l| l.lease(time)) == Some((&lease.pod, lease.token))
    }

    /// Makes the standing lease last `ttl` from now.
    pub(crate) fn extend(&mut self, now: Moment, ttl: Duration) {
        if let Some(lock) = &mut self.lock {
            lock.ends = Some(now + ttl);
            lock.ttl = ttl;
        }
    }

    fn is_empty(&self) -> bool {
        self.lock.is_none() && self.report.is_none() && self.token == Token::ZERO
    }
}

#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) info: Arc<[u8]>,
    pub(crate) at: Moment,
    pub(crate) ends: Moment,
}

#[derive(Clone, Default)]
pub(crate) struct State {
    groups: BTreeMap<GroupId, Group>,
    pub(crate) pods: BTreeMap<PodId, Seen>,
    swept: Moment,
}

impl State {
    /// The group as it is now, with all that has ended taken out.
    pub(crate) fn group(&mut self, id: &GroupId, now: Moment) -> &mut Group {
        self.sweep(now);
        let group = self.groups.entry(id.clone()).or_default();
        group.expire(now);
        group
    }

    /// Drops what has ended anywhere, at most once per [`SWEEP_EVERY`].
    pub(crate) fn sweep(&mut self, now: Moment) {
        if now.since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        self.pods.retain(|_, seen| seen.ends > now);
        self.groups.retain(|_, group| {
            group.expire(now);
            !group.is_empty()
        });
    }

    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.groups.len(), self.pods.len())
    }
}
