//! One listener's way through the events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use axum::response::sse::Event;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::OwnedSemaphorePermit;
use watchkeeper_core::events::EventSource;

use super::Stopping;
use super::types::{EventKind, GapEvent, HelloEvent, Kinds, data};
use crate::keys::Pass;
use crate::state::App;
use crate::times::timestamp;

/// Events rendered at once: a slow listener keeps no more than these.
const BATCH: usize = 32;

/// How long a client that lost its stream waits before it comes back.
const COME_BACK_AFTER: Duration = Duration::from_secs(2);

/// Where a stream starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The events after this one.
    after: u64,
    /// An id was named that is known.
    resumed: bool,
    /// An id was named that is not.
    unknown: bool,
}

impl Start {
    /// After the event of this id; without one, or with one that is not known here, with what happens from now on.
    pub(super) fn read(events: &dyn EventSource, id: Option<&str>) -> Self {
        let latest = events.latest();
        let number = id.and_then(|id| {
            let (epoch, number) = id.trim().rsplit_once('-')?;
            let number: u64 = number.parse().ok()?;
            (epoch == events.epoch() && number <= latest).then_some(number)
        });
        Self {
            after: number.unwrap_or(latest),
            resumed: number.is_some(),
            unknown: id.is_some() && number.is_none(),
        }
    }
}

/// A listener.
pub(super) struct Listener {
    app: App,
    kinds: Kinds,
    start: Start,
    /// The events up to this one are sent, or on their way in `ready`.
    at: u64,
    ready: VecDeque<Event>,
    /// Everything that was there when the stream began is sent: what is missing from here on, it was too slow for.
    caught_up: bool,
    greeted: bool,
    pass: Pass,
    stopping: Option<Stopping>,
    /// Freed with the stream.
    _place: OwnedSemaphorePermit,
}

impl Listener {
    pub(super) fn new(
        app: App,
        kinds: Kinds,
        start: Start,
        pass: Pass,
        stopping: Option<Stopping>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            at: start.after,
            app,
            kinds,
            start,
            ready: VecDeque::new(),
            caught_up: false,
            greeted: false,
            pass,
            stopping,
            _place: place,
        }
    }

    /// The stream; it ends when the server stops, after what happened until then, and once its key is not let in any
    /// more.
    pub(super) fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, |mut listener| async move {
            let event = listener.next().await?;
            Some((Ok(event), listener))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if !self.pass.holds() {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if !std::mem::replace(&mut self.greeted, true) {
                self.greet();
                continue;
            }
            let stops = self.is_stopping();
            self.fetch();
            if self.ready.is_empty() {
                if stops {
                    return None;
                }
                self.wait().await;
            }
        }
    }

    fn greet(&mut self) {
        let snapshot = self.app.source.snapshot();
        let hello = HelloEvent {
            at: timestamp(self.app.source.unix()),
            pod_id: snapshot.pod.to_string(),
            fleet: snapshot.fleet.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            resumed: self.start.resumed,
        };
        let event = self.event("hello", self.at, &serde_json::to_string(&hello));
        self.ready.push_back(event.retry(COME_BACK_AFTER));
        if self.start.unknown {
            self.gap(None, "unknown_id");
        }
    }

    /// Makes ready what happened since.
    fn fetch(&mut self) {
        let since = self.app.events.since(self.at, BATCH);
        if since.lost > 0 {
            self.at += since.lost;
            let reason = if self.caught_up {
                "lagged"
            } else {
                "overwritten"
            };
            self.gap(Some(since.lost), reason);
        }
        let mut skipped = false;
        for event in &since.events {
            self.at = event.number;
            let kind = EventKind::of(&event.what);
            skipped = !self.kinds.has(kind);
            if !skipped {
                let event = self.event(kind.as_str(), event.number, &data(event));
                self.ready.push_back(event);
            }
        }
        if skipped {
            // An id alone is no event, but a client that comes back names it: what it does not want is no gap.
            self.ready.push_back(Event::default().id(self.id(self.at)));
        }
        self.caught_up |= since.events.len() < BATCH;
    }

    fn gap(&mut self, missed: Option<u64>, reason: &str) {
        let gap = GapEvent {
            missed,
            reason: reason.to_owned(),
        };
        let event = self.event("gap", self.at, &serde_json::to_string(&gap));
        self.ready.push_back(event);
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.app.events.epoch())
    }

    fn event(&self, name: &str, number: u64, data: &Result<String, serde_json::Error>) -> Event {
        let event = Event::default().event(name).id(self.id(number));
        match data {
            // JSON has no line breaks of its own.
            Ok(data) => event.data(data),
            Err(_) => event.data("{}"),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping
            .as_ref()
            .is_some_and(|Stopping(stopping)| *stopping.borrow() || stopping.has_changed().is_err())
    }

    /// Until something happens, other keys are let in, or the server stops.
    async fn wait(&mut self) {
        let happens = self.app.events.after(self.at);
        let stopping = &mut self.stopping;
        let stops = async {
            match stopping {
                // A server that is gone without a word stops too, and takes the connection along.
                Some(Stopping(stopping)) => drop(stopping.wait_for(|stop| *stop).await),
                None => pending().await,
            }
        };
        tokio::select! {
            () = happens => {}
            () = stops => {}
            () = self.pass.changed() => {}
        }
    }
}
