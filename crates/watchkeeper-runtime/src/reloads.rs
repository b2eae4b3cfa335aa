//! The way to hand a running pod other checks and settings.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use watchkeeper_core::check::Check;
use watchkeeper_core::companion::CompanionCodec;
use watchkeeper_core::coordinator::Settings;
use watchkeeper_core::id::CheckId;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::status::ShownSettings;

use crate::driver::{Asked, Input};
use crate::driver_reload::{Change, ReloadError};

/// What a running pod goes on with: everything of [`crate::PodOptions`] that may change while it runs.
pub struct PodChange {
    /// What is probed.
    pub checks: Vec<Check>,
    /// One coordinator's settings per group, from [`crate::group_settings`]. Pod, coordination, seed and the limit of a store
    /// operation stay as they were.
    pub groups: Vec<Settings>,
    /// What answers repeat.
    pub shown: ShownSettings,
    /// How checks are asked from now on. Probes in flight end as they began.
    pub prober: Arc<dyn Prober>,
    /// Most probes at once.
    pub concurrency: usize,
    /// How companions of the reports are written and read, where the store keeps any.
    pub companions: Option<Arc<dyn CompanionCodec>>,
}

/// Hands a running pod other checks and settings.
#[derive(Clone)]
pub struct Reloads(mpsc::Sender<Input>);

impl Reloads {
    pub(crate) const fn to(inbox: mpsc::Sender<Input>) -> Self {
        Self(inbox)
    }

    /// The pod goes on with these. When this returns, its picture shows them and no probe starts any more by the old ones.
    /// Groups whose checks ask the same with the same keys keep lease, results and a round under way; others hand over
    /// first, for at most the drain's time.
    ///
    /// # Errors
    /// Where the pod is leaving or has stopped: nothing changed.
    pub async fn reload(&self, change: PodChange) -> Result<(), ReloadError> {
        let PodChange {
            checks,
            groups,
            shown,
            prober,
            concurrency,
            companions,
        } = change;
        let change = Change {
            asked: asked(&checks, &*prober),
            checks,
            groups,
            shown,
            prober,
            concurrency,
            companions,
        };
        let (reply, answer) = oneshot::channel();
        self.0
            .send(Input::Reload(Box::new(change), reply))
            .await
            .map_err(|_| ReloadError::Stopped)?;
        answer.await.map_err(|_| ReloadError::Stopped)?
    }
}

/// Each check as it is asked.
pub(crate) fn asked(checks: &[Check], prober: &dyn Prober) -> HashMap<CheckId, Asked> {
    checks
        .iter()
        .map(|c| {
            let asked = Asked {
                check: Arc::new(c.clone()),
                sends: prober.plan(c, Effort::Full).is_ok(),
                provider: Arc::from(c.provider()),
            };
            (c.id.clone(), asked)
        })
        .collect()
}
