//! What the handlers share.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::events::EventSource;
use watchkeeper_core::on_demand::OnDemand;
use watchkeeper_core::status::StatusSource;

use crate::health::HealthCache;
use crate::keys::Access;
use crate::metrics::MetricsText;
use crate::reload::Reloader;
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
    /// By what checks are probed when somebody asks for it.
    pub on_demand: Arc<dyn OnDemand>,
    /// Where events come from.
    pub events: Arc<dyn EventSource>,
    /// Who is let in.
    pub access: Arc<Access>,
    /// Reads the configuration again; none where the pod has none that could change.
    pub reloader: Option<Arc<dyn Reloader>>,
    /// What `/metrics` shows.
    pub metrics: Arc<dyn MetricsText>,
    /// Is told how long each request took.
    pub observer: Option<Arc<dyn RequestObserver>>,
}

/// The handlers' view of [`ApiState`], with what they keep between requests.
pub(crate) struct Shared {
    pub(crate) source: Arc<dyn StatusSource>,
    pub(crate) on_demand: Arc<dyn OnDemand>,
    pub(crate) events: Arc<dyn EventSource>,
    pub(crate) streams: Streams,
    pub(crate) access: Arc<Access>,
    pub(crate) reloader: Option<Arc<dyn Reloader>>,
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
            on_demand: state.on_demand,
            events: state.events,
            streams: Streams::default(),
            access: state.access,
            reloader: state.reloader,
            metrics: state.metrics,
            observer: state.observer,
            health: HealthCache::default(),
            shared_status: SharedStatusCache::default(),
        }
    }
}
