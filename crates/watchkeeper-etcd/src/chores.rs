//! Leases that nobody needs any more are given back to etcd, beside the work and one at a time. One that is not given
//! back ends by itself.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::error::StoreOp;

use crate::link::Link;

/// Leases that wait to be given back; more are left to end by themselves.
const BACKLOG: usize = 64;

/// The task that gives leases back; ends with this.
pub(crate) struct Chores {
    ids: mpsc::Sender<i64>,
    _task: AbortOnDropHandle<()>,
}

impl Chores {
    pub(crate) fn new(link: Arc<Link>, runtime: &Handle) -> Self {
        let (ids, mut due) = mpsc::channel(BACKLOG);
        let task = runtime.spawn(async move {
            while let Some(id) = due.recv().await {
                let given_back = link.run(StoreOp::Publish, |client| async move {
                    client.lease_client().revoke(id).await?;
                    Ok(())
                });
                if let Err(error) = given_back.await {
                    tracing::debug!(%error, "a lease that nobody needs is left to end by itself");
                }
            }
        });
        Self {
            ids,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The lease is given back when there is time for it. Nothing of ours may hang on it.
    pub(crate) fn give_back(&self, id: i64) {
        // A full queue is no failure.
        let _ = self.ids.try_send(id);
    }
}
