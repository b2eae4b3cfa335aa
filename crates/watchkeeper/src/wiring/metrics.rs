//! The metrics as the HTTP surface wants them.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_api::{MetricsText, RequestObserver};
use watchkeeper_core::status::StatusSource;
use watchkeeper_runtime::{Metrics, StatusHub};

/// Renders the pod's metrics, and counts the requests.
pub(crate) struct PodMetrics {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) status: Arc<StatusHub>,
}

impl MetricsText for PodMetrics {
    fn render(&self) -> String {
        self.metrics.render(
            &self.status.snapshot(),
            self.status.now(),
            self.status.unix(),
        )
    }
}

impl RequestObserver for PodMetrics {
    fn observe(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        self.metrics.request(route, method, status, took);
    }
}
