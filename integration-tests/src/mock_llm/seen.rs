//! What was asked, and the questions that tests put to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Answered with this status.
    Answered(u16),
    /// We closed the connection, as [`Behaviour::Close`] asks.
    Closed,
    /// The client went away before an answer: a probe given up.
    ClientGone,
}

/// Who sent a request, by what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A `watchkeeper`, by its `User-Agent`.
    Watchkeeper,
    /// A LiteLLM pod, by the name that [`crate::litellm::pod`] gave it.
    Litellm(Arc<str>),
    /// Neither.
    Other,
}

/// One request as it was seen.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The model named in the body.
    pub model: String,
    /// The path that was asked.
    pub path: String,
    /// The name of the door it came through; none at the main address.
    pub door: Option<Arc<str>>,
    /// Who sent it.
    pub sender: Sender,
    /// The bearer key, if any.
    pub key: Option<String>,
    /// The whole body.
    pub body: Value,
    /// When the request's head had arrived.
    pub started: Instant,
    /// When and how it ended; none while it runs.
    pub ended: Option<(Instant, End)>,
}

impl Asked {
    /// The name of the pod that sent it: of its door, or a LiteLLM pod's own.
    #[must_use]
    pub fn pod(&self) -> Option<&str> {
        match &self.sender {
            Sender::Litellm(name) => Some(name),
            Sender::Watchkeeper | Sender::Other => self.door.as_deref(),
        }
    }

    /// Whether its first message is `text`: a test's own chat tells itself apart from probes by it.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        self.body["messages"][0]["content"] == text
    }
}

/// Requests as a test looks at them.
#[derive(Clone, Debug)]
pub struct Seen(pub(super) Vec<Asked>);

impl Seen {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Asked] {
        &self.0
    }

    /// Those of one model.
    pub fn of<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a Asked> {
        self.0.iter().filter(move |asked| asked.model == model)
    }

    /// How often `model` was asked.
    #[must_use]
    pub fn count(&self, model: &str) -> usize {
        self.of(model).count()
    }

    /// The starts of `model`, earliest first.
    #[must_use]
    pub fn starts(&self, model: &str) -> Vec<Instant> {
        self.of(model).map(|asked| asked.started).collect()
    }

    /// The times between the starts of `model`.
    #[must_use]
    pub fn gaps(&self, model: &str) -> Vec<Duration> {
        gaps(&self.starts(model))
    }

    /// Only what started at or after `since`.
    #[must_use]
    pub fn since(&self, since: Instant) -> Self {
        self.only(|asked| asked.started >= since)
    }

    /// Only what a `watchkeeper` sent.
    #[must_use]
    pub fn by_watchkeeper(&self) -> Self {
        self.only(|asked| asked.sender == Sender::Watchkeeper)
    }

    /// Only what LiteLLM pods sent.
    #[must_use]
    pub fn by_litellm(&self) -> Self {
        self.only(|asked| matches!(asked.sender, Sender::Litellm(_)))
    }

    /// Only those that fit.
    #[must_use]
    pub fn only(&self, fits: impl Fn(&Asked) -> bool) -> Self {
        Self(self.0.iter().filter(|asked| fits(asked)).cloned().collect())
    }

    /// The most that were under way at the same moment.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        let under_way = |at: Instant| {
            let runs = |asked: &&Asked| {
                asked.started <= at && asked.ended.is_none_or(|(ended, _)| ended > at)
            };
            self.0.iter().filter(runs).count()
        };
        let starts = self.0.iter().map(|asked| asked.started);
        starts.map(under_way).max().unwrap_or(0)
    }

    /// The requests as lines, with times since the first: the evidence in assertion messages.
    #[must_use]
    pub fn table(&self) -> String {
        let Some(first) = self.0.first() else {
            return "  nothing was asked".to_owned();
        };
        let mut lines: Vec<String> = self
            .0
            .iter()
            .map(|asked| {
                let start = asked.started.duration_since(first.started).as_secs_f64();
                let end = match asked.ended {
                    None => "running".to_owned(),
                    Some((at, how)) => format!(
                        "{how:?} after {:.3} s",
                        at.duration_since(asked.started).as_secs_f64()
                    ),
                };
                let pod = asked.pod().unwrap_or_default();
                format!("  {start:9.3} s  {:<12} {pod:<8} {end}", asked.model)
            })
            .collect();
        // Hundreds of lines hide the point; the last ones are what a failed wait is about.
        const SHOWN: usize = 120;
        if lines.len() > SHOWN {
            let cut = lines.len() - SHOWN;
            lines.drain(..cut);
            lines.insert(0, format!("  ({cut} earlier requests not shown)"));
        }
        lines.join("\n")
    }
}

/// The times between neighbours.
#[must_use]
pub fn gaps(times: &[Instant]) -> Vec<Duration> {
    times
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]))
        .collect()
}
