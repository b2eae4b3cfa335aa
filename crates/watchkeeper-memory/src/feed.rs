//! Change notices for everybody in the process.

use futures_util::stream::{self, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use watchkeeper_core::cache::{Notice, Notices};

/// Notices that wait for a slow watcher. A watcher that falls further behind is told [`Notice::Resumed`] and reads
/// everything once, which is cheaper than this many single reads.
const BACKLOG: usize = 256;

pub(crate) struct Feed(broadcast::Sender<Notice>);

impl Feed {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn tell(&self, notice: Notice) {
        // Nobody watching is no failure.
        let _ = self.0.send(notice);
    }

    pub(crate) fn watch(&self) -> Notices {
        let later = BroadcastStream::new(self.0.subscribe());
        let later = later.map(|next| next.unwrap_or(Notice::Resumed));
        Box::pin(stream::iter([Notice::Resumed]).chain(later))
    }
}
