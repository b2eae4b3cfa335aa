//! Change notices: one subscription, from which the shared feed serves every watcher.
//!
//! It asks regularly whether the server is still there, since a connection whose other end vanished looks just like a
//! quiet one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{Stream, StreamExt};
use redis::aio::{PubSub, PubSubSink};
use redis::{Msg, Value};
use tokio::sync::broadcast;
use watchkeeper_core::cache::Notice;
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::GroupId;
use watchkeeper_remote::{Reason, Subscription};

use crate::dial::Dialer;
use crate::error::{self, Failure, Peer};
use crate::locate::{Locator, Purpose};

/// How often a quiet subscription is asked whether it lives and leads to the primary. Until then a vanished server costs
/// notices, not rounds.
const PING_EVERY: Duration = Duration::from_secs(1);

/// The fleet's channel, at whoever is the primary.
pub(crate) struct Channel {
    pub(crate) locator: Arc<Locator>,
    pub(crate) name: String,
}

impl Subscription for Channel {
    const STORE: &str = "redis";
    const NAME: &str = "subscription";

    async fn once(&mut self, notices: &broadcast::Sender<Notice>) -> Reason {
        let Err(failure) = subscribe(&self.locator, &self.name, notices).await;
        failure.into()
    }

    fn operations_work(&self) -> bool {
        self.locator.lets_operations_in()
    }
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
