//! Change notices: one subscription in a task of its own, handed on to every watcher.
//!
//! The task subscribes, says [`Notice::Resumed`], forwards, and asks regularly whether the server is still there,
//! since a connection whose other end vanished looks just like a quiet one. When it breaks, it tries again with full
//! jitter and a capped backoff, or at once when the operations' own connection came back.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{self, Stream, StreamExt};
use redis::aio::{PubSub, PubSubSink};
use redis::{Msg, Value};
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::cache::{Notice, Notices};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::GroupId;

use crate::backoff::Backoff;
use crate::dial::Dialer;
use crate::error::{self, Failure, Peer};
use crate::locate::{Locator, Purpose};

/// Notices that wait for a slow watcher. One that falls further behind is told [`Notice::Resumed`].
const BACKLOG: usize = 256;
/// How often a quiet subscription is asked whether it lives and leads to the primary. Until then a vanished server costs
/// notices, not rounds.
const PING_EVERY: Duration = Duration::from_secs(1);

/// The subscription, made when somebody first watches: who only takes leases makes the server tell nobody.
pub(crate) struct Feed {
    notices: broadcast::Sender<Notice>,
    locator: Arc<Locator>,
    channel: String,
    /// Wakes the task out of its backoff.
    nudge: Arc<Notify>,
    /// Where the task runs, wherever the first watcher comes from.
    runtime: Handle,
    /// Ends with this.
    task: OnceLock<AbortOnDropHandle<()>>,
}

impl Feed {
    pub(crate) fn new(
        locator: Arc<Locator>,
        channel: String,
        nudge: Arc<Notify>,
        runtime: Handle,
    ) -> Self {
        Self {
            notices: broadcast::Sender::new(BACKLOG),
            locator,
            channel,
            nudge,
            runtime,
            task: OnceLock::new(),
        }
    }

    pub(crate) fn watch(&self) -> Notices {
        let later = BroadcastStream::new(self.notices.subscribe());
        self.task.get_or_init(|| {
            let (locator, channel) = (Arc::clone(&self.locator), self.channel.clone());
            let (nudge, notices) = (Arc::clone(&self.nudge), self.notices.clone());
            let kept = keep(locator, channel, nudge, notices);
            AbortOnDropHandle::new(self.runtime.spawn(kept))
        });
        let later = later.map(|next| next.unwrap_or(Notice::Resumed));
        Box::pin(stream::iter([Notice::Resumed]).chain(later))
    }
}

/// Subscribes again and again, as long as it runs.
async fn keep(
    locator: Arc<Locator>,
    channel: String,
    nudge: Arc<Notify>,
    notices: broadcast::Sender<Notice>,
) {
    let mut backoff = Backoff::default();
    let mut told = false;
    loop {
        let began = tokio::time::Instant::now();
        let Err(failure) = subscribe(&locator, &channel, &notices).await;
        tell(&failure, locator.lets_operations_in(), &mut told);
        let wait = backoff.after(began);
        // A nudge that came before the failure is of an older time.
        let _ = nudge.notified().now_or_never();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = nudge.notified() => {}
        }
    }
}

/// Says once what a person has to mend and nobody else sees: a missing right to the channel, while operations are let
/// in. That the store is away, or lets nobody in, is said by those who need it.
fn tell(failure: &Failure, let_in: bool, told: &mut bool) {
    let kind = failure.kind.as_str();
    if failure.kind != StoreErrorKind::Denied {
        *told = false;
    } else if let_in && !*told {
        *told = true;
        tracing::warn!(
            kind,
            "no change notices from redis, reports are found by polling: {}",
            failure.message
        );
        return;
    }
    tracing::debug!(kind, "redis subscription ended: {}", failure.message);
}

/// One subscription, until it fails or another server is the primary.
async fn subscribe(
    locator: &Locator,
    channel: &str,
    notices: &broadcast::Sender<Notice>,
) -> Result<Infallible, Failure> {
    let way = locator.open(Purpose::Notices).await?;
    let peer = way.peer;
    let made = tokio::time::timeout(locator.timeout(), async {
        let mut pubsub = PubSub::new(&Dialer::nothing_to_say(), way.wire).await?;
        pubsub.subscribe(channel).await?;
        Ok::<_, redis::RedisError>(pubsub)
    });
    let made = made
        .await
        .map_err(|_| locator.dialer.too_slow(&peer.place))?;
    let (sink, messages) = made.map_err(|e| error::driver(&e, &peer))?.split();
    let _ = notices.send(Notice::Resumed);
    tokio::select! {
        failure = forward(&peer, messages, notices) => Err(failure),
        failure = watch_over(locator, &peer, sink) => Err(failure),
    }
}

async fn forward(
    peer: &Peer,
    mut messages: impl Stream<Item = Msg> + Unpin,
    notices: &broadcast::Sender<Notice>,
) -> Failure {
    while let Some(message) = messages.next().await {
        for notice in parse(message.get_payload_bytes()) {
            // Nobody watching is no failure.
            let _ = notices.send(notice);
        }
    }
    let why = format!("`{}` closed the subscription", peer.place);
    Failure::new(StoreErrorKind::Unreachable, why)
}

async fn watch_over(locator: &Locator, peer: &Peer, mut sink: PubSubSink) -> Failure {
    loop {
        tokio::time::sleep(PING_EVERY).await;
        if !locator.leads_to_primary(&peer.place) {
            let why = format!("`{}` is not the primary any more", peer.place);
            return Failure::new(StoreErrorKind::Unreachable, why);
        }
        match tokio::time::timeout(locator.timeout(), sink.ping::<Value>()).await {
            Err(_) => return locator.dialer.too_slow(&peer.place),
            Ok(Err(error)) => {
                let failure = error::driver(&error, peer);
                // A user without the right to ping is answered all the same.
                if failure.kind != StoreErrorKind::Denied {
                    return failure;
                }
            }
            Ok(Ok(_)) => {}
        }
    }
}

/// The notices in one message; none if it is not ours.
fn parse(payload: &[u8]) -> Vec<Notice> {
    let parts = std::str::from_utf8(payload).ok().and_then(|text| {
        let (what, group) = text.strip_prefix("wk1|")?.split_once('|')?;
        Some((what, GroupId::new(group).ok()?))
    });
    let report = |group| Notice::Report { group };
    let released = |group| Notice::Released { group };
    match parts {
        Some(("report", group)) => vec![report(group)],
        Some(("released", group)) => vec![released(group)],
        Some(("report+released", group)) => vec![report(group.clone()), released(group)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_parsed_and_a_foreign_one_ignored() {
        let group = || GroupId::new("g-1").unwrap();
        let report = Notice::Report { group: group() };
        let released = Notice::Released { group: group() };
        assert_eq!(parse(b"wk1|report|g-1"), std::slice::from_ref(&report));
        assert_eq!(parse(b"wk1|released|g-1"), std::slice::from_ref(&released));
        assert_eq!(parse(b"wk1|report+released|g-1"), [report, released]);
        for foreign in [
            &b""[..],
            b"wk1|report|",
            b"wk1|report|a b",
            b"wk2|report|g",
            b"\xff",
            b"wk1|x|g",
            // What the check at the door sends.
            b"wk1|check|",
        ] {
            assert_eq!(parse(foreign), [], "{foreign:?}");
        }
    }
}
