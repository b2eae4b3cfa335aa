//! Whether a connection is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What one connection did since it was last asked. A timer that is set anew for each request would cost more than most
/// answers; a look now and then at this costs nothing.
#[derive(Default)]
pub(super) struct Activity {
    /// A request came, or bytes of an answer went out.
    moved: AtomicBool,
    /// Requests that are not answered yet.
    open: AtomicUsize,
}

impl Activity {
    /// Notes that something moved.
    pub(super) fn mark(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    /// Notes a request, until the guard is dropped.
    pub(super) fn request(&self) -> Open<'_> {
        self.mark();
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    /// Notes an answer that does not end by itself, until the guard is dropped.
    pub(super) fn stream(self: &Arc<Self>) -> OpenStream {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenStream(Arc::clone(self))
    }

    /// Whether anything moved since the last call, or a request is open.
    pub(super) fn take(&self) -> bool {
        self.moved.swap(false, Ordering::Relaxed) || self.open.load(Ordering::Relaxed) > 0
    }
}

/// A request that is not answered yet.
pub(super) struct Open<'a>(&'a Activity);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that goes on.
pub(super) struct OpenStream(Arc<Activity>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_used_while_something_moves_or_a_request_is_open() {
        let activity = Arc::new(Activity::default());
        assert!(!activity.take());
        activity.mark();
        assert_eq!((activity.take(), activity.take()), (true, false));
        let open = activity.request();
        assert_eq!((activity.take(), activity.take()), (true, true));
        drop(open);
        assert!(!activity.take());
        let stream = activity.stream();
        assert_eq!((activity.take(), activity.take()), (true, true));
        drop(stream);
        assert!(!activity.take());
    }
}
