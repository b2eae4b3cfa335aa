//! What the handlers share.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::events::EventSource;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::status::StatusSource;

use crate::health::HealthCache;
use crate::keys::Keys;
use crate::metrics::MetricsText;
use crate::shared_status::SharedStatusCache;
use crate::v1::Streams;

/// Is told how long each request took.
pub trait RequestObserver: Send + Sync + 'static {
    /// One request was answered. `route` is the route's pattern (`/v1/checks/{id}`), or `unmatched`; `method` is one of
    /// HTTP's own methods, or `other`: both stay few whatever is asked.
    fn observe(&self, route: &str, method: &'static str, status: u16, took: Duration);
}

/// What [`crate::router`] is built from.
pub struct ApiState {
    /// Where answers come from.
    pub source: Arc<dyn StatusSource>,
    /// Where events come from.
    pub events: Arc<dyn EventSource>,
    /// The keys that are let in. None: everybody is, which the configuration allows on a loopback address only, or
    /// where `http.allow_anonymous` says so.
    pub keys: Vec<Secret>,
    /// Whether `/metrics` wants a key.
    pub metrics_auth: bool,
    /// What `/metrics` shows.
    pub metrics: Arc<dyn MetricsText>,
    /// Is told how long each request took.
    pub observer: Option<Arc<dyn RequestObserver>>,
}

/// The handlers' view of [`ApiState`], with what they keep between requests.
pub(crate) struct Shared {
    pub(crate) source: Arc<dyn StatusSource>,
    pub(crate) events: Arc<dyn EventSource>,
    pub(crate) streams: Streams,
    pub(crate) keys: Keys,
    pub(crate) metrics_auth: bool,
    pub(crate) metrics: Arc<dyn MetricsText>,
    pub(crate) observer: Option<Arc<dyn RequestObserver>>,
    pub(crate) health: HealthCache,
    pub(crate) shared_status: SharedStatusCache,
}

pub(crate) type App = Arc<Shared>;

impl From<ApiState> for Shared {
    fn from(state: ApiState) -> Self {
        Self {
            source: state.source,
            events: state.events,
            streams: Streams::default(),
            keys: Keys::new(&state.keys),
            metrics_auth: state.metrics_auth,
            metrics: state.metrics,
            observer: state.observer,
            health: HealthCache::default(),
            shared_status: SharedStatusCache::default(),
        }
    }
}
