//! Store operations as the driver wants them: bounded, measured, decoded.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::cache::{Found, Presence, Publish, Store};
use watchkeeper_core::companion::{CompanionCodec, CompanionState};
use watchkeeper_core::coordinator::{Beside, Command, Event, FoundReport, Publication, ReadReport};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::{MAX_REPORT_BYTES, Report};
use watchkeeper_core::time::Clock;

use crate::companions::Companions;
use crate::metrics::Metrics;

/// A backend keeps its own time limit; one that does not is cut off this much later.
const OVERTIME: Duration = Duration::from_millis(100);

/// The store, with limits and measures around it.
#[derive(Clone)]
pub(crate) struct StoreClient {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    companions: Option<Arc<Companions>>,
    limit: Duration,
}

impl StoreClient {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        companions: Option<Arc<Companions>>,
        op_timeout: Duration,
    ) -> Self {
        Self {
            store,
            clock,
            metrics,
            companions,
            limit: op_timeout + OVERTIME,
        }
    }

    /// The same store, whose reports have companions of this kind from now on. What people were told of them stays known.
    pub(crate) fn with_companions(&self, codec: Option<Arc<dyn CompanionCodec>>) -> Self {
        let companions = codec.map(|codec| {
            let clock = Arc::clone(&self.clock);
            Arc::new(match &self.companions {
                Some(before) => before.with_codec(codec),
                None => Companions::new(codec, clock),
            })
        });
        Self {
            companions,
            ..self.clone()
        }
    }

    async fn call<T>(
        &self,
        op: StoreOp,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let sent = self.clock.now();
        let result = tokio::time::timeout(self.limit, call)
            .await
            .unwrap_or_else(|_| {
                Err(StoreError::unknown(
                    StoreErrorKind::Timeout,
                    op,
                    format!("no answer within {:?}", self.limit),
                ))
            });
        self.metrics
            .store_op(op, self.clock.now().since(sent), result.as_ref().err());
        result
    }

    /// Does what a coordinator commanded of the store, and answers with its event; `None` for commands that are not
    /// the store's.
    pub(crate) async fn execute(&self, group: &GroupId, command: Command) -> Option<Event> {
        Some(match command {
            Command::Acquire(op, request) => Event::Acquired(
                op,
                self.call(StoreOp::Acquire, self.store.acquire(&request))
                    .await,
            ),
            Command::Renew(op, lease, ttl) => Event::Renewed(
                op,
                self.call(StoreOp::Renew, self.store.renew(&lease, ttl))
                    .await,
            ),
            Command::Release(op, lease) => Event::Released(
                op,
                self.call(StoreOp::Release, self.store.release(&lease))
                    .await,
            ),
            Command::Read(op, floor) => Event::Read(op, self.read(group, floor).await),
            Command::Publish(op, publication) => {
                Event::Published(op, self.publish(publication).await)
            }
            Command::Probe(..) | Command::Cancel(_) | Command::Answer(..) | Command::Tell(_) => {
                return None;
            }
        })
    }

    async fn read(&self, group: &GroupId, floor: Token) -> Result<ReadReport, StoreError> {
        let read = self
            .call(StoreOp::Read, self.store.read(group, floor))
            .await?;
        let found = match read.found {
            Found::Nothing => FoundReport::Nothing,
            Found::Garbage { why } => FoundReport::Garbage { why },
            Found::Report(stored) => match Report::decode(&stored.value) {
                Ok(report) => FoundReport::Report {
                    token: stored.token,
                    age: stored.age,
                    report: Box::new(report),
                },
                Err(error) => FoundReport::Garbage {
                    why: error.to_string(),
                },
            },
        };
        let beside = self
            .companions
            .as_ref()
            .map_or(Beside::Nothing, |companions| {
                companions.read(read.companion)
            });
        Ok(ReadReport {
            fence: read.fence,
            found,
            beside,
        })
    }

    async fn publish(
        &self,
        publication: Publication,
    ) -> Result<watchkeeper_core::cache::Published, StoreError> {
        let value = publication.report.encode();
        if value.len() > MAX_REPORT_BYTES {
            return Err(StoreError::refused(
                StoreErrorKind::TooLarge,
                StoreOp::Publish,
                format!(
                    "the report has {} bytes, more than the {MAX_REPORT_BYTES} that a store takes: use fewer checks \
                     per fleet, or `coordination.lock_scope = \"check\"`",
                    value.len()
                ),
            ));
        }
        let companion = self
            .companions
            .as_ref()
            .and_then(|companions| companions.beside(&publication));
        let publish = Publish {
            lease: publication.lease,
            edition: publication.edition,
            value: value.into(),
            retain: publication.retain,
            then: publication.then,
            companion,
        };
        self.call(StoreOp::Publish, self.store.publish(&publish))
            .await
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.call(StoreOp::Ping, self.store.ping()).await
    }

    pub(crate) async fn announce(&self, presence: &Presence) -> Result<(), StoreError> {
        self.call(StoreOp::Announce, self.store.announce(presence))
            .await
    }

    pub(crate) async fn leave(&self, pod: &PodId) -> Result<(), StoreError> {
        self.call(StoreOp::Announce, self.store.leave(pod)).await
    }

    pub(crate) async fn pods(&self) -> Result<Vec<watchkeeper_core::cache::PodSeen>, StoreError> {
        self.call(StoreOp::Pods, self.store.pods()).await
    }

    pub(crate) fn watch(&self) -> watchkeeper_core::cache::Notices {
        self.store.watch()
    }

    /// Whether its reports have companions.
    pub(crate) fn has_companions(&self) -> bool {
        self.companions.is_some()
    }

    /// What the store saw of its companions, said and counted where it changed.
    pub(crate) fn companion(&self) -> Option<CompanionState> {
        let companions = self.companions.as_ref()?;
        let state = self.store.companion();
        companions
            .observe(state.clone(), &self.metrics)
            .then_some(state)
    }

    pub(crate) fn guarantee(&self) -> watchkeeper_core::lease::Guarantee {
        self.store.guarantee()
    }
}
