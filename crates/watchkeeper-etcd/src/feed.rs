//! Change notices: one watch in a task of its own, handed on to every watcher.
//!
//! The task has a connection of its own. It says [`Notice::Resumed`] once etcd watches, forwards, and asks regularly how
//! far etcd has come, since a connection whose other end vanished looks just like a quiet one. When it breaks, it tries
//! again with full jitter and a capped backoff, or at once when the operations' own connection came back, and goes on
//! where it stopped as long as etcd remembers that far.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use etcd_client::{ResponseHeader, WatchFilterType, WatchOptions, WatchResponse, WatchStream};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::cache::{Notice, Notices};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::GroupId;

use crate::dial::Opened;
use crate::error::{self, Failure};
use crate::link::{self, Link};

/// Notices that wait for a slow watcher. One that falls further behind is told [`Notice::Resumed`].
const BACKLOG: usize = 256;
/// How often a quiet watch is asked whether it lives. Until then a vanished server costs notices, not rounds.
const ASK_EVERY: Duration = Duration::from_millis(900);
/// How long it may take to say so: together less than two seconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// The first wait after a failure is drawn from up to this long.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// Later ones from up to twice as long each, but never longer than this.
const BACKOFF_CAP: Duration = Duration::from_secs(5);
/// A watch that held this long was a good one: the backoff starts anew.
const GOOD_AFTER: Duration = Duration::from_secs(10);
/// The largest answer that is read. Etcd splits what is larger than a request may be, by default 1.5 MiB.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The watch, made when somebody first watches: who only takes leases makes the server tell nobody.
pub(crate) struct Feed {
    notices: broadcast::Sender<Notice>,
    link: Arc<Link>,
    prefix: String,
    /// Wakes the task out of its backoff.
    nudge: Arc<Notify>,
    /// Where the task runs, wherever the first watcher comes from.
    runtime: Handle,
    /// Ends with this.
    task: OnceLock<AbortOnDropHandle<()>>,
}

impl Feed {
    /// `prefix` is what all keys of the fleet begin with, a slash at its end included.
    pub(crate) fn new(
        link: Arc<Link>,
        prefix: String,
        nudge: Arc<Notify>,
        runtime: Handle,
    ) -> Self {
        Self {
            notices: broadcast::Sender::new(BACKLOG),
            link,
            prefix,
            nudge,
            runtime,
            task: OnceLock::new(),
        }
    }

    /// Notices from now on, [`Notice::Resumed`] first and after each gap.
    pub(crate) fn watch(&self) -> Notices {
        let later = BroadcastStream::new(self.notices.subscribe());
        self.task.get_or_init(|| {
            let watch = Watch {
                link: Arc::clone(&self.link),
                locks: format!("{}lock/", self.prefix),
                reports: format!("{}report/", self.prefix),
                notices: self.notices.clone(),
                seen: 0,
            };
            let kept = keep(watch, Arc::clone(&self.nudge));
            AbortOnDropHandle::new(self.runtime.spawn(kept))
        });
        let later = later.map(|next| next.unwrap_or(Notice::Resumed));
        Box::pin(stream::iter([Notice::Resumed]).chain(later))
    }
}

