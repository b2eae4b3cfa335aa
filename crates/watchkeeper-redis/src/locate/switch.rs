//! Hears from the sentinels when the primary is another one now.
//!
//! A former primary that stays reachable breaks no connection, and one that nobody demoted yet goes on taking writes
//! that will be lost. So a sentinel is listened to, and asked now and then, in case that it could not tell.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{PubSub, PubSubSink, PubSubStream};
use tokio::time::{Instant, timeout};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_remote::Backoff;

use super::Locator;
use super::sentinel::{Sentinels, ask, must_be_primary};
use crate::dial::Dialer;
use crate::error::{self, Failure};
use crate::options::Node;
use crate::place::Place;
use crate::rights::SWITCHED;

/// A sentinel is asked for the primary about so often.
const ASK_EVERY: Duration = Duration::from_secs(4);

/// Watches as long as it runs; ends at once where there are no sentinels.
pub(crate) async fn watch(locator: Arc<Locator>) {
    let Some(sentinels) = locator.sentinels() else {
        return;
    };
    let mut backoff = Backoff::default();
    let mut deaf = false;
    for turn in 0_usize.. {
        let nodes = sentinels.nodes();
        let Some(node) = nodes.get(turn % nodes.len().max(1)).cloned() else {
            return;
        };
        let began = Instant::now();
        let Err(failure) = follow(&locator, sentinels, &node, &mut backoff, &mut deaf).await;
        tracing::debug!(
            kind = failure.kind.as_str(),
            "a sentinel is not listened to any more: {}",
            failure.message
        );
        let wait = backoff.after(began);
        tokio::time::sleep(wait).await;
    }
}

/// Follows one sentinel until it fails.
async fn follow(
    locator: &Locator,
    sentinels: &Sentinels,
    node: &Node,
    backoff: &mut Backoff,
    deaf: &mut bool,
) -> Result<Infallible, Failure> {
    let place = Place::Tcp(node.clone());
    let late = |_| locator.dialer.too_slow(&place);
    let asked = timeout(locator.timeout(), locator.dialer.open_sentinel(node)).await;
    let mut asked = asked.map_err(late)??;
    let mut heard = match listen(locator, node).await {
        Ok(heard) => Some(heard),
        Err(failure) if failure.kind == StoreErrorKind::Denied => {
            // Asking finds the same, a little later.
            if !std::mem::replace(deaf, true) {
                tracing::warn!(
                    "no word of failovers from the sentinels: {}",
                    failure.message
                );
            }
            None
        }
        Err(failure) => return Err(failure),
    };
    let mut named = None;
    loop {
        if named.is_none() {
            let answer = timeout(locator.timeout(), ask(&mut asked, &sentinels.master)).await;
            named = answer.map_err(late)??;
        }
        if let Some(named) = named.take() {
            compare(locator, sentinels, node, Place::Tcp(named)).await;
        }
        let next = tokio::time::sleep(backoff.about(ASK_EVERY));
        let Some((_, messages)) = &mut heard else {
            next.await;
            continue;
        };
        tokio::select! {
            () = next => {}
            message = messages.next() => {
                let Some(message) = message else {
                    let why = format!("the sentinel at `{node}` closed the subscription");
                    return Err(Failure::new(StoreErrorKind::Unreachable, why));
                };
                named = switched(message.get_payload_bytes(), &sentinels.master);
            }
        }
    }
}

/// A subscription to the word of failovers.
async fn listen(locator: &Locator, node: &Node) -> Result<(PubSubSink, PubSubStream), Failure> {
    let made = timeout(locator.timeout(), async {
        let way = locator.dialer.open_sentinel(node).await?;
        let failed = |error| error::driver(&error, &way.peer);
        let pubsub = PubSub::new(&Dialer::nothing_to_say(), way.wire).await;
        let mut pubsub = pubsub.map_err(failed)?;
        pubsub.subscribe(SWITCHED).await.map_err(failed)?;
        Ok(pubsub.split())
    });
    let late = |_| locator.dialer.too_slow(&Place::Tcp(node.clone()));
    made.await.map_err(late)?
}

/// Lets go of what leads elsewhere, once the named one says itself that it is the primary.
async fn compare(locator: &Locator, sentinels: &Sentinels, by: &Node, named: Place) {
    if locator.leads_to_primary(&named) {
        return;
    }
    let confirmed = timeout(locator.timeout(), async {
        let mut way = locator.dialer.open(&named).await?;
        must_be_primary(&mut way, by).await
    });
    if matches!(confirmed.await, Ok(Ok(_))) {
        tracing::info!("the sentinel at `{by}` says that the primary is at `{named}` now");
        sentinels.prefer(by);
        locator.moved(named);
    }
}

/// The new address in `<name> <old host> <old port> <new host> <new port>`, if it is about this name.
fn switched(payload: &[u8], master: &str) -> Option<Node> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut words = text.strip_prefix(master)?.strip_prefix(' ')?.split(' ');
    let (_, _, host, port) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty()).then(|| Node::new(host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_failover_is_understood() {
        let new = Some(Node::new("10.0.0.2", 6380));
        for (payload, wanted) in [
            (&b"mymaster 10.0.0.1 6379 10.0.0.2 6380"[..], new),
            (b"other 10.0.0.1 6379 10.0.0.2 6380", None),
            (b"mymaster2 10.0.0.1 6379 10.0.0.2 6380", None),
            (b"mymaster 10.0.0.1 6379 10.0.0.2", None),
            (b"mymaster 10.0.0.1 6379 10.0.0.2 0", None),
            (b"mymaster 10.0.0.1 6379  6380", None),
            (b"\xff", None),
            (b"", None),
        ] {
            assert_eq!(switched(payload, "mymaster"), wanted);
        }
    }
}
