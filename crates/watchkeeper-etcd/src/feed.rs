//! Change notices: one watch, from which the shared feed serves every watcher.
//!
//! It has a connection of its own, and asks regularly how far etcd has come, since a connection whose other end vanished
//! looks just like a quiet one. When it is made again it goes on where it stopped, as long as etcd remembers that far.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{ResponseHeader, WatchFilterType, WatchOptions, WatchResponse, WatchStream};
use tokio::sync::broadcast;
use watchkeeper_core::cache::Notice;
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::GroupId;
use watchkeeper_remote::{Reason, Subscription};

use crate::dial::Opened;
use crate::error::{self, Failure};
use crate::link::{self, Link};

/// How often a quiet watch is asked whether it lives. Until then a vanished server costs notices, not rounds.
const ASK_EVERY: Duration = Duration::from_millis(900);
/// How long it may take to say so: together less than two seconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// The largest answer that is read. Etcd splits what is larger than a request may be, by default 1.5 MiB.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// What is watched, and how far that came.
pub(crate) struct Watch {
    link: Arc<Link>,
    locks: String,
    reports: String,
    /// The last revision of which everything was forwarded; 0: none yet.
    seen: i64,
}

impl Subscription for Watch {
    const STORE: &str = "etcd";
    const NAME: &str = "watch";

    async fn once(&mut self, notices: &broadcast::Sender<Notice>) -> Reason {
        let Err(failure) = self.watch(notices).await;
        failure.into()
    }

    fn operations_work(&self) -> bool {
        self.link.works()
    }
}

impl Watch {
    /// `prefix` is what all keys of the fleet begin with, a slash at its end included.
    pub(crate) fn new(link: Arc<Link>, prefix: &str) -> Self {
        Self {
            link,
            locks: format!("{prefix}lock/"),
            reports: format!("{prefix}report/"),
            seen: 0,
        }
    }

    /// One watch, until it fails.
    async fn watch(&mut self, notices: &broadcast::Sender<Notice>) -> Result<Infallible, Failure> {
        let dialer = Arc::clone(self.link.dialer());
        let opened = dialer.open().await?;
        let begun = self.begin(&opened, notices);
        let failure = match tokio::time::timeout(dialer.timeout(), begun).await {
            Ok(Ok(stream)) => {
                let _ = notices.send(Notice::Resumed);
                self.forward(stream, notices).await
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
    async fn begin(
        &mut self,
        opened: &Opened,
        notices: &broadcast::Sender<Notice>,
    ) -> Result<WatchStream, Failure> {
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
            self.take(&answer, notices)?;
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

    async fn forward(
        &mut self,
        mut stream: WatchStream,
        notices: &broadcast::Sender<Notice>,
    ) -> Failure {
        let mut asked = false;
        loop {
            let patience = if asked { ANSWERS_WITHIN } else { ASK_EVERY };
            let taken = match tokio::time::timeout(patience, next(&mut stream)).await {
                Ok(Ok(answer)) => {
                    asked = false;
                    self.take(&answer, notices)
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
    fn take(
        &mut self,
        answer: &WatchResponse,
        notices: &broadcast::Sender<Notice>,
    ) -> Result<(), Failure> {
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
                let _ = notices.send(notice);
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
