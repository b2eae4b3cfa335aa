//! The record of a run: all that the judge gets to see.

use std::fmt;
use std::time::Duration;

use super::plan::Kind;
use super::spans::{Seconds, Span};

/// The fleet's settings, from which the bounds follow.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) pods: usize,
    pub(super) checks: Vec<String>,
    pub(super) interval: Seconds,
    pub(super) lock_ttl: Seconds,
    /// The interval's share over which pods spread.
    pub(super) jitter: Seconds,
    /// R: the longest a round may take.
    pub(super) round: Seconds,
    /// From what age on a result is no longer fresh.
    pub(super) fresh_for: Seconds,
}

impl Terms {
    /// EC-1, EC-2: the least time between two probes of a check.
    pub(super) fn apart(&self) -> Seconds {
        0.9 * self.interval
    }

    /// LV-1.
    pub(super) fn liveness(&self) -> Seconds {
        self.lock_ttl + self.interval + self.jitter + self.round + 5.0
    }

    /// FB-1.
    pub(super) fn oldest(&self) -> Seconds {
        self.interval + self.jitter + self.lock_ttl + 2.0 * self.round + 10.0
    }

    /// After a fault's end, until EC-1 holds again to the letter: a pod whose store was away tries again after at most
    /// the longest backoff (5 s), the lease of a dead holder ends meanwhile; then within one interval what each asked
    /// for itself is offered, read, and due by its age.
    pub(super) fn settle(&self) -> Seconds {
        5.0_f64.max(self.lock_ttl) + OPERATION + self.interval + self.jitter
    }
}

/// `backend.timeout`: the limit of one store operation; `lock_ttl` may not be less than six of them.
pub(super) const OPERATION: Seconds = 0.5;

/// A request that the upstream got.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) at: Seconds,
    pub(super) check: String,
    /// None where it came by no pod's door.
    pub(super) pod: Option<usize>,
}

/// One process of a pod, from its start until it was told or made to end.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) pod: usize,
    pub(super) span: Span,
}

/// One result as a pod shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) check: String,
    pub(super) age: Option<Seconds>,
    pub(super) token: Option<u64>,
    pub(super) by: Option<String>,
    pub(super) label: Option<String>,
}

/// What a pod answered.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) mode: String,
    pub(super) store_up: bool,
    pub(super) results: Vec<Shown>,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = if self.store_up { "up" } else { "down" };
        write!(f, "{}, store {store}", self.mode)?;
        for shown in &self.results {
            write!(f, "; {}", shown.check)?;
            let Some(age) = shown.age else { continue };
            let label = shown.label.as_deref().unwrap_or("unlabelled");
            let by = shown.by.as_deref().unwrap_or("nobody");
            write!(f, " {label} {age:.3} s by {by}")?;
            if let Some(token) = shown.token {
                write!(f, " under {token}")?;
            }
        }
        Ok(())
    }
}

/// A pod was asked what it shows.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) pod: usize,
    pub(super) asked: Seconds,
    pub(super) answered: Seconds,
    /// None where no answer came.
    pub(super) view: Option<View>,
}

/// A fault as it happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) kind: Kind,
    /// Those it struck; all, where it struck Redis.
    pub(super) pods: Vec<usize>,
    /// Until everything is as it was: a pod that was ended answers again, Redis takes commands again.
    pub(super) span: Span,
    /// Whether the pod was leading a round when it was struck, as it last said.
    pub(super) leading: bool,
}

/// The fleet's token as it stood in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) asked: Seconds,
    pub(super) answered: Seconds,
    pub(super) token: u64,
}

/// How late a task of this process woke: the daemons wake as late.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    pub(super) at: Seconds,
    pub(super) late: Seconds,
}

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    pub(super) terms: Terms,
    pub(super) length: Seconds,
    pub(super) starts: Vec<Start>,
    pub(super) lives: Vec<Life>,
    pub(super) samples: Vec<Sample>,
    pub(super) events: Vec<Event>,
    pub(super) tokens: Vec<Stored>,
    pub(super) lags: Vec<Lag>,
    /// What may never happen whatever the weather: a daemon that ends by itself, or does not when told to.
    pub(super) mishaps: Vec<(Seconds, String)>,
}

impl Timeline {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            length: 0.0,
            starts: Vec::new(),
            lives: Vec::new(),
            samples: Vec::new(),
            events: Vec::new(),
            tokens: Vec::new(),
            lags: Vec::new(),
            mishaps: Vec::new(),
        }
    }

    /// The longest lateness in this stretch.
    pub(super) fn lag(&self, span: Span) -> Seconds {
        let inside = |lag: &&Lag| span.touches(Span::new(lag.at - lag.late, lag.at));
        self.lags
            .iter()
            .filter(inside)
            .map(|lag| lag.late)
            .fold(0.0, f64::max)
    }

    /// The life that a pod led during the whole of `span`.
    pub(super) fn life(&self, pod: usize, span: Span) -> Option<&Life> {
        self.lives.iter().find(|life| {
            life.pod == pod && life.span.contains(span.from) && life.span.contains(span.until)
        })
    }

    /// When a pod was stopped.
    pub(super) fn pauses(&self, pod: usize) -> impl Iterator<Item = Span> {
        self.events
            .iter()
            .filter(move |event| event.kind.pauses() && event.pods.contains(&pod))
            .map(|event| event.span)
    }

    /// Between the faults, none under way.
    pub(super) fn calm(&self) -> Vec<Span> {
        super::spans::gaps(self.events.iter().map(|event| event.span), self.length)
    }
}

/// As the record counts.
pub(super) fn seconds(duration: Duration) -> Seconds {
    duration.as_secs_f64()
}
