//! Change notices: one subscription in a task of its own, handed on to every watcher.
//!
//! The task subscribes, says [`Notice::Resumed`], forwards, and asks regularly whether the server is still there,
//! since a connection whose other end vanished looks just like a quiet one. When it breaks, it tries again with full
//! jitter and a capped backoff, or at once when the operations' own connection came back.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
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

use crate::dial::Dialer;
use crate::error::{self, Failure};

/// Notices that wait for a slow watcher. One that falls further behind is told [`Notice::Resumed`].
const BACKLOG: usize = 256;
/// How often a quiet subscription is asked whether it lives. Until then a vanished server costs notices, not rounds.
const PING_EVERY: Duration = Duration::from_secs(1);
/// The first wait after a failure is drawn from up to this long.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// Later ones from up to twice as long each, but never longer than this.
const BACKOFF_CAP: Duration = Duration::from_secs(5);
/// A subscription that held this long was a good one: the backoff starts anew.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// The subscription, made when somebody first watches: who only takes leases makes the server tell nobody.
pub(crate) struct Feed {
    notices: broadcast::Sender<Notice>,
    dialer: Arc<Dialer>,
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
        dialer: Arc<Dialer>,
        channel: String,
        nudge: Arc<Notify>,
        runtime: Handle,
    ) -> Self {
        Self {
            notices: broadcast::Sender::new(BACKLOG),
            dialer,
            channel,
            nudge,
            runtime,
            task: OnceLock::new(),
        }
    }

    pub(crate) fn watch(&self) -> Notices {
        let later = BroadcastStream::new(self.notices.subscribe());
        self.task.get_or_init(|| {
            let (dialer, channel) = (Arc::clone(&self.dialer), self.channel.clone());
            let (nudge, notices) = (Arc::clone(&self.nudge), self.notices.clone());
            let kept = keep(dialer, channel, nudge, notices);
            AbortOnDropHandle::new(self.runtime.spawn(kept))
        });
        let later = later.map(|next| next.unwrap_or(Notice::Resumed));
        Box::pin(stream::iter([Notice::Resumed]).chain(later))
    }
}

/// Subscribes again and again, as long as it runs.
async fn keep(
    dialer: Arc<Dialer>,
    channel: String,
    nudge: Arc<Notify>,
    notices: broadcast::Sender<Notice>,
) {
    let dice = RandomState::new();
    let mut failures: u32 = 0;
    let mut told: Option<StoreErrorKind> = None;
    for draw in 0_u64.. {
        let began = tokio::time::Instant::now();
        let Err(failure) = subscribe(&dialer, &channel, &notices).await;
        if began.elapsed() >= GOOD_AFTER {
            failures = 0;
        }
        tell(&failure, &mut told);
        let wait = backoff(failures, dice.hash_one(draw));
        failures = failures.saturating_add(1);
        // A nudge that came before the failure is of an older time.
        let _ = nudge.notified().now_or_never();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = nudge.notified() => {}
        }
    }
}

/// Full jitter: anything between nothing and a bound that doubles with each failure up to the cap.
fn backoff(failures: u32, random: u64) -> Duration {
    let doubled = BACKOFF_FIRST.saturating_mul(1_u32.checked_shl(failures.min(16)).unwrap_or(1));
    let bound = u64::try_from(doubled.min(BACKOFF_CAP).as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random % bound.max(1))
}

/// Says once what a person has to mend and nobody else sees: a missing right to the channel. That the store is away, or
/// lets nobody in, is said by those who need it.
fn tell(failure: &Failure, told: &mut Option<StoreErrorKind>) {
    let kind = failure.kind;
    if kind != StoreErrorKind::Denied {
        tracing::debug!(
            kind = kind.as_str(),
            "redis subscription ended: {}",
            failure.message
        );
    } else if *told != Some(kind) {
        tracing::warn!(
            kind = kind.as_str(),
            "no change notices from redis, reports are found by polling: {}",
            failure.message
        );
    }
    *told = Some(kind);
}

/// One subscription, until it fails.
async fn subscribe(
    dialer: &Dialer,
    channel: &str,
    notices: &broadcast::Sender<Notice>,
) -> Result<Infallible, Failure> {
    let wire = dialer.open().await?;
    let made = tokio::time::timeout(dialer.timeout(), async {
        let mut pubsub = PubSub::new(&Dialer::nothing_to_say(), wire).await?;
        pubsub.subscribe(channel).await?;
        Ok::<_, redis::RedisError>(pubsub)
    });
    let made = made.await.map_err(|_| dialer.too_slow())?;
    let (sink, messages) = made
        .map_err(|e| error::driver(&e, &dialer.address))?
        .split();
    let _ = notices.send(Notice::Resumed);
    tokio::select! {
        failure = forward(dialer, messages, notices) => Err(failure),
        failure = watch_over(dialer, sink) => Err(failure),
    }
}

async fn forward(
    dialer: &Dialer,
    mut messages: impl Stream<Item = Msg> + Unpin,
    notices: &broadcast::Sender<Notice>,
) -> Failure {
    while let Some(message) = messages.next().await {
        for notice in parse(message.get_payload_bytes()) {
            // Nobody watching is no failure.
            let _ = notices.send(notice);
        }
    }
    let why = format!("`{}` closed the subscription", dialer.address);
    Failure::new(StoreErrorKind::Unreachable, why)
}

async fn watch_over(dialer: &Dialer, mut sink: PubSubSink) -> Failure {
    loop {
        tokio::time::sleep(PING_EVERY).await;
        match tokio::time::timeout(dialer.timeout(), sink.ping::<Value>()).await {
            Err(_) => return dialer.too_slow(),
            Ok(Err(error)) => {
                let failure = error::driver(&error, &dialer.address);
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
        ] {
            assert_eq!(parse(foreign), [], "{foreign:?}");
        }
    }

    #[test]
    fn backoff_grows_to_its_cap_and_is_spread_from_zero() {
        assert_eq!(backoff(0, 0), Duration::ZERO);
        for failures in [0, 1, 5, 6, 7, 40, u32::MAX] {
            for random in [1, 12_345_678_901, u64::MAX] {
                assert!(backoff(failures, random) < BACKOFF_CAP);
            }
        }
        assert!(backoff(0, u64::MAX) < BACKOFF_FIRST);
        let highest = (0..1_000)
            .map(|i| backoff(9, i * 4_999_999 / 999))
            .max()
            .unwrap();
        assert!(highest > BACKOFF_CAP * 9 / 10, "{highest:?}");
    }
}