/// Watches again and again, as long as it runs.
async fn keep(mut watch: Watch, nudge: Arc<Notify>) {
    let dice = RandomState::new();
    let mut failures: u32 = 0;
    let mut told = false;
    for draw in 0_u64.. {
        let began = tokio::time::Instant::now();
        let Err(failure) = watch.once().await;
        if began.elapsed() >= GOOD_AFTER {
            failures = 0;
        }
        tell(&failure, watch.link.works(), &mut told);
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

/// Says once what a person has to mend and nobody else sees: a missing right to watch, while operations are done. That
/// the store is away, or lets nobody in, is said by those who need it.
fn tell(failure: &Failure, works: bool, told: &mut bool) {
    let kind = failure.kind.as_str();
    if failure.kind != StoreErrorKind::Denied {
        *told = false;
    } else if works && !*told {
        *told = true;
        tracing::warn!(
            kind,
            "no change notices from etcd, reports are found by polling: {}",
            failure.message
        );
        return;
    }
    tracing::debug!(kind, "etcd watch ended: {}", failure.message);
}

/// What is watched, and how far that came.
struct Watch {
    link: Arc<Link>,
    locks: String,
    reports: String,
    notices: broadcast::Sender<Notice>,
    /// The last revision of which everything was forwarded; 0: none yet.
    seen: i64,
}

impl Watch {
    /// One watch, until it fails.
    async fn once(&mut self) -> Result<Infallible, Failure> {
        let dialer = Arc::clone(self.link.dialer());
        let opened = dialer.open().await?;
        let failure = match tokio::time::timeout(dialer.timeout(), self.begin(&opened)).await {
            Ok(Ok(stream)) => {
                let _ = self.notices.send(Notice::Resumed);
                self.forward(stream).await
            }
            Ok(Err(failure)) => failure,
            Err(_) => silent(),
        };
        if failure.kind == StoreErrorKind::TooLarge {
            // It would be as large each time.
            self.seen = 0;
        }
        if failure.ends_connection() || failure.kind == StoreErrorKind::Timeout {
            dialer.avoid(opened.member);
        }
        let failure = link::at(failure, &opened.end, &opened.address);
        Err(self.link.explained(failure))
    }

    /// Both ranges on one stream, once etcd says that it watches them.
    async fn begin(&mut self, opened: &Opened) -> Result<WatchStream, Failure> {
        let mut client = opened
            .client
            .watch_client()
            .max_decoding_message_size(MAX_ANSWER_BYTES);
        let locks = self.range(WatchFilterType::NoPut);
        let mut stream = client.watch(self.locks.as_str(), Some(locks)).await?;
        let reports = self.range(WatchFilterType::NoDelete);
        stream.watch(self.reports.as_str(), Some(reports)).await?;
        let mut missing = 2_u8;
        while missing > 0 {
            let answer = next(&mut stream).await?;
            self.take(&answer)?;
            let revision = answer.header().map_or(0, ResponseHeader::revision);
            if revision < self.seen {
                // It would tell us nothing until it has come that far again.
                self.seen = 0;
                let why =
                    "etcd is behind what it told before: it lost its data, or this member lags";
                return Err(Failure::new(StoreErrorKind::Unreachable, why));
            }
            if self.seen == 0 {
                self.seen = revision;
            }
            if answer.created() {
                missing = missing.saturating_sub(1);
            }
        }
        Ok(stream)
    }

    fn range(&self, without: WatchFilterType) -> WatchOptions {
        let range = WatchOptions::new()
            .with_prefix()
            .with_fragment()
            .with_filters([without]);
        match self.seen {
            0 => range,
            seen => range.with_start_revision(seen.saturating_add(1)),
        }
    }

    async fn forward(&mut self, mut stream: WatchStream) -> Failure {
        let mut asked = false;
        loop {
            let patience = if asked { ANSWERS_WITHIN } else { ASK_EVERY };
            let taken = match tokio::time::timeout(patience, next(&mut stream)).await {
                Ok(Ok(answer)) => {
                    asked = false;
                    self.take(&answer)
                }
                Ok(Err(failure)) => Err(failure),
                Err(_) if asked => Err(silent()),
                Err(_) => {
                    asked = true;
                    stream.request_progress().await.map_err(Failure::from)
                }
            };
            if let Err(failure) = taken {
                return failure;
            }
        }
    }

    /// Hands on what an answer tells.
    fn take(&mut self, answer: &WatchResponse) -> Result<(), Failure> {
        if answer.compact_revision() > 0 {
            // What was missed is past finding; who watches reads anew after a gap anyway.
            self.seen = self.seen.max(answer.compact_revision());
            return Err(error::compacted());
        }
        if answer.canceled() {
            return Err(error::canceled(answer.cancel_reason()));
        }
        for kv in answer.events().iter().filter_map(etcd_client::Event::kv) {
            if let Some(notice) = self.notice(kv.key()) {
                // Nobody watching is no failure.
                let _ = self.notices.send(notice);
            }
            self.seen = self.seen.max(kv.mod_revision());
        }
        Ok(())
    }

    /// What a change of this key means: etcd was asked for a lock only when it goes, for a report only when it comes.
    fn notice(&self, key: &[u8]) -> Option<Notice> {
        let key = std::str::from_utf8(key).ok()?;
        let group = |text: &str| GroupId::new(text).ok();
        if let Some(text) = key.strip_prefix(&self.locks) {
            return group(text).map(|group| Notice::Released { group });
        }
        let text = key.strip_prefix(&self.reports)?;
        group(text).map(|group| Notice::Report { group })
    }
}

async fn next(stream: &mut WatchStream) -> Result<WatchResponse, Failure> {
    let answer = stream.message().await?;
    answer.ok_or_else(|| Failure::new(StoreErrorKind::Unreachable, "the watch was closed"))
}

fn silent() -> Failure {
    Failure::new(StoreErrorKind::Timeout, "the watch does not answer")
}

#[cfg(test)]
mod tests;
